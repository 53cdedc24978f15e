/** What the compiled pipeline says about a stage's place in the data flow. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Pipeline, Stage } from '../api/types';

export function findStage(pipeline: Pipeline | null, name: string): Stage | null {
  return pipeline?.stages.find(stage => stage.name === name) ?? null;
}

/** The stage that a cell was compiled into. */
export function stageOfCell(pipeline: Pipeline | null, cellId: string): string | null {
  return pipeline?.stages.find(stage => stage.cells.includes(cellId))?.name ?? null;
}

/** The variables that a metric or gate of the stage can read; empty if nobody knows. */
export function variablesOf(pipeline: Pipeline | null, name: string): string[] {
  const stage = findStage(pipeline, name);
  if (!stage) {
    return [];
  }
  const bound = stage.effects.filter(effect => !/^(@|file:)/.test(effect.name)).map(effect => effect.name);
  const replayed = stage.replays.flatMap(replay => replay.names);
  return [...new Set([...bound, ...stage.inputs.map(input => input.name), ...stage.outputs, ...replayed, ...stage.parameters])];
}

/** "2 cells · reads X, y · gives forest". */
export function describeFlow(pipeline: Pipeline | null, name: string, trans: TranslationBundle): string {
  const stage = findStage(pipeline, name);
  if (!stage) {
    return '';
  }
  const parts = [trans._n('%1 cell', '%1 cells', stage.cells.length)];
  if (stage.inputs.length > 0) {
    parts.push(trans.__('reads %1', stage.inputs.map(input => input.name).join(', ')));
  }
  if (stage.outputs.length > 0) {
    parts.push(trans.__('gives %1', stage.outputs.join(', ')));
  }
  return parts.join(' · ');
}
