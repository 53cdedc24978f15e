"""Which stage first, does it fit, and what depends on it: the pure arithmetic of
scheduling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from jupyter_pipe.compiler.graph import topological
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import Pipeline, StageOptions

__all__ = ["Capacity", "Neighbours", "fits", "priorities"]


class Capacity(Struct, frozen=True):
    """What the machine offers to all stages together; None is not a limit."""

    workers: int = 1
    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int | None = None


def fits(
    capacity: Capacity, running: Iterable[StageOptions], wanted: StageOptions
) -> bool:
    """Whether a stage can start beside the running ones.

    A stage that asks for more of something than there is runs when no other uses any of
    it, rather than never; what it does not ask for does not hold it up.
    """
    others = list(running)
    return (
        len(others) < max(capacity.workers, 1)
        and _within((options.cpus for options in others), wanted.cpus, capacity.cpus)
        and _within(
            (options.memory_bytes or 0 for options in others),
            wanted.memory_bytes or 0,
            capacity.memory_bytes,
        )
        and _within((options.gpus for options in others), wanted.gpus, capacity.gpus)
    )


def _within(others: Iterable[float], wanted: float, limit: float | None) -> bool:
    used = sum(others)
    return limit is None or not wanted or not used or used + wanted <= limit


class Neighbours:
    """Who comes before and after each stage, looked up in constant time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.before: dict[str, list[str]] = {
            stage.name: [] for stage in pipeline.stages
        }
        self.after: dict[str, list[str]] = {stage.name: [] for stage in pipeline.stages}
        for edge in pipeline.edges:
            self.before[edge.to].append(edge.from_)
            self.after[edge.from_].append(edge.to)

    def descendants(self, names: Collection[str]) -> set[str]:
        """All that depends on one of `names`, without these."""
        return reachable(names, self.after.__getitem__) - set(names)

    def ancestors(self, name: str) -> set[str]:
        """All that `name` depends on."""
        return reachable([name], self.before.__getitem__) - {name}


def priorities(pipeline: Pipeline, seconds: Mapping[str, float]) -> dict[str, float]:
    """For each stage the seconds from its start to the end of the run on its longest
    path.

    `seconds` is how long stages took before; one never seen counts as a typical one.
    """
    typical = sorted(seconds.values())[len(seconds) // 2] if seconds else 1.0
    following = Neighbours(pipeline).after
    longest: dict[str, float] = {}
    for stage in reversed(topological(pipeline)):
        after = max((longest[name] for name in following[stage.name]), default=0.0)
        longest[stage.name] = seconds.get(stage.name, typical) + after
    return longest
