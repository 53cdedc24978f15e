/** A metric over runs: one small line chart, oldest run left. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { formatMetric } from '../panels/runs/words';

export interface Point {
  readonly runId: string;
  readonly title: string;
  readonly value: number;
}

const WIDTH = 280;
const HEIGHT = 72;
const EDGE = 8;

/** Where the points stand, in pixels; the largest value at the top. Equal values stand in the middle. */
export function placePoints(values: readonly number[]): { x: number; y: number }[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const step = values.length > 1 ? (WIDTH - 2 * EDGE) / (values.length - 1) : 0;
  const share = (value: number) => (most > least ? (value - least) / (most - least) : 0.5);
  return values.map((value, index) => ({
    x: EDGE + index * step,
    y: HEIGHT - EDGE - share(value) * (HEIGHT - 2 * EDGE)
  }));
}

export function Trend(props: {
  name: string;
  points: readonly Point[];
  marked: ReadonlySet<string>;
  trans: TranslationBundle;
}): ReactElement {
  const { name, points, marked, trans } = props;
  const values = points.map(point => point.value);
  const places = placePoints(values);
  const ends = trans.__('%1 to %2', formatMetric(Math.min(...values)), formatMetric(Math.max(...values)));
  return (
    <figure className="jp-pipe-Trend">
      <figcaption>
        <span className="jp-pipe-code">{name}</span> <span className="jp-pipe-second">{ends}</span>
      </figcaption>
      <svg
        width={WIDTH}
        height={HEIGHT}
        role="img"
        aria-label={trans.__('%1 in %2 runs, %3', name, points.length, ends)}
      >
        <polyline points={places.map(({ x, y }) => `${x},${y}`).join(' ')} />
        {places.map(({ x, y }, index) => (
          <circle key={points[index].runId} cx={x} cy={y} r={marked.has(points[index].runId) ? 4 : 2.5} data-marked={marked.has(points[index].runId)}>
            <title>{`${points[index].title}: ${formatMetric(points[index].value)}`}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}
