/** *Monitoring*: whether services are asked what their models were made for, and how that went over time. */

import type { ReactElement } from 'react';
import type { MonitoringPage, WatchedShown, WatchedVersion } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import type { Mark } from '../../runs/state';
import type { PageProps } from '../host';
import { formatNumber } from '../numbers';
import { Head, RunLink, Teach, Trouble } from '../parts';
import { Course } from '../pictures';

type Props = PageProps<MonitoringPage>;

/** Above this a distribution counts as another one, if chance does not explain it. */
const MOVED = 0.2;

export function MonitoringBody(props: Props): ReactElement {
  const { page, model, trans } = props;
  return (
    <>
      <Trouble text={page.problem} />
      {page.services.length === 0 && (
        <Teach
          text={trans.__('No model of this folder has a request log. A service writes one, and what it was asked is compared with the run that made the model:')}
          commands={[`jupyter pipe serve ${model.subject.name}@champion`, `jupyter pipe monitor ${model.subject.name} --since 7d`]}
          trans={trans}
        />
      )}
      {page.services.map(service => (
        <Watched key={service.name} {...props} service={service} />
      ))}
    </>
  );
}

function Watched({ service, host, trans }: Props & { service: WatchedShown }): ReactElement {
  const times = service.moments.map(moment => moment.since);
  const middles = service.moments.map(moment => moment.middle);
  return (
    <section aria-label={service.name}>
      <Head title={service.name} mark={markOf(service.state)} word={wordOf(service.state, trans)} />
      <Trouble text={service.problem} />
      {service.versions.map(version => (
        <Version key={`${version.version} ${version.run_id}`} {...{ version, host, trans }} />
      ))}
      {service.every > 1 && <p className="jp-pipe-second">{trans.__('There were many answers: 1 of %1 was looked at.', service.every)}</p>}
      {service.versions.length === 0 && <p className="jp-pipe-second">{trans.__('Nothing was asked in the last seven days.')}</p>}
      {service.moments.length > 1 && (
        <div className="jp-pipe-Ops-plots">
          {middles.some(value => value !== null) && (
            <Course title={trans.__('median of the predictions')} times={times} values={middles} trans={trans} />
          )}
          {service.series.map(series => (
            <Course key={series.name} title={series.name} times={times} values={series.indices} marked={series.moved} limit={MOVED} trans={trans} />
          ))}
        </div>
      )}
    </section>
  );
}

function Version(props: { version: WatchedVersion } & Pick<Props, 'host' | 'trans'>): ReactElement {
  const { version, host, trans } = props;
  const ignored = Object.entries(version.ignored).map(([name, why]) => `${name} (${why})`);
  return (
    <div className="jp-pipe-Ops-watched">
      <p className="jp-pipe-Line">
        <StateIcon mark={markOf(version.state)} />
        <strong>{trans.__('version %1', version.version)}</strong>
        <span className="jp-pipe-second">{trans.__('%1 rows', formatNumber(version.rows))}</span>
        {version.run_id && <RunLink runId={version.run_id} host={host} trans={trans} />}
      </p>
      {version.missing && <p className="jp-pipe-second">{trans.__('Not compared: %1.', version.missing)}</p>}
      <ul className="jp-pipe-Ops-findings">
        {version.alarms.map(text => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      {ignored.length > 0 && <p className="jp-pipe-second">{trans.__('Left out: %1', ignored.join(', '))}</p>}
    </div>
  );
}

export function markOf(state: WatchedShown['state']): Mark {
  return state === 'alarm' ? 'failed' : state === 'fine' ? 'succeeded' : 'skipped';
}

function wordOf(state: WatchedShown['state'], trans: Props['trans']): string {
  switch (state) {
    case 'alarm':
      return trans.__('not as in the run that made the model');
    case 'fine':
      return trans.__('as in the run that made the model');
    default:
      return trans.__('unknown: too little to judge');
  }
}
