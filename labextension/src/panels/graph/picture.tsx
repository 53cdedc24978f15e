/** The pipeline as a picture with live states. Read-only; the list of stages is the accessible view. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { memo, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactElement } from 'react';
import type { Edge, StageRun } from '../../api/types';
import { CommandIds } from '../../commands';
import { stateShape } from '../../icons';
import { markOf, wordOf, type Mark } from '../../runs/state';
import type { StageColour } from '../../stages/colours';
import type { BodyProps } from '../section';
import { openStageMenu } from '../stages/menu';
import { fittingLayout, iconPlace, layoutGraph, relatives, type Arc, type Box, type GraphLayout } from './layout';
import { LEGIBLE_SCALE, useView, type Size, type View } from './view';

/** A large picture gets a small one of itself. */
const MINIMAP_FROM = 30;
const MINIMAP_WIDTH = 120;
const PANEL_LARGEST = 1.35;

interface GraphPictureProps extends BodyProps {
  readonly names: readonly string[];
  readonly edges: readonly Edge[];
  /** The pixels that there are. */
  readonly room: Size;
  readonly isLarge: boolean;
}

/** The stages laid out for the room that there is: in a tab all of it, in the panel its width. */
export function GraphPicture(props: GraphPictureProps): ReactElement {
  const { names, edges, room, isLarge } = props;
  const [isWhole, setWhole] = useState(false);
  const layout = useMemo(
    () =>
      isWhole
        ? { ...layoutGraph(names, edges, false, room.width), isCondensed: false }
        : fittingLayout(names, edges, room.width, LEGIBLE_SCALE),
    // By content: compiling again without a change must not lose where somebody looks.
    [JSON.stringify([names, edges]), isWhole, room.width]
  );
  return <Picture {...props} {...{ layout, isWhole, setWhole }} frame={isLarge ? room : panelFrame(layout, room)} />;
}

/** In the panel the picture is as high as it needs to be, and never smaller than can be read. */
function panelFrame(layout: GraphLayout, frame: Size): Size {
  const scale = Math.max(LEGIBLE_SCALE, Math.min(PANEL_LARGEST, frame.width / layout.width));
  return { width: layout.width * scale, height: layout.height * scale };
}

interface PictureProps extends BodyProps {
  readonly layout: GraphLayout & { readonly isCondensed: boolean };
  readonly edges: readonly Edge[];
  readonly frame: Size;
  readonly isLarge: boolean;
  readonly isWhole: boolean;
  readonly setWhole: (isWhole: boolean) => void;
}

function Picture(props: PictureProps): ReactElement {
  const { layout, edges, frame, isLarge, pipeline, commands, trans } = props;
  const [focus, setFocus] = useState<string | null>(null);
  // The graph is one stop of the Tab key; arrows go on from the node that was left last.
  const [stop, setStop] = useState<string | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const view = useView(svg, layout, frame);
  const lit = useMemo(() => (focus === null ? null : relatives(focus, edges)), [focus, edges]);
  const runOf = (stage: string) => pipeline.stageRun(stage);
  const goTo = async (stage: string) => {
    if (isLarge) {
      await commands.execute('docmanager:open', { path: pipeline.stages.panel.context.path });
    }
    await commands.execute(CommandIds.goToStage, { stage });
  };
  const onKey = (event: KeyboardEvent, stage: string) => {
    const next = followEdge(event.key, stage, edges) ?? neighbour(event.key, stage, layout);
    if (next) {
      svg.current?.querySelector<SVGGElement>(`[data-stage="${CSS.escape(next)}"]`)?.focus();
    } else if (event.key === 'Enter') {
      void goTo(stage);
    } else if (event.key === ' ') {
      openStageMenu(commands, stage, event.currentTarget);
    } else if (event.key.toLowerCase() === 'v' && commands.hasCommand(CommandIds.showValues)) {
      void commands.execute(CommandIds.showValues, { stage });
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
      point: setFocus,
      focus: stage => {
        setFocus(stage);
        setStop(stage);
      },
      open: stage => void goTo(stage),
      press: (event, stage) => press.current(event, stage),
      show: arc => {
        const edge = edges.find(each => within(each.from, arc.from, layout) && within(each.to, arc.to, layout));
        if (edge && commands.hasCommand(CommandIds.showValues)) {
          void commands.execute(CommandIds.showValues, { stage: edge.from, name: arc.names[0] });
        }
      },
      menu: (event, stage) => {
        event.preventDefault();
        event.stopPropagation();
        openStageMenu(commands, stage, event.currentTarget, event);
      }
    }),
    [commands, pipeline, edges, layout]
  );
  const named = useMemo(() => namedArcs(layout), [layout]);
  const first = stop !== null && layout.boxes.some(box => box.id === stop) ? stop : layout.boxes[0]?.id;
  return (
    <>
      <svg
        ref={svg}
        className="jp-pipe-Graph-svg"
        role="group"
        aria-label={trans.__('Graph of the pipeline')}
        viewBox={view.box}
        width={frame.width}
        height={frame.height}
        {...view.handlers}
      >
        {layout.arcs.map(arc => {
          const isLit = lit !== null && lit.has(arc.from) && lit.has(arc.to);
          const isMade = isDone(runOf(arc.from));
          return (
            <ArcView
              key={`${arc.from} ${arc.to}`}
              {...{ arc, isLit, isMade }}
              values={valuesOf(arc, runOf(arc.from))}
              isFeeding={isMade && runOf(arc.to)?.state === 'running'}
              isDim={lit !== null && !isLit}
              isNamed={named.has(arc)}
              show={acts.show}
            />
          );
        })}
        {layout.boxes.map(box => (
          <NodeView
            key={box.id}
            {...{ box, acts, trans }}
            runs={box.members.map(runOf)}
            isStop={box.id === first}
            isDim={lit !== null && !box.members.some(member => lit.has(member))}
            colour={box.members.length === 1 ? pipeline.stages.shown.colours.find(box.id) : null}
          />
        ))}
      </svg>
      {isLarge && <Controls {...props} view={view} />}
      {isLarge && layout.boxes.length >= MINIMAP_FROM && <Minimap {...props} view={view} />}
    </>
  );
}

/** What can be done with the view, as buttons: not everybody knows the keys. */
function Controls(props: PictureProps & { view: View }): ReactElement {
  const { view, layout, isWhole, setWhole, trans } = props;
  const button = (label: string, text: string, act: () => void) => (
    <button type="button" className="jp-pipe-Button" title={label} aria-label={label} onClick={act}>
      {text}
    </button>
  );
  return (
    <div className="jp-pipe-Graph-controls" role="toolbar" aria-label={trans.__('View')}>
      {button(trans.__('Zoom in (+)'), '+', view.zoomIn)}
      {button(trans.__('Zoom out (-)'), '−', view.zoomOut)}
      {button(trans.__('Fit (0)'), trans.__('Fit'), view.fit)}
      {layout.isCondensed && button(trans.__('Show every stage by itself'), trans.__('Every stage'), () => setWhole(true))}
      {isWhole && button(trans.__('Put parallel stages into one box'), trans.__('Condense'), () => setWhole(false))}
    </div>
  );
}

/** The whole picture, small; a click looks there. */
function Minimap({ layout, frame, view, trans }: PictureProps & { view: View }): ReactElement {
  const scale = MINIMAP_WIDTH / layout.width;
  const { x, y, scale: shown } = view.place;
  return (
    <svg
      className="jp-pipe-Graph-minimap"
      width={MINIMAP_WIDTH}
      height={layout.height * scale}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      role="img"
      aria-label={trans.__('The whole graph')}
      onMouseDown={event => {
        const at = event.currentTarget.getBoundingClientRect();
        view.lookAt((event.clientX - at.left) / scale, (event.clientY - at.top) / scale);
      }}
    >
      {layout.boxes.map(box => (
        <rect key={box.id} className="jp-pipe-Graph-speck" x={box.x} y={box.y} width={box.width} height={box.height} />
      ))}
      <rect className="jp-pipe-Graph-seen" x={x} y={y} width={frame.width / shown} height={frame.height / shown} />
    </svg>
  );
}

/** What flows along an edge, a line a value: `features: DataFrame 4,318 x 9`. */
function valuesOf(arc: Arc, run: StageRun | null): string {
  const summaries = new Map(run?.artifacts.flatMap(artifact => Object.entries(artifact.summary)) ?? []);
  return arc.names.map(name => [name, summaries.get(name)].filter(Boolean).join(': ')).join('\n');
}

interface NodeActs {
  readonly point: (stage: string | null) => void;
  readonly focus: (stage: string) => void;
  readonly open: (stage: string) => void;
  readonly press: (event: KeyboardEvent, stage: string) => void;
  /** Shows the values that flow along an edge. */
  readonly show: (arc: Arc) => void;
  readonly menu: (event: MouseEvent, stage: string) => void;
}

interface NodeProps {
  readonly box: Box;
  /** One for each member. */
  readonly runs: readonly (StageRun | null)[];
  readonly isDim: boolean;
  /** Whether the Tab key stops here. */
  readonly isStop: boolean;
  readonly colour: StageColour | null;
  readonly acts: NodeActs;
  readonly trans: TranslationBundle;
}

const NodeView = memo(DrawnNode, (before, after) => {
  const { runs, ...others } = before;
  const keys = Object.keys(others) as (keyof typeof others)[];
  return keys.every(key => before[key] === after[key]) && runs.every((run, index) => run === after.runs[index]);
});

function DrawnNode({ box, runs, isDim, isStop, colour, acts, trans }: NodeProps): ReactElement {
  const label = nodeLabel(box, runs[0], trans);
  return (
    <g
      className="jp-pipe-Node"
      data-stage={box.id}
      data-dim={isDim}
      data-state={worst(runs)}
      data-pipe-colour={colour?.number ?? 'grey'}
      transform={`translate(${box.x} ${box.y})`}
      tabIndex={isStop ? 0 : -1}
      role="button"
      aria-label={label}
      onMouseEnter={() => acts.point(box.id)}
      onMouseLeave={() => acts.point(null)}
      onFocus={() => acts.focus(box.id)}
      onBlur={() => acts.point(null)}
      onContextMenu={event => acts.menu(event, box.id)}
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
  const name = shortName(box.id, mark ? NAME_LENGTH : NAME_LENGTH + 2);
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

const NAME_LENGTH = 10;
const NAME_TAIL = 4;

/** Cut in the middle: `customer_l…_by_month` tells more than `customer_l…`. */
export function shortName(name: string, length: number): string {
  return name.length > length ? `${name.slice(0, length - NAME_TAIL - 1)}…${name.slice(-NAME_TAIL)}` : name;
}

interface ArcProps {
  readonly arc: Arc;
  readonly values: string;
  /** Its values exist. */
  readonly isMade: boolean;
  /** Its values go into a running stage. */
  readonly isFeeding: boolean;
  /** It joins relatives of the stage that is pointed at. */
  readonly isLit: boolean;
  readonly isDim: boolean;
  readonly isNamed: boolean;
  readonly show: (arc: Arc) => void;
}

/** Solid once its values exist, dashed before, blue when it feeds a running stage. */
const ArcView = memo(function DrawnArc(props: ArcProps): ReactElement {
  const { arc, values, isMade, isFeeding, isLit, isDim, isNamed, show } = props;
  const names = arc.names.join(', ');
  // By keyboard the values of a node are shown: edges would be a stop of the Tab key each.
  const open = isMade && names ? () => show(arc) : undefined;
  return (
    <g className="jp-pipe-Arc" data-made={isMade} data-feeds={isFeeding} data-dim={isDim} data-opens={open !== undefined} onClick={open}>
      <path className="jp-pipe-Arc-reach" d={arc.path}>
        <title>{values}</title>
      </path>
      <path d={arc.path}>
        <title>{values}</title>
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

/** Whether a stage stands in the box of this id. */
function within(stage: string, id: string, { boxes }: GraphLayout): boolean {
  return boxes.some(box => box.id === id && box.members.includes(stage));
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

/** Where no edge leads, arrows go to the nearest box on that side. */
function neighbour(key: string, stage: string, { boxes }: GraphLayout): string | null {
  const from = boxes.find(box => box.members.includes(stage));
  const sides: Record<string, (box: Box, at: Box) => boolean> = {
    ArrowDown: (box, at) => box.y > at.y,
    ArrowUp: (box, at) => box.y < at.y,
    ArrowLeft: (box, at) => box.x < at.x && box.y === at.y,
    ArrowRight: (box, at) => box.x > at.x && box.y === at.y
  };
  const isThere = sides[key];
  if (!from || !isThere) {
    return null;
  }
  const far = (box: Box) => Math.abs(box.x - from.x) + Math.abs(box.y - from.y);
  const found = boxes.filter(box => isThere(box, from)).sort((one, other) => far(one) - far(other));
  return found[0]?.id ?? null;
}

const WORST: readonly Mark[] = ['failed', 'gate_failed', 'contract_failed', 'waiting', 'running', 'interrupted'];

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
