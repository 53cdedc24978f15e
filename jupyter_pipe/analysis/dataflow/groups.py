"""Which names of a stage are expected to share objects, so that they travel in one
payload.

The kernel finds the real groups; these are for people who read the pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import Class, Function, Library, LocalModule, Text

if TYPE_CHECKING:
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["expected_groups"]

LARGEST = 64
"""Objects behind one name that are looked at: a forecast need not be complete."""
IMMUTABLE = (Text, Library, LocalModule, Function, Class)


def expected_groups(world: World, names: set[str]) -> tuple[tuple[str, ...], ...]:
    """Partitions those of `names` that share an object, at this point of the
    notebook."""
    owner: dict[Object, str] = {}
    leader = {name: name for name in names}

    # A union-find without ranks: a stage has a few dozen names.
    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for name in sorted(names):
        slot = world.names.get(name)
        todo = list(slot.values) if slot else []
        for _ in range(LARGEST):
            if not todo:
                break
            value = todo.pop()
            # A function is replayed and not stored, so sharing one is no reason to
            # travel together.
            if isinstance(value.payload, IMMUTABLE):
                continue
            if value in owner:
                leader[find(name)] = find(owner[value])
            else:
                owner[value] = name
                todo += _parts(value)
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(find(name), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _parts(value: Object) -> list[Object]:
    """What an object holds, or shares its memory with."""
    return [*value.shares, *(part for held in value.fields.values() for part in held)]
