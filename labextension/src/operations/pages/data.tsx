/** *Data*: what values looked like in the newest run, and whether that is as their contracts say. */

import type { ReactElement } from 'react';
import type { ColumnShown, DataPage, ValueShown } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import { fileName } from '../../notebook/files';
import type { Mark } from '../../runs/state';
import { formatWhen } from '../../runs/when';
import type { PageProps } from '../host';
import { formatMoment, formatNumber, formatShare } from '../numbers';
import { Command, Head, RunLink, Scroll, Teach, Trouble } from '../parts';
import { Histogram, Top } from '../pictures';

type Props = PageProps<DataPage>;

export function DataBody(props: Props): ReactElement {
  const { page, model, host, trans } = props;
  if (page.values.length === 0) {
    return (
      <>
        <Trouble text={page.problem} />
        <Teach
          text={trans.__('No run has left values yet. Run the notebook; a value is watched when its cell has the tag contract: with its name.')}
          commands={[
            `jupyter pipe run ${fileName(model.subject.notebook)}`,
            `jupyter pipe contract init ${fileName(model.subject.notebook)}`
          ]}
          trans={trans}
        />
      </>
    );
  }
  const isWatched = (value: ValueShown) => value.contract !== 'none';
  return (
    <>
      <Trouble text={page.problem} />
      <p className="jp-pipe-second">
        {trans.__('Values of run')} <RunLink runId={page.run_id} host={host} trans={trans} />
        {page.finished !== null && `, ${formatWhen(new Date(1000 * page.finished), trans)}`}
      </p>
      {page.values.filter(isWatched).map(value => (
        <Value key={`${value.stage} ${value.name}`} {...props} value={value} />
      ))}
      {!page.values.some(isWatched) && (
        <Teach
          text={trans.__('No value is watched. Tag the cell that makes one, such as contract:%1, run the notebook, and infer its contract:', page.values[0].name)}
          commands={[`jupyter pipe contract init ${fileName(model.subject.notebook)}`]}
          trans={trans}
        />
      )}
      {page.values
        .filter(value => !isWatched(value))
        .map(value => (
          <Other key={`${value.stage} ${value.name}`} {...props} value={value} />
        ))}
    </>
  );
}

/** A value that nobody watches: one line, and its columns for who wants to see them. */
function Other(props: Props & { value: ValueShown }): ReactElement {
  const { value, trans } = props;
  const line = (
    <>
      <span className="jp-pipe-code">{value.name}</span> <span className="jp-pipe-second">{sizeOf(value, trans)}</span>
    </>
  );
  return value.columns.length === 0 ? (
    <p className="jp-pipe-Ops-other">{line}</p>
  ) : (
    <details className="jp-pipe-Ops-other">
      <summary>{line}</summary>
      <Columns {...props} />
    </details>
  );
}

function Value(props: Props & { value: ValueShown }): ReactElement {
  const { value, model, trans } = props;
  const notebook = `${fileName(model.subject.notebook)}`;
  return (
    <section aria-label={value.name}>
      <Head title={value.name} mark={MARKS[value.contract]} word={wordOf(value, trans)}>
        <span className="jp-pipe-second">{sizeOf(value, trans)}</span>
      </Head>
      {value.findings.length > 0 && (
        <ul className="jp-pipe-Ops-findings" aria-label={trans.__('What is not as the contract says')}>
          {value.findings.map(finding => (
            <li key={finding}>{finding}</li>
          ))}
        </ul>
      )}
      {value.contract === 'missing' && <Command text={`jupyter pipe contract init ${notebook}`} trans={trans} />}
      {value.contract === 'broken' && (
        <p className="jp-pipe-second">
          {trans.__('Fix the data. If it is right, widen the contract:')}{' '}
          <Command text={`jupyter pipe contract accept ${notebook} ${props.page.run_id} ${value.name}`} trans={trans} />
        </p>
      )}
      {value.last && <LastBatch {...{ value, trans }} />}
      <Columns {...props} />
    </section>
  );
}

function LastBatch({ value, trans }: { value: ValueShown; trans: Props['trans'] }): ReactElement | null {
  const { last } = value;
  if (!last) {
    return null;
  }
  const state = last.problems.length === 0 ? trans.__('as the contract says') : last.problems.join('; ');
  return (
    <p className="jp-pipe-Line">
      <StateIcon mark={last.problems.length === 0 ? 'succeeded' : 'contract_failed'} size={13} />
      {trans._n('%1 batch by %2', '%1 batches by %2', value.batches, value.by)}
      {' · '}
      {trans.__('the last one, %1: %2 rows, %3', last.name, formatNumber(last.rows), state)}
    </p>
  );
}

/** The columns of a value, each with its histogram or its most frequent values. */
export function Columns({ value, trans }: { value: ValueShown; trans: Props['trans'] }): ReactElement | null {
  if (value.columns.length === 0) {
    return null;
  }
  const hasContract = value.contract === 'kept' || value.contract === 'broken';
  return (
    <Scroll label={trans.__('Columns of %1', value.name)}>
      <table className="jp-pipe-Ops-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Column')}</th>
            <th scope="col">{trans.__('Values')}</th>
            <th scope="col">{trans.__('Range')}</th>
            <th scope="col" className="jp-mod-number">
              {trans.__('Missing')}
            </th>
            {hasContract && (
              <>
                <th scope="col" className="jp-mod-number">
                  {trans.__('Drift')}
                </th>
                <th scope="col">{trans.__('Contract')}</th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {value.columns.map(column => (
            <Column key={column.name} {...{ column, hasContract, trans }} />
          ))}
        </tbody>
      </table>
      {value.columns_left_out > 0 && (
        <p className="jp-pipe-second">
          {trans._n('%1 more column is not shown', '%1 more columns are not shown', value.columns_left_out)}
        </p>
      )}
    </Scroll>
  );
}

function Column(props: { column: ColumnShown; hasContract: boolean; trans: Props['trans'] }): ReactElement {
  const { column, hasContract, trans } = props;
  const isBroken = column.problems.length > 0;
  return (
    <tr data-broken={isBroken}>
      <th scope="row">
        <span className="jp-pipe-code">{column.name}</span> <span className="jp-pipe-second">{column.type}</span>
      </th>
      <td>
        {column.histogram.length > 0 ? (
          <Histogram counts={column.histogram} label={trans.__('Histogram of %1, %2', column.name, rangeOf(column, trans))} />
        ) : (
          <Top top={column.top} rows={column.rows} />
        )}
      </td>
      <td>{rangeOf(column, trans)}</td>
      <td className="jp-mod-number">{formatShare(column.rows > 0 ? column.nulls / column.rows : 0)}</td>
      {hasContract && (
        <>
          <td className="jp-mod-number">{driftOf(column)}</td>
          <td>
            {isBroken && <StateIcon mark="contract_failed" size={13} trans={trans} />} {column.expected}
            {column.problems.slice(0, 3).map(problem => (
              <p key={problem} className="jp-pipe-Ops-problem">
                {problem}
              </p>
            ))}
          </td>
        </>
      )}
    </tr>
  );
}

/** "0.03 of at most 0.5". */
export function driftOf(column: ColumnShown): string {
  if (column.drift === null) {
    return '–';
  }
  const index = column.drift.toFixed(2);
  return column.limit === null ? index : `${index} / ${column.limit}`;
}

/** "40.4 to 372, middle 92.3"; of texts the number of different ones. */
export function rangeOf(column: ColumnShown, trans: Props['trans']): string {
  if (column.low === null || column.high === null || column.middle === null) {
    return trans._n('%1 value', '%1 different values', column.distinct);
  }
  const show = column.type === 'datetime' ? formatMoment : formatNumber;
  return trans.__('%1 to %2, middle %3', show(column.low), show(column.high), show(column.middle));
}

const MARKS: Readonly<Record<ValueShown['contract'], Mark>> = {
  none: 'skipped',
  missing: 'stale',
  kept: 'succeeded',
  broken: 'contract_failed',
  unjudged: 'stale'
};

function wordOf(value: ValueShown, trans: Props['trans']): string {
  const words: Readonly<Record<ValueShown['contract'], string>> = {
    none: trans.__('not watched'),
    missing: trans.__('tagged, but its contract is not written yet'),
    kept: trans.__('as the contract says'),
    broken: trans.__('contract broken'),
    unjudged: trans.__('could not be judged')
  };
  return words[value.contract];
}

function sizeOf(value: ValueShown, trans: Props['trans']): string {
  const rows = value.rows === null ? '' : trans._n('%1 row', '%1 rows', value.rows);
  return [value.type, rows, trans.__('left by %1', value.stage)].filter(Boolean).join(' · ');
}
