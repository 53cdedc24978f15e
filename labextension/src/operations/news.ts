/** What is new among the things that wait, as one sentence. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { WaitingPage } from '../api/types';

/** A sentence about what has not been told yet, null if there is nothing; `told` learns of it. */
export function newsOf(page: WaitingPage, told: Set<string>, trans: TranslationBundle): string | null {
  const questions = page.questions
    .filter(question => question.state === 'waiting')
    .map(question => ({
      key: `${question.run_id} ${question.stage}`,
      text: trans.__('%1 is waiting for you at %2: %3', question.pipeline, question.stage, question.question)
    }));
  const versions = page.versions.map(version => ({
    key: `${version.name}@${version.number}`,
    text: trans.__('%1 waits for you: promote it, or leave it', `${version.name}@${version.number}`)
  }));
  const fresh = [...questions, ...versions].filter(each => !told.has(each.key));
  fresh.forEach(each => told.add(each.key));
  if (fresh.length < 2) {
    return fresh[0]?.text ?? null;
  }
  return trans.__('%1 things wait for you. The first: %2', fresh.length, fresh[0].text);
}
