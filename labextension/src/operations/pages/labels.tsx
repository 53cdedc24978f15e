/** *Labels*: rows that wait for a label, one after the other, and the labels to choose from. */

import { useState, type KeyboardEvent, type ReactElement } from 'react';
import type { LabelsPage, QueueShown, TaskShown } from '../../api/types';
import { fileName } from '../../notebook/files';
import type { PageProps } from '../host';
import { formatNumber } from '../numbers';
import { Command, Head, Teach, Trouble } from '../parts';

type Props = PageProps<LabelsPage>;

export function LabelsBody(props: Props): ReactElement {
  const { page, model, trans } = props;
  const notebook = `${fileName(model.subject.notebook)}`;
  return (
    <>
      <Trouble text={page.problem} />
      {page.queues.length === 0 && (
        <Teach
          text={trans.__('No rows wait for a label. A cell with the tag labels:NAME makes a table of such rows; this command puts them here after a run:')}
          commands={[`jupyter pipe labels export ${notebook} --key COLUMN --choices A,B`]}
          trans={trans}
        />
      )}
      {page.queues.map(queue => (
        <Queue key={queue.name} {...props} queue={queue} />
      ))}
    </>
  );
}

function Queue(props: Props & { queue: QueueShown }): ReactElement {
  const { queue, trans } = props;
  const [changed, setChanged] = useState<TaskShown | null>(null);
  const task = changed ?? queue.tasks.at(0);
  const isDone = queue.labelled === queue.total;
  const told = trans.__('%1 of %2 labelled by you', formatNumber(queue.labelled), formatNumber(queue.total));
  return (
    <section className="jp-pipe-Ops-queue" aria-label={queue.name}>
      <Head title={queue.name} mark={isDone ? 'succeeded' : 'waiting'} word={told} />
      <progress value={queue.labelled} max={Math.max(queue.total, 1)} aria-label={told} />
      {task && <Row key={task.id} {...props} task={task} done={() => setChanged(null)} />}
      {queue.recent.length > 0 && (
        <p className="jp-pipe-second">
          {trans.__('Labelled last, to be changed:')}{' '}
          {queue.recent.map(each => (
            <button key={each.id} type="button" className="jp-pipe-Link" title={Object.values(each.data).join(' · ')} onClick={() => setChanged(each)}>
              {each.label}
            </button>
          ))}
        </p>
      )}
      {queue.labelled > 0 && <Command text={`jupyter pipe labels merge ${queue.answers} --key COLUMN -o labels.csv`} trans={trans} />}
    </section>
  );
}

function Row(props: Props & { queue: QueueShown; task: TaskShown; done: () => void }): ReactElement {
  const { queue, task, model, host, trans, done } = props;
  const say = (label: string) =>
    void host.reported(async () => {
      await model.label({ queue: queue.name, task: task.id, label });
      done();
    });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const label = queue.choices.at(Number(event.key) - 1);
    if (/^[1-9]$/.test(event.key) && label !== undefined && !model.isDeciding) {
      event.preventDefault();
      say(label);
    }
  };
  return (
    <div onKeyDown={onKeyDown}>
      <dl className="jp-pipe-Ops-row">
        {Object.entries(task.data).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="jp-pipe-Actions" role="group" aria-label={trans.__('Labels')}>
        {queue.choices.map((choice, index) => (
          <button
            key={choice}
            type="button"
            className={`jp-pipe-Button${choice === (task.label || task.suggested) ? ' jp-mod-primary' : ''}`}
            disabled={model.isDeciding}
            title={index < 9 ? trans.__('Key %1', index + 1) : undefined}
            onClick={() => say(choice)}
          >
            {choice}
          </button>
        ))}
      </div>
      {task.suggested && !task.label && <p className="jp-pipe-second">{trans.__('The model suggests %1.', task.suggested)}</p>}
    </div>
  );
}
