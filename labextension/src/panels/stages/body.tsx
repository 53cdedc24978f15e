/** The list of stages: a tree with state, place, time and reason of each, driven by keys as by mouse. */

import { searchIcon } from '@jupyterlab/ui-components';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import { CommandIds } from '../../commands';
import { About } from '../../controls/about';
import { StateIcon } from '../../controls/marks';
import { useWindow } from '../../controls/window';
import { wordOf, type Mark } from '../../runs/state';
import type { BodyProps } from '../section';
import { Empty, Loading } from '../states';
import { SuggestionBody } from '../suggestion/body';
import { openStageMenu } from './menu';
import { StageRowView } from './row';
import { filterRows, listRows, markOfRow, visibleRows, type Row } from './rows';

const FILTER_FROM = 24;
const ROW_HEIGHT = 24;
const HANDS_OFF_MS = 3000;
const FILTERS: readonly Mark[] = ['failed', 'running', 'queued'];

export function StagesBody(props: BodyProps): ReactElement {
  const { pipeline, trans } = props;
  const names = stageNames(props);
  if (pipeline.stages.preview.isLooking) {
    return <Loading text={trans.__('Looking for stages…')} />;
  }
  if (pipeline.stages.preview.draft) {
    return <SuggestionBody {...props} draft={pipeline.stages.preview.draft} />;
  }
  if (pipeline.stages.outline.stages.length === 0) {
    return <NoStages {...props} />;
  }
  if (names.length === 0) {
    return <Loading text={trans.__('Compiling…')} />;
  }
  return (
    <>
      <StageTree {...props} names={names} />
    </>
  );
}

function NoStages({ pipeline, commands, trans }: BodyProps): ReactElement {
  return (
    <Empty
      text={
        pipeline.hasCode
          ? trans.__('No stages yet. The notebook runs as one stage.')
          : trans.__('No stages yet: the notebook has no code.')
      }
      about={<About client={pipeline.client} page="tags#where-a-cell-belongs" subject={trans.__('stages')} trans={trans} />}
    >
      {pipeline.hasCode && commands.hasCommand(CommandIds.suggestStages) && (
        <button
          type="button"
          className="jp-pipe-Button"
          disabled={pipeline.isServerMissing || pipeline.stages.isReadOnly}
          onClick={() => void commands.execute(CommandIds.suggestStages)}
        >
          {trans.__('Suggest stages')}
        </button>
      )}
      {pipeline.hasCode && (
        <button type="button" className="jp-pipe-Link" onClick={() => void commands.execute(CommandIds.pickStage)}>
          {trans.__('Tag this cell')}
        </button>
      )}
    </Empty>
  );
}

interface TreeProps extends BodyProps {
  readonly names: readonly string[];
}

function StageTree(props: TreeProps): ReactElement {
  const { pipeline, commands, trans, names } = props;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [mark, setMark] = useState<Mark | null>(null);
  const tree = useRef<HTMLDivElement>(null);
  const isFiltering = names.length >= FILTER_FROM;
  const all = listRows(names, pipeline.run, name => pipeline.isStale(name), isFiltering);
  const rows = visibleRows(text || mark ? filterRows(all, text, mark) : all, open);
  const toggle = useCallback(
    (name: string, isOpen?: boolean) => setOpen(before => toggled(before, name, isOpen ?? !before.has(name))),
    []
  );
  const choose = useCallback(
    ({ name, kind }: Row) => {
      setSelected(name);
      if (kind === 'group') {
        toggle(name);
      } else {
        void commands.execute(CommandIds.goToStage, { stage: name });
      }
    },
    [commands, toggle]
  );
  const onKey = useTreeKeys({ ...props, rows, selected, setSelected, toggle, tree });
  const view = useWindow(tree, rows.length, ROW_HEIGHT);
  useFollow(tree, rows);
  return (
    <>
      {isFiltering && <FilterLine {...{ text, setText, mark, setMark, all, trans }} />}
      <div
        ref={tree}
        className="jp-pipe-Tree"
        role="tree"
        aria-label={trans.__('Stages')}
        tabIndex={0}
        aria-activedescendant={selected ? `jp-pipe-stage-${selected}` : undefined}
        onKeyDown={onKey}
        onFocus={() => setSelected(selected ?? rows[0]?.name ?? null)}
      >
        <div style={{ height: view.before }} aria-hidden />
        {rows.slice(view.start, view.end).map(row => (
          <StageRowView
            key={row.name}
            row={row}
            isSelected={row.name === selected}
            isOpen={open.has(row.name)}
            last={pipeline.lastSeconds(row.name)}
            colour={pipeline.stages.shown.colours.find(row.name)}
            {...{ choose, commands, trans }}
          />
        ))}
        <div style={{ height: view.after }} aria-hidden />
      </div>
    </>
  );
}

function toggled(open: ReadonlySet<string>, name: string, isOpen: boolean): ReadonlySet<string> {
  const next = new Set(open);
  next[isOpen ? 'add' : 'delete'](name);
  return next;
}

function FilterLine(props: {
  text: string;
  setText: (text: string) => void;
  mark: Mark | null;
  setMark: (mark: Mark | null) => void;
  all: readonly Row[];
  trans: BodyProps['trans'];
}): ReactElement {
  const { text, setText, mark, setMark, all, trans } = props;
  const stages = all.flatMap(row => (row.kind === 'group' ? row.members : [row]));
  return (
    <div className="jp-pipe-Filter">
      <searchIcon.react tag="span" width="14px" />
      <input
        className="jp-pipe-Input"
        placeholder={trans.__('Filter stages')}
        aria-label={trans.__('Filter stages')}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      {FILTERS.map(each => {
        const count = stages.filter(row => markOfRow(row) === each).length;
        return count === 0 ? null : (
          <button
            key={each}
            type="button"
            className="jp-pipe-Filter-count"
            aria-pressed={mark === each}
            title={wordOf(each, trans)}
            onClick={() => setMark(mark === each ? null : each)}
          >
            <StateIcon mark={each} size={12} trans={trans} /> {count}
          </button>
        );
      })}
    </div>
  );
}

interface TreeKeys extends TreeProps {
  readonly rows: readonly Row[];
  readonly selected: string | null;
  readonly setSelected: (name: string) => void;
  readonly toggle: (name: string, isOpen?: boolean) => void;
  readonly tree: React.RefObject<HTMLDivElement>;
}

function useTreeKeys(keys: TreeKeys): (event: KeyboardEvent) => void {
  const typed = useRef({ text: '', at: 0 });
  return (event: KeyboardEvent) => {
    const { rows, selected, setSelected, toggle } = keys;
    const index = Math.max(0, rows.findIndex(row => row.name === selected));
    const row = rows[index];
    const moves: Record<string, number> = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 };
    if (!row || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key in moves) {
      setSelected(rows[Math.max(0, Math.min(moves[event.key], rows.length - 1))].name);
    } else if ((event.key === 'ArrowRight' || event.key === 'ArrowLeft') && row.kind === 'group') {
      toggle(row.name, event.key === 'ArrowRight');
    } else if (event.key in STAGE_KEYS && row.kind === 'stage') {
      void keys.commands.execute(STAGE_KEYS[event.key], { stage: row.name });
    } else if (event.key === ' ' && row.kind === 'stage') {
      const node = keys.tree.current?.querySelector<HTMLElement>('[aria-selected="true"]');
      openStageMenu(keys.commands, row.name, node ?? null);
    } else if (event.key.length === 1) {
      const now = Date.now();
      typed.current = { text: (now - typed.current.at < 800 ? typed.current.text : '') + event.key, at: now };
      const found = rows.find(each => each.name.startsWith(typed.current.text));
      if (found) {
        setSelected(found.name);
      }
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

const STAGE_KEYS: Readonly<Record<string, string>> = {
  Enter: CommandIds.goToStage,
  F2: CommandIds.renameStage,
  Delete: CommandIds.removeStage
};

/** Keeps the stage that runs, or has just failed, in view, unless the user scrolls. */
function useFollow(tree: React.RefObject<HTMLDivElement>, rows: readonly Row[]): void {
  const scrolledAt = useRef(0);
  const at = rows.findIndex(row => row.kind === 'stage' && row.run?.state === 'running');
  useEffect(() => {
    const scroller = tree.current?.closest('.jp-pipe-Section');
    const note = () => (scrolledAt.current = Date.now());
    scroller?.addEventListener('wheel', note, { passive: true });
    return () => scroller?.removeEventListener('wheel', note);
  }, [tree]);
  useEffect(() => {
    // When all has been drawn: to ask for places between two views costs a layout of the page.
    const frame = requestAnimationFrame(() => {
      const scroller = tree.current?.closest('.jp-pipe-Section');
      if (!tree.current || !scroller || at < 0 || Date.now() - scrolledAt.current < HANDS_OFF_MS) {
        return;
      }
      // The field that filters stands above the rows, and scrolls with them.
      const above = tree.current.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
      const top = above + scroller.scrollTop + at * ROW_HEIGHT;
      if (top < scroller.scrollTop || top + 2 * ROW_HEIGHT > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = Math.max(0, top - scroller.clientHeight / 2);
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [tree, at]);
}

/** The compiled stages in notebook order; those of the tags while nothing has compiled yet. */
export function stageNames({ pipeline }: Pick<BodyProps, 'pipeline'>): string[] {
  const tagged = pipeline.stages.shown.outline.stages.map(stage => stage.name);
  const implicit = pipeline.implicitCells.size > 0 && !tagged.includes('setup') ? ['setup'] : [];
  return [...implicit, ...tagged];
}
