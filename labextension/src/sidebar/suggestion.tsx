/** The top of the panel while stages are suggested: accept or discard, and what to do with them. */

import type { ReactElement } from 'react';
import { CommandIds } from '../commands';
import { suggestIcon } from '../icons';
import type { SuggestionProps } from '../panels/suggestion/body';

export function SuggestionHeader({ pipeline, commands, trans }: SuggestionProps): ReactElement {
  const { shown, outline } = pipeline.stages;
  const count = shown.outline.stages.length;
  return (
    <>
      <div className="jp-pipe-Toolbar" role="toolbar" aria-label={trans.__('Suggestion')}>
        <button
          type="button"
          className="jp-pipe-Button jp-mod-primary"
          disabled={count === 0}
          onClick={() => void commands.execute(CommandIds.acceptSuggestion)}
        >
          {trans._n('Accept %1 stage', 'Accept %1 stages', count)}
        </button>
        <button
          type="button"
          className="jp-pipe-Button"
          onClick={() => void commands.execute(CommandIds.discardSuggestion)}
        >
          {trans.__('Discard')}
        </button>
      </div>
      <div className="jp-pipe-Suggestion-intro" role="status">
        <suggestIcon.react tag="span" width="16px" />
        <div>
          <p>
            <strong>
              {outline.stages.length === 0
                ? trans.__('A suggestion. Nothing is tagged yet.')
                : trans.__('A suggestion. The tags are as they were.')}
            </strong>
          </p>
          <p className="jp-pipe-second">
            {trans.__('Names can be changed. Untick a stage to join it to the one above; open it to move its cells.')}
          </p>
        </div>
      </div>
    </>
  );
}
