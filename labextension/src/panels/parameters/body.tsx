/** The parameters of the compiled pipeline as a form. What is typed here is for runs, not for the notebook. */

import { copyIcon, undoIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import type { Parameter } from '../../api/types';
import { CommandIds } from '../../commands';
import { About } from '../../controls/about';
import { Cut } from '../../controls/cut';
import { useShown } from '../../controls/shown';
import type { BodyProps } from '../section';
import { Empty, Loading, ServerMissing } from '../states';
import { checkParameter } from './check';

export function ParametersBody(props: BodyProps): ReactElement {
  const { pipeline, commands, trans } = props;
  if (pipeline.isServerMissing) {
    return <ServerMissing retry={() => void pipeline.refresh()} trans={trans} />;
  }
  if (!pipeline.pipeline) {
    return pipeline.checker.isPending ? (
      <Loading text={trans.__('Compiling…')} />
    ) : (
      <Empty text={trans.__('The parameters are known when the notebook compiles.')} />
    );
  }
  const { parameters } = pipeline.pipeline;
  if (parameters.length === 0) {
    return (
      <Empty
        text={trans.__('No parameters.')}
        about={<About client={pipeline.client} page="tags#where-a-cell-belongs" subject={trans.__('parameters')} trans={trans} />}
      >
        <button
          type="button"
          className="jp-pipe-Link"
          onClick={() => void commands.execute(CommandIds.useAs, { role: 'parameters' })}
        >
          {trans.__('Tag this cell with parameters')}
        </button>
      </Empty>
    );
  }
  return (
    <div className="jp-pipe-Parameters">
      <ParameterFields {...props} />
      <div className="jp-pipe-Actions jp-pipe-Parameters-actions">
        <button
          type="button"
          className="jp-pipe-Link"
          onClick={() => void commands.execute(CommandIds.copyCommand)}
        >
          <copyIcon.react tag="span" width="14px" /> {trans.__('Copy as command line')}
        </button>
      </div>
    </div>
  );
}

/** What a form of parameters is for: a notebook, or several that are one pipeline. */
export interface ParameterHolder {
  readonly pipeline: { readonly parameters: readonly Parameter[] } | null;
  /** What is typed for the next run, by the parameter's name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Null for the notebook's own value. */
  setParameter(name: string, text: string | null): void;
}

type FieldProps = Pick<BodyProps, 'trans'> & {
  readonly pipeline: ParameterHolder;
  /** What the ids of the fields begin with, where the form is shown twice. */
  readonly prefix?: string;
};

/** A field for each parameter of the compiled pipeline; `pipeline.parameters` holds what is typed. */
export function ParameterFields(props: FieldProps): ReactElement {
  const parameters = props.pipeline.pipeline?.parameters ?? [];
  return (
    <>
      {parameters.map(parameter => (
        <ParameterField key={parameter.name} parameter={parameter} {...props} />
      ))}
    </>
  );
}

function ParameterField(props: FieldProps & { parameter: Parameter }): ReactElement {
  const { parameter, pipeline, trans, prefix = 'jp-pipe-parameter' } = props;
  const id = `${prefix}-${parameter.name}`;
  const typed = pipeline.parameters.get(parameter.name);
  const text = typed ?? shownDefault(parameter);
  const problem = typed === undefined ? '' : checkParameter(parameter, typed, trans);
  const set = (value: string) =>
    pipeline.setParameter(parameter.name, value === shownDefault(parameter) ? null : value);
  return (
    <>
      <label
        className="jp-pipe-code"
        htmlFor={id}
        title={[`${parameter.name}: ${parameter.type}`, parameter.description].filter(Boolean).join('\n')}
      >
        <Cut text={parameter.name} />
      </label>
      <div className="jp-pipe-Parameters-value" data-changed={typed !== undefined}>
        <ParameterInput id={id} parameter={parameter} text={text} isInvalid={problem !== ''} set={set} />
        {typed !== undefined && (
          <button
            type="button"
            className="jp-pipe-IconButton"
            title={trans.__('Use the notebook’s value')}
            aria-label={trans.__('Use the notebook’s value of %1', parameter.name)}
            onClick={() => pipeline.setParameter(parameter.name, null)}
          >
            <undoIcon.react tag="span" />
          </button>
        )}
      </div>
      {typed !== undefined && (
        <span className="jp-pipe-Parameters-note jp-pipe-second" role={problem ? 'alert' : undefined}>
          {problem || trans.__('notebook: %1', shownDefault(parameter))}
        </span>
      )}
    </>
  );
}

export function ParameterInput(props: {
  id: string;
  parameter: Parameter;
  text: string;
  isInvalid: boolean;
  set: (text: string) => void;
}): ReactElement {
  const { id, parameter, isInvalid } = props;
  const [text, showText] = useShown(props.text);
  const set = (value: string) => {
    showText(value);
    props.set(value);
  };
  const choices = parameter.choices.length > 0 ? parameter.choices.map(String) : parameter.type === 'bool' ? ['True', 'False'] : [];
  if (choices.length > 0) {
    return (
      <select id={id} className="jp-pipe-Input jp-pipe-code" value={text} onChange={event => set(event.target.value)}>
        {choices.map(choice => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  }
  return (
    <input
      id={id}
      className="jp-pipe-Input jp-pipe-code"
      aria-invalid={isInvalid}
      value={text}
      onChange={event => set(event.target.value)}
    />
  );
}

/** The notebook's value as one would type it: text without its quotes. */
export function shownDefault(parameter: Parameter): string {
  return typeof parameter.default === 'string' && parameter.type.startsWith('str')
    ? parameter.default
    : parameter.literal;
}
