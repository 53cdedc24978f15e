/** The form of a stage's settings: after, metric, gate, retries and the rest. Shows what it writes. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import { useState, type ReactElement, type ReactNode } from 'react';
import { ColourSquare, StateIcon } from '../controls/marks';
import type { NotebookStages } from '../notebook/stages';
import type { StageOutline } from '../stages/blocks';
import { saveSettings } from '../stages/edits';
import { parseTags, setSettings, type OptionName, type StageSettings } from '../stages/tags';
import { checkSettings, type SettingsProblems } from './validation';

export interface OptionsProps {
  readonly stages: NotebookStages;
  readonly stage: StageOutline;
  /** What the compiler knows of the stage: its variables, and what it reads and gives. */
  readonly variables: readonly string[];
  readonly summary: string;
  readonly close: () => void;
  readonly trans: TranslationBundle;
}

type Patch = Partial<Record<OptionName, string>>;

export function StageOptions(props: OptionsProps): ReactElement {
  const { stages, stage, trans, close } = props;
  const [settings, setSettingsState] = useState<StageSettings>(stage.settings);
  const problems = checkSettings(settings, props.variables, trans);
  const isValid = Object.keys(problems).length === 0;
  const update = (change: Partial<StageSettings>) => setSettingsState({ ...settings, ...change });
  const setOption = (change: Patch) => update({ options: { ...settings.options, ...change } });
  const save = () => {
    const edits = saveSettings(stages.cells, stage.name, settings);
    stages.apply(trans.__('Saved the options of %1', stage.name), edits);
    close();
  };
  return (
    <form
      className="jp-pipe-Options"
      onSubmit={event => {
        event.preventDefault();
        if (isValid) {
          save();
        }
      }}
    >
      <header>
        <ColourSquare colour={stages.colours.of(stage.name)} />
        <span className="jp-pipe-Options-title">{stage.name}</span>
        <span className="jp-pipe-second">{props.summary}</span>
      </header>
      <AfterField {...props} after={settings.after} onChange={after => update({ after })} />
      <TextField
        label={trans.__('Metrics')}
        hint={trans.__('variables, separated by commas')}
        value={settings.metrics.join(', ')}
        problem={problems.metrics}
        onChange={text => update({ metrics: splitNames(text) })}
      />
      <TextField
        label={trans.__('Gate')}
        hint="mae < 25_000"
        value={settings.gates[0] ?? ''}
        problem={problems.gates}
        onChange={text => update({ gates: [...(text ? [text] : []), ...settings.gates.slice(1)] })}
      />
      <OptionFields options={settings.options} problems={problems} onChange={setOption} trans={trans} />
      <WrittenTags stage={stage} settings={settings} trans={trans} />
      <footer>
        <button type="button" className="jp-pipe-Button" onClick={close}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="jp-pipe-Button jp-mod-primary" disabled={!isValid || stages.isReadOnly}>
          {trans.__('Save options')}
        </button>
      </footer>
    </form>
  );
}

function OptionFields(props: {
  options: StageSettings['options'];
  problems: SettingsProblems;
  onChange: (change: Patch) => void;
  trans: TranslationBundle;
}): ReactElement {
  const { options, problems, onChange, trans } = props;
  const fields: readonly (readonly [OptionName, string, string])[] = [
    ['retries', trans.__('Retries'), '0'],
    ['timeout', trans.__('Timeout'), '30m'],
    ['cpus', trans.__('CPUs'), '1'],
    ['memory', trans.__('Memory'), '4GiB'],
    ['reads', trans.__('Also reads'), 'maps/*.shp'],
    ['writes', trans.__('Also writes'), 'out']
  ];
  return (
    <>
      {fields.map(([name, label, hint]) => (
        <TextField
          key={name}
          label={label}
          hint={hint}
          value={options[name] ?? ''}
          problem={problems[name]}
          onChange={text => onChange({ [name]: text.trim() })}
        />
      ))}
      <ReuseField cache={options.cache ?? ''} onChange={onChange} trans={trans} />
    </>
  );
}

/** `cache:` as a choice. An age that a tag gives and the list does not have is one more entry. */
function ReuseField(props: { cache: string; onChange: (change: Patch) => void; trans: TranslationBundle }): ReactElement {
  const { onChange, trans } = props;
  const cache = props.cache.toLowerCase();
  const value = /^(on|enabled)$/.test(cache) ? '' : cache === 'disabled' ? 'off' : cache;
  const ages = ['1h', '1d', '7d'];
  const all = value === '' || value === 'off' || ages.includes(value) ? ages : [...ages, value];
  return (
    <Field label={trans.__('Reuse results')}>
      <select
        className="jp-pipe-Input"
        aria-label={trans.__('Reuse results')}
        value={value}
        onChange={event => onChange({ cache: event.target.value })}
      >
        <option value="">{trans.__('When nothing changed')}</option>
        {all.map(age => (
          <option key={age} value={age}>
            {trans.__('When nothing changed, and no older than %1', age)}
          </option>
        ))}
        <option value="off">{trans.__('Never')}</option>
      </select>
    </Field>
  );
}

function AfterField(props: OptionsProps & { after: readonly string[]; onChange: (after: string[]) => void }): ReactElement {
  const { stages, stage, after, onChange, trans } = props;
  const all = stages.outline.stages.map(each => each.name);
  const earlier = all.slice(0, all.indexOf(stage.name)).filter(name => !after.includes(name));
  return (
    <Field label={trans.__('After')} hint={trans.__('Besides the data flow.')}>
      <div className="jp-pipe-Options-wide">
        {after.map(name => (
          <span key={name} className="jp-pipe-Tag">
            {name}
            <button
              type="button"
              className="jp-pipe-Link"
              aria-label={trans.__('Remove %1', name)}
              onClick={() => onChange(after.filter(other => other !== name))}
            >
              <closeIcon.react tag="span" width="10px" />
            </button>
          </span>
        ))}
        <select
          className="jp-pipe-Input"
          aria-label={trans.__('Add a stage to wait for')}
          value=""
          disabled={earlier.length === 0}
          onChange={event => onChange([...after, event.target.value])}
        >
          <option value="">{trans.__('Add a stage')}</option>
          {earlier.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
    </Field>
  );
}

function TextField(props: {
  label: string;
  hint: string;
  value: string;
  problem: string | undefined;
  onChange: (text: string) => void;
}): ReactElement {
  const { label, hint, value, problem, onChange } = props;
  const [text, setText] = useState(value);
  return (
    <Field label={label} problem={problem}>
      <input
        className="jp-pipe-Input jp-pipe-code"
        aria-label={label}
        aria-invalid={problem !== undefined}
        placeholder={hint}
        value={text}
        onChange={event => {
          setText(event.target.value);
          onChange(event.target.value);
        }}
      />
    </Field>
  );
}

function Field(props: { label: string; hint?: string; problem?: string; children: ReactNode }): ReactElement {
  return (
    <>
      <span>{props.label}</span>
      <div className="jp-pipe-Options-field">
        {props.children}
        {props.hint && <span className="jp-pipe-second">{props.hint}</span>}
        {props.problem && (
          <span className="jp-pipe-Options-problem" role="alert">
            <StateIcon mark="failed" size={13} /> {props.problem}
          </span>
        )}
      </div>
    </>
  );
}

function WrittenTags(props: { stage: StageOutline; settings: StageSettings; trans: TranslationBundle }): ReactElement {
  const owner = props.stage.cells.find(cell => cell.tags.stage !== null);
  const foreign = owner?.tags.foreign ?? [];
  const ours = setSettings([`stage:${props.stage.name}`], props.settings);
  return (
    <div className="jp-pipe-Options-wide">
      <span className="jp-pipe-second">{props.trans.__('Tags written to this cell')}</span>
      {[...ours, ...foreign].map(tag => (
        <span key={tag} className={`jp-pipe-Tag${parseTags([tag]).foreign.length > 0 ? ' jp-mod-foreign' : ''}`}>
          {tag}
        </span>
      ))}
    </div>
  );
}

function splitNames(text: string): string[] {
  return text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '');
}
