"""Values that hold a function or class of which a stage has another definition under
the same name.

They are stored by the name and the source of the definition, and a kernel has one
definition a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.replays import definition_digest
from jupyter_pipe.analysis.findings.report import cell_number, report
from jupyter_pipe.analysis.world.heap import Bound, Class, Function, Instance, Partial
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import ReplayKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.analysis.dataflow.replays import Definitions
    from jupyter_pipe.analysis.world.heap import Object, Values
    from jupyter_pipe.model import Diagnostic

__all__ = ["check_redefinitions"]

DEFINITIONS = frozenset({ReplayKind.function, ReplayKind.class_})
HOLDERS = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "dict", "set", "frozenset", "method")
)
"""Containers that hold what the notebook has put into them, and nothing else."""


def check_redefinitions(
    stage: StageFacts,
    units: Sequence[Unit],
    definitions: Definitions,
    replayed: Collection[int],
) -> Iterator[Diagnostic]:
    """`replayed` are the units whose code the stage runs again, needed or not."""
    last: dict[str, int] = {}
    for number in sorted(replayed):
        if definitions.kind(number) in DEFINITIONS:
            # The last definition of a name is what the kernel ends up with.
            last.update(dict.fromkeys(units[number].facts.bound, number))
    for name in sorted(stage.values & stage.first.keys()):
        unit, place = stage.first[name]
        for part in _held(unit.facts.reads[name].values):
            made = (
                definitions.of(part.payload.node)
                if isinstance(part.payload, (Function, Class))
                else None
            )
            again = last.get(getattr(part.payload, "name", ""), made)
            # Two equal definitions under one name can stand for each other.
            if made is None or again is None or not _differ(units[made], units[again]):
                continue
            held = getattr(part.payload, "name", "")
            message = (
                f"'{name}', which {cell_number(unit)} reads, holds '{held}' of {cell_number(units[made])}, "
                f"which {cell_number(units[again])} defines again; stage '{stage.name}' can have one of them."
            )
            hint = f"Give '{held}' in {cell_number(units[again])} another name."
            yield report("PIPE213", unit, place, message, hint)
            return


def _differ(one: Unit, other: Unit) -> bool:
    return definition_digest(one.node) != definition_digest(other.node)


def _held(values: Values) -> Iterable[Object]:
    """What surely arrives with a value: parts of containers, classes of instances,
    functions of methods."""
    return sorted(reachable(values, _directly_held), key=lambda value: value.serial)


def _directly_held(value: Object) -> Iterator[Object]:
    payload = value.payload
    if isinstance(payload, Instance):
        yield payload.class_
    if isinstance(payload, Bound):
        yield payload.receiver
    # Of other objects it is not sure that they still hold what once went in.
    if isinstance(payload, (Instance, Partial)) or value.type in HOLDERS:
        for held in value.fields.values():
            yield from held
