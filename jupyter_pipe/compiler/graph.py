"""The graph as a pure function of effects: inputs, outputs and edges of stages in
notebook order.

Used by the compiler, and by the runner when the guard has learned an effect. Does no
I/O.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from jupyter_pipe.compiler.learned import with_learned
from jupyter_pipe.file_names import is_file, is_pattern, may_be_same
from jupyter_pipe.graphs import find_cycle, followers, in_order, reachable
from jupyter_pipe.model import (
    Diagnostic,
    Edge,
    EffectKind,
    Learned,
    Pipeline,
    Severity,
    Stage,
    StageInput,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Wiring", "resolve", "rewire", "select", "topological"]

SURE = frozenset({EffectKind.binds, EffectKind.defines, EffectKind.deletes})
PASSES_ON = frozenset({EffectKind.may_bind, EffectKind.mutates})
WRITES = SURE | PASSES_ON


class Wiring(msgspec.Struct, frozen=True):
    """Keyed by stage name. `diagnostics` are cycles and stages that `after:` cannot
    find."""

    inputs: dict[str, tuple[StageInput, ...]] = {}
    outputs: dict[str, tuple[str, ...]] = {}
    edges: tuple[Edge, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def resolve(stages: Sequence[Stage]) -> Wiring:
    """Inputs, outputs and edges of `stages`, which stand in notebook order."""
    definers = _definers(stages)
    inputs: dict[str, tuple[StageInput, ...]] = {}
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    # What is asked of each stage: at first its metrics and gates, then what later ones
    # read.
    demanded: dict[str, set[str]] = {stage.name: _observed(stage) for stage in stages}
    # From the last: a stage that only passes a name on needs it only if somebody behind
    # it does.
    for stage in reversed(stages):
        found = []
        for name in sorted(_needs(stage, demanded[stage.name])):
            # A definer of None: the name is replayed, or was deleted, so nobody sends
            # it.
            definer = definers[stage.name].get(name)
            if definer is None:
                continue
            names[definer, stage.name].add(name)
            if _is_value(name):
                found.append(StageInput(name, definer))
            demanded[definer].add(name)
        for name in stage.frozen:
            definer = definers[stage.name].get(name)
            if definer is not None:
                demanded[definer].add(
                    name
                )  # beside what shares objects with it, the guard can watch it
        inputs[stage.name] = tuple(found)
    # Values flow from maker to user; files also make writers wait for earlier readers.
    _order_file_writes(stages, names)
    _order_computed_files(stages, names)
    edges = _edges(stages, names)
    outputs = {
        name: tuple(sorted(filter(_is_value, wanted)))
        for name, wanted in demanded.items()
    }
    return Wiring(
        {stage.name: inputs[stage.name] for stage in stages},
        outputs,
        edges,
        _cycles(stages, edges),
    )


def rewire(pipeline: Pipeline, learned: Mapping[str, Learned]) -> Pipeline:
    """`pipeline` with what runs have seen of its stages: inputs that they change,
    stages that they follow."""
    stages = tuple(
        with_learned(stage, learned.get(stage.name, Learned()))
        for stage in pipeline.stages
    )
    if pipeline.notebooks:
        from jupyter_pipe.compiler.joining import (
            resolve_joined,
        )  # most pipelines are of one notebook

        wiring = resolve_joined(pipeline.notebooks, stages)
    else:
        wiring = resolve(stages)
    stages = tuple(
        msgspec.structs.replace(
            stage, inputs=wiring.inputs[stage.name], outputs=wiring.outputs[stage.name]
        )
        for stage in stages
    )
    return msgspec.structs.replace(pipeline, stages=stages, edges=wiring.edges)


def topological(pipeline: Pipeline) -> tuple[Stage, ...]:
    """The stages, each after all that it depends on; notebook order where the graph
    leaves a choice.

    Raises CycleError.
    """
    stages = {stage.name: stage for stage in pipeline.stages}
    return tuple(
        stages[name] for name in in_order(list(stages), _before(pipeline.edges))
    )


def select(
    pipeline: Pipeline, *, targets: Iterable[str] = (), from_: Iterable[str] = ()
) -> tuple[str, ...]:
    """Names of the stages that a run of these targets involves, in notebook order.

    `targets` selects these stages and all that they depend on, `from_` these and all
    that depend on them; both together the stages between. Raises KeyError for an
    unknown stage.
    """
    targets, from_ = tuple(targets), tuple(from_)
    for name in (*targets, *from_):
        pipeline.stage(name)
    chosen = {stage.name for stage in pipeline.stages}
    if targets:
        chosen &= reachable(
            targets, followers((edge.to, edge.from_) for edge in pipeline.edges)
        )
    if from_:
        chosen &= reachable(
            from_, followers((edge.from_, edge.to) for edge in pipeline.edges)
        )
    return tuple(stage.name for stage in pipeline.stages if stage.name in chosen)


def _before(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """What each stage waits for."""
    before: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        before[edge.to].append(edge.from_)
    return before


def _is_value(name: str) -> bool:
    return not name.startswith("@") and not is_file(name)


def _observed(stage: Stage) -> set[str]:
    """Names that metrics, gates, contracts and scorers read: stored even if no later
    stage wants them."""
    read = set(stage.options.watched)
    read.update(metric.name for metric in stage.metrics)
    for gate in stage.gates:
        read.update(gate.names)
    return read.union(stage.kept)


def _definers(stages: Sequence[Stage]) -> dict[str, dict[str, str | None]]:
    """For each stage, who wrote last before it; None where the name is replayed or
    deleted."""
    last: dict[str, str | None] = {}
    found: dict[str, dict[str, str | None]] = {}
    for stage in stages:
        looked_at = [effect.name for effect in stage.effects]
        looked_at += _observed(stage).union(stage.frozen)
        found[stage.name] = {name: last[name] for name in looked_at if name in last}
        # `pure:x` says that the change which the guard or the analysis sees is not one.
        pure = {
            effect.name for effect in stage.effects if effect.kind is EffectKind.pure
        }
        for name, kinds in _writes(stage).items():
            unchanged = name in pure and kinds <= {EffectKind.mutates}
            # Several stages may each have written some of a pattern's files.
            if is_pattern(name) or unchanged:
                continue
            # A stage that deletes or only defines a name leaves no value of it.
            gone = kinds <= {EffectKind.deletes, EffectKind.defines}
            last[name] = None if gone else stage.name
    return found


def _writes(stage: Stage) -> dict[str, set[EffectKind]]:
    writes: dict[str, set[EffectKind]] = defaultdict(set)
    for effect in stage.effects:
        if effect.kind in WRITES:
            writes[effect.name].add(effect.kind)
    return writes


def _needs(stage: Stage, demanded: set[str]) -> set[str]:
    """What the stage must receive: what it reads, and what it passes on because
    somebody wants it."""
    needs = {effect.name for effect in stage.effects if effect.kind is EffectKind.reads}
    writes = _writes(stage)
    for name in demanded:
        # Nobody in this stage writes it: it is passed through from an earlier one.
        kinds = writes.get(name, set())
        if not kinds or (kinds & PASSES_ON and not kinds & SURE):
            needs.add(name)
    return needs


def _order_file_writes(
    stages: Sequence[Stage], names: dict[tuple[str, str], set[str]]
) -> None:
    """A file, unlike a value, has one state: whoever writes it waits for those who used
    the old one."""
    users: dict[str, list[str]] = defaultdict(list)
    for stage in stages:
        files = [
            effect
            for effect in stage.effects
            if is_file(effect.name) and not is_pattern(effect.name)
        ]
        written = {effect.name for effect in files if effect.kind in WRITES}
        for name in sorted({effect.name for effect in files}):
            if name in written:
                # The writer waits for all who used the old state, and is the first to
                # use the new one.
                for user in users[name]:
                    names[user, stage.name].add(name)
                users[name] = []
            users[name].append(stage.name)


def _file_uses(stage: Stage) -> list[tuple[str, bool]]:
    """Each file of the stage, and whether it writes it."""
    files = [effect for effect in stage.effects if is_file(effect.name)]
    return [(effect.name, effect.kind in WRITES) for effect in files]


def _order_computed_files(
    stages: Sequence[Stage], names: dict[tuple[str, str], set[str]]
) -> None:
    """Names of which one is a pattern and which may mean one file: who reads waits for
    all that wrote before, who writes for all that read, and for who wrote under the
    same pattern. Different patterns that are only written demand no order: stages that
    save figures under computed names stay parallel."""
    earlier: list[tuple[str, str, bool]] = []
    for stage in stages:
        uses = _file_uses(stage)
        for other, known, wrote in earlier:
            if any(_is_ordered(known, wrote, name, writes) for name, writes in uses):
                names[other, stage.name].add(known)
        written = {name for name, writes in uses if writes and not is_pattern(name)}
        earlier = [
            use for use in earlier if use[1] not in written
        ]  # who wrote last has waited for them
        earlier += [(stage.name, name, writes) for name, writes in uses]


def _is_ordered(known: str, wrote: bool, name: str, writes: bool) -> bool:
    """Whether the use of `name` must follow the earlier use of `known`."""
    patterns = is_pattern(known) + is_pattern(name)
    if (
        not patterns
        # Equal fixed names are ordered by _order_file_writes; two reads need no order.
        or not (wrote or writes)
        or (wrote and writes and patterns == 2 and known != name)
    ):
        return False
    return may_be_same(known, name)


def _edges(
    stages: Sequence[Stage], names: Mapping[tuple[str, str], set[str]]
) -> tuple[Edge, ...]:
    """One edge for each pair of stages that share names, are tagged `after:`, or follow
    one another."""
    position = {stage.name: number for number, stage in enumerate(stages)}
    pairs = {pair: tuple(sorted(found)) for pair, found in names.items()}
    for stage in stages:
        for earlier in stage.after:
            if earlier in position:
                pairs.setdefault((earlier, stage.name), ())
        # What runs have seen counts only forwards: a later stage cannot be followed.
        for earlier, seen in stage.follows.items():
            if position.get(earlier, len(stages)) < position[stage.name]:
                known = pairs.get((earlier, stage.name), ())
                pairs[earlier, stage.name] = tuple(sorted({*known, *seen}))

    def place(pair: tuple[str, str]) -> tuple[int, int]:
        from_, to = pair
        return position[to], position[from_]

    ordered = sorted(pairs, key=place)
    return tuple(Edge(from_, to, pairs[from_, to]) for from_, to in ordered)


def _cycles(stages: Sequence[Stage], edges: Sequence[Edge]) -> tuple[Diagnostic, ...]:
    cycle = find_cycle(_before(edges))
    if not cycle:
        return ()
    path = " -> ".join(cycle)
    first = next(stage for stage in stages if stage.name == cycle[0])
    return (
        Diagnostic(
            "PIPE210",
            Severity.error,
            f"Stages depend on each other in a circle: {path}.",
            hint="Remove one of the `after:` tags, or split a stage so that each part runs once.",
            cell_id=first.cells[0] if first.cells else None,
            stage=first.name,
        ),
    )
