/** One suggested stage: whether it is kept, its name, why it is one, and its cells. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import type { KeyboardEvent, ReactElement } from 'react';
import { ColourBar } from '../../controls/marks';
import { useShown } from '../../controls/shown';
import { nameProblemText } from '../../picker/words';
import { cellsOf, findDraftProblem, keepStage, leaveOut, moveCell, neighbours, renameStage, type DraftStage } from '../../suggest/draft';
import type { SuggestionProps } from './body';
import { SuggestedCellView } from './cell';

interface StageProps extends SuggestionProps {
  readonly stage: DraftStage;
  readonly isFirst: boolean;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

export function SuggestedStageView(props: StageProps): ReactElement {
  const { draft, stage, isOpen, toggle, pipeline, trans } = props;
  const { shown, cells } = pipeline.stages;
  const count = cellsOf(draft, stage.key, cells).length;
  const takes = stage.receives.length > 0 && trans.__('Takes %1.', stage.receives.join(', '));
  const why = [stage.reason, takes].filter(Boolean).join(' ');
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <li className="jp-pipe-Suggested" data-kept={stage.isKept}>
      <div className="jp-pipe-Suggested-line">
        <KeepBox {...props} />
        <ColourBar colour={stage.isKept ? shown.colours.of(stage.name) : null} />
        <NameField {...props} />
        <span className="jp-pipe-Row-time">
          {stage.isKept ? trans._n('%1 cell', '%1 cells', count) : trans.__('joins the one above')}
        </span>
        {stage.isKept && (
          <button
            type="button"
            className="jp-pipe-IconButton"
            aria-expanded={isOpen}
            aria-label={trans.__('Cells of %1', stage.name)}
            title={trans.__('Cells')}
            onClick={toggle}
          >
            <Caret.react tag="span" />
          </button>
        )}
      </div>
      <p className="jp-pipe-second jp-pipe-Suggested-reason" title={why}>
        {why}
      </p>
      {isOpen && stage.isKept && <CellList {...props} />}
    </li>
  );
}

function KeepBox({ draft, stage, isFirst, pipeline, trans }: StageProps): ReactElement {
  const [isKept, showKept] = useShown(stage.isKept);
  const keep = (isNowKept: boolean) => {
    showKept(isNowKept);
    pipeline.stages.preview.show(keepStage(draft, stage.key, isNowKept));
  };
  return (
    <input
      type="checkbox"
      checked={isKept}
      disabled={isFirst}
      aria-label={trans.__('Keep stage %1', stage.name)}
      title={isFirst ? trans.__('The first stage has none above to join.') : trans.__('Untick to join the stage above')}
      onChange={event => keep(event.target.checked)}
    />
  );
}

function NameField({ draft, stage, pipeline, trans }: StageProps): ReactElement {
  const [text, setText] = useShown(stage.name);
  const problem = text === stage.name ? null : findDraftProblem(draft, stage.key, text);
  const words = nameProblemText(problem, trans);
  const commit = () => {
    if (problem) {
      setText(stage.name);
    } else if (text !== stage.name) {
      pipeline.stages.preview.show(renameStage(draft, stage.key, text));
    }
  };
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter' && !problem) {
      commit();
    } else if (event.key === 'Escape' && text !== stage.name) {
      event.stopPropagation();
      setText(stage.name);
    }
  };
  return (
    <span className="jp-pipe-Suggested-name">
      <input
        className="jp-pipe-Input"
        value={text}
        disabled={!stage.isKept}
        aria-label={trans.__('Name of stage %1', stage.name)}
        aria-invalid={problem !== null}
        onChange={event => setText(event.target.value)}
        onBlur={commit}
        onKeyDown={onKey}
      />
      {words && (
        <span className="jp-pipe-second" role="alert">
          {words}
        </span>
      )}
    </span>
  );
}

function CellList({ draft, stage, ...props }: StageProps): ReactElement {
  const { preview, cells } = props.pipeline.stages;
  const own = cellsOf(draft, stage.key, cells);
  const { above, below } = neighbours(draft, stage.key);
  const moveTo = (cellId: string, target: DraftStage | null, isAtEdge: boolean) =>
    target && isAtEdge
      ? { name: target.name, act: () => preview.show(moveCell(draft, cellId, target.key)) }
      : null;
  return (
    <ul className="jp-pipe-Suggestion-cells" aria-label={props.trans.__('Cells of %1', stage.name)}>
      {own.map((cell, index) => (
        <SuggestedCellView
          key={cell.id}
          {...props}
          cellId={cell.id}
          isOut={draft.leftOut.has(cell.id)}
          setOut={isOut => preview.show(leaveOut(draft, cell.id, isOut))}
          up={moveTo(cell.id, above, index === 0)}
          down={moveTo(cell.id, below, index === own.length - 1)}
        />
      ))}
    </ul>
  );
}
