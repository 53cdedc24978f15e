"""Runs the notebook abstractly, one top-level statement after the other, and fills in
their facts."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls import dispatch as calls
from jupyter_pipe.analysis.calls.ambient import FELT_EVERYWHERE
from jupyter_pipe.analysis.calls.libraries import show
from jupyter_pipe.analysis.calls.settings import calls_for_effect
from jupyter_pipe.analysis.dataflow.facts import Facts, Unit, Write
from jupyter_pipe.analysis.dataflow.groups import expected_groups
from jupyter_pipe.analysis.interpreter import expressions, functions, loops, statements
from jupyter_pipe.analysis.interpreter.functions import touch_free_names
from jupyter_pipe.analysis.interpreter.statements import guarded
from jupyter_pipe.analysis.source.scopes import bound_names
from jupyter_pipe.analysis.world.environment import UNBOUND
from jupyter_pipe.analysis.world.heap import (
    Class,
    ExhaustedError,
    Function,
    LocalModule,
    in_order,
)
from jupyter_pipe.analysis.world.world import World
from jupyter_pipe.file_names import is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set
    from pathlib import Path

    from jupyter_pipe.analysis.knowledge import Knowledge
    from jupyter_pipe.analysis.world.heap import Object

__all__ = ["interpret", "new_world", "observe"]

_RULES = (expressions, statements, loops)
"""Importing these registers their rules."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def new_world(knowledge: Knowledge, folder: Path | None) -> World:
    """A world in which nothing has run; calls are bound late because they need every
    rule."""
    world = World(knowledge, folder)
    world.call_function = partial(functions.call_function, world)
    world.call_special = partial(calls.call_special, world)
    world.call_values = partial(calls.call_values, world)
    return world


def interpret(
    world: World, units: Sequence[Unit], ends: dict[int, list[Unit]]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Fills `unit.facts`, and returns the groups that each stage is expected to leave.

    `ends[n]` are the units of gates and metrics that look at the state after unit n.
    """
    last = {unit.stage: unit.number for unit in units}
    written: dict[str, set[str]] = {}
    groups: dict[str, tuple[tuple[str, ...], ...]] = {}
    for unit in units:
        _run(world, unit)
        # Gates look at this point of the notebook; later cells may change what they
        # look at.
        for observer in ends.get(unit.number, ()):
            observe(world, observer)
        if unit.stage is not None:
            names = written.setdefault(unit.stage, set())
            names.update(name for name in unit.facts.writes if name.isidentifier())
            # Only when the stage ends: what shares memory in between does not travel.
            if last[unit.stage] == unit.number:
                groups[unit.stage] = expected_groups(world, names)
    return groups


def _run(world: World, unit: Unit) -> None:
    world.begin(unit)
    try:
        # A cell that is expected to fail may end after any of its statements.
        if "raises-exception" in unit.cell.cell.tags:
            guarded(world, lambda: _execute(world, unit))
        else:
            _execute(world, unit)
    # Python's own recursion limit is reached by code that nests a few hundred deep.
    except (RecursionError, ExhaustedError):
        _run_roughly(world, unit)
    _finish(world, unit)


def _run_roughly(world: World, unit: Unit) -> None:
    """Follows no call by itself; should that still be too much, takes every name to be
    changed."""
    outermost = world.calls.broken_off
    world.calls.forget()
    world.begin_again(unit)
    try:
        world.calls.follow_roughly(outermost)
        _execute(world, unit)
    # Even without calls: a literal of ten thousand nested brackets, say.
    except (RecursionError, ExhaustedError):
        world.calls.give_up(outermost)
        world.begin_again(unit)
        touch_every_name(world, unit)


def _execute(world: World, unit: Unit) -> bool:
    for component in FELT_EVERYWHERE:
        # Once somebody wrote it, every later statement feels it; before, no one does.
        if world.names.get(component) is not None:
            world.touch(component, unit.node)
    if not (isinstance(unit.node, ast.Expr) and unit.displays):
        return world.execute((unit.node,))
    # The last expression of a cell is shown, and so used for its `repr` only.
    world.recorder.facts.unused.update(calls_for_effect(unit.node.value))
    show(world, world.evaluate(unit.node.value), unit.node)
    return True


def touch_every_name(world: World, unit: Unit) -> None:
    """For a statement that cannot be followed: it may read and change every name in
    it."""
    world.note(
        "PIPE226",
        "The statement is too deep or too branched to be followed; it is taken to change every name in it.",
        unit.node,
        "Split it into several statements.",
    )
    with world.recorder.roughly():  # a name in a body may be bound there
        for node in ast.walk(unit.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                _touch_name(world, node)
    for name in bound_names((unit.node,)):
        world.bind(
            name,
            frozenset((world.objects.allocate((unit.node, name), open_=True),)),
            unit.node,
        )


def _touch_name(world: World, node: ast.Name) -> None:
    slot = world.names.get(node.id)
    if slot is None:
        return
    for value in in_order(world.read_global(node.id, node)):
        # Functions that the statement names may run as well.
        touch_free_names(world, value, set())
    world.mutate(slot.values, node)


def observe(world: World, unit: Unit) -> None:
    """Evaluates a gate or the name of a metric: it reads like code at the end of its
    stage."""
    world.begin(unit)
    world.execute((unit.node,))


def _finish(world: World, unit: Unit) -> None:
    """Turns what happened into how the unit leaves each name."""
    facts = unit.facts
    for name, place in facts.bound.items():
        slot = world.names.get(name)
        if slot is None:
            continue
        if slot.sources == {unit.number}:
            kind = "binds"
        elif slot.sources == {UNBOUND}:
            kind = "deletes"
        else:
            # For a file or component there is no "may bind": it exists before the
            # notebook.
            kind = "mutates" if name.startswith(("@", "file:")) else "may_bind"
        if is_pattern(
            name
        ):  # others may have written other files of this name: they are not passed on
            facts.writes[name] = Write("binds", place)
        else:
            facts.writes[name] = Write(kind, place, slot.sources - {unit.number})
    _spread_mutations(world, unit)
    for value in facts.identified:
        # `a is b`: both names must arrive as one object, so they share a group.
        _share(facts, set(_reaching(world, world.heap.affected((value,)))))


def _spread_mutations(world: World, unit: Unit) -> None:
    """A changed object changes every name from which it can be reached."""
    facts, number = unit.facts, unit.number
    is_definition = isinstance(unit.node, DEFINITIONS)
    if not facts.mutated:
        return
    done: set[Object] = set()
    for value, place in facts.mutated.items():
        if value in done:
            continue
        affected = world.heap.affected((value,))
        # Everything that shares memory with it reaches the same names: skip it from
        # here on.
        done |= affected & facts.mutated.keys() if value.shares else {value}
        names = set(_reaching(world, affected)) | _functions_of(world, affected)
        world.process.changed_classes.update(
            part for part in affected if isinstance(part.payload, Class)
        )
        if is_definition:
            closed = world.heap.affected((value,), by_instances=False)
            facts.changed_definitions.update(_reaching(world, closed))
        _share(facts, names)
        for name in sorted(names):
            slot = world.names.get(name)
            if slot is not None and slot.sources != {number}:
                # The name has a value that this unit made, too: later reads depend on
                # it.
                world.names.set(name, slot._replace(sources=slot.sources | {number}))
                facts.writes.setdefault(
                    name, Write("mutates", place, slot.sources - {number})
                )


def _reaching(world: World, values: Set[Object]) -> Iterator[str]:
    """The global names whose value may be one of `values`."""
    for value in values:
        # A copy, since `discard` below changes the set while it is walked.
        for name in tuple(world.names.holders.get(value, ())):
            slot = world.names.get(name)
            # The name was bound to something else since: holders are cleaned up when
            # asked.
            if slot is None or value not in slot.values:
                world.names.holders[value].discard(name)
            else:
                yield name


def _functions_of(world: World, values: Set[Object]) -> set[str]:
    """The global names of functions that see a changed module from inside."""
    modules = [
        value.payload for value in values if isinstance(value.payload, LocalModule)
    ]
    if not modules:
        return set()
    frames = {module.frame.number for module in modules}
    known = ((value, value.payload) for value in world.names.holders)
    functions = {
        value
        for value, one in known
        if isinstance(one, Function) and one.frame.number in frames
    }
    return set(_reaching(world, functions))


def _share(facts: Facts, names: set[str]) -> None:
    if len(names) > 1:
        facts.shared.append(frozenset(names))
