"""What a loop over a value sees, and what the loop does to the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import (
    NOTHING,
    Class,
    Instance,
    Library,
    Text,
    Values,
    in_order,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["ITERATORS", "PAIRS", "WRAPPED", "advance", "begin", "elements_of"]

ITERATORS = frozenset(
    {
        "builtins.generator",
        "builtins.iterator",
        "builtins.map",
        "builtins.filter",
        "builtins.zip",
        "builtins.enumerate",
        "builtins.reversed",
    }
)
PAIRS = frozenset(
    {"itertools.groupby", "builtins.zip", "builtins.enumerate", "builtins.dict_items"}
)
"""Their object stands for each of the tuples that they give out as well."""
WRAPPED = 3
"""How many wrappers deep the beginning of a loop is followed: `enumerate(tqdm(loader))`
has two."""
SETS = frozenset({"builtins.set", "builtins.frozenset"})


def elements_of(world: World, values: Values, node: ast.AST) -> Values:
    """The objects that iterating over any of `values` may give."""
    found: set[Object] = set()
    for value in in_order(values):
        found |= _elements(world, value, node)
    return frozenset(found)


def advance(world: World, values: Iterable[Object], node: ast.AST) -> None:
    """Takes from iterators, and so from the iterators that they take from."""
    for value in values:
        world.mutate((value,), node)
        sources = value.fields.get("receiver", ())
        # `next(enumerate(it))` moves `it` on, too.
        advance(world, [source for source in sources if source.type in ITERATORS], node)


def begin(world: World, value: Object, node: ast.AST, depth: int = WRAPPED) -> None:
    """Asks for an iterator. Of a loader that shuffles, also inside `tqdm(loader)`, that
    draws."""
    effect = world.knowledge.method(value.type, "__iter__") if value.type else None
    for component in effect.draws if effect is not None else ():
        world.draw(component, node)
    for source in value.fields.get("receiver", ()) if depth else ():
        begin(world, source, node, depth - 1)


def _elements(world: World, value: Object, node: ast.AST) -> Values:
    """What iterating over one value yields: an instance runs its `__iter__` and
    `__next__`, an iterator is advanced, a dict gives its keys. Loops over sets are
    noted, since their order differs between kernels."""
    if isinstance(value.payload, Text):
        return NOTHING
    if isinstance(value.payload, (Library, Class)):
        return NOTHING
    if isinstance(value.payload, Instance):
        # A notebook's iterator that is its own `__iter__` is asked for `__next__`.
        iterators = world.call_special(frozenset((value,)), "__iter__", (), node)
        given = world.call_special(iterators, "__next__", (), node)
        # `def __iter__(self): return iter(self.items)`: a library's iterator of our
        # list.
        others = frozenset(i for i in iterators if not isinstance(i.payload, Instance))
        return (
            given | world.heap.elements(others)
            if iterators
            else world.heap.elements(frozenset((value,)))
        )
    begin(world, value, node)
    if value.type in ITERATORS:
        advance(world, (value,), node)
    if value.type in SETS:
        world.recorder.facts.iterated_sets.setdefault(value, world.place_of(node))
    # Iterating over a dict gives keys, and ANY of it are its values.
    if value.type == "builtins.dict":
        return frozenset(value.fields.get("keys", ()))
    if value.type in PAIRS:
        return frozenset((value,))
    return world.heap.elements(frozenset((value,)))
