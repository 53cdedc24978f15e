/** What the compiler says: each finding with its place, and its cure by one click. */

import type { ReactElement } from 'react';
import type { Diagnostic } from '../../api/types';
import { CommandIds } from '../../commands';
import { About } from '../../controls/about';
import { StateIcon } from '../../controls/marks';
import { applyFix } from '../../stages/edits';
import type { BodyProps } from '../section';
import { Empty, Failed, Loading, Reconnecting, ServerMissing } from '../states';

/** The server's code for a notebook in which nothing has been written. */
const NO_CODE = 'notebook_without_code';

export function ProblemsBody(props: BodyProps): ReactElement {
  const { pipeline, trans } = props;
  const { checker } = pipeline;
  const retry = () => void pipeline.refresh();
  if (checker.error?.isMissing) {
    return <ServerMissing retry={retry} trans={trans} />;
  }
  if (checker.error?.status === 0) {
    return <Reconnecting since={checker.checkedAt} trans={trans} />;
  }
  if (checker.error?.code === NO_CODE) {
    return <Empty text={trans.__('Nothing to check yet: the notebook has no code.')} />;
  }
  if (checker.error) {
    return <Failed text={trans.__('Could not check.')} error={checker.error} retry={retry} trans={trans} />;
  }
  if (!checker.checkedAt) {
    return <Loading text={trans.__('Checking…')} />;
  }
  if (checker.diagnostics.length === 0) {
    return (
      <p className="jp-pipe-Empty jp-pipe-Line">
        <StateIcon mark="succeeded" /> {trans.__('No problems found.')}
        <About client={pipeline.client} page="diagnostics" subject={trans.__('what is checked')} trans={trans} />
      </p>
    );
  }
  return (
    <ul className="jp-pipe-Problems" aria-label={trans.__('Problems')}>
      {checker.diagnostics.map((diagnostic, index) => (
        <Problem key={index} diagnostic={diagnostic} {...props} />
      ))}
    </ul>
  );
}

function Problem({ diagnostic, pipeline, commands, trans }: BodyProps & { diagnostic: Diagnostic }): ReactElement {
  const { stages } = pipeline;
  const goTo = { cellId: diagnostic.cell_id, line: diagnostic.line };
  return (
    <li className="jp-pipe-Problem">
      <SeverityIcon diagnostic={diagnostic} label={severityWord(diagnostic, trans)} />
      <div>
        <p>{diagnostic.message}</p>
        {diagnostic.hint && <p className="jp-pipe-second">{diagnostic.hint}</p>}
        <p className="jp-pipe-second jp-pipe-Actions">
          <a
            className="jp-pipe-Link"
            href={pipeline.client.documentation(`diagnostics#${diagnostic.code}`)}
            target="_blank"
            rel="noopener"
            title={trans.__('What %1 means', diagnostic.code)}
          >
            {diagnostic.code}
          </a>
          {(diagnostic.stage || diagnostic.line) && <span>{placeOf(diagnostic, trans)}</span>}
          {diagnostic.cell_id && (
            <button
              type="button"
              className="jp-pipe-Link"
              onClick={() => void commands.execute(CommandIds.goToCell, goTo)}
            >
              {trans.__('Go to cell')}
            </button>
          )}
          {diagnostic.fixes.map(fix => (
            <button
              key={fix.title}
              type="button"
              className="jp-pipe-Link"
              disabled={stages.isReadOnly}
              onClick={() =>
                stages.apply(fix.title, applyFix(stages.cells, fix.cell_id, fix.add_tags, fix.remove_tags))
              }
            >
              {fix.title}
            </button>
          ))}
        </p>
      </div>
    </li>
  );
}

/** A place by names that stand on the screen: "train, line 3". */
function placeOf({ stage, line }: Diagnostic, trans: BodyProps['trans']): string {
  const parts = [stage, line === null ? null : trans.__('line %1', line)];
  return parts.filter(Boolean).join(', ');
}

const WARNING =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M8 2.2 14.6 14H1.4z" class="jp-pipe-line"/>' +
  '<path d="M8 6.4v3.8M8 11.4v1.4" class="jp-pipe-line"/></svg>';
const INFO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.25" class="jp-pipe-line"/>' +
  '<path d="M8 7.2v4.2M8 4.4v1.4" class="jp-pipe-line"/></svg>';

function SeverityIcon(props: { diagnostic: Diagnostic; label: string }): ReactElement {
  const { severity } = props.diagnostic;
  if (severity === 'error') {
    return (
      <span role="img" aria-label={props.label}>
        <StateIcon mark="failed" />
      </span>
    );
  }
  return (
    <span
      className="jp-pipe-state"
      data-state={severity}
      style={{ width: 16, height: 16 }}
      role="img"
      aria-label={props.label}
      dangerouslySetInnerHTML={{ __html: severity === 'warning' ? WARNING : INFO }}
    />
  );
}

function severityWord(diagnostic: Diagnostic, trans: BodyProps['trans']): string {
  const words = { error: trans.__('Error'), warning: trans.__('Warning'), info: trans.__('Information') };
  return words[diagnostic.severity];
}
