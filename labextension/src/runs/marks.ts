/**
 * The words and shapes of states. Generated from the Python definitions by
 * `python labextension/generate.py`; a test holds that it is current.
 */

export type Mark = 'queued' | 'running' | 'succeeded' | 'cached' | 'stale' | 'failed' | 'gate_failed' | 'contract_failed' | 'waiting' | 'skipped' | 'cancelled' | 'interrupted';

export const WORDS: Readonly<Record<Mark, string>> = {
  "queued": "queued",
  "running": "running",
  "succeeded": "succeeded",
  "cached": "cached",
  "stale": "stale",
  "failed": "failed",
  "gate_failed": "gate failed",
  "contract_failed": "contract broken",
  "waiting": "waiting for you",
  "skipped": "skipped",
  "cancelled": "cancelled",
  "interrupted": "interrupted"
};

/** In a box of 16 by 16. */
export const SHAPES: Readonly<Record<Mark, string>> = {
  "queued": "<circle cx=\"8\" cy=\"8\" r=\"6.3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\" stroke-dasharray=\"2.4 1.56\"/>",
  "running": "<path d=\"M6.6 5.2 11 8l-4.4 2.8z\" fill=\"currentColor\"/>",
  "succeeded": "<circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"currentColor\"/><path d=\"M4.9 8.3 7 10.4l4.2-4.6\" fill=\"none\" stroke=\"var(--jpipe-paper)\" stroke-width=\"1.9\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
  "cached": "<circle cx=\"8\" cy=\"8\" r=\"6.3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><path d=\"M8.9 3.8 5.3 8.8h2.3L7 12.2l3.7-5.1H8.3z\" fill=\"currentColor\"/>",
  "stale": "<path d=\"M8 1.6 14.4 8 8 14.4 1.6 8z\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\" stroke-linejoin=\"round\"/><circle cx=\"8\" cy=\"8\" r=\"1.7\" fill=\"currentColor\"/>",
  "failed": "<path d=\"M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z\" fill=\"currentColor\" stroke=\"currentColor\" stroke-linejoin=\"round\"/><path d=\"M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2\" fill=\"none\" stroke=\"var(--jpipe-paper)\" stroke-width=\"1.9\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
  "gate_failed": "<path d=\"M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z\" fill=\"currentColor\" stroke=\"currentColor\" stroke-linejoin=\"round\"/><path d=\"M4.8 8h6.4\" fill=\"none\" stroke=\"var(--jpipe-paper)\" stroke-width=\"1.9\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
  "contract_failed": "<path d=\"M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z\" fill=\"currentColor\" stroke=\"currentColor\" stroke-linejoin=\"round\"/><path d=\"M5 6.2h6M5 9.8h6\" fill=\"none\" stroke=\"var(--jpipe-paper)\" stroke-width=\"1.9\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
  "waiting": "<circle cx=\"8\" cy=\"8\" r=\"6.3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><path d=\"M8 4.4v4.2\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.8\" stroke-linecap=\"round\"/><circle cx=\"8\" cy=\"11.3\" r=\"1.1\" fill=\"currentColor\"/>",
  "skipped": "<circle cx=\"8\" cy=\"8\" r=\"6.3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><path d=\"M3.6 12.4 12.4 3.6\" stroke=\"currentColor\" stroke-width=\"1.4\"/>",
  "cancelled": "<rect x=\"2\" y=\"2\" width=\"12\" height=\"12\" rx=\"1.5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><rect x=\"5.5\" y=\"5.5\" width=\"5\" height=\"5\" fill=\"currentColor\"/>",
  "interrupted": "<circle cx=\"8\" cy=\"8\" r=\"6.3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><path d=\"M6.3 5.2v5.6M9.7 5.2v5.6\" stroke=\"currentColor\" stroke-width=\"1.6\"/>"
};
