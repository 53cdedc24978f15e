/** The counts that stand right in the titles of the sections. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { NotebookPipeline } from '../runs/pipeline';
import { countStages } from '../runs/state';

type Summary = (pipeline: NotebookPipeline, trans: TranslationBundle) => string;

export const stagesSummary: Summary = ({ run, stages }, trans) => {
  const counts = run && !stages.shown.isSuggested ? countStages(run) : null;
  const parts = [
    counts && counts.failed > 0 && trans.__('%1 failed', counts.failed),
    counts && counts.skipped > 0 && trans.__('%1 skipped', counts.skipped)
  ].filter(part => part);
  return parts.join(', ') || count(stages.shown.outline.stages.length);
};

export const parametersSummary: Summary = ({ parameters }, trans) =>
  parameters.size > 0 ? trans.__('%1 changed', parameters.size) : '';

export const runsSummary: Summary = ({ history }) => count(history.runs?.length ?? 0);

export const problemsSummary: Summary = ({ checker }, trans) => {
  const number = (severity: string) => checker.diagnostics.filter(found => found.severity === severity).length;
  const [errors, warnings] = [number('error'), number('warning')];
  const parts = [
    errors > 0 && trans._n('%1 error', '%1 errors', errors),
    warnings > 0 && trans._n('%1 warning', '%1 warnings', warnings)
  ].filter(part => part);
  return parts.join(', ') || (checker.checkedAt ? '0' : '');
};

function count(number: number): string {
  return number > 0 ? String(number) : '';
}
