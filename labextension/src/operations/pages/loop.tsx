/** *Loop*: whether it runs, what it watches, what it does next, and what it did and why. */

import type { ReactElement } from 'react';
import type { LoopLine, LoopPage } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import { fileName } from '../../notebook/files';
import type { Mark } from '../../runs/state';
import { formatWhen } from '../../runs/when';
import type { PageProps } from '../host';
import { Command, Facts, Head, RunLink, Teach, Trouble } from '../parts';

type Props = PageProps<LoopPage>;

export function LoopBody({ page, model, host, trans }: Props): ReactElement {
  const notebook = `${fileName(model.subject.notebook)}`;
  if (!page.exists) {
    return (
      <Teach
        text={trans.__('This notebook has no loop. A loop runs it again when its data, its schedule or its model asks for it:')}
        commands={[`jupyter pipe loop init ${notebook}`, `jupyter pipe loop start ${notebook}`]}
        trans={trans}
      />
    );
  }
  const isRunning = page.process > 0;
  return (
    <>
      <Trouble text={page.problem} />
      <section aria-label={trans.__('State of the loop')}>
        <Head
          title={page.file}
          mark={isRunning ? 'running' : 'skipped'}
          word={isRunning ? trans.__('the loop runs, process %1', page.process) : trans.__('the loop does not run')}
        />
        {!isRunning && <Command text={`jupyter pipe loop start ${notebook}`} trans={trans} />}
        <Facts
          facts={[
            [trans.__('Watches'), page.watches.join(', ')],
            [trans.__('Next time of the schedule'), page.due === null ? '' : formatWhen(new Date(1000 * page.due), trans)],
            [trans.__('Next step'), page.next],
            [trans.__('Promotes'), promotesOf(page, trans)]
          ]}
        />
        {page.waiting.map(text => (
          <p key={text} className="jp-pipe-Line">
            <StateIcon mark="waiting" /> {text}
          </p>
        ))}
      </section>
      {!page.problem && <History {...{ page, model, host, trans }} />}
    </>
  );
}

function History({ page, model, host, trans }: Props): ReactElement {
  const once = `jupyter pipe loop once ${fileName(model.subject.notebook)}`;
  return (
    <section aria-label={trans.__('What it did')}>
      <Head title={trans.__('What it did')} />
      {page.lines.length === 0 && <Teach text={trans.__('Nothing yet. Try it:')} commands={[once]} trans={trans} />}
      <ol className="jp-pipe-Ops-history">
        {page.lines.map((line, index) => (
          <li key={page.lines.length - index}>
            <StateIcon mark={markOf(line)} size={13} />
            <time dateTime={new Date(1000 * line.time).toISOString()}>{formatWhen(new Date(1000 * line.time), trans)}</time>
            <span className="jp-pipe-Ops-said">{line.text}</span>
            {line.run_id && <RunLink runId={line.run_id} host={host} trans={trans} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

const MARKS: Readonly<Record<string, Mark>> = {
  run_decided: 'running',
  held: 'skipped',
  ask_decided: 'waiting',
  promoted: 'succeeded',
  promote_refused: 'failed',
  unregistered: 'failed'
};

/** The shape beside a record; of a run that ended, how it ended. */
export function markOf(line: LoopLine): Mark {
  if (line.kind !== 'run_ended') {
    return MARKS[line.kind] ?? 'queued';
  }
  if (line.text.includes(' refused the data')) {
    return 'contract_failed';
  }
  if (line.text.includes(' waits for you')) {
    return 'waiting';
  }
  return line.text.includes(' succeeded') ? 'succeeded' : 'failed';
}

function promotesOf(page: LoopPage, trans: Props['trans']): string {
  const words: Readonly<Record<string, string>> = {
    auto: trans.__('a version that wins its comparison'),
    ask: trans.__('nothing by itself: a version that wins waits for you'),
    never: trans.__('nothing: no version is registered')
  };
  return words[page.promote] ?? '';
}
