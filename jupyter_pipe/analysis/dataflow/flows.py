"""From facts to stages: effects, replays, parameters and imports of each."""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.replays import definition_digest
from jupyter_pipe.analysis.interpreter.imports import is_future
from jupyter_pipe.analysis.program import Program, StageFlow
from jupyter_pipe.analysis.world.heap import Class, Function
from jupyter_pipe.analysis.world.world import FOLDER
from jupyter_pipe.model import Effect, EffectKind, Replay, ReplayKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Place, Unit
    from jupyter_pipe.analysis.dataflow.replays import Definitions
    from jupyter_pipe.analysis.world.heap import Heap, Object

__all__ = ["StageFacts", "kept_definitions", "stage_facts", "stage_flow"]

SURE = frozenset({EffectKind.binds, EffectKind.defines, EffectKind.deletes})
PLAIN = (ReplayKind.import_, ReplayKind.constant)
WRITES = SURE | {EffectKind.may_bind, EffectKind.mutates}


@dataclass
class StageFacts:
    """A stage while it is put together. `needs` maps a name to the units outside the
    stage that it may come from; `first` to where it is first used. `passed` are names
    that it only hands on, `frozen` those that it must not change."""

    name: str
    cells: list[str] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    needs: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    first: dict[str, tuple[Unit, Place]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    replays: set[int] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def numbers(self) -> set[int]:
        return {unit.number for unit in self.units}

    @property
    def last(self) -> int:
        """The number of its last unit; a stage of comments has none."""
        return max(self.numbers, default=0)


def stage_facts(
    program: Program, units: Sequence[Unit], observers: Mapping[int, Sequence[Unit]]
) -> list[StageFacts]:
    """The stages in the order of their first cells, with what each needs from
    outside."""
    by_cell: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        by_cell[unit.cell.cell.id].append(unit)
    stages: dict[str, StageFacts] = {}
    for cell in program.cells:
        own = by_cell[cell.cell.id]
        tagged = cell.stage if cell.role == "stage" else None
        # A leading cell has no stage, but some of its statements may make up `setup`.
        for name in filter(
            None, dict.fromkeys([tagged, *(unit.stage for unit in own)])
        ):
            stage = stages.setdefault(name, StageFacts(name))
            stage.cells.append(cell.cell.id)
            stage.units += [unit for unit in own if unit.stage == name]
    # Gates and metrics read what their stage leaves, as if they were its last cell.
    for look in itertools.chain.from_iterable(observers.values()):
        if look.stage in stages:
            stages[look.stage].units.append(look)
    for stage in stages.values():
        _collect_needs(stage)
    return list(stages.values())


def _collect_needs(stage: StageFacts) -> None:
    own = stage.numbers
    for unit in stage.units:
        for name, read in unit.facts.reads.items():
            outside = read.sources - own
            # Without any source the name was never bound: the stage still says that it
            # wants it.
            if outside or not read.sources:
                stage.needs[name] |= outside
                stage.first.setdefault(name, (unit, read.place))
        for name, write in unit.facts.writes.items():
            # What is changed, or perhaps bound, must be there before, even if nobody
            # reads it.
            if write.kind in {"may_bind", "mutates"}:
                stage.needs[name] |= write.sources - own


def classify(
    stage: StageFacts, units: Sequence[Unit], definitions: Definitions
) -> None:
    """Which needs are replayed, which are parameters, which are values of earlier
    stages."""
    todo: set[int] = set()
    for name, sources in stage.needs.items():
        for source in sources:
            # Negative numbers stand for the start of the program and for `del`.
            if source < 0 or units[source].role == "skip":
                continue
            if (
                units[source].role == "parameter"
                or definitions.kind(source) is not None
            ):
                todo.add(source)
            elif name in stage.first:
                stage.values.add(name)
    last = stage.last
    todo.update(definitions.before(last, ReplayKind.shared))
    imports = definitions.before(last, ReplayKind.import_)
    # `from __future__ import annotations` anywhere above changes how later cells
    # compile.
    todo.update(number for number in imports if is_future(units[number].node))
    _use_what_replays_use(stage, units, definitions, definitions.closure(todo))
    for number in definitions.settings_before(last):
        todo.discard(number)
        # What earlier stages left is only what they changed: it is restored over what
        # is replayed. A folder is not, since the next one may be relative to it.
        if not {FOLDER} & stage.values & set(units[number].facts.writes):
            todo.add(number)
    settings = todo.intersection(definitions.settings_before(last))
    # `import mod` for its effect needs `mod.py`, which an earlier stage may write.
    _use_what_replays_use(stage, units, definitions, settings, only="file:")
    _take(stage, units, definitions, definitions.closure(todo))


def _use_what_replays_use(
    stage: StageFacts,
    units: Sequence[Unit],
    definitions: Definitions,
    numbers: set[int],
    only: str | tuple[str, ...] = ("@", "file:"),
) -> None:
    """An import that is replayed needs the module's file and the search path as others
    left them, but for settings, which are replayed as well."""
    own, last = stage.numbers, stage.last
    for number in sorted(numbers - own):
        unit = units[number]
        for name, read in unit.facts.reads.items():
            if not name.startswith(only):
                continue
            # What replays read of other replays is replayed too: only makers that run
            # once count.
            outside = (n for n in read.sources - own if 0 <= n < last)
            makers = {
                n
                for n in outside
                if units[n].stage is not None and definitions.kind(n) is None
            }
            if makers:
                stage.needs[name] |= makers
                stage.first.setdefault(name, (unit, read.place))
                if name[0] == "@":
                    stage.values.add(name)


def _take(
    stage: StageFacts,
    units: Sequence[Unit],
    definitions: Definitions,
    numbers: set[int],
) -> None:
    """Sorts the units that a stage takes from elsewhere into parameters and replays.
    Its own imports and constants are replayed too if a replayed unit needs them."""
    cells = set(stage.cells)
    outside = {number for number in numbers if units[number].cell.cell.id not in cells}
    # What is replayed runs before the stage's own cells, and may need their imports and
    # constants.
    plain = {n for kind in PLAIN for n in definitions.before(stage.last, kind)}
    early = definitions.closure(outside) & plain
    for number in numbers:
        # A parameter's value comes from the run, not from the line that assigns its
        # default.
        if units[number].role == "parameter":
            stage.parameters |= set(units[number].facts.bound)
        elif number in outside or number in early:
            stage.replays.add(number)


def stage_flow(
    stage: StageFacts, units: Sequence[Unit], definitions: Definitions, heap: Heap
) -> StageFlow:
    """The finished stage, for `model.Stage`."""
    kept = kept_definitions(stage, units, definitions, heap)
    replays = [
        definitions.replay(number, needed=number in stage.replays)
        # Kept definitions are for unpickling: they are not needed by the stage's own
        # code.
        for number in sorted(stage.replays | kept)
    ]
    behind = [units[number] for number in stage.replays]
    replays = [*_left_to_others([*behind, *stage.units]), *replays]
    return StageFlow(
        stage.name,
        tuple(stage.cells),
        tuple(_effects(stage, definitions)),
        tuple(replays),
        stage.groups,
        tuple(
            sorted(
                {
                    name
                    for unit in (*stage.units, *behind)
                    for name in unit.facts.imports
                }
            )
        ),
        tuple(sorted(stage.parameters)),
        tuple(sorted(stage.frozen)),
    )


def _left_to_others(units: Sequence[Unit]) -> Iterator[Replay]:
    """Imports of submodules that the stage uses and never imports: in the notebook
    another stage, or a library that it uses, has done so."""
    imported = {name for unit in units for name in unit.facts.modules}
    for unit in units:
        for module in sorted(unit.facts.submodules):
            # `import a.b.c` of the stage itself makes `a.b` usable as well.
            if not any(
                name == module or name.startswith(module + ".") for name in imported
            ):
                imported.add(module)
                source = f"import {module}"
                digest = definition_digest(ast.parse(source))
                yield Replay(
                    ReplayKind.import_,
                    (module.partition(".")[0],),
                    source,
                    digest,
                    unit.cell.cell.id,
                    1,
                )


def kept_definitions(
    stage: StageFacts, units: Sequence[Unit], definitions: Definitions, heap: Heap
) -> set[int]:
    """Definitions that what the stage receives may refer to: any class made before,
    since libraries may hold instances where nobody sees them, and the functions that
    can be reached."""
    # Nothing arrives, so nothing can refer to a definition.
    if not stage.values and not stage.needs:
        return set()
    found = _definitions_received(stage, definitions, heap)
    if stage.values:
        found |= _other_classes(stage, units, definitions, found)
    cells = set(stage.cells)
    outside = (number for number in found if units[number].cell.cell.id not in cells)
    return {
        number
        for number in definitions.closure(outside)
        if units[number].role != "parameter"
    }


def _other_classes(
    stage: StageFacts, units: Sequence[Unit], definitions: Definitions, found: set[int]
) -> set[int]:
    """The classes made before the stage ends. Of two definitions of one name the one
    that arrives is kept, unless the stage uses the other."""
    names = {name for number in found for name in units[number].facts.bound}
    # Two classes of one name: pickles name it, and a kernel has one.
    return {
        number
        for number in definitions.before(stage.last, ReplayKind.class_)
        if number in stage.replays or names.isdisjoint(units[number].facts.bound)
    }


def _definitions_received(
    stage: StageFacts, definitions: Definitions, heap: Heap
) -> set[int]:
    """The definitions above the stage that can be reached from what it receives."""
    received: set[Object] = set()
    for name, (unit, _) in stage.first.items():
        if name in stage.values:
            received |= unit.facts.reads[name].values
    found = set()
    for value in heap.reachable(received, code_only=True):
        payload = value.payload
        number = (
            definitions.of(payload.node)
            if isinstance(payload, (Function, Class))
            else None
        )
        if number is not None and number < stage.last:
            found.add(number)
    return found


def _effects(stage: StageFacts, definitions: Definitions) -> list[Effect]:
    """One effect for each name and kind that count when the stage has ended."""
    summary = Summary()
    for name, (unit, place) in stage.first.items():
        if name in stage.values or name.startswith("file:"):
            summary.add(name, EffectKind.reads, unit, place)
    for unit in stage.units:
        for name, write in unit.facts.writes.items():
            kind = EffectKind(write.kind)
            replayed = definitions.kind(unit.number) is not None
            if replayed and kind is EffectKind.mutates:
                # A definition that is replayed runs anew in each stage, so its changes
                # do not flow.
                continue
            if replayed and kind is EffectKind.binds:
                kind = EffectKind.defines
            summary.write(name, kind, unit, write.place)
        summary.declare(unit)
    summary.pass_on(stage.passed)
    return summary.effects()


class Summary:
    """Effects of a stage's units in their order: what a unit surely binds hides what
    was before."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, EffectKind], Effect] = {}

    def add(self, name: str, kind: EffectKind, unit: Unit, place: Place) -> None:
        line = unit.source.position(*place)[0]
        self._found.setdefault(
            (name, kind), Effect(name, kind, unit.cell.cell.id, line)
        )

    def write(self, name: str, kind: EffectKind, unit: Unit, place: Place) -> None:
        if kind in SURE:
            for other in WRITES - {kind}:
                self._found.pop((name, other), None)
        # xs = []; xs.append(1): whoever binds the name passes on what it changed as
        # well.
        elif kind is EffectKind.mutates and (name, EffectKind.binds) in self._found:
            return
        self.add(name, kind, unit, place)

    def declare(self, unit: Unit) -> None:
        """What `mutates:` and `pure:` tags of the unit's cell say."""
        for names, kind in (
            (unit.cell.mutates, EffectKind.mutates),
            (unit.cell.pure, EffectKind.pure),
        ):
            for name in names:
                self._found[name, kind] = Effect(
                    name, kind, unit.cell.cell.id, declared=True
                )

    def pass_on(self, names: set[str]) -> None:
        for name in names:
            # A stage that only hands a name on counts as if it changed it, so it
            # becomes the definer.
            if (name, EffectKind.binds) not in self._found:
                effect = Effect(name, EffectKind.mutates)
                self._found.setdefault((name, EffectKind.mutates), effect)

    def effects(self) -> list[Effect]:
        order = list(EffectKind)
        return [
            self._found[key]
            for key in sorted(
                self._found, key=lambda key: (key[0], order.index(key[1]))
            )
        ]
