/** The pipeline as a picture with live states. Read-only; the list of stages is the accessible view. */

import { launchIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useMemo, useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import type { Edge, StageRun } from '../../api/types';
import { CommandIds } from '../../commands';
import { stateShape } from '../../icons';
import { markOf, wordOf, type Mark } from '../../runs/state';
import type { BodyProps } from '../section';
import { openStageMenu } from '../stages/menu';
import { stageNames } from '../stages/body';
import { Loading } from '../states';
import { iconPlace, layoutGraph, relatives, type Arc, type Box, type GraphLayout } from './layout';
import { useView } from './view';

const CONDENSE_FROM = 16;
const NAME_LENGTH = 11;

export function GraphBody(props: BodyProps & { isLarge?: boolean }): ReactElement {
  const { pipeline, commands, trans, isLarge = false } = props;
  const compiled = pipeline.pipeline;
  const names = compiled ? compiled.stages.map(stage => stage.name) : stageNames(props);
  const edges = compiled?.edges ?? [];
  const isCondensed = !isLarge && names.length >= CONDENSE_FROM;
  const layout = useMemo(() => layoutGraph(names, edges, isCondensed), [names.join(), compiled, isCondensed]);
  if (names.length === 0) {
    return <Loading text={trans.__('Compiling…')} />;
  }
  return (
    <div className="jp-pipe-Graph" data-stale={pipeline.checker.hasErrors}>
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
      <Picture {...props} layout={layout} edges={edges} />
    </div>
  );
}

interface PictureProps extends BodyProps {
  readonly layout: GraphLayout;
  readonly edges: readonly Edge[];
}

function Picture({ layout, edges, pipeline, commands, trans }: PictureProps): ReactElement {
  const [focus, setFocus] = useState<string | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const view = useView(svg, layout);
  const lit = useMemo(() => (focus === null ? null : relatives(focus, edges)), [focus, edges]);
  const isDim = (box: Box) => lit !== null && !box.members.some(member => lit.has(member));
  const runOf = (stage: string) => pipeline.stageRun(stage);
  const onKey = (event: KeyboardEvent, stage: string) => {
    const next = followEdge(event.key, stage, edges);
    if (next) {
      svg.current?.querySelector<SVGGElement>(`[data-stage="${CSS.escape(next)}"]`)?.focus();
    } else if (event.key === 'Enter') {
      void commands.execute(CommandIds.goToStage, { stage });
    } else if (event.key === ' ') {
      openStageMenu(commands, stage, event.currentTarget as unknown as HTMLElement);
    } else if (!view.onKey(event.key)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <svg
      ref={svg}
      className="jp-pipe-Graph-svg"
      role="group"
      aria-label={trans.__('Graph of the pipeline')}
      viewBox={view.box}
      style={{ aspectRatio: `${layout.width} / ${layout.height}`, maxWidth: layout.width * 1.35 }}
      {...view.handlers}
    >
      {layout.arcs.map(arc => (
        <ArcView
          key={`${arc.from} ${arc.to}`}
          arc={arc}
          lit={lit}
          runOf={runOf}
          isNamed={layout.arcs.find(other => other.from === arc.from && sameNames(other, arc)) === arc}
        />
      ))}
      {layout.boxes.map(box => (
        <g
          key={box.id}
          className="jp-pipe-Node"
          data-stage={box.id}
          data-dim={isDim(box)}
          data-state={worst(box, runOf)}
          data-pipe-colour={(box.members.length === 1 && pipeline.stages.shown.colours.find(box.id)?.number) || 'grey'}
          transform={`translate(${box.x} ${box.y})`}
          tabIndex={0}
          role="button"
          aria-label={nodeLabel(box, runOf, trans)}
          onMouseEnter={() => setFocus(box.id)}
          onMouseLeave={() => setFocus(null)}
          onFocus={() => setFocus(box.id)}
          onBlur={() => setFocus(null)}
          onClick={() => void commands.execute(CommandIds.goToStage, { stage: box.id })}
          onKeyDown={event => onKey(event, box.id)}
        >
          <title>{nodeLabel(box, runOf, trans)}</title>
          <rect className="jp-pipe-Node-box" width={box.width} height={box.height} rx="2" />
          {box.members.length === 1 ? <SingleNode box={box} run={runOf(box.id)} /> : <GroupNode box={box} runOf={runOf} />}
        </g>
      ))}
    </svg>
  );
}

function SingleNode({ box, run }: { box: Box; run: StageRun | null }): ReactElement {
  const mark = run && markOf(run);
  const name = box.id.length > NAME_LENGTH ? `${box.id.slice(0, NAME_LENGTH - 1)}…` : box.id;
  return (
    <>
      <rect className="jp-pipe-Node-stripe" width="3" height={box.height} />
      {mark && <NodeIcon mark={mark} x={8} y={3.5} />}
      <text className="jp-pipe-Node-name" x={mark ? 25 : 10} y={box.height / 2}>
        {name}
      </text>
    </>
  );
}

function GroupNode({ box, runOf }: { box: Box; runOf: (stage: string) => StageRun | null }): ReactElement {
  const last = /\d+$/.exec(box.members[box.members.length - 1])?.[0];
  return (
    <>
      <text className="jp-pipe-Node-name" x="7" y="10">
        {last ? `${box.id} … ${last}` : `${box.id} … (${box.members.length})`}
      </text>
      {box.members.map((member, index) => {
        const run = runOf(member);
        return <NodeIcon key={member} mark={run ? markOf(run) : 'queued'} {...iconPlace(index)} />;
      })}
    </>
  );
}

function NodeIcon(props: { mark: Mark; x: number; y: number }): ReactElement {
  const { mark, x, y } = props;
  return (
    <g
      className="jp-pipe-state"
      data-state={mark}
      transform={`translate(${x} ${y}) scale(${13 / 16})`}
      dangerouslySetInnerHTML={{ __html: stateShape(mark) }}
    />
  );
}

interface ArcProps {
  readonly arc: Arc;
  readonly lit: ReadonlySet<string> | null;
  readonly runOf: (stage: string) => StageRun | null;
  /** Of the edges that carry the same values from one stage, the first is named. */
  readonly isNamed: boolean;
}

/** Solid once its values exist, dashed before, blue when it feeds a running stage. */
function ArcView({ arc, lit, runOf, isNamed }: ArcProps): ReactElement {
  const from = runOf(arc.from)?.state;
  const isMade = from === 'succeeded' || from === 'cached';
  const isDim = lit !== null && !(lit.has(arc.from) && lit.has(arc.to));
  const names = arc.names.join(', ');
  return (
    <g className="jp-pipe-Arc" data-made={isMade} data-feeds={isMade && runOf(arc.to)?.state === 'running'} data-dim={isDim}>
      <path d={arc.path}>
        <title>{names}</title>
      </path>
      {names && ((isNamed && names.length <= 8) || (lit !== null && !isDim)) && (
        <text x={arc.label.x + 5} y={arc.label.y}>
          {names.length > 24 ? `${names.slice(0, 23)}…` : names}
        </text>
      )}
    </g>
  );
}

function sameNames(one: Arc, other: Arc): boolean {
  return one.names.join() === other.names.join();
}

function followEdge(key: string, stage: string, edges: readonly Edge[]): string | null {
  const down = edges.filter(edge => edge.from === stage).map(edge => edge.to);
  const up = edges.filter(edge => edge.to === stage).map(edge => edge.from);
  const beside = edges.filter(edge => up.includes(edge.from)).map(edge => edge.to);
  const at = beside.indexOf(stage);
  const moves: Record<string, string | undefined> = {
    ArrowDown: down[0],
    ArrowUp: up[0],
    ArrowLeft: beside[at - 1],
    ArrowRight: beside[at + 1]
  };
  return moves[key] ?? null;
}

const WORST: readonly Mark[] = ['failed', 'gate_failed', 'running', 'interrupted'];

function worst(box: Box, runOf: (stage: string) => StageRun | null): Mark | undefined {
  const marks = new Set(box.members.map(member => runOf(member)).map(run => run && markOf(run)));
  return WORST.find(mark => marks.has(mark));
}

function nodeLabel(box: Box, runOf: (stage: string) => StageRun | null, trans: TranslationBundle): string {
  if (box.members.length > 1) {
    return trans.__('%1 stages, %2 to %3', box.members.length, box.id, box.members[box.members.length - 1]);
  }
  const run = runOf(box.id);
  return run ? `${wordOf(markOf(run), trans)}, ${box.id}` : box.id;
}
