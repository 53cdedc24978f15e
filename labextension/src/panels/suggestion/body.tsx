/** The suggested stages as a list to bend: names, borders, what is left out. Accepting is in the header. */

import { useEffect, useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import { CommandIds } from '../../commands';
import { cellsOf, leaveOut, type Draft } from '../../suggest/draft';
import type { BodyProps } from '../section';
import { SuggestedCellView } from './cell';
import { SuggestedStageView } from './stage';

export interface SuggestionProps extends BodyProps {
  readonly draft: Draft;
}

export function SuggestionBody(props: SuggestionProps): ReactElement {
  const { draft, pipeline, commands, trans } = props;
  const [open, setOpen] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const { preview, cells } = pipeline.stages;
  useEffect(() => list.current?.querySelector('input')?.focus(), []);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      void commands.execute(CommandIds.discardSuggestion);
    }
  };
  const homeless = cells.filter(cell => draft.leftOut.has(cell.id) && !draft.homes.has(cell.id));
  return (
    <div onKeyDown={onKey}>
      <ul ref={list} className="jp-pipe-Suggestion" aria-label={trans.__('Suggested stages')}>
        {draft.stages
          .filter(stage => !stage.isKept || cellsOf(draft, stage.key, cells).length > 0)
          .map((stage, index) => (
            <SuggestedStageView
              key={stage.key}
              {...props}
              stage={stage}
              isFirst={index === 0}
              isOpen={open === stage.key}
              toggle={() => setOpen(open === stage.key ? null : stage.key)}
            />
          ))}
      </ul>
      {homeless.length > 0 && (
        <>
          <p className="jp-pipe-Note">{trans._n('Left out, %1 cell:', 'Left out, %1 cells:', homeless.length)}</p>
          <ul className="jp-pipe-Suggestion-cells" aria-label={trans.__('Cells that are left out')}>
            {homeless.map(cell => (
              <SuggestedCellView
                key={cell.id}
                {...props}
                cellId={cell.id}
                isOut
                setOut={isOut => preview.show(leaveOut(draft, cell.id, isOut))}
              />
            ))}
          </ul>
        </>
      )}
      {draft.notes.map(note => (
        <p key={note} className="jp-pipe-Note">
          {note}
        </p>
      ))}
    </div>
  );
}
