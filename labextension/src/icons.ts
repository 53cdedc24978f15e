/**
 * Our icons. A state's shape says what it is; its colour only repeats it. All are drawn on a grid of
 * 16 and inherit their colour from the style sheet through a class a state.
 */

import { LabIcon } from '@jupyterlab/ui-components';
import type { Mark } from './runs/state';

const DISC = '<circle cx="8" cy="8" r="7" class="jp-pipe-fill"/>';
const RING = '<circle cx="8" cy="8" r="6.25" class="jp-pipe-line"/>';
const OCTAGON = '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" class="jp-pipe-fill"/>';

const SHAPES: Readonly<Record<Mark, string>> = {
  queued: '<circle cx="8" cy="8" r="6.25" class="jp-pipe-line" stroke-dasharray="2.2 1.73"/>',
  running:
    '<circle cx="8" cy="8" r="6.25" class="jp-pipe-line jp-pipe-track"/>' +
    '<circle cx="8" cy="8" r="6.25" pathLength="100" stroke-dasharray="30 70" class="jp-pipe-line jp-pipe-turn"/>' +
    '<path d="M6.4 5v6l4.8-3z" class="jp-pipe-fill"/>',
  succeeded: `${DISC}<path d="M4.6 8.2 7 10.6l4.5-5" class="jp-pipe-cut"/>`,
  cached: `${RING}<path d="M8.8 3.6 5.2 8.9h2.3L7 12.4l3.8-5.5H8.4z" class="jp-pipe-fill"/>`,
  stale:
    '<path d="M8 1.2 14.8 8 8 14.8 1.2 8z" class="jp-pipe-line"/><circle cx="8" cy="8" r="1.9" class="jp-pipe-fill"/>',
  failed: `${OCTAGON}<path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="jp-pipe-cut"/>`,
  gate_failed: `${OCTAGON}<path d="M4.4 8h7.2" class="jp-pipe-cut"/>`,
  skipped: `${RING}<path d="m3.7 12.3 8.6-8.6" class="jp-pipe-line"/>`,
  cancelled:
    '<rect x="1.75" y="1.75" width="12.5" height="12.5" rx="1" class="jp-pipe-line"/>' +
    '<rect x="5.5" y="5.5" width="5" height="5" class="jp-pipe-fill"/>',
  interrupted: `${RING}<path d="M6.2 5.2v5.6M9.8 5.2v5.6" class="jp-pipe-line"/>`
};

function svg(body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none">${body}</svg>`;
}

/** The shape of a state, as markup for a place that draws many. */
export function stateSvg(mark: Mark): string {
  return svg(SHAPES[mark]);
}

/** The shape without the frame, for a larger drawing. */
export function stateShape(mark: Mark): string {
  return SHAPES[mark];
}

export const pipelineIcon = new LabIcon({
  name: 'jupyter-pipe:pipeline',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M1 5.5h5v5H1zM10 1h5v5h-5zM10 10h5v5h-5z"/>' +
      '<path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.4" d="M6 8h2m2-4.5H9.5A1.5 1.5 0 0 0 8 5v6a1.5 1.5 0 0 0 1.5 1.5h.5"/>'
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
  const body = `<g class="jp-pipe-state" data-state="${mark}">${SHAPES[mark]}</g>`;
  const icon = new LabIcon({ name: `jupyter-pipe:state-${mark}`, svgstr: svg(body) });
  STATE_ICONS.set(mark, icon);
  return icon;
}
