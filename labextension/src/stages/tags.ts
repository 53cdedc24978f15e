/**
 * The grammar of our tags, as the user interface needs it: reads one cell's tags and edits them.
 *
 * Pure. Every edit returns a whole new list, keeps foreign tags as they are and where they are, and
 * keeps Kale's spelling (`step:`, `block:`, `prev:`) where a cell uses it. The words are
 * generated (`grammar.ts`); `tests/shared/tags.json` has cases that the compiler reads in the same way.
 */

import {
  KEYWORDS,
  METRICS_OF_PRINTS,
  OPTIONS,
  PREFIXES,
  RESERVED_NAMES,
  ROLES,
  SCORING,
  SYNONYMS,
  type NameProblem,
  type OptionName,
  type Role
} from './grammar';

export type { NameProblem, OptionName, Role };

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

export interface CellTags {
  /** The stage that the cell names itself, not the one that it inherits. */
  readonly stage: string | null;
  readonly role: Role | null;
  readonly after: readonly string[];
  readonly metrics: readonly string[];
  readonly gates: readonly string[];
  readonly mutates: readonly string[];
  readonly pure: readonly string[];
  readonly shares: readonly string[];
  readonly options: Readonly<Partial<Record<OptionName, string>>>;
  /** What the cell says about scoring: prefix to names of variables or columns. */
  readonly scoring: Readonly<Record<string, readonly string[]>>;
  readonly foreign: readonly string[];
}

/** What a stage's tags say besides its name: the part that the options form edits. */
export interface StageSettings {
  readonly after: readonly string[];
  readonly metrics: readonly string[];
  readonly gates: readonly string[];
  readonly options: Readonly<Partial<Record<OptionName, string>>>;
}

const IDENTIFIER = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;

interface Tag {
  readonly text: string;
  /** The prefix's meaning, Kale's translated; a role's word is its own; null for foreign tags. */
  readonly kind: string | null;
  readonly value: string;
}

/** Stage names are Python identifiers in their normal form (PEP 3131); `-` is read as `_`. */
export function normaliseName(text: string): string {
  return text.trim().replace(/-/g, '_').normalize('NFKC');
}

/** Why `text` cannot name a stage beside `others`: stages become files, so their names differ by more than case. */
export function findNameProblem(text: string, others: readonly string[] = []): NameProblem | 'taken' | null {
  const name = normaliseName(text);
  if (!name) {
    return 'empty';
  }
  if (!IDENTIFIER.test(name)) {
    return 'identifier';
  }
  if (KEYWORDS.includes(name)) {
    return 'keyword';
  }
  if (/^__.*__$/.test(name)) {
    return 'special';
  }
  if (RESERVED_NAMES.includes(name)) {
    return 'reserved';
  }
  return others.some(other => other.toLowerCase() === name.toLowerCase()) ? 'taken' : null;
}

export function parseTags(tags: readonly string[]): CellTags {
  const read = tags.map(readTag);
  const values = (kind: string) => read.filter(tag => tag.kind === kind).map(tag => tag.value);
  const names = (kind: string) => [...new Set(values(kind).flatMap(splitNames))];
  const roles = read.filter(tag => tag.kind !== null && tag.kind in ROLES);
  return {
    stage: values('stage').map(normaliseName)[0] ?? null,
    role: roles.length > 0 ? ROLES[roles[0].kind ?? ''] : null,
    after: names('after').map(normaliseName),
    metrics: names('metric'),
    gates: values('gate'),
    mutates: names('mutates'),
    pure: names('pure'),
    shares: names('shares'),
    options: readOptions(read),
    scoring: Object.fromEntries(
      SCORING.map(kind => [kind, names(kind)] as const).filter(([, found]) => found.length > 0)
    ),
    foreign: read.filter(tag => tag.kind === null).map(tag => tag.text)
  };
}

/** Make the cell name `stage`, which excludes every role but `parameters`. */
export function setStage(tags: readonly string[], stage: string): string[] {
  const kept = tags.filter(text => !isExclusiveRole(readTag(text)));
  return replaceTags(kept, 'stage', prefix => [`${prefix}:${stage}`]);
}

/** Take the stage's name off the cell: it then belongs to the stage above. */
export function clearStage(tags: readonly string[]): string[] {
  return tags.filter(text => readTag(text).kind !== 'stage');
}

/** Give the cell a role; a role excludes a stage of its own. */
export function setRole(tags: readonly string[], role: Exclude<Role, 'leading'>): string[] {
  const kept = clearRole(clearStage(tags));
  return [...kept, role];
}

export function clearRole(tags: readonly string[]): string[] {
  return tags.filter(text => !((readTag(text).kind ?? '') in ROLES));
}

/** Rename a stage where the cell names it, as its own or as one to wait for. */
export function renameInTags(tags: readonly string[], from: string, to: string): string[] {
  const renamed = tags.map(text => {
    const tag = readTag(text);
    const prefix = text.split(':', 1)[0];
    if (tag.kind === 'stage' && normaliseName(tag.value) === from) {
      return `${prefix}:${to}`;
    }
    if (tag.kind === 'after' && splitNames(tag.value).map(normaliseName).includes(from)) {
      const names = splitNames(tag.value).map(name => (normaliseName(name) === from ? to : name));
      return `${prefix}:${[...new Set(names)].join(',')}`;
    }
    return text;
  });
  return [...new Set(renamed)];
}

/** Take a stage out of the lists of stages to wait for. */
export function removeFromAfter(tags: readonly string[], stage: string): string[] {
  return tags.flatMap(text => {
    const tag = readTag(text);
    const names = splitNames(tag.value);
    if (tag.kind !== 'after' || !names.map(normaliseName).includes(stage)) {
      return [text];
    }
    const kept = names.filter(name => normaliseName(name) !== stage);
    return kept.length > 0 ? [`${text.split(':', 1)[0]}:${kept.join(',')}`] : [];
  });
}

/** Write a stage's settings into the tags of one cell. */
export function setSettings(tags: readonly string[], settings: StageSettings): string[] {
  let edited = setList(tags, 'after', settings.after);
  edited = setList(edited, 'metric', settings.metrics);
  edited = replaceTags(edited, 'gate', () => settings.gates.map(gate => `gate:${gate}`));
  for (const name of OPTION_NAMES) {
    const value = settings.options[name];
    edited = replaceTags(edited, name, () => (value ? [`${name}:${value}`] : []));
  }
  return edited;
}

/** The tags without any setting of a stage, for the cells whose settings moved elsewhere. */
export function clearSettings(tags: readonly string[]): string[] {
  return setSettings(tags, { after: [], metrics: [], gates: [], options: {} });
}

export function equalTags(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((tag, index) => tag === other[index]);
}

function readTag(text: string): Tag {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const word = text.trim();
    const kind = word in ROLES || word === METRICS_OF_PRINTS ? word : null;
    return { text, kind, value: '' };
  }
  const prefix = text.slice(0, colon).trim();
  const meaning = SYNONYMS[prefix] ?? prefix;
  const kind = PREFIXES.includes(meaning) ? meaning : null;
  return { text, kind, value: text.slice(colon + 1).trim() };
}

function isExclusiveRole(tag: Tag): boolean {
  return tag.kind !== null && tag.kind in ROLES && ROLES[tag.kind] !== 'parameters';
}

function readOptions(tags: readonly Tag[]): Partial<Record<OptionName, string>> {
  const found: Partial<Record<OptionName, string>> = {};
  for (const name of OPTION_NAMES) {
    const tag = tags.find(tag => tag.kind === name);
    if (tag) {
      found[name] = tag.value;
    }
  }
  return found;
}

// Kale's first versions separate the names of `prev:` with semicolons.
function splitNames(value: string): string[] {
  return value
    .split(/[,;]/)
    .map(name => name.trim())
    .filter(name => name !== '');
}

// nbformat forbids commas in tags: one tag a name. A list that says the same already stays as it is.
function setList(tags: readonly string[], kind: string, names: readonly string[]): string[] {
  const values = tags.map(readTag).filter(tag => tag.kind === kind).flatMap(tag => splitNames(tag.value));
  return equalTags([...new Set(values)], names)
    ? [...tags]
    : replaceTags(tags, kind, prefix => names.map(name => `${prefix}:${name}`));
}

/** Replace the tags of one kind, at the place of the first of them, keeping its spelling. */
function replaceTags(
  tags: readonly string[],
  kind: string,
  write: (prefix: string) => readonly string[]
): string[] {
  const first = tags.findIndex(text => readTag(text).kind === kind);
  const prefix = first < 0 ? kind : tags[first].split(':', 1)[0].trim();
  const written = write(prefix);
  const before = tags.slice(0, Math.max(first, 0));
  const after = tags.slice(Math.max(first, 0)).filter(text => readTag(text).kind !== kind);
  return first < 0 ? [...tags, ...written] : [...before, ...written, ...after];
}
