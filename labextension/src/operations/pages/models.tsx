/** *Models*: versions side by side, what proves them, where they came from; promote and roll back. */

import { useState, type ReactElement } from 'react';
import type { ModelShown, ModelsPage, VersionShown } from '../../api/types';
import { StateIcon } from '../../controls/marks';
import { fileName } from '../../notebook/files';
import type { Mark } from '../../runs/state';
import { formatWhen } from '../../runs/when';
import { promoteVersion, rollBack } from '../decision';
import type { PageProps } from '../host';
import { formatValue } from '../numbers';
import { Facts, Head, RunLink, Scroll, Teach, Trouble } from '../parts';

export function ModelsBody(props: PageProps<ModelsPage>): ReactElement {
  const { page, model, trans } = props;
  if (page.models.length === 0) {
    return (
      <>
        <Trouble text={page.problem} />
        <Teach
          text={trans.__(
            'No model is registered yet. A notebook whose cells have the tags rows: and score: can be registered; its scorer is proved first.'
          )}
          commands={[`jupyter pipe register ${fileName(model.subject.notebook)}`]}
          trans={trans}
        />
      </>
    );
  }
  return (
    <>
      <Trouble text={page.problem} />
      {page.models.map(each => (
        <Model key={each.name} {...props} shown={each} />
      ))}
      <p className="jp-pipe-second">{trans.__('Registry: %1', page.registry)}</p>
    </>
  );
}

/** The metrics of all versions, that which decides first. */
export function metricsOf(shown: ModelShown): string[] {
  const names = new Set(shown.versions.flatMap(version => Object.keys(version.metrics)));
  return [...names].filter(name => shown.versions.some(version => typeof version.metrics[name] === 'number'));
}

export function championOf(shown: ModelShown): VersionShown | null {
  return shown.versions.find(version => version.aliases.includes('champion')) ?? null;
}

/** Where rolling back goes. */
export function previousOf(shown: ModelShown): VersionShown | null {
  return shown.versions.find(version => version.aliases.includes('previous')) ?? null;
}

type ModelProps = PageProps<ModelsPage> & { readonly shown: ModelShown };

function Model(props: ModelProps): ReactElement {
  const { shown, model, host, trans } = props;
  const [champion, previous] = [championOf(shown), previousOf(shown)];
  const metrics = metricsOf(shown);
  const word = champion ? trans.__('version %1 answers', champion.number) : trans.__('no version answers yet');
  return (
    <section aria-label={shown.name}>
      <Head title={shown.name} mark={champion ? 'succeeded' : 'waiting'} word={word}>
        {champion && previous && (
          <button
            type="button"
            className="jp-pipe-Button"
            disabled={model.isDeciding}
            onClick={() => void host.reported(() => rollBack(model, shown, trans))}
          >
            {trans.__('Roll back to version %1…', previous.number)}
          </button>
        )}
      </Head>
      <Scroll label={trans.__('Versions of %1', shown.name)}>
        <table className="jp-pipe-Ops-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Version')}</th>
              <th scope="col">{trans.__('State')}</th>
              {metrics.map(name => (
                <th key={name} scope="col" className="jp-pipe-code jp-mod-number">
                  {name}
                </th>
              ))}
              <th scope="col">{trans.__('Registered')}</th>
              <th scope="col">
                <span className="jp-pipe-hidden">{trans.__('Actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.versions.map(version => (
              <VersionRow key={version.number} {...props} {...{ version, metrics }} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

function VersionRow(props: ModelProps & { version: VersionShown; metrics: readonly string[] }): ReactElement {
  const { version, metrics, shown, model, host, trans } = props;
  const [isOpen, setOpen] = useState(false);
  const label = `${shown.name}@${version.number}`;
  const isChampion = version.aliases.includes('champion');
  return (
    <>
      <tr data-best={isChampion}>
        <th scope="row">
          <button
            type="button"
            className="jp-pipe-Link"
            aria-expanded={isOpen}
            title={trans.__('What %1 came from, and its proofs', label)}
            onClick={() => setOpen(!isOpen)}
          >
            <span aria-hidden>{isOpen ? '▾' : '▸'}</span> {version.number}
          </button>
        </th>
        <td>
          <span className="jp-pipe-Line">
            <StateIcon mark={markOf(version)} /> {stateOf(version, trans)}
          </span>
        </td>
        {metrics.map(name => (
          <td key={name} className="jp-mod-number">
            {formatValue(version.metrics[name])}
          </td>
        ))}
        <td>{formatWhen(new Date(1000 * version.registered), trans)}</td>
        <td>
          {!isChampion && (
            <button
              type="button"
              className="jp-pipe-Button"
              aria-label={trans.__('Promote %1…', label)}
              disabled={model.isDeciding}
              onClick={() => void host.reported(() => promoteVersion(model, shown, version, trans))}
            >
              {trans.__('Promote…')}
            </button>
          )}
        </td>
      </tr>
      {isOpen && (
        <tr className="jp-pipe-Ops-more">
          <td colSpan={4 + metrics.length}>
            <Details {...props} />
          </td>
        </tr>
      )}
    </>
  );
}

function Details({ version, host, trans }: ModelProps & { version: VersionShown }): ReactElement {
  const parameters = Object.entries(version.parameters).map(([name, value]) => `${name}=${value}`);
  return (
    <>
      <Trouble text={version.problem} />
      {version.rejected && <p>{trans.__('Rejected. %1', version.rejected)}</p>}
      {version.verdict && <p>{version.verdict}</p>}
      <Checks title={trans.__('Proofs')} checks={version.proofs} />
      <Checks title={trans.__('Gates')} checks={version.gates} />
      <Facts
        facts={[
          [trans.__('Run'), version.run_id && <RunLink runId={version.run_id} host={host} trans={trans} />],
          [trans.__('Notebook'), version.notebook],
          [trans.__('Commit'), version.commit],
          [trans.__('Parameters'), parameters.join(', ')]
        ]}
      />
      {Object.keys(version.files).length > 0 && (
        <details>
          <summary>{trans._n('%1 file was read', '%1 files were read', Object.keys(version.files).length)}</summary>
          <ul className="jp-pipe-Ops-files">
            {Object.entries(version.files).map(([path, digest]) => (
              <li key={path}>
                <span className="jp-pipe-code">{path}</span> <span className="jp-pipe-second">{digest}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Checks({ title, checks }: { title: string; checks: Readonly<Record<string, boolean>> }): ReactElement | null {
  const entries = Object.entries(checks);
  return entries.length === 0 ? null : (
    <ul className="jp-pipe-Ops-checks" aria-label={title}>
      {entries.map(([name, holds]) => (
        <li key={name}>
          <StateIcon mark={holds ? 'succeeded' : 'failed'} size={13} /> {name}
        </li>
      ))}
    </ul>
  );
}

function markOf(version: VersionShown): Mark {
  if (version.aliases.includes('champion')) {
    return 'succeeded';
  }
  if (version.rejected) {
    return 'failed';
  }
  return version.aliases.includes('challenger') ? 'waiting' : 'skipped';
}

function stateOf(version: VersionShown, trans: PageProps<ModelsPage>['trans']): string {
  const words: Readonly<Record<string, string>> = {
    champion: trans.__('champion, answers'),
    challenger: trans.__('challenger, not decided upon'),
    previous: trans.__('previous champion')
  };
  const said = version.aliases.map(alias => words[alias] ?? alias);
  return [...said, ...(version.rejected ? [trans.__('rejected')] : [])].join(', ') || trans.__('earlier version');
}
