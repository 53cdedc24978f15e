/** A widget of React elements that is drawn in step with the screen. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { coalesced } from './frames';

export abstract class FrameWidget extends ReactWidget {
  /** Draw soon, and at most once a frame. */
  readonly drawSoon = coalesced(() => {
    if (!this.isDisposed) {
      this.update();
    }
  });
}
