"""Which names of a stage are expected to share objects, so that they travel in one payload.

The kernel finds the real groups; these are for people who read the pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.values import Class, Function, Library, LocalModule, Text

if TYPE_CHECKING:
    from jupyter_pipe.analysis.values import Object
    from jupyter_pipe.analysis.world import World

__all__ = ["expected_groups"]

IMMUTABLE = (Text, Library, LocalModule, Function, Class)


def expected_groups(world: World, names: set[str]) -> tuple[tuple[str, ...], ...]:
    """Partitions those of `names` that share an object, at this point of the notebook."""
    owner: dict[Object, str] = {}
    leader = {name: name for name in names}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for name in sorted(names):
        slot = world.state.get(name)
        for value in world.heap.reachable(slot.values) if slot else ():
            if isinstance(value.payload, IMMUTABLE):
                continue
            for part in (value, *value.shares):
                leader[find(name)] = find(owner.setdefault(part, name))
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(find(name), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
