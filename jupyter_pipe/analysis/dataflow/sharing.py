"""Names of one object must arrive together where it is changed or its identity is
tested.

If a stage changes an object that it knows by two names, and the names come from two
earlier stages, it would get two copies. Then the later of the two passes the other name
on as well, so that both travel in one payload and stay one object.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.writers import Writers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_pipe.analysis.dataflow.flows import StageFacts

__all__ = ["tie"]

ROUNDS = 10


def tie(stages: Sequence[StageFacts]) -> dict[str, set[str]]:
    """Names that stages must pass on, beyond those that they change themselves, by
    stage."""
    writers = Writers(stages)
    groups = [_groups(stage) for stage in stages]
    read_later = _read_later(stages)
    passed: dict[str, set[str]] = defaultdict(set)
    for _ in range(ROUNDS):
        changed = False
        # From the last stage back: what one must pass on becomes a demand on those
        # before it.
        for position in range(len(stages) - 1, 0, -1):
            wanted = (
                stages[position].values
                | read_later[position]
                | passed[stages[position].name]
            )
            # large groups first: their parts, once tied, would not tell what the whole
            # needs
            for group in sorted(
                groups[position], key=lambda names: (-len(names), sorted(names))
            ):
                origin = _tie_group(group & wanted, position, writers)
                if origin is None:
                    continue
                earlier, names = origin
                changed = True
                passed[stages[earlier].name] |= names
                groups[earlier].add(group)
                for name in names:
                    writers.add(name, earlier)
        if not changed:
            break
    return passed


def _groups(stage: StageFacts) -> set[frozenset[str]]:
    return {group for unit in stage.units for group in unit.facts.shared}


def _read_later(stages: Sequence[StageFacts]) -> list[set[str]]:
    """For each stage, the names that any later stage reads."""
    found: list[set[str]] = []
    names: set[str] = set()
    for stage in reversed(stages):
        found.append(set(names))
        names |= stage.values
    return found[::-1]


def _tie_group(
    names: Iterable[str], position: int, writers: Writers
) -> tuple[int, set[str]] | None:
    """The latest of the stages that the names come from, and the names that it
    lacks."""
    origins = {
        name: origin
        for name in names
        if (origin := writers.last(name, position)) is not None
    }
    # All names come from one stage, or from none: one payload holds them already.
    if len(set(origins.values())) < 2:
        return None
    latest = max(origins.values())
    return latest, {name for name, origin in origins.items() if origin != latest}
