/** The code of two runs, stage by stage: what changed, from the notebooks that they executed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState, type ReactElement } from 'react';
import type { Run } from '../api/types';
import { diffLines, type DiffLine } from './lines';

/** The source of a stage's cells in a run; null where it was not executed there. */
export type ReadCode = (runId: string, stage: string) => Promise<string | null>;

interface Changed {
  readonly stage: string;
  readonly lines: readonly DiffLine[];
}

/** Compares the first run, the baseline, with the last. */
export function CodeChanges(props: { runs: readonly Run[]; read: ReadCode; trans: TranslationBundle }): ReactElement {
  const { runs, read, trans } = props;
  const [base, other] = [runs[0], runs[runs.length - 1]];
  const [changes, setChanges] = useState<readonly Changed[] | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void findChanges(base, other, read).then(found => isCurrent && setChanges(found));
    return () => {
      isCurrent = false;
    };
  }, [base.run_id, other.run_id, read]);
  return (
    <section className="jp-pipe-Code" aria-label={trans.__('Code')}>
      <h3>{trans.__('Code')}</h3>
      {changes === null && <p className="jp-pipe-second">{trans.__('Loading…')}</p>}
      {changes?.length === 0 && <p className="jp-pipe-second">{trans.__('No difference.')}</p>}
      {changes?.map(({ stage, lines }) => (
        <figure key={stage}>
          <figcaption>{stage}</figcaption>
          <pre className="jp-pipe-code" tabIndex={0} aria-label={trans.__('Changes in %1', stage)}>
            {lines.map((each, index) => (
              <span key={index} data-kind={each.kind}>
                <span className="jp-pipe-Code-sign">{SIGNS[each.kind]}</span>
                {each.text}
                {'\n'}
              </span>
            ))}
          </pre>
        </figure>
      ))}
    </section>
  );
}

// Signs, not only colours: for forced colours, and for who does not tell red from green.
const SIGNS = { same: '  ', added: '+ ', removed: '− ', gap: '  ' } as const;

async function findChanges(base: Run, other: Run, read: ReadCode): Promise<Changed[]> {
  const stages = [...new Set([...base.stages, ...other.stages].map(stage => stage.name))];
  const found = await Promise.all(
    stages.map(async stage => {
      const [before, after] = await Promise.all([read(base.run_id, stage), read(other.run_id, stage)]);
      // A stage that was skipped, or failed before its first cell, has no code to compare.
      return before === null || after === null || before === after ? null : { stage, lines: diffLines(before, after) };
    })
  );
  return found.filter(each => each !== null);
}
