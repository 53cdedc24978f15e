/** *Service*: where models are served, what they answered and refused, how fast. */

import type { ReactElement } from 'react';
import type { ServicePage, ServiceShown } from '../../api/types';
import { fileName } from '../../notebook/files';
import { formatWhen } from '../../runs/when';
import type { PageProps } from '../host';
import { formatLatency, formatNumber, formatShare } from '../numbers';
import { Command, Facts, Head, Scroll, Teach, Trouble } from '../parts';
import { Traffic } from '../pictures';

type Props = PageProps<ServicePage>;

export function ServiceBody(props: Props): ReactElement {
  const { page, model, trans } = props;
  return (
    <>
      <Trouble text={page.problem} />
      {page.services.length === 0 && (
        <Teach
          text={trans.__('No model of this folder has been served yet. A service answers with the champion, or with the notebook’s own scorer:')}
          commands={[
            `jupyter pipe serve ${model.subject.name}@champion`,
            `jupyter pipe serve ${fileName(model.subject.notebook)}`
          ]}
          trans={trans}
        />
      )}
      {page.services.map(service => (
        <Service key={service.name} {...props} service={service} />
      ))}
    </>
  );
}

function Service({ service, trans }: Props & { service: ServiceShown }): ReactElement {
  const isRunning = service.address !== '';
  const answers = service.versions.reduce((sum, version) => sum + version.answers, 0);
  return (
    <section aria-label={service.name}>
      <Head title={service.name} mark={isRunning ? 'succeeded' : 'skipped'} word={isRunning ? trans.__('running') : trans.__('not running')}>
        {isRunning && (
          <a className="jp-pipe-Link" href={safeAddress(service.address)} target="_blank" rel="noopener noreferrer">
            {service.address}
          </a>
        )}
      </Head>
      <Trouble text={service.problem} />
      {isRunning ? (
        <Facts
          facts={[
            [trans.__('Serves'), service.target],
            [trans.__('Since'), service.started === null ? '' : formatWhen(new Date(1000 * service.started), trans)],
            [trans.__('Workers'), String(service.workers)],
            [trans.__('Second version'), modeOf(service, trans)]
          ]}
        />
      ) : (
        <Command text={`jupyter pipe serve ${service.name}@champion`} trans={trans} />
      )}
      {answers === 0 ? (
        <p className="jp-pipe-second">{trans.__('Nothing was asked in the last 24 hours.')}</p>
      ) : (
        <>
          <Traffic buckets={service.buckets} trans={trans} />
          <Versions {...{ service, trans }} />
          <Facts facts={latencies(service, trans)} />
          <Refusals {...{ service, trans }} />
        </>
      )}
    </section>
  );
}

function Versions({ service, trans }: { service: ServiceShown; trans: Props['trans'] }): ReactElement {
  return (
    <Scroll label={trans.__('Versions of %1', service.name)}>
      <table className="jp-pipe-Ops-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Version')}</th>
            <th scope="col">{trans.__('Role')}</th>
            <th scope="col" className="jp-mod-number">
              {trans.__('Answers, 24 h')}
            </th>
            <th scope="col" className="jp-mod-number">
              {trans.__('Refused')}
            </th>
            <th scope="col">{trans.__('Latest')}</th>
          </tr>
        </thead>
        <tbody>
          {service.versions.map(version => (
            <tr key={`${version.version} ${version.role}`}>
              <th scope="row" className="jp-pipe-code">
                {version.version || trans.__('none was live')}
              </th>
              <td>{version.role}</td>
              <td className="jp-mod-number">{formatNumber(version.answers)}</td>
              <td className="jp-mod-number">
                {formatNumber(version.refused)} <span className="jp-pipe-second">{formatShare(version.refused / version.answers)}</span>
              </td>
              <td>{formatWhen(new Date(1000 * version.newest), trans)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Refusals({ service, trans }: { service: ServiceShown; trans: Props['trans'] }): ReactElement | null {
  const entries = Object.entries(service.refusals);
  return entries.length === 0 ? null : (
    <div>
      <h4>{trans.__('What was refused, by column and rule')}</h4>
      <ul className="jp-pipe-Ops-findings">
        {entries.map(([where, number]) => (
          <li key={where}>
            <span className="jp-pipe-code">{where}</span> {formatNumber(number)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function latencies(service: ServiceShown, trans: Props['trans']): (readonly [string, string])[] {
  const shown = (name: string) => (name in service.latency ? formatLatency(service.latency[name]) : '');
  return [
    [trans.__('Half of the answers within'), shown('p50')],
    [trans.__('95 %'), shown('p95')],
    [trans.__('99 %'), shown('p99')],
    [trans.__('Of the newest'), formatNumber(service.looked)]
  ];
}

function modeOf(service: ServiceShown, trans: Props['trans']): string {
  switch (service.mode) {
    case 'shadow':
      return trans.__('shadow, scores after the answer');
    case 'canary':
      return trans.__('canary, answers %1', formatShare(service.share));
    case 'ab':
      return trans.__('A/B, answers %1', formatShare(service.share));
    default:
      return '';
  }
}

/** A link leads to a service, and never runs a script. */
export function safeAddress(address: string): string | undefined {
  return /^https?:\/\/[\w.:[\]-]+$/.test(address) ? address : undefined;
}
