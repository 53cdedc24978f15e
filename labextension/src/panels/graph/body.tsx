/** The pipeline as a picture with live states. Read-only; the list of stages is the accessible view. */

import { launchIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { memo, useMemo, useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import type { Edge, StageRun } from '../../api/types';
import { CommandIds } from '../../commands';
import { stateShape } from '../../icons';
import { markOf, wordOf, type Mark } from '../../runs/state';
import type { StageColour } from '../../stages/colours';
import type { BodyProps } from '../section';
import { openStageMenu } from '../stages/menu';
import { stageNames } from '../stages/body';
import { Empty, Loading } from '../states';
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
    return pipeline.checker.isPending ? (
      <Loading text={trans.__('Compiling…')} />
    ) : (
      <Empty text={trans.__('The graph is known when the notebook compiles.')} />
    );
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
  const runOf = (stage: string) => pipeline.stageRun(stage);
  const onKey = (event: KeyboardEvent, stage: string) => {
    const next = followEdge(event.key, stage, edges);
    if (next) {
      svg.current?.querySelector<SVGGElement>(`[data-stage="${CSS.escape(next)}"]`)?.focus();
    } else if (event.key === 'Enter') {
      void commands.execute(CommandIds.goToStage, { stage });
    } else if (event.key === ' ') {
      openStageMenu(commands, stage, event.currentTarget);
    } else if (!view.onKey(event.key)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const press = useRef(onKey);
  press.current = onKey;
  const acts = useMemo<NodeActs>(
    () => ({
      focus: setFocus,
      open: stage => void commands.execute(CommandIds.goToStage, { stage }),
      press: (event, stage) => press.current(event, stage)
    }),
    [commands]
  );
  const named = useMemo(() => namedArcs(layout), [layout]);
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
      {layout.arcs.map(arc => {
        const isLit = lit !== null && lit.has(arc.from) && lit.has(arc.to);
        const isMade = isDone(runOf(arc.from));
        return (
          <ArcView
            key={`${arc.from} ${arc.to}`}
            {...{ arc, isLit, isMade }}
            isFeeding={isMade && runOf(arc.to)?.state === 'running'}
            isDim={lit !== null && !isLit}
            isNamed={named.has(arc)}
          />
        );
      })}
      {layout.boxes.map(box => (
        <NodeView
          key={box.id}
          {...{ box, acts, trans }}
          runs={box.members.map(runOf)}
          isDim={lit !== null && !box.members.some(member => lit.has(member))}
          colour={box.members.length === 1 ? pipeline.stages.shown.colours.find(box.id) : null}
        />
      ))}
    </svg>
  );
}

interface NodeActs {
  readonly focus: (stage: string | null) => void;
  readonly open: (stage: string) => void;
  readonly press: (event: KeyboardEvent, stage: string) => void;
}

interface NodeProps {
  readonly box: Box;
  /** One for each member. */
  readonly runs: readonly (StageRun | null)[];
  readonly isDim: boolean;
  readonly colour: StageColour | null;
  readonly acts: NodeActs;
  readonly trans: TranslationBundle;
}

const NodeView = memo(DrawnNode, (before, after) => {
  const { runs, ...others } = before;
  const keys = Object.keys(others) as (keyof typeof others)[];
  return keys.every(key => before[key] === after[key]) && runs.every((run, index) => run === after.runs[index]);
});

function DrawnNode({ box, runs, isDim, colour, acts, trans }: NodeProps): ReactElement {
  const label = nodeLabel(box, runs[0], trans);
  return (
    <g
      className="jp-pipe-Node"
      data-stage={box.id}
      data-dim={isDim}
      data-state={worst(runs)}
      data-pipe-colour={colour?.number ?? 'grey'}
      transform={`translate(${box.x} ${box.y})`}
      tabIndex={0}
      role="button"
      aria-label={label}
      onMouseEnter={() => acts.focus(box.id)}
      onMouseLeave={() => acts.focus(null)}
      onFocus={() => acts.focus(box.id)}
      onBlur={() => acts.focus(null)}
      onClick={() => acts.open(box.id)}
      onKeyDown={event => acts.press(event, box.id)}
    >
      <title>{label}</title>
      <rect className="jp-pipe-Node-box" width={box.width} height={box.height} rx="2" />
      {runs.length === 1 ? <SingleNode box={box} run={runs[0]} /> : <GroupNode box={box} runs={runs} />}
    </g>
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

function GroupNode({ box, runs }: Pick<NodeProps, 'box' | 'runs'>): ReactElement {
  const last = /\d+$/.exec(box.members[box.members.length - 1])?.[0];
  return (
    <>
      <text className="jp-pipe-Node-name" x="7" y="10">
        {last ? `${box.id} … ${last}` : `${box.id} … (${box.members.length})`}
      </text>
      {box.members.map((member, index) => {
        const run = runs[index];
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
  /** Its values exist. */
  readonly isMade: boolean;
  /** Its values go into a running stage. */
  readonly isFeeding: boolean;
  /** It joins relatives of the stage that is pointed at. */
  readonly isLit: boolean;
  readonly isDim: boolean;
  readonly isNamed: boolean;
}

/** Solid once its values exist, dashed before, blue when it feeds a running stage. */
const ArcView = memo(function DrawnArc({ arc, isMade, isFeeding, isLit, isDim, isNamed }: ArcProps): ReactElement {
  const names = arc.names.join(', ');
  return (
    <g className="jp-pipe-Arc" data-made={isMade} data-feeds={isFeeding} data-dim={isDim}>
      <path d={arc.path}>
        <title>{names}</title>
      </path>
      {names && ((isNamed && names.length <= 8) || isLit) && (
        <text x={arc.label.x + 5} y={arc.label.y}>
          {names.length > 24 ? `${names.slice(0, 23)}…` : names}
        </text>
      )}
    </g>
  );
});

/** Of the edges that carry the same values from one stage, the first is named. */
function namedArcs({ arcs }: GraphLayout): ReadonlySet<Arc> {
  const firsts = new Map<string, Arc>();
  for (const arc of arcs) {
    const key = JSON.stringify([arc.from, arc.names]);
    firsts.set(key, firsts.get(key) ?? arc);
  }
  return new Set(firsts.values());
}

function isDone(run: StageRun | null): boolean {
  return run?.state === 'succeeded' || run?.state === 'cached';
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

function worst(runs: readonly (StageRun | null)[]): Mark | undefined {
  const marks = new Set(runs.map(run => run && markOf(run)));
  return WORST.find(mark => marks.has(mark));
}

function nodeLabel(box: Box, run: StageRun | null, trans: TranslationBundle): string {
  if (box.members.length > 1) {
    return trans.__('%1 stages, %2 to %3', box.members.length, box.id, box.members[box.members.length - 1]);
  }
  return run ? `${wordOf(markOf(run), trans)}, ${box.id}` : box.id;
}
