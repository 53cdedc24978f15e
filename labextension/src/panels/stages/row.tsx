/** One row of the stage list. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import type { ReactElement, ReactNode } from 'react';
import { Clock } from '../../controls/clock';
import { ColourBar, StateIcon } from '../../controls/marks';
import type { NotebookPipeline } from '../../runs/pipeline';
import { detailOf, formatClock, formatSeconds, messageOf, wordOf } from '../../runs/state';
import { markOfRow, type GroupRow, type Row, type StageRow } from './rows';

interface RowProps<R extends Row> {
  readonly row: R;
  readonly isSelected: boolean;
  readonly isOpen: boolean;
  readonly pipeline: NotebookPipeline;
  readonly trans: TranslationBundle;
  readonly onSelect: () => void;
  readonly actions: ReactNode;
}

export function StageRowView(props: RowProps<Row>): ReactElement {
  const { row, isSelected, isOpen, trans, onSelect } = props;
  const mark = markOfRow(row);
  return (
    <div
      id={`jp-pipe-stage-${row.name}`}
      className="jp-pipe-Row"
      role="treeitem"
      aria-level={row.kind === 'stage' && row.group ? 2 : 1}
      aria-selected={isSelected}
      aria-expanded={row.kind === 'group' ? isOpen : undefined}
      aria-label={label(row, trans)}
      title={row.kind === 'stage' ? label(row, trans) : undefined}
    >
      <div className="jp-pipe-Row-line" onClick={onSelect}>
        {row.kind === 'group' && <Caret isOpen={isOpen} />}
        {mark ? <StateIcon mark={mark} /> : <span className="jp-pipe-Row-blank" />}
        {row.kind === 'stage' ? <StageParts {...props} row={row} /> : <GroupParts row={row} trans={trans} />}
      </div>
      {row.kind === 'stage' && isSelected && row.run?.failure && (
        <p className="jp-pipe-Row-message jp-pipe-code">{messageOf(row.run.failure)}</p>
      )}
    </div>
  );
}

function StageParts({ row, pipeline, trans, actions }: RowProps<StageRow>): ReactElement {
  const mark = markOfRow(row);
  return (
    <>
      <ColourBar colour={pipeline.stages.shown.colours.find(row.name)} />
      <span className="jp-pipe-Row-name">{row.name}</span>
      <span className="jp-pipe-Row-state">
        {mark && <strong>{wordOf(mark, trans)}</strong>}
        {row.run && !row.isStale && <Detail text={detailOf(row.run, trans)} />}
      </span>
      <span className="jp-pipe-Row-time">{row.run && <Time row={row} last={pipeline.lastSeconds(row.name)} trans={trans} />}</span>
      {actions}
    </>
  );
}

function Detail(props: { text: string }): ReactElement | null {
  return props.text ? <span className="jp-pipe-second"> · {props.text}</span> : null;
}

function Time({ row, last, trans }: { row: StageRow; last: number | null; trans: TranslationBundle }): ReactElement | null {
  const { run } = row;
  if (run?.state === 'running' && run.started !== null) {
    return <Clock since={run.started} suffix={last === null ? '' : ` / ${formatClock(Math.round(last))}`} />;
  }
  if (run?.state === 'queued') {
    return last === null ? null : <>{trans.__('about %1', formatSeconds(last))}</>;
  }
  if (run?.state === 'cached') {
    return run.saved_seconds >= 0.1 ? <>{trans.__('saves %1', formatSeconds(run.saved_seconds))}</> : null;
  }
  return run && run.seconds > 0 ? (
    <>
      {formatSeconds(run.seconds)}
      {last !== null && <span className="jp-pipe-Row-last"> · {trans.__('last %1', formatSeconds(last))}</span>}
    </>
  ) : null;
}

function GroupParts({ row, trans }: { row: GroupRow; trans: TranslationBundle }): ReactElement {
  return (
    <>
      <span className="jp-pipe-Row-name">{row.name}</span>
      <span className="jp-pipe-Row-state" />
      <span className="jp-pipe-Row-time">{trans.__('%1 of %2', row.done, row.members.length)}</span>
    </>
  );
}

function Caret(props: { isOpen: boolean }): ReactElement {
  const Icon = props.isOpen ? caretDownIcon : caretRightIcon;
  return <Icon.react tag="span" width="14px" />;
}

/** State first, then name, then where: how a screen reader says it. */
function label(row: Row, trans: TranslationBundle): string {
  const mark = markOfRow(row);
  const detail = row.kind === 'stage' && row.run ? detailOf(row.run, trans) : '';
  return [mark && wordOf(mark, trans), row.name, detail].filter(Boolean).join(', ');
}
