/** *Waiting for you*: questions of stages to approve or reject, versions to decide upon. */

import { useState, type ReactElement } from 'react';
import type { QuestionShown, WaitingPage } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import { formatWhen } from '../../runs/when';
import type { PageProps } from '../host';
import { formatValue } from '../numbers';
import { Head, RunLink, Teach, Trouble } from '../parts';

export function WaitingBody(props: PageProps<WaitingPage>): ReactElement {
  const { page, model, trans } = props;
  const first = page.questions.find(question => question.state === 'waiting');
  if (page.questions.length === 0 && page.versions.length === 0) {
    return (
      <>
        <Trouble text={page.problem} />
        <Teach
          text={trans.__('Nothing waits for you. A stage asks a person when its cell has the tag approve: with a question:')}
          commands={['approve:Are the errors by district acceptable?']}
          trans={trans}
        />
      </>
    );
  }
  return (
    <>
      <Trouble text={page.problem} />
      {page.questions.map(question => (
        <Question key={`${question.run_id} ${question.stage}`} {...props} question={question} isFirst={question === first} />
      ))}
      {page.versions.length > 0 && (
        <section>
          <Head title={trans.__('Versions to decide upon')} />
          <ul className="jp-pipe-Ops-list">
            {page.versions.map(version => (
              <li key={`${version.name}@${version.number}`}>
                <StateIcon mark="waiting" />
                <strong>{`${version.name}@${version.number}`}</strong>
                <span className="jp-pipe-second">
                  {trans.__('registered %1', formatWhen(new Date(1000 * version.registered), trans))}
                </span>
                <span>{version.reason}</span>
                <button type="button" className="jp-pipe-Link" onClick={() => model.show('models')}>
                  {trans.__('Compare and decide')}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Question(props: PageProps<WaitingPage> & { question: QuestionShown; isFirst: boolean }): ReactElement {
  const { question, model, host, trans, isFirst } = props;
  const [note, setNote] = useState('');
  const metrics = Object.entries(question.metrics);
  const say = (approved: boolean) => () => void host.reported(() => model.answer(question, approved, note.trim()));
  const label = trans.__('%1 of run %2', question.stage, question.run_id);
  return (
    <section className="jp-pipe-Ops-question" aria-label={label}>
      <Head title={trans.__('%1 asks', question.stage)} mark="waiting" word={wordOf(question, trans)}>
        <RunLink runId={question.run_id} host={host} trans={trans} />
      </Head>
      <p className="jp-pipe-Ops-asked">{question.question}</p>
      <p className="jp-pipe-second">
        {trans.__('%1, %2', question.pipeline, formatWhen(new Date(1000 * question.asked), trans))}
      </p>
      {metrics.length > 0 && (
        <ul className="jp-pipe-Ops-metrics" aria-label={trans.__('Metrics')}>
          {metrics.map(([name, value]) => (
            <li key={name}>
              <span className="jp-pipe-code">{name}</span> <strong>{formatValue(value)}</strong>
            </li>
          ))}
        </ul>
      )}
      {question.state === 'waiting' ? (
        <>
          <label className="jp-pipe-Ops-note">
            {trans.__('Note, kept with the answer')}
            <input className="jp-pipe-Input" value={note} onChange={event => setNote(event.target.value)} maxLength={500} />
          </label>
          <div className="jp-pipe-Actions">
            <button
              type="button"
              className={`jp-pipe-Button${isFirst ? ' jp-mod-primary' : ''}`}
              disabled={model.isDeciding}
              onClick={say(true)}
            >
              {trans.__('Approve')}
            </button>
            <button type="button" className="jp-pipe-Button" disabled={model.isDeciding} onClick={say(false)}>
              {trans.__('Reject')}
            </button>
            <button type="button" className="jp-pipe-Button" onClick={() => host.openReport(question.run_id)}>
              {trans.__('Open report')}
            </button>
          </div>
        </>
      ) : (
        <div className="jp-pipe-Actions">
          <button
            type="button"
            className="jp-pipe-Button"
            disabled={model.isDeciding}
            onClick={() => void host.reported(() => model.resume(question.run_id))}
          >
            {trans.__('Resume the run')}
          </button>
        </div>
      )}
    </section>
  );
}

function wordOf(question: QuestionShown, trans: PageProps<WaitingPage>['trans']): string {
  const note = question.note ? `: ${question.note}` : '';
  switch (question.state) {
    case 'approved':
      return trans.__('approved by %1%2; the run can go on', question.by, note);
    case 'rejected':
      return trans.__('rejected by %1%2; the stage fails when the run goes on', question.by, note);
    default:
      return trans.__('waiting for you');
  }
}
