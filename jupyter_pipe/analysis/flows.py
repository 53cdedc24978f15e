"""From facts to stages: effects, replays, parameters and imports of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.program import StageFlow
from jupyter_pipe.analysis.values import Class, Function
from jupyter_pipe.model import Effect, EffectKind, ReplayKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_pipe.analysis.facts import Place, Unit
    from jupyter_pipe.analysis.replays import Definitions
    from jupyter_pipe.analysis.values import Heap

__all__ = ["StageFacts", "stage_facts", "stage_flow"]


@dataclass
class StageFacts:
    """A stage while it is put together. `needs` maps a name to the units outside the stage that it
    may come from; `first` to where it is first used. `passed` are names that it only hands on."""

    name: str
    units: list[Unit] = field(default_factory=list)
    needs: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    first: dict[str, tuple[Unit, Place]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    replays: set[int] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(unit.cell.cell.id for unit in self.units if unit.role != "observer"))

    @property
    def numbers(self) -> set[int]:
        return {unit.number for unit in self.units}


def stage_facts(units: Sequence[Unit], observers: Mapping[int, Sequence[Unit]]) -> list[StageFacts]:
    """The stages in the order of their first cells, with what each needs from outside."""
    stages: dict[str, StageFacts] = {}
    for unit in units:
        if unit.stage is not None:
            stages.setdefault(unit.stage, StageFacts(unit.stage)).units.append(unit)
    for looks in observers.values():
        for look in looks:
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
            if outside or not read.sources:
                stage.needs[name] |= outside
                stage.first.setdefault(name, (unit, read.place))
        for name, write in unit.facts.writes.items():
            if write.kind in {"may_bind", "mutates"}:
                stage.needs[name] |= write.sources - own


def classify(stage: StageFacts, units: Sequence[Unit], definitions: Definitions) -> None:
    """Which needs are replayed, which are parameters, which are values of earlier stages."""
    todo: set[int] = set()
    for name, sources in stage.needs.items():
        for source in sources:
            if source < 0 or units[source].role == "skip":
                continue
            if units[source].role == "parameter" or definitions.kind(source) is not None:
                todo.add(source)
            elif name in stage.first:
                stage.values.add(name)
    last = max(stage.numbers)
    todo.update(definitions.before(last, ReplayKind.shared))
    for number in definitions.before(last, ReplayKind.ambient):
        todo.discard(number)
        if not stage.values & set(units[number].facts.writes):
            todo.add(number)
    _take(stage, units, definitions.closure(todo))


def _take(stage: StageFacts, units: Sequence[Unit], numbers: set[int]) -> None:
    cells = set(stage.cells)
    for number in numbers:
        if units[number].role == "parameter":
            stage.parameters |= set(units[number].facts.bound)
        elif units[number].cell.cell.id not in cells:
            stage.replays.add(number)


def stage_flow(stage: StageFacts, units: Sequence[Unit], definitions: Definitions, heap: Heap) -> StageFlow:
    """The finished stage, for `model.Stage`."""
    kept = _kept(stage, units, definitions, heap)
    replays = [
        definitions.replay(number, needed=number in stage.replays) for number in sorted(stage.replays | kept)
    ]
    behind = [units[number] for number in stage.replays]
    return StageFlow(
        stage.name,
        stage.cells,
        tuple(_effects(stage, definitions)),
        tuple(replays),
        (),
        tuple(sorted({name for unit in (*stage.units, *behind) for name in unit.facts.imports})),
        tuple(sorted(stage.parameters)),
    )


def _kept(stage: StageFacts, units: Sequence[Unit], definitions: Definitions, heap: Heap) -> set[int]:
    """Definitions that what the stage receives may refer to: any class made before, since libraries
    may hold instances where nobody sees them, and the functions that can be reached."""
    if not stage.values and not stage.needs:
        return set()
    cells = set(stage.cells)
    received = [
        unit.facts.reads[name].values for name, (unit, _) in stage.first.items() if name in stage.values
    ]
    reached = heap.reachable(value for values in received for value in values)
    nodes = [value.payload.node for value in reached if isinstance(value.payload, (Function, Class))]
    last = max(stage.numbers)
    found = {number for node in nodes if (number := definitions.of(node)) is not None and number < last}
    if stage.values:
        found.update(definitions.before(last, ReplayKind.class_))
    found = {number for number in found if units[number].cell.cell.id not in cells}
    return {number for number in definitions.closure(found) if units[number].role != "parameter"}


def _effects(stage: StageFacts, definitions: Definitions) -> list[Effect]:
    found: dict[tuple[str, EffectKind], Effect] = {}
    for name, (unit, place) in stage.first.items():
        if name in stage.values or name.startswith("file:"):
            _add(found, name, EffectKind.reads, unit, place)
    surely: set[str] = set()
    for unit in stage.units:
        for name, write in unit.facts.writes.items():
            kind = EffectKind(write.kind)
            if kind is EffectKind.binds and definitions.kind(unit.number) is not None:
                kind = EffectKind.defines
            if kind is EffectKind.deletes:
                for other in EffectKind:
                    if other is not EffectKind.reads:
                        found.pop((name, other), None)
            if kind in {EffectKind.binds, EffectKind.defines}:
                found.pop((name, EffectKind.deletes), None)
                found.pop((name, EffectKind.defines), None)
                found.pop((name, EffectKind.mutates), None)
            if kind is EffectKind.mutates and name in surely and (name, EffectKind.binds) in found:
                continue
            surely.add(name)
            _add(found, name, kind, unit, write.place)
        for name in unit.cell.mutates:
            found[name, EffectKind.mutates] = Effect(
                name, EffectKind.mutates, unit.cell.cell.id, declared=True
            )
        for name in unit.cell.pure:
            found[name, EffectKind.pure] = Effect(name, EffectKind.pure, unit.cell.cell.id, declared=True)
    for name in stage.passed:
        if (name, EffectKind.binds) not in found:
            found.setdefault((name, EffectKind.mutates), Effect(name, EffectKind.mutates))
    return [found[key] for key in sorted(found, key=lambda key: (key[0], list(EffectKind).index(key[1])))]


def _add(
    found: dict[tuple[str, EffectKind], Effect], name: str, kind: EffectKind, unit: Unit, place: Place
) -> None:
    line = unit.source.position(*place)[0]
    found.setdefault((name, kind), Effect(name, kind, unit.cell.cell.id, line))
