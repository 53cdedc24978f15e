/** The pictures of the pages: small, from numbers that stand beside them as text. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { coarser, formatNumber, scaled } from './numbers';

const WIDTH = 132;
const HEIGHT = 28;
const BARS = 32;

/** How often values occur, from the least to the most. */
export function Histogram({ counts, label }: { counts: readonly number[]; label: string }): ReactElement | null {
  const bars = coarser(counts, BARS);
  const most = Math.max(...bars, 0);
  if (most <= 0) {
    return null;
  }
  const width = WIDTH / bars.length;
  return (
    <svg className="jp-pipe-Ops-bars" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {bars.map((count, index) => {
        const height = (count / most) * (HEIGHT - 1);
        return <rect key={index} x={index * width} y={HEIGHT - height} width={Math.max(width - 0.5, 0.5)} height={height} />;
      })}
      <line x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
    </svg>
  );
}

/** The most frequent values, each with its share of the rows. */
export function Top({ top, rows }: { top: readonly (readonly [string, number])[]; rows: number }): ReactElement {
  const most = Math.max(...top.map(([, count]) => count), 1);
  return (
    <ul className="jp-pipe-Ops-top">
      {top.slice(0, 4).map(([value, count]) => (
        <li key={value}>
          <span className="jp-pipe-Ops-share" aria-hidden>
            <span style={{ width: `${(100 * Math.max(count, 0)) / most}%` }} />
          </span>
          <span className="jp-pipe-Ops-value" title={value}>
            {value}
          </span>
          <span className="jp-pipe-second">{formatNumber(rows > 0 ? Math.round((100 * count) / rows) : 0)} %</span>
        </li>
      ))}
    </ul>
  );
}

/** One point of a scatter plot: where it stands, how it is marked, what is told when it is pointed at. */
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly isBest: boolean;
}

const PLOT = { width: 420, height: 180, left: 64, bottom: 24, edge: 10 } as const;

/** Points with the least and the most of both sides written beside. */
export function Scatter(props: { dots: readonly Dot[]; x: string; y: string; label: string }): ReactElement | null {
  const { dots, x, y, label } = props;
  if (dots.length === 0) {
    return null;
  }
  const [xs, ys] = [dots.map(dot => dot.x), dots.map(dot => dot.y)];
  const [atX, atY] = [scaled(xs), scaled(ys)];
  const { width, height, left, bottom, edge } = PLOT;
  const placeX = (value: number) => left + edge + atX(value) * (width - left - 2 * edge);
  const placeY = (value: number) => height - bottom - edge - atY(value) * (height - bottom - 2 * edge);
  return (
    <figure className="jp-pipe-Ops-plot">
      <figcaption>
        <span className="jp-pipe-code">{y}</span> <span className="jp-pipe-second">{x}</span>
      </figcaption>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
        <path d={`M${left} 0V${height - bottom}H${width}`} />
        {Math.max(...ys) > Math.min(...ys) && (
          <>
            <text x={left - 6} y={placeY(Math.max(...ys)) + 4} textAnchor="end">
              {formatNumber(Math.max(...ys))}
            </text>
            <text x={left - 6} y={placeY(Math.min(...ys)) + 4} textAnchor="end">
              {formatNumber(Math.min(...ys))}
            </text>
          </>
        )}
        <text x={placeX(Math.min(...xs))} y={height - 6} textAnchor="middle">
          {formatNumber(Math.min(...xs))}
        </text>
        {Math.max(...xs) > Math.min(...xs) && (
          <text x={placeX(Math.max(...xs))} y={height - 6} textAnchor="middle">
            {formatNumber(Math.max(...xs))}
          </text>
        )}
        {dots.map((dot, index) => (
          <circle key={index} cx={placeX(dot.x)} cy={placeY(dot.y)} r={dot.isBest ? 6 : 4} data-best={dot.isBest}>
            <title>{dot.title}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}

/** Answers over time; refusals stand on them, hatched. */
export function Traffic(props: {
  buckets: readonly { readonly answers: number; readonly refused: number; readonly since: number }[];
  trans: TranslationBundle;
}): ReactElement | null {
  const { buckets, trans } = props;
  const most = Math.max(...buckets.map(bucket => bucket.answers), 0);
  if (most === 0) {
    return null;
  }
  const [width, height] = [480, 72];
  const step = width / buckets.length;
  const label = trans.__('Answers over the last day, at most %1 in half an hour', formatNumber(most));
  return (
    <figure className="jp-pipe-Ops-plot">
      <figcaption className="jp-pipe-second">{label}</figcaption>
      <svg className="jp-pipe-Ops-traffic" width={width} height={height} role="img" aria-label={label}>
        {buckets.map((bucket, index) => {
          const all = (bucket.answers / most) * (height - 1);
          const refused = (bucket.refused / most) * (height - 1);
          return (
            <g key={bucket.since}>
              <title>
                {`${new Date(1000 * bucket.since).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })}: ` +
                  trans.__('%1 answers, %2 refused', formatNumber(bucket.answers), formatNumber(bucket.refused))}
              </title>
              <rect x={index * step} y={height - all} width={Math.max(step - 1, 1)} height={all} />
              <rect x={index * step} y={height - all} width={Math.max(step - 1, 1)} height={refused} data-refused />
            </g>
          );
        })}
        <line x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} />
      </svg>
    </figure>
  );
}

const COURSE = { width: 300, height: 96, left: 62, bottom: 18, top: 8 } as const;

/** A number over time, with the limit that it should stay below; moments that are `marked` stand out. */
export function Course(props: {
  title: string;
  times: readonly number[];
  values: readonly (number | null)[];
  marked?: readonly boolean[];
  limit?: number;
  trans: TranslationBundle;
}): ReactElement {
  const { title, times, values, marked, limit, trans } = props;
  const known = values.filter(value => value !== null);
  const [least, most] = [limit === undefined ? Math.min(...known) : 0, Math.max(...known, limit ?? -Infinity)];
  const { width, height, left, bottom, top } = COURSE;
  const atX = scaled(times);
  const placeX = (index: number) => left + 6 + atX(times[index]) * (width - left - 12);
  const placeY = (value: number) => height - bottom - (most > least ? (value - least) / (most - least) : 0.5) * (height - bottom - top);
  const points = values.flatMap((value, index) => (value === null ? [] : [{ x: placeX(index), y: placeY(value), value, index }]));
  return (
    <figure className="jp-pipe-Ops-plot jp-pipe-Ops-course">
      <figcaption className="jp-pipe-code">{title}</figcaption>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={courseLabel(title, known, trans)}>
        <path d={`M${left} 0V${height - bottom}H${width}`} />
        {limit !== undefined && <line x1={left} x2={width} y1={placeY(limit)} y2={placeY(limit)} data-limit />}
        <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
        {points.map(({ x, y, value, index }) => (
          <circle key={index} cx={x} cy={y} r={marked?.[index] ? 4 : 2} data-marked={marked?.[index] ?? false}>
            <title>{`${moment(times[index])}: ${formatNumber(value)}`}</title>
          </circle>
        ))}
        <text x={left - 6} y={placeY(most) + 4} textAnchor="end">
          {formatNumber(most)}
        </text>
        <text x={left - 6} y={placeY(least) + 4} textAnchor="end">
          {formatNumber(least)}
        </text>
        <text x={left} y={height - 4}>
          {moment(times[0])}
        </text>
        <text x={width} y={height - 4} textAnchor="end">
          {moment(times[times.length - 1])}
        </text>
      </svg>
    </figure>
  );
}

/** What a picture says to who cannot see it. */
function courseLabel(title: string, known: readonly number[], trans: TranslationBundle): string {
  const [least, most, last] = [Math.min(...known), Math.max(...known), known[known.length - 1]].map(formatNumber);
  return trans.__('%1 over time: from %2 to %3, now %4', title, least, most, last);
}

function moment(seconds: number): string {
  return new Date(1000 * seconds).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
