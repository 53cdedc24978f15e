/** One cell of a suggested stage: its first line, and where else it could go. */

import { closeIcon, moveDownIcon, moveUpIcon, undoIcon, type LabIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import { CommandIds } from '../../commands';
import type { BodyProps } from '../section';

interface Move {
  /** The stage to go to. */
  readonly name: string;
  readonly act: () => void;
}

interface CellProps extends BodyProps {
  readonly cellId: string;
  readonly isOut: boolean;
  readonly setOut: (isOut: boolean) => void;
  readonly up?: Move | null;
  readonly down?: Move | null;
}

export function SuggestedCellView(props: CellProps): ReactElement {
  const { cellId, isOut, setOut, up, down, pipeline, commands, trans } = props;
  const line = firstLine(pipeline.stages.sourceOf(cellId));
  return (
    <li className="jp-pipe-SuggestedCell" data-out={isOut}>
      <button
        type="button"
        className="jp-pipe-SuggestedCell-source jp-pipe-code"
        title={trans.__('Go to cell')}
        onClick={() => void commands.execute(CommandIds.goToCell, { cellId })}
      >
        {line || trans.__('empty')}
      </button>
      {up && !isOut && <Action icon={moveUpIcon} label={trans.__('Move to %1', up.name)} act={up.act} />}
      {down && !isOut && <Action icon={moveDownIcon} label={trans.__('Move to %1', down.name)} act={down.act} />}
      {isOut ? (
        <Action icon={undoIcon} label={trans.__('Take in again')} act={() => setOut(false)} />
      ) : (
        <Action icon={closeIcon} label={trans.__('Leave out (skip)')} act={() => setOut(true)} />
      )}
    </li>
  );
}

function Action(props: { icon: LabIcon; label: string; act: () => void }): ReactElement {
  const { icon: Icon, label, act } = props;
  return (
    <button type="button" className="jp-pipe-IconButton" title={label} aria-label={label} onClick={act}>
      <Icon.react tag="span" />
    </button>
  );
}

/** The first line that is code, not a comment. */
function firstLine(source: string): string {
  const lines = source.split('\n').map(line => line.trim());
  return lines.find(line => line && !line.startsWith('#')) ?? lines[0];
}
