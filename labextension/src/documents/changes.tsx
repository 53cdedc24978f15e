/** The executed notebooks of two runs, stage by stage: which code changed, and what the cells showed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState, type ReactElement } from 'react';
import type { Run } from '../api/types';
import type { Executed } from './executed';
import { diffLines, type DiffLine } from './lines';

/** What a stage executed in a run; null where it was not executed there. */
export type ReadExecuted = (runId: string, stage: string) => Promise<Executed | null>;

interface Pair {
  readonly stage: string;
  readonly before: Executed;
  readonly after: Executed;
}

interface ChangesProps {
  readonly runs: readonly Run[];
  readonly read: ReadExecuted;
  readonly trans: TranslationBundle;
}

/** Compares the first run, the baseline, with the last. */
export function NotebookChanges({ runs, read, trans }: ChangesProps): ReactElement {
  const [base, other] = [runs[0], runs[runs.length - 1]];
  const [pairs, setPairs] = useState<readonly Pair[] | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void readPairs(base, other, read).then(found => isCurrent && setPairs(found));
    return () => {
      isCurrent = false;
    };
  }, [base.run_id, other.run_id, read]);
  const code = pairs?.filter(({ before, after }) => before.code !== after.code);
  const shown = pairs?.filter(({ before, after }) => before.shown !== after.shown || picturesDiffer(before, after));
  return (
    <>
      <Section title={trans.__('Code')} count={code?.length} trans={trans}>
        {code?.map(({ stage, before, after }) => (
          <Lines
            key={stage}
            stage={stage}
            label={trans.__('Changes in %1', stage)}
            lines={diffLines(before.code, after.code)}
          />
        ))}
      </Section>
      <Section title={trans.__('Outputs')} count={shown?.length} trans={trans}>
        {shown?.map(pair => <Outputs key={pair.stage} {...{ pair, trans }} />)}
      </Section>
    </>
  );
}

function Section(props: {
  title: string;
  count: number | undefined;
  children: ReactElement[] | undefined;
  trans: TranslationBundle;
}): ReactElement {
  const { title, count, children, trans } = props;
  return (
    <section className="jp-pipe-Code" aria-label={title}>
      <h3>{title}</h3>
      {count === undefined && <p className="jp-pipe-second">{trans.__('Loading…')}</p>}
      {count === 0 && <p className="jp-pipe-second">{trans.__('No difference.')}</p>}
      {children}
    </section>
  );
}

function Outputs({ pair, trans }: { pair: Pair; trans: TranslationBundle }): ReactElement {
  const { stage, before, after } = pair;
  const lines = before.shown === after.shown ? [] : diffLines(before.shown, after.shown);
  return (
    <>
      {lines.length > 0 && <Lines stage={stage} label={trans.__('Outputs that changed in %1', stage)} lines={lines} />}
      {picturesDiffer(before, after) && (
        <figure>
          <figcaption>{trans.__('Pictures of %1', stage)}</figcaption>
          <div className="jp-pipe-Code-pictures">
            {changedPictures(before, after).map(([old, now], index) => (
              <div key={index}>
                <Picture source={old} label={trans.__('Baseline')} trans={trans} />
                <Picture source={now} label={trans.__('This run')} trans={trans} />
              </div>
            ))}
          </div>
        </figure>
      )}
    </>
  );
}

function Picture(props: { source: string | undefined; label: string; trans: TranslationBundle }): ReactElement {
  const { source, label, trans } = props;
  return (
    <figure>
      {source ? <img src={source} alt={label} /> : <p className="jp-pipe-second">{trans.__('No picture.')}</p>}
      <figcaption className="jp-pipe-second">{label}</figcaption>
    </figure>
  );
}

function Lines({ stage, label, lines }: { stage: string; label: string; lines: readonly DiffLine[] }): ReactElement {
  return (
    <figure>
      <figcaption>{stage}</figcaption>
      <pre className="jp-pipe-code" tabIndex={0} aria-label={label}>
        {lines.map((each, index) => (
          <span key={index} data-kind={each.kind}>
            <span className="jp-pipe-Code-sign">{SIGNS[each.kind]}</span>
            {each.text}
            {'\n'}
          </span>
        ))}
      </pre>
    </figure>
  );
}

// Signs, not only colours: for forced colours, and for who does not tell red from green.
const SIGNS = { same: '  ', added: '+ ', removed: '− ', gap: '  ' } as const;

function picturesDiffer(before: Executed, after: Executed): boolean {
  return changedPictures(before, after).length > 0;
}

/** Pictures by their order, those that are not the same. */
function changedPictures(before: Executed, after: Executed): [string | undefined, string | undefined][] {
  const count = Math.max(before.pictures.length, after.pictures.length);
  return Array.from({ length: count }, (_, index): [string | undefined, string | undefined] => [
    before.pictures[index],
    after.pictures[index]
  ]).filter(([old, now]) => old !== now);
}

async function readPairs(base: Run, other: Run, read: ReadExecuted): Promise<Pair[]> {
  const stages = [...new Set([...base.stages, ...other.stages].map(stage => stage.name))];
  const found = await Promise.all(
    stages.map(async stage => {
      const [before, after] = await Promise.all([read(base.run_id, stage), read(other.run_id, stage)]);
      // A stage that was skipped, or failed before its first cell, has nothing to compare.
      return before === null || after === null ? null : { stage, before, after };
    })
  );
  return found.filter(each => each !== null);
}
