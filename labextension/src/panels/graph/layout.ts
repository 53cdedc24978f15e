/** Where the stages of a pipeline stand: dagre, top to bottom. Pure. */

import { graphlib, layout as placeNodes } from '@dagrejs/dagre';
import type { Edge } from '../../api/types';

export const NODE_WIDTH = 92;
export const NODE_HEIGHT = 20;

export interface Box {
  readonly id: string;
  /** More than one: a condensed group of parallel stages. */
  readonly members: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Arc {
  readonly from: string;
  readonly to: string;
  readonly names: readonly string[];
  readonly path: string;
  readonly label: { readonly x: number; readonly y: number };
}

export interface GraphLayout {
  readonly boxes: readonly Box[];
  readonly arcs: readonly Arc[];
  readonly width: number;
  readonly height: number;
}

const MARGIN = 8;
const ICONS_A_ROW = 12;
const ICON_PITCH = 16;
const PILE_UP_TO = 6;
const PILE_PITCH = NODE_HEIGHT + 2;
const GAP = 12;
/** Rows of independent stages are not wider than this, however wide the tab is. */
const WRAP_UNITS = 600;

/** The layout that can be read in so many pixels: every stage by itself, or condensed where that is too wide. */
export function fittingLayout(
  stages: readonly string[],
  edges: readonly Edge[],
  room: number,
  scale: number
): GraphLayout & { readonly isCondensed: boolean } {
  const units = room / scale;
  const whole = layoutGraph(stages, edges, false, units);
  if (whole.width <= units) {
    return { ...whole, isCondensed: false };
  }
  const condensed = layoutGraph(stages, edges, true, units);
  return condensed.width < whole.width ? { ...condensed, isCondensed: true } : { ...whole, isCondensed: false };
}

/**
 * Lay out the stages; with `isCondensed`, stages with the same neighbours share one box. Those that no edge
 * reaches stand in rows below, as many in a row as `units` allow.
 */
export function layoutGraph(
  stages: readonly string[],
  edges: readonly Edge[],
  isCondensed: boolean,
  units = Infinity
): GraphLayout {
  const groups = isCondensed ? condense(stages, edges) : stages.map(stage => [stage]);
  const home = new Map(groups.flatMap(members => members.map(member => [member, members[0]] as const)));
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: GAP, ranksep: 20, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  const joined = joinEdges(edges, home);
  const tied = new Set([...joined.values()].flatMap(edge => [edge.from, edge.to]));
  const bound = groups.filter(members => tied.has(members[0]));
  for (const members of bound) {
    graph.setNode(members[0], sizeOf(members));
  }
  for (const edge of joined.values()) {
    graph.setEdge(edge.from, edge.to, {});
  }
  placeNodes(graph);
  const shift = bound.length > 0 ? MARGIN - leftmost(graph) : 0;
  const boxes = bound.flatMap(members => {
    const { x, y, width, height } = graph.node(members[0]);
    return unstack({ id: members[0], members, x: x - width / 2 + shift, y: y - height / 2, width, height });
  });
  const arcs = [...joined.values()].map(edge => {
    const { points } = graph.edge(edge.from, edge.to);
    return { points: points.map(({ x, y }) => ({ x: x + shift, y })), edge };
  });
  const right = Math.max(0, ...boxes.map(box => box.x + box.width), ...arcs.flatMap(arc => arc.points.map(point => point.x)));
  const top = bound.length > 0 ? (graph.graph().height ?? 0) : MARGIN;
  const loose = wrapRows(groups.filter(members => !tied.has(members[0])), Math.max(right + MARGIN, Math.min(units, WRAP_UNITS)), top);
  const all = [...boxes, ...loose];
  return {
    boxes: all,
    arcs: arcs.map(({ edge, points }) => arcOf(edge, points)),
    width: Math.max(right, ...all.map(box => box.x + box.width)) + MARGIN,
    height: Math.max(top, ...loose.map(box => box.y + box.height + MARGIN))
  };
}

/** Boxes one after the other, in as many rows as they need. */
function wrapRows(groups: readonly (readonly string[])[], width: number, top: number): Box[] {
  let [x, y, tallest] = [MARGIN, top, 0];
  return groups.map(members => {
    const size = sizeOf(members);
    if (x > MARGIN && x + size.width + MARGIN > width) {
      [x, y, tallest] = [MARGIN, y + tallest + GAP, 0];
    }
    const box = { id: members[0], members, x, y, ...size };
    x += size.width + GAP;
    tallest = Math.max(tallest, size.height);
    return box;
  });
}

/** A small group is a pile of boxes with their names; a large one is one box of icons. */
function unstack(box: Box): Box[] {
  if (box.members.length === 1 || box.members.length > PILE_UP_TO) {
    return [box];
  }
  return box.members.map((member, index) => ({
    id: member,
    members: [member],
    x: box.x,
    y: box.y + index * PILE_PITCH,
    width: NODE_WIDTH,
    height: NODE_HEIGHT
  }));
}

/** Dagre leaves a margin left of its nodes; its edges may go further. */
function leftmost(graph: graphlib.Graph): number {
  const edges = graph.edges().flatMap(edge => graph.edge(edge).points.map(point => point.x));
  return Math.min(...graph.nodes().map(id => graph.node(id).x - graph.node(id).width / 2), ...edges);
}

/** Everything upstream and downstream of a stage, itself included. */
export function relatives(stage: string, edges: readonly Edge[]): Set<string> {
  const walk = (from: string, next: (at: string) => string[]): string[] => {
    const seen = new Set<string>();
    const due = [from];
    for (let at = due.pop(); at !== undefined; at = due.pop()) {
      for (const other of next(at)) {
        if (!seen.has(other)) {
          seen.add(other);
          due.push(other);
        }
      }
    }
    return [...seen];
  };
  const up = walk(stage, at => edges.filter(edge => edge.to === at).map(edge => edge.from));
  const down = walk(stage, at => edges.filter(edge => edge.from === at).map(edge => edge.to));
  return new Set([stage, ...up, ...down]);
}

const LOOSE = JSON.stringify([[], []]);

function condense(stages: readonly string[], edges: readonly Edge[]): string[][] {
  const neighbours = (stage: string) =>
    JSON.stringify([
      edges.filter(edge => edge.to === stage).map(edge => edge.from).sort(),
      edges.filter(edge => edge.from === stage).map(edge => edge.to).sort()
    ]);
  const groups = new Map<string, string[]>();
  for (const stage of stages) {
    const key = neighbours(stage);
    groups.set(key, [...(groups.get(key) ?? []), stage]);
  }
  // Stages that nothing joins are wrapped, not condensed.
  return [...groups].flatMap(([key, members]) => (key === LOOSE ? members.map(member => [member]) : [members]));
}

function sizeOf(members: readonly string[]): { width: number; height: number } {
  if (members.length <= PILE_UP_TO) {
    return { width: NODE_WIDTH, height: (members.length - 1) * PILE_PITCH + NODE_HEIGHT };
  }
  const columns = Math.min(ICONS_A_ROW, members.length);
  const rows = Math.ceil(members.length / ICONS_A_ROW);
  return { width: Math.max(140, columns * ICON_PITCH + 14), height: 20 + rows * ICON_PITCH + 4 };
}

/** Where the icon of a group's member stands within its box. */
export function iconPlace(index: number): { x: number; y: number } {
  return { x: 8 + (index % ICONS_A_ROW) * ICON_PITCH, y: 20 + Math.floor(index / ICONS_A_ROW) * ICON_PITCH };
}

function joinEdges(edges: readonly Edge[], home: ReadonlyMap<string, string>): Map<string, Edge> {
  const joined = new Map<string, Edge>();
  for (const edge of edges) {
    const from = home.get(edge.from);
    const to = home.get(edge.to);
    if (from !== undefined && to !== undefined && from !== to) {
      const key = `${from} ${to}`;
      const names = [...new Set([...(joined.get(key)?.names ?? []), ...edge.names])];
      joined.set(key, { from, to, names });
    }
  }
  return joined;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A smooth line through dagre's points: straight ends, curves between the middles. */
function arcOf(edge: Edge, points: readonly Point[]): Arc {
  const middles = points.slice(1).map((point, index) => middle(points[index], point));
  const curves = middles.slice(1).map((to, index) => `Q${at(points[index + 1])} ${at(to)}`);
  const last = points[points.length - 1];
  const path = `M${at(points[0])} L${at(middles[0])} ${curves.join(' ')} L${at(last)}`;
  const label = middle(points[0], points[Math.min(1, points.length - 1)]);
  return { from: edge.from, to: edge.to, names: edge.names, path, label };
}

function middle(one: Point, other: Point): Point {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

function at(point: Point): string {
  return `${round(point.x)},${round(point.y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
