/** The place of the pipeline's picture, or why there is none; the picture is loaded when the first is drawn. */

import { launchIcon } from '@jupyterlab/ui-components';
import { lazy, Suspense, useCallback, useRef, useState, type ReactElement, type RefCallback } from 'react';
import type { Edge } from '../../api/types';
import { CommandIds } from '../../commands';
import { About } from '../../controls/about';
import type { BodyProps } from '../section';
import { stageNames } from '../stages/body';
import { Empty, Loading } from '../states';
import type { Size } from './view';

const NO_EDGES: readonly Edge[] = [];
const GraphPicture = lazy(async () => ({ default: (await import('./picture')).GraphPicture }));

export function GraphBody(props: BodyProps & { isLarge?: boolean }): ReactElement {
  const { pipeline, commands, trans, isLarge = false } = props;
  const compiled = pipeline.pipeline;
  const names = compiled ? compiled.stages.map(stage => stage.name) : stageNames(props);
  const [wrapper, frame] = useFrame();
  if (names.length === 0) {
    return pipeline.checker.isPending ? (
      <Loading text={trans.__('Compiling…')} />
    ) : (
      <Empty
        text={trans.__('The graph is known when the notebook compiles.')}
        about={<About client={pipeline.client} page="how-it-works#from-stages-to-a-graph" subject={trans.__('the graph')} trans={trans} />}
      />
    );
  }
  return (
    <div className="jp-pipe-Graph" data-stale={pipeline.checker.hasErrors} data-large={isLarge}>
      {!isLarge && commands.hasCommand(CommandIds.openGraph) && (
        <button
          type="button"
          className="jp-pipe-IconButton jp-pipe-Graph-open"
          title={trans.__('Open in a tab')}
          aria-label={trans.__('Open the graph in a tab')}
          onClick={() => void commands.execute(CommandIds.openGraph)}
        >
          <launchIcon.react tag="span" />
        </button>
      )}
      <div ref={wrapper} className="jp-pipe-Graph-frame">
        {frame.width > 0 && (
          <Suspense fallback={null}>
            <GraphPicture {...props} {...{ names, isLarge }} edges={compiled?.edges ?? NO_EDGES} room={frame} />
          </Suspense>
        )}
      </div>
    </div>
  );
}

/** The pixels of an element, kept up to date, also where it comes and goes. */
function useFrame(): [RefCallback<HTMLDivElement>, Size] {
  const [frame, setFrame] = useState<Size>({ width: 0, height: 0 });
  const observer = useRef<ResizeObserver | null>(null);
  const observe = useCallback((element: HTMLDivElement | null) => {
    observer.current?.disconnect();
    if (element) {
      const read = () => {
        const { clientWidth: width, clientHeight: height } = element;
        setFrame(before => (before.width === width && before.height === height ? before : { width, height }));
      };
      observer.current = new ResizeObserver(read);
      observer.current.observe(element);
      read();
    }
  }, []);
  return [observe, frame];
}
