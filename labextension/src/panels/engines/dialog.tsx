/** Run on…: which engine is to run the notebook, or several, with which parameters. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { EngineChoice } from '../../api/types';
import { FrameWidget } from '../../controls/widget';
import { ParameterFields, type ParameterHolder } from '../parameters/body';

/** What an engine can be asked to run. */
export interface Runnable extends ParameterHolder {
  readonly name: string;
  readonly changed: ISignal<unknown, void>;
}

/** The name of the engine that the user chose; null for none. */
export async function askEngine(
  pipeline: Runnable,
  engines: readonly EngineChoice[],
  trans: TranslationBundle
): Promise<string | null> {
  const body = new EngineForm(pipeline, engines, trans);
  const close = Dialog.cancelButton({ label: body.getValue() === null ? trans.__('Close') : trans.__('Cancel') });
  const run = Dialog.okButton({ label: trans.__('Run') });
  const answer = await new Dialog({
    title: trans.__('Run %1 on', pipeline.name),
    body,
    buttons: body.getValue() === null ? [close] : [close, run]
  }).launch();
  return answer.button.accept ? answer.value : null;
}

class EngineForm extends FrameWidget implements Dialog.IBodyWidget<string | null> {
  private chosen: string | null;

  constructor(
    private readonly pipeline: Runnable,
    private readonly engines: readonly EngineChoice[],
    private readonly trans: TranslationBundle
  ) {
    super();
    this.chosen = firstUsable(engines);
    pipeline.changed.connect(this.drawSoon, this);
  }

  getValue(): string | null {
    return this.chosen;
  }

  protected override render(): ReactElement {
    const { pipeline, engines, chosen, trans } = this;
    const choose = (name: string) => {
      this.chosen = name;
      this.update();
    };
    return <EngineChooser {...{ pipeline, engines, chosen, choose, trans }} />;
  }
}

/** The engine that is offered first: those that are configured come before the others. */
export function firstUsable(engines: readonly EngineChoice[]): string | null {
  return engines.find(engine => engine.problem === '')?.name ?? null;
}

export function EngineChooser(props: {
  pipeline: Runnable;
  engines: readonly EngineChoice[];
  chosen: string | null;
  choose: (name: string) => void;
  trans: TranslationBundle;
}): ReactElement {
  const { pipeline, engines, chosen, choose, trans } = props;
  const hasParameters = (pipeline.pipeline?.parameters.length ?? 0) > 0;
  return (
    <div className="jp-pipe-Engines">
      <fieldset>
        <legend>{trans.__('Engine')}</legend>
        {engines.map(engine => (
          <EngineLine key={engine.name} engine={engine} isChosen={engine.name === chosen} choose={choose} trans={trans} />
        ))}
      </fieldset>
      {chosen !== null && hasParameters && (
        <fieldset>
          <legend>{trans.__('Parameters')}</legend>
          <div className="jp-pipe-Parameters">
            <ParameterFields pipeline={pipeline} trans={trans} prefix="jp-pipe-engine-parameter" />
          </div>
        </fieldset>
      )}
    </div>
  );
}

function EngineLine(props: {
  engine: EngineChoice;
  isChosen: boolean;
  choose: (name: string) => void;
  trans: TranslationBundle;
}): ReactElement {
  const { engine, isChosen, choose, trans } = props;
  const isUsable = engine.problem === '';
  // One that is configured has a name of the user's: "nightly (Apache Airflow 3)".
  const isOwnName = engine.title.toLowerCase().split(' ').includes(engine.name.toLowerCase());
  const label = isOwnName ? engine.title : trans.__('%1 (%2)', engine.name, engine.title);
  return (
    <label className="jp-pipe-Engines-line" data-usable={isUsable}>
      <input
        type="radio"
        name="jp-pipe-engine"
        value={engine.name}
        checked={isChosen}
        disabled={!isUsable}
        onChange={() => choose(engine.name)}
      />
      <span>
        {label}
        {!isUsable && <span className="jp-pipe-second">{engine.problem}</span>}
      </span>
    </label>
  );
}
