"""What a stage must leave as it is because of stages that have cells on both sides of
it.

All cells of a stage run together, so a cell may run before one that stands above it.
`order` sees to it that the changes which analysis knows do not mind; a change that only
the guard can see must then fail the run, for no order of the stages is that of the
notebook.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.analysis.world.heap import Heap, Values

__all__ = ["find_frozen"]


def find_frozen(stages: Sequence[StageFacts], heap: Heap) -> dict[str, set[str]]:
    """By stage the names whose values it must not change. `stages` stand in the order
    of the run."""
    spans = [
        (min(numbers), max(numbers)) for stage in stages if (numbers := stage.numbers)
    ]
    # No stage has cells on both sides of another: every order is that of the notebook.
    if all(one[1] < other[0] for one, other in itertools.pairwise(spans)):
        return {}
    found: dict[str, set[str]] = {}
    for place, stage in enumerate(stages):
        last = max(stage.numbers or {0})
        out_of_order = _out_of_order(stages, place)
        reads = [
            (name, values)
            for unit in out_of_order
            for name, values in _reads(unit, last)
        ]
        if reads:
            found[stage.name] = _names(stage, reads, heap)
    return found


def _out_of_order(stages: Sequence[StageFacts], place: int) -> Iterator[Unit]:
    """Units that run before the stage at `place` though they stand below its first one,
    and the reverse."""
    numbers = stages[place].numbers or {0}
    first, last = min(numbers), max(numbers)
    for other in stages[:place]:
        yield from (unit for unit in other.units if unit.number > first)
    for other in stages[place + 1 :]:
        yield from (unit for unit in other.units if unit.number < last)


def _reads(unit: Unit, last: int) -> Iterator[tuple[str, Values]]:
    """Values that were there before unit `last` ended."""
    for name, read in unit.facts.reads.items():
        # `@numpy.random` and files have rules of their own; here it is about values.
        if name.isidentifier() and read.sources and min(read.sources) < last:
            yield name, read.values


def _names(
    stage: StageFacts, reads: Sequence[tuple[str, Values]], heap: Heap
) -> set[str]:
    """The names that are read elsewhere, and those of the stage that lead to the same
    objects."""
    reached = heap.affected(
        heap.reachable(value for _, values in reads for value in values)
    )
    own = (
        (name, read.values)
        for unit in stage.units
        for name, read in unit.facts.reads.items()
    )
    return {name for name, _ in reads} | {
        name for name, values in own if name.isidentifier() and values & reached
    }
