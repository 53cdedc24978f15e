/** One row of the stage list; drawn again only when what it shows has changed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { bugIcon, caretDownIcon, caretRightIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { memo, type ReactElement } from 'react';
import { CommandIds } from '../../commands';
import { Clock } from '../../controls/clock';
import { Cut } from '../../controls/cut';
import { ColourBar, StateIcon } from '../../controls/marks';
import { detailOf, formatClock, formatSeconds, messageOf, wordOf } from '../../runs/state';
import type { StageColour } from '../../stages/colours';
import { openStageMenu } from './menu';
import { isSameRow, markOfRow, type GroupRow, type Row, type StageRow } from './rows';

interface RowProps<R extends Row> {
  readonly row: R;
  readonly isSelected: boolean;
  readonly isOpen: boolean;
  /** What the stage took the last time. */
  readonly last: number | null;
  readonly colour: StageColour | null;
  readonly choose: (row: Row) => void;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

export const StageRowView = memo(RowView, (before, after) => {
  const { row, ...others } = before;
  const keys = Object.keys(others) as (keyof typeof others)[];
  return isSameRow(row, after.row) && keys.every(key => before[key] === after[key]);
});

function RowView(props: RowProps<Row>): ReactElement {
  const { row, isSelected, isOpen, trans, choose } = props;
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
      onContextMenu={event => {
        if (row.kind === 'stage') {
          event.preventDefault();
          event.stopPropagation();
          openStageMenu(props.commands, row.name, event.currentTarget, event);
        }
      }}
    >
      <div className="jp-pipe-Row-line" onClick={() => choose(row)}>
        {row.kind === 'group' && <Caret isOpen={isOpen} />}
        {mark ? <StateIcon mark={mark} /> : <span className="jp-pipe-Row-blank" />}
        {row.kind === 'stage' ? <StageParts {...props} row={row} /> : <GroupParts row={row} trans={trans} />}
      </div>
      {row.kind === 'stage' && isSelected && row.run?.failure && (
        <p className="jp-pipe-Row-message jp-pipe-code">{messageOf(row.run.failure)}</p>
      )}
      {row.kind === 'stage' && isSelected && !row.run?.failure && <Values {...props} row={row} />}
    </div>
  );
}

function StageParts(props: RowProps<StageRow>): ReactElement {
  const { row, last, colour, trans } = props;
  const mark = markOfRow(row);
  return (
    <>
      <ColourBar colour={colour} />
      <Cut className="jp-pipe-Row-name" text={row.name} />
      <span className="jp-pipe-Row-state">
        {mark && <strong>{wordOf(mark, trans)}</strong>}
        {row.run && !row.isStale && <Detail text={detailOf(row.run, trans)} />}
      </span>
      <span className="jp-pipe-Row-time">{row.run && <Time {...{ row, last, trans }} />}</span>
      <Actions {...props} />
    </>
  );
}

const MOST_VALUES = 6;

/** What the selected stage left: a click shows what is in it. */
function Values({ row, commands, trans }: RowProps<StageRow>): ReactElement | null {
  const names = row.run?.artifacts.flatMap(artifact => artifact.names) ?? [];
  if (names.length === 0 || !commands.hasCommand(CommandIds.showValues)) {
    return null;
  }
  const show = (args: { name?: string }) => void commands.execute(CommandIds.showValues, { stage: row.name, ...args });
  return (
    <p className="jp-pipe-Row-values">
      {names.slice(0, MOST_VALUES).map(name => (
        <button
          key={name}
          type="button"
          tabIndex={-1}
          className="jp-pipe-Link jp-pipe-code"
          title={trans.__('Show the value of %1', name)}
          onClick={() => show({ name })}
        >
          {name}
        </button>
      ))}
      {names.length > MOST_VALUES && (
        <button type="button" tabIndex={-1} className="jp-pipe-Link" onClick={() => show({})}>
          {trans.__('%1 more', names.length - MOST_VALUES)}
        </button>
      )}
    </p>
  );
}

function Actions({ row, commands, trans }: RowProps<StageRow>): ReactElement {
  return (
    <span className="jp-pipe-Row-actions">
      {row.run?.failure && commands.hasCommand(CommandIds.debugStage) && (
        <button
          type="button"
          tabIndex={-1}
          className="jp-pipe-IconButton"
          title={trans.__('Debug here')}
          aria-label={trans.__('Debug here')}
          onClick={() => void commands.execute(CommandIds.debugStage, { stage: row.name })}
        >
          <bugIcon.react tag="span" />
        </button>
      )}
      <button
        type="button"
        tabIndex={-1}
        className="jp-pipe-IconButton"
        title={trans.__('More')}
        aria-label={trans.__('Menu of %1', row.name)}
        onClick={event => openStageMenu(commands, row.name, event.currentTarget)}
      >
        <ellipsesIcon.react tag="span" />
      </button>
    </span>
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
      <span className="jp-pipe-Row-time">
        {row.members.some(member => member.run)
          ? trans.__('%1 of %2', row.done, row.members.length)
          : trans._n('%1 stage', '%1 stages', row.members.length)}
      </span>
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
