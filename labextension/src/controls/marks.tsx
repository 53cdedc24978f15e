/** A stage's state and colour, as React elements. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { stateShape } from '../icons';
import { wordOf, type Mark } from '../runs/state';
import type { StageColour } from '../stages/colours';

export function StateIcon(props: { mark: Mark; size?: number; trans?: TranslationBundle }): ReactElement {
  const { mark, size = 16, trans } = props;
  return (
    <span
      className="jp-pipe-state"
      data-state={mark}
      style={{ width: size, height: size }}
      role={trans ? 'img' : undefined}
      aria-label={trans && wordOf(mark, trans)}
      aria-hidden={trans ? undefined : true}
    >
      <svg viewBox="0 0 16 16" fill="none" dangerouslySetInnerHTML={{ __html: stateShape(mark) }} />
    </span>
  );
}

/** The square of a stage's colour; grey for what is not a stage. */
export function ColourSquare(props: { colour: StageColour | null }): ReactElement {
  return <span className="jp-pipe-Square" data-pipe-colour={props.colour?.number ?? 'grey'} aria-hidden />;
}

/** The upright bar of a stage's colour, double or dashed from the ninth stage on. */
export function ColourBar(props: { colour: StageColour | null }): ReactElement {
  const { colour } = props;
  return (
    <span
      className="jp-pipe-Bar"
      data-pipe-colour={colour?.number ?? 'grey'}
      data-pipe-bar={colour?.style ?? 'solid'}
      aria-hidden
    />
  );
}
