/** Promoting and rolling back: a confirmation that shows both versions' metrics, and what came of it. */

import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { DecisionAnswer, ModelShown, VersionShown } from '../api/types';
import { ERROR_MS } from '../controls/telling';
import { changeInPercent } from '../documents/comparison';
import type { OperationsModel } from './model';
import { formatValue } from './numbers';
import { championOf, previousOf } from './pages/models';


/** Ask, promote, and say what became of it; a version that was refused can be promoted all the same. */
export async function promoteVersion(
  model: OperationsModel,
  shown: ModelShown,
  version: VersionShown,
  trans: TranslationBundle
): Promise<void> {
  const label = `${shown.name}@${version.number}`;
  const champion = championOf(shown);
  const text = champion
    ? trans.__(
        'Its gates and proofs are checked again. Then both versions score labelled rows that neither has learned from: it answers if it is better in 95 of 100 draws.'
      )
    : trans.__('Its gates and proofs are checked again. There is no champion to compare it with.');
  const isSure = await confirm(trans.__('Promote %1?', label), text, champion, version, trans.__('Promote'), trans);
  if (!isSure) {
    return;
  }
  const answer = await model.decideVersion({ decision: 'promote', name: shown.name, number: version.number });
  if (answer.outcome === 'promoted') {
    told(answer, trans);
  } else if (await insists(answer, label, trans)) {
    told(await model.decideVersion({ decision: 'promote', name: shown.name, number: version.number, force: true }), trans);
  }
}

/** Ask, and let the version that answered before answer again. */
export async function rollBack(model: OperationsModel, shown: ModelShown, trans: TranslationBundle): Promise<void> {
  const [champion, previous] = [championOf(shown), previousOf(shown)];
  if (!champion || !previous) {
    return;
  }
  const title = trans.__('Roll %1 back to version %2?', shown.name, previous.number);
  const text = trans.__('Its predictions are what they were, bit for bit. Rolling back twice changes nothing.');
  if (await confirm(title, text, champion, previous, trans.__('Roll back'), trans)) {
    told(await model.decideVersion({ decision: 'rollback', name: shown.name }), trans);
  }
}

function told(answer: DecisionAnswer, trans: TranslationBundle): void {
  const label = `${answer.name}@${answer.number}`;
  const options = { autoClose: ERROR_MS };
  if (answer.outcome === 'promoted' || answer.outcome === 'rolled_back') {
    Notification.success(trans.__('%1 answers from now on. %2', label, answer.reason), options);
  } else {
    Notification.warning([trans.__('%1 does not answer. %2', label, answer.reason), answer.hint].join(' ').trim(), options);
  }
}

/** Why it was not promoted, and whether the user wants it without the comparison. */
async function insists(answer: DecisionAnswer, label: string, trans: TranslationBundle): Promise<boolean> {
  const word = answer.outcome === 'rejected' ? trans.__('%1 is rejected', label) : trans.__('%1 stays as it is', label);
  const dialog = new Dialog({
    title: word,
    body: ReactWidget.create(
      <div className="jp-pipe-Ops-decision">
        <p>{answer.reason}</p>
        {answer.hint && <p className="jp-pipe-second">{answer.hint}</p>}
      </div>
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      Dialog.warnButton({ label: trans.__('Promote without the comparison') })
    ],
    defaultButton: 0
  });
  return (await dialog.launch()).button.accept;
}

async function confirm(
  title: string,
  text: string,
  before: VersionShown | null,
  after: VersionShown,
  label: string,
  trans: TranslationBundle
): Promise<boolean> {
  const body = ReactWidget.create(<SideBySide {...{ text, before, after, trans }} />);
  const buttons = [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.okButton({ label })];
  return (await new Dialog({ title, body, buttons }).launch()).button.accept;
}

/** The metrics of two versions, those that differ with their change. */
export function SideBySide(props: {
  text: string;
  before: VersionShown | null;
  after: VersionShown;
  trans: TranslationBundle;
}): ReactElement {
  const { text, before, after, trans } = props;
  const names = [...new Set([...Object.keys(before?.metrics ?? {}), ...Object.keys(after.metrics)])];
  return (
    <div className="jp-pipe-Ops-decision">
      <p>{text}</p>
      {names.length === 0 ? (
        <p className="jp-pipe-second">{trans.__('The metrics of their runs are not known here.')}</p>
      ) : (
        <Metrics {...{ names, before, after, trans }} />
      )}
    </div>
  );
}

function Metrics(props: {
  names: readonly string[];
  before: VersionShown | null;
  after: VersionShown;
  trans: TranslationBundle;
}): ReactElement {
  const { names, before, after, trans } = props;
  return (
    <table className="jp-pipe-Ops-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric of its run')}</th>
          {before && (
            <th scope="col" className="jp-mod-number">
              {trans.__('version %1, answers now', before.number)}
            </th>
          )}
          <th scope="col" className="jp-mod-number">
            {trans.__('version %1', after.number)}
          </th>
        </tr>
      </thead>
      <tbody>
        {names.map(name => (
          <tr key={name}>
            <th scope="row" className="jp-pipe-code">
              {name}
            </th>
            {before && <td className="jp-mod-number">{formatValue(before.metrics[name])}</td>}
            <td className="jp-mod-number">
              {formatValue(after.metrics[name])} <Change {...{ before, after, name }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Change(props: { before: VersionShown | null; after: VersionShown; name: string }): ReactElement | null {
  const { before, after, name } = props;
  const change = before ? changeInPercent(before.metrics[name] ?? null, after.metrics[name] ?? null) : null;
  return change === null ? null : (
    <span className="jp-pipe-second">
      {change > 0 ? '▲' : '▼'} {Math.abs(change).toPrecision(2)} %
    </span>
  );
}
