"""Which variables must travel together: those that share a mutable object or memory.

Each variable is pickled alone first; what two of those picklings have both met is
shared. Immutable objects, and what travels by reference, tie nothing together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..values.encoding import Encoded
from ..values.kinds.definitions import is_global
from ..values.kinds.pandas import copies_on_write
from ..values.kinds.table import is_immutable
from ..values.memory.arrays import Span, overlapping

__all__ = ["find_groups"]


def find_groups(encoded: Sequence[Encoded]) -> list[list[Encoded]]:
    """The connected components, in the order of their first member."""
    if len(encoded) < 2:
        return [[one] for one in encoded]
    parents = list(range(len(encoded)))
    for left, right in (*_shared_objects(encoded), *_shared_memory(encoded)):
        parents[_root(parents, right)] = _root(parents, left)
    groups: dict[int, list[Encoded]] = {}
    for number, one in enumerate(encoded):
        groups.setdefault(_root(parents, number), []).append(one)
    return list(groups.values())


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        number = parents[number]
    return number


def _shared_objects(encoded: Sequence[Encoded]) -> Iterator[tuple[int, int]]:
    met: dict[int, int] = {}
    for number, one in enumerate(encoded):
        members = one.members()
        for key in met.keys() & members.keys():
            if met[key] != number and ties(members[key], one.encoder.by_reference):
                yield met[key], number
        met.update(dict.fromkeys(members.keys() - met.keys(), number))


def ties(value: Any, by_reference: Iterable[int]) -> bool:
    """Whether two variables that both reach `value` must stay together. A float is
    among them only if it is a NaN, which is equal to nothing but found by what it
    is."""
    # `nan in values` compares identities first: `a = nan` and `b = [nan]` belong
    # together.
    if type(value) is float:
        return True
    return not (
        is_immutable(type(value)) or id(value) in by_reference or is_global(value)
    )


def _shared_memory(encoded: Sequence[Encoded]) -> Iterator[tuple[int, int]]:
    spans: list[Span] = []
    holders: list[int] = []
    for number, one in enumerate(encoded):
        for span in (*one.encoder.memory.spans, *one.encoder.objects.spans):
            spans.append(
                Span(span.low, span.high, len(holders), span.owner, span.private)
            )
            holders.append(number)
    independent = copies_on_write()
    for cluster in overlapping(spans):
        yield from _ties_in(cluster, holders, independent=independent)


def _ties_in(
    cluster: list[Span], holders: list[int], *, independent: bool
) -> Iterator[tuple[int, int]]:
    """Memory that pandas copies before it writes ties nothing; a plain array into it
    does."""
    owners = {span.owner for span in cluster}
    # A frame and `frame["a"]`: with copy-on-write neither sees what is written to the
    # other.
    if independent and len(owners) == 1 and 0 not in owners:
        return
    for span in cluster[1:]:
        yield holders[cluster[0].number], holders[span.number]
