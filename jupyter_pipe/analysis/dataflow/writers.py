"""Who writes a name last before a stage: the graph as far as analysis itself needs
it."""

from __future__ import annotations

import bisect
from collections import defaultdict
from typing import TYPE_CHECKING

from jupyter_pipe.graphs import followers, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.flows import StageFacts

__all__ = ["Writers", "feeds", "reaches"]


class Writers:
    """Which stages, by position, leave a value under a name."""

    def __init__(self, stages: Sequence[StageFacts]) -> None:
        self._positions: dict[str, list[int]] = defaultdict(list)
        for position, stage in enumerate(stages):
            names = {name for unit in stage.units for name in unit.facts.writes}
            for name in names:
                self._positions[name].append(position)

    def last(self, name: str, before: int) -> int | None:
        positions = self._positions[name]
        found = bisect.bisect_left(positions, before)
        return positions[found - 1] if found else None

    def add(self, name: str, position: int) -> None:
        if position not in self._positions[name]:
            bisect.insort(self._positions[name], position)


def feeds(stages: Sequence[StageFacts]) -> Iterator[tuple[int, int, str]]:
    """`(writer, reader, name)` by position, for everything that flows between
    stages."""
    writers = Writers(stages)
    for position, stage in enumerate(stages):
        # Files are needs, not values: they do not travel as payloads, but they order
        # stages.
        files = [name for name in stage.first if name.startswith("file:")]
        for name in sorted({*stage.values, *files}):
            writer = writers.last(name, position)
            if writer is not None:
                yield writer, position, name


def reaches(pairs: set[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a path of `pairs` leads from `start` to `end`."""
    return end in reachable([start], followers(pairs))
