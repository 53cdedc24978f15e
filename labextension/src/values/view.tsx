/** A stage's values: what each is, how it compares with the run before, and what is in it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { KeyboardEvent, ReactElement } from 'react';
import { ApiError } from '../api/client';
import type { KnownValue, LoadedValue, ValueHead } from '../api/types';
import { Columns } from '../operations/pages/data';
import { Facts, Scroll, Trouble } from '../operations/parts';
import { formatBytes } from './bytes';
import type { ValuesModel } from './model';

interface Props {
  readonly model: ValuesModel;
  readonly trans: TranslationBundle;
}

export function ValuesView(props: Props): ReactElement {
  const { model, trans } = props;
  const { stage, run } = model.subject;
  return (
    <div className="jp-pipe-Values" role="region" aria-label={trans.__('Values of %1', stage)}>
      <h2>
        {trans.__('Values of %1', stage)} <span className="jp-pipe-second">{trans.__('run %1', run.runId)}</span>
      </h2>
      <ValuesBody {...props} />
    </div>
  );
}

function ValuesBody(props: Props): ReactElement {
  const { model, trans } = props;
  if (model.error) {
    return <Trouble text={[model.error.message, model.error.hint].filter(Boolean).join(' ')} />;
  }
  if (model.known === null) {
    return <p className="jp-pipe-second">{trans.__('Loading…')}</p>;
  }
  if (model.known.length === 0) {
    return (
      <p>
        {trans.__('%1 left no values in this run. A stage leaves what later stages, metrics or gates read, once it has succeeded.', model.subject.stage)}
      </p>
    );
  }
  return (
    <>
      <Tabs {...props} known={model.known} />
      {model.value && (
        <div role="tabpanel" id="jp-pipe-value" aria-labelledby={`jp-pipe-value-${model.value.name}`}>
          <Value {...props} value={model.value} />
        </div>
      )}
    </>
  );
}

/** One stop of the Tab key; arrows choose. */
function Tabs({ model, known, trans }: Props & { known: readonly KnownValue[] }): ReactElement {
  const onKey = (event: KeyboardEvent<HTMLElement>) => {
    const at = known.findIndex(value => value.name === model.chosen);
    const moves: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: known.length - 1 };
    const next = known[(moves[event.key] + known.length) % known.length];
    if (next) {
      event.preventDefault();
      void model.choose(next.name);
      event.currentTarget.querySelector<HTMLElement>(`[data-name="${CSS.escape(next.name)}"]`)?.focus();
    }
  };
  return (
    <div className="jp-pipe-Values-tabs" role="tablist" aria-label={trans.__('Values')} onKeyDown={onKey}>
      {known.map(({ name }) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`jp-pipe-value-${name}`}
          data-name={name}
          className="jp-pipe-code"
          aria-selected={name === model.chosen}
          aria-controls="jp-pipe-value"
          tabIndex={name === model.chosen ? 0 : -1}
          onClick={() => void model.choose(name)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function Value(props: Props & { value: KnownValue }): ReactElement {
  const { model, value, trans } = props;
  const { preview } = model;
  const loaded = preview instanceof ApiError ? null : preview;
  // What the run wrote down of the columns needs no loading, and may be all that there will be.
  const profile = value.profile ?? loaded?.profile ?? null;
  return (
    <>
      <Facts
        facts={[
          [trans.__('Is'), loaded?.type ?? value.profile?.type ?? ''],
          [trans.__('Size'), value.summary],
          [trans.__('On disk'), formatBytes(value.bytes)],
          [trans.__('Since the run before'), changeOf(value, trans)],
          [trans.__('Shares memory with'), value.together.join(', ')]
        ]}
      />
      {preview === null && (
        <p className="jp-pipe-second" role="status">
          {trans.__('Loading %1 in a process of its own…', value.name)}
        </p>
      )}
      {preview instanceof ApiError && <Refusal {...props} error={preview} />}
      {loaded && <Loaded {...{ loaded, value, trans }} />}
      {profile && profile.columns.length > 0 && (
        <section aria-label={trans.__('Columns')}>
          <h3>{trans.__('Columns')}</h3>
          <Columns value={profile} trans={trans} />
        </section>
      )}
    </>
  );
}

/** Words, and not only a sign: "changed" is what somebody looks for after an edit. */
export function changeOf(value: KnownValue, trans: TranslationBundle): string {
  if (value.changed === null) {
    return '';
  }
  return value.changed ? trans.__('changed (run %1)', value.earlier) : trans.__('the same (run %1)', value.earlier);
}

function Refusal({ model, value, error, trans }: Props & { value: KnownValue; error: ApiError }): ReactElement {
  return (
    <>
      <Trouble text={[error.message, error.hint].filter(Boolean).join(' ')} />
      <button type="button" className="jp-pipe-Button" onClick={() => void model.load(value.name)}>
        {trans.__('Try again')}
      </button>
    </>
  );
}

function Loaded(props: { loaded: LoadedValue; value: KnownValue; trans: TranslationBundle }): ReactElement {
  const { loaded, value, trans } = props;
  const { picture, head, items, text, problems } = loaded;
  return (
    <>
      {problems.map(problem => (
        <Trouble key={problem} text={problem} />
      ))}
      {picture && (
        <img
          className="jp-pipe-Values-picture"
          src={`data:${picture.media_type};base64,${picture.data}`}
          alt={trans.__('Picture of %1', value.name)}
        />
      )}
      {head && <HeadTable {...{ head, trans }} rows={loaded.shape[0] ?? loaded.profile.rows ?? 0} name={value.name} />}
      {items.length > 0 && (
        <Scroll label={trans.__('Items of %1', value.name)}>
          <table className="jp-pipe-Ops-table">
            <tbody>
              {items.map(({ key, summary, text: shown }) => (
                <tr key={key}>
                  <th scope="row" className="jp-pipe-code">
                    {key}
                  </th>
                  <td className="jp-pipe-second">{summary === shown ? '' : summary}</td>
                  <td className="jp-pipe-code">{shown}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {text && items.length === 0 && (
        <pre className="jp-pipe-Values-text" tabIndex={0} aria-label={trans.__('Text of %1', value.name)}>
          {text}
        </pre>
      )}
    </>
  );
}

function HeadTable(props: { head: ValueHead; rows: number; name: string; trans: TranslationBundle }): ReactElement {
  const { head, rows, name, trans } = props;
  const shown = head.rows[0]?.length ?? head.columns.length;
  const columns = head.columns.slice(0, shown);
  const more = head.columns.length - shown;
  return (
    <section aria-label={trans.__('First rows')}>
      <h3>{trans.__('First rows')}</h3>
      <Scroll label={trans.__('First rows of %1', name)}>
        <table className="jp-pipe-Ops-table jp-pipe-Values-head">
          <thead>
            <tr>
              {head.labels.length > 0 && <td />}
              {columns.map(([column, type], index) => (
                <th key={index} scope="col">
                  {column} <span className="jp-pipe-second">{type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {head.rows.map((row, index) => (
              <tr key={index}>
                {head.labels.length > 0 && <th scope="row">{head.labels[index]}</th>}
                {row.map((cell, at) => (
                  <td key={at}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p className="jp-pipe-second">
        {trans._n('%2 of %1 row', '%2 of %1 rows', rows, head.rows.length)}
        {more > 0 && ` · ${trans._n('%1 more column is not shown', '%1 more columns are not shown', more)}`}
      </p>
    </section>
  );
}
