/**
 * Our icons. A state's shape says what it is; its colour only repeats it. All are drawn on a grid of
 * 16 and inherit their colour from the style sheet through a class a state.
 */

import { LabIcon } from '@jupyterlab/ui-components';
import { SHAPES, type Mark } from './runs/marks';

/** The one shape that moves: a ring that turns about the mark. */
const RING =
  '<circle cx="8" cy="8" r="6.25" class="jp-pipe-line jp-pipe-track"/>' +
  '<circle cx="8" cy="8" r="6.25" pathLength="100" stroke-dasharray="30 70" class="jp-pipe-line jp-pipe-turn"/>';

function svg(body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none">${body}</svg>`;
}

/**
 * The shape of a state, as markup for within an `svg`, which stays when the state changes: a new one has the
 * browser sort everything that the page has painted into layers again.
 */
export function stateShape(mark: Mark): string {
  return mark === 'running' ? RING + SHAPES.running : SHAPES[mark];
}

export const pipelineIcon = new LabIcon({
  name: 'jupyter-pipe:pipeline',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M1 5.5h5v5H1zM10 1h5v5h-5zM10 10h5v5h-5z"/>' +
      '<path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.4" d="M6 8h2m2-4.5H9.5A1.5 1.5 0 0 0 8 5v6a1.5 1.5 0 0 0 1.5 1.5h.5"/>'
  )
});

/** A question mark in a circle. */
export const aboutIcon = new LabIcon({
  name: 'jupyter-pipe:about',
  svgstr: svg(
    '<circle cx="8" cy="8" r="6.25" class="jp-pipe-line"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.8 1.7c-.7.4-1 .7-1 1.4m0 1.2v1" class="jp-pipe-line"/>'
  )
});

/** One block that could be two. */
export const suggestIcon = new LabIcon({
  name: 'jupyter-pipe:suggest',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M1 5.5h5v5H1z"/>' +
      '<path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.2" d="M6 8h2m2-4.5H9.5A1.5 1.5 0 0 0 8 5v6a1.5 1.5 0 0 0 1.5 1.5h.5"/>' +
      '<path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.2" stroke-dasharray="1.6 1.2" d="M10.6 1.6h4.4v4h-4.4zm0 8.8h4.4v4h-4.4z"/>'
  )
});

const STATE_ICONS = new Map<Mark, LabIcon>();

/** The state as an icon with JupyterLab's machinery, registered as `jupyter-pipe:state-…`. */
export function stateIcon(mark: Mark): LabIcon {
  const known = STATE_ICONS.get(mark);
  if (known) {
    return known;
  }
  const body = `<g class="jp-pipe-state" data-state="${mark}">${stateShape(mark)}</g>`;
  const icon = new LabIcon({ name: `jupyter-pipe:state-${mark}`, svgstr: svg(body) });
  STATE_ICONS.set(mark, icon);
  return icon;
}
