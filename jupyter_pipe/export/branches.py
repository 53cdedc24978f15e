"""A graph as branches that end where they began, for engines that know no others. Pure.

    a -> b, c    b -> d    c -> d, e        a, split into (b, c), joined, split into (d, e), joined

Here `d` also waits for `c`, which it needs, and `e` for `b`, which it does not: that is
what such an engine costs. Of parts that have nothing to do with each other none waits
for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from jupyter_pipe.graphs import followers, reachable

__all__ = ["Step", "steps_of"]


class Step(Struct, frozen=True):
    """What runs next to each other after it. `stage` is empty for one that only splits
    or joins."""

    name: str
    following: tuple[str, ...]
    stage: str = ""
    joins: bool = False


def steps_of(
    after: Mapping[str, Sequence[str]], start: str, end: str
) -> tuple[Step, ...]:
    """The steps from `start` to before `end`. `after` are the stages before each stage,
    in notebook order."""
    writer = _Writer(after, {start, end})
    first = writer.write(list(after), (end,))
    return Step(start, first), *reversed(writer.steps)


class _Writer:
    """Writes steps from the end on: what a step leads to must be known."""

    def __init__(self, after: Mapping[str, Sequence[str]], taken: set[str]) -> None:
        self.steps: list[Step] = []
        self._after = after
        self._taken = taken | set(after)

    def write(
        self, stages: Sequence[str], following: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Add the steps of `stages`, after which come `following`. Gives the steps that
        begin."""
        if not stages:
            return following
        parts = self._parts(stages)
        if len(parts) == 1:
            # Connected: what waits for nothing goes first, all others behind it.
            first = [
                name for name in stages if not set(self._after[name]) & set(stages)
            ]
            following = self.write(
                [name for name in stages if name not in first], following
            )
            if len(first) == 1:
                self.steps.append(Step(first[0], following, stage=first[0]))
                return (first[0],)
            parts = [[name] for name in first]
        # For example a join whose two followers are branches again: one step joins,
        # another splits.
        join = self._named("join")
        self.steps.append(Step(join, self._one(following), joins=True))
        # Backwards, as steps are written from the end on: `steps_of` turns them round.
        first = [self._one(self.write(part, (join,)))[0] for part in reversed(parts)]
        return tuple(reversed(first))

    def _one(self, following: tuple[str, ...]) -> tuple[str, ...]:
        """A single step that leads to them."""
        if len(following) == 1:
            return following
        fork = self._named("fork")
        self.steps.append(Step(fork, following))
        return (fork,)

    def _parts(self, stages: Sequence[str]) -> list[list[str]]:
        """The stages, divided where nothing leads from one part to another."""
        # Taken both ways below, so that what can be reached is all that is connected.
        pairs = [
            (name, other)
            for name in stages
            for other in self._after[name]
            if other in stages
        ]
        following = followers([*pairs, *((other, name) for name, other in pairs)])
        parts: list[list[str]] = []
        for name in stages:
            if not any(name in part for part in parts):
                found = reachable([name], following)
                parts.append([each for each in stages if each in found])
        return parts

    def _named(self, kind: str) -> str:
        # Where a stage is called `join_1`, the first join of ours is `join_2`.
        number = 1
        while f"{kind}_{number}" in self._taken:
            number += 1
        self._taken.add(f"{kind}_{number}")
        return f"{kind}_{number}"
