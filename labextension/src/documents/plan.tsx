/** What a run would do, as a dialog that can start it. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { PlanAnswer, PlannedStage } from '../api/types';
import { StateIcon } from '../controls/marks';
import { formatSeconds, type Mark } from '../runs/state';

const MARKS: Readonly<Record<string, Mark>> = { run: 'stale', reuse: 'cached', skip: 'skipped' };

/** Show the plan; whether the user wants it run. */
export async function showPlan(plan: PlanAnswer, name: string, trans: TranslationBundle): Promise<boolean> {
  const dialog = new Dialog({
    title: trans.__('Plan of %1', name),
    body: ReactWidget.create(<PlanView plan={plan} trans={trans} />),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Close') }),
      Dialog.okButton({ label: trans.__('Compile and run') })
    ]
  });
  return (await dialog.launch()).button.accept;
}

function PlanView({ plan, trans }: { plan: PlanAnswer; trans: TranslationBundle }): ReactElement {
  const running = plan.stages.filter(stage => stage.action === 'run').length;
  const saved = plan.stages.reduce((sum, stage) => sum + stage.saved_seconds, 0);
  return (
    <div className="jp-pipe-Plan">
      <p>
        {trans._n('%2 of %1 stage runs', '%2 of %1 stages run', plan.stages.length, running)}
        {saved >= 0.1 && trans.__(', saving %1', formatSeconds(saved))}
      </p>
      <table>
        <tbody>
          {plan.stages.map(stage => (
            <PlanRow key={stage.name} stage={stage} trans={trans} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function PlanRow({ stage, trans }: { stage: PlannedStage; trans: TranslationBundle }): ReactElement {
  const words: Readonly<Record<string, string>> = {
    run: trans.__('run'),
    reuse: trans.__('reuse'),
    skip: trans.__('skip')
  };
  return (
    <tr>
      <td>
        <StateIcon mark={MARKS[stage.action] ?? 'queued'} />
      </td>
      <th scope="row">{stage.name}</th>
      <td>
        <strong>{words[stage.action] ?? stage.action}</strong>
      </td>
      <td>{stage.reason}</td>
      <td>{stage.saved_seconds >= 0.1 && trans.__('saves %1', formatSeconds(stage.saved_seconds))}</td>
    </tr>
  );
}
