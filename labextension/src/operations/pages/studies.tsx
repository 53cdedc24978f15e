/** *Studies*: the trials of each sweep as plots and as a table, the best one, and how to go on. */

import { useState, type ReactElement } from 'react';
import type { StudiesPage, StudyShown, Trial } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import { fileName } from '../../notebook/files';
import { formatSeconds, type Mark } from '../../runs/state';
import type { PageProps } from '../host';
import { formatValue } from '../numbers';
import { Command, Head, RunLink, Scroll, Teach, Trouble } from '../parts';
import { Scatter, type Dot } from '../pictures';

type Props = PageProps<StudiesPage>;

export function StudiesBody(props: Props): ReactElement {
  const { page, model, trans } = props;
  return (
    <>
      <Trouble text={page.problem} />
      {page.studies.length === 0 && (
        <Teach
          text={trans.__('No study yet. A sweep runs the notebook with many values of a parameter and compares a metric:')}
          commands={[`jupyter pipe sweep ${fileName(model.subject.notebook)} -p PARAMETER=1..10 --minimize METRIC --trials 20`]}
          trans={trans}
        />
      )}
      {page.studies.map(study => (
        <Study key={study.name} {...props} study={study} />
      ))}
    </>
  );
}

function Study({ study, host, trans }: Props & { study: StudyShown }): ReactElement {
  const numeric = study.space.map(dimension => dimension.name).filter(name => hasNumbers(study, name));
  const [chosen, setChosen] = useState(numeric[0] ?? '');
  const goal = study.direction === 'minimize' ? trans.__('least %1', study.metric) : trans.__('most %1', study.metric);
  return (
    <section aria-label={study.name}>
      <Head title={study.name} word={goal} />
      <p>{summaryOf(study, trans)}</p>
      <div className="jp-pipe-Ops-plots">
        <Scatter
          dots={dotsOf(study, trial => trial.number)}
          x={trans.__('by trial')}
          y={study.metric}
          label={trans.__('%1 by trial', study.metric)}
        />
        {chosen && (
          <div>
            <Scatter
              dots={dotsOf(study, trial => Number(trial.values[chosen]))}
              x={trans.__('by %1', chosen)}
              y={study.metric}
              label={trans.__('%1 by %2', study.metric, chosen)}
            />
            {numeric.length > 1 && (
              <label className="jp-pipe-second">
                {trans.__('Parameter')}{' '}
                <select className="jp-pipe-Input" value={chosen} onChange={event => setChosen(event.target.value)}>
                  {numeric.map(name => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </label>
            )}
          </div>
        )}
      </div>
      <Scroll label={trans.__('Trials of %1', study.name)}>
        <table className="jp-pipe-Ops-table">
          <thead>
            <tr>
              <th scope="col" className="jp-mod-number">
                {trans.__('Trial')}
              </th>
              <th scope="col">{trans.__('State')}</th>
              {study.space.map(dimension => (
                <th key={dimension.name} scope="col" className="jp-pipe-code jp-mod-number">
                  {dimension.name}
                </th>
              ))}
              <th scope="col" className="jp-pipe-code jp-mod-number">
                {study.metric}
              </th>
              <th scope="col" className="jp-mod-number">
                {trans.__('Time')}
              </th>
              <th scope="col">{trans.__('Run')}</th>
            </tr>
          </thead>
          <tbody>
            {study.trials.map(trial => (
              <tr key={trial.number} data-best={trial.number === study.best}>
                <td className="jp-mod-number">{trial.number}</td>
                <td>
                  <span className="jp-pipe-Line">
                    <StateIcon mark={MARKS[trial.state]} size={13} /> {stateOf(trial, study, trans)}
                  </span>
                </td>
                {study.space.map(dimension => (
                  <td key={dimension.name} className="jp-mod-number">
                    {formatValue(trial.values[dimension.name])}
                  </td>
                ))}
                <td className="jp-mod-number">{formatValue(trial.value)}</td>
                <td className="jp-mod-number">{trial.seconds ? formatSeconds(trial.seconds) : ''}</td>
                <td>
                  <RunLink runId={trial.run_id} host={host} trans={trans} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p className="jp-pipe-second">
        {trans.__('Go on:')} <Command text={study.command} trans={trans} />
      </p>
    </section>
  );
}

/** "6 trials of 6: 4 succeeded, 1 failed. Best fold_mae 15,284, in trial 3 with n_estimators = 40." */
export function summaryOf(study: StudyShown, trans: Props['trans']): string {
  const states = ['succeeded', 'failed', 'infeasible', 'pruned', 'running'] as const;
  const words: Readonly<Record<string, string>> = {
    succeeded: trans.__('succeeded'),
    failed: trans.__('failed'),
    infeasible: trans.__('infeasible, a gate is false'),
    pruned: trans.__('pruned'),
    running: trans.__('running or cut off')
  };
  const counted = states
    .map(state => [study.trials.filter(trial => trial.state === state).length, words[state]] as const)
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`);
  const head = trans._n('%1 trial of %2', '%1 trials of %2', study.trials.length, study.wanted);
  const best = study.trials.find(trial => trial.number === study.best);
  if (!best) {
    return `${[head, counted.join(', ')].filter(Boolean).join(': ')}. ${trans.__('None has succeeded.')}`;
  }
  const values = Object.entries(best.values).map(([name, value]) => `${name} = ${formatValue(value)}`);
  const found = trans.__('Best %1 %2, in trial %3 with %4.', study.metric, formatValue(best.value), best.number, values.join(', '));
  return `${head}: ${counted.join(', ')}. ${found}`;
}

/** The trials that have a value, as points. */
export function dotsOf(study: StudyShown, place: (trial: Trial) => number): Dot[] {
  return study.trials.flatMap(trial => {
    const x = place(trial);
    if (trial.value === null || !Number.isFinite(trial.value) || !Number.isFinite(x)) {
      return [];
    }
    const values = Object.entries(trial.values).map(([name, value]) => `${name} = ${formatValue(value)}`);
    const title = `${trial.number}: ${formatValue(trial.value)} (${values.join(', ')})`;
    return [{ x, y: trial.value, title, isBest: trial.number === study.best }];
  });
}

function hasNumbers(study: StudyShown, name: string): boolean {
  return study.trials.some(trial => typeof trial.values[name] === 'number');
}

function stateOf(trial: Trial, study: StudyShown, trans: Props['trans']): string {
  const word = trial.number === study.best ? trans.__('best') : trans.__(trial.state);
  return trial.reason ? `${word}: ${trial.reason}` : word;
}

const MARKS: Readonly<Record<Trial['state'], Mark>> = {
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  pruned: 'skipped',
  infeasible: 'gate_failed'
};
