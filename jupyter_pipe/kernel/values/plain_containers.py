"""Containers of plain atoms, recognised at the speed of C: most large values are
such."""

from __future__ import annotations

from itertools import chain
from typing import Any

__all__ = ["ATOMS", "are_rows", "is_flat", "mutable_parts"]

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_FEW = 16


def is_flat(value: Any) -> bool:
    """Whether the value is an atom, or a builtin container of nothing but atoms."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return ATOMS.issuperset(map(type, value))
    if kind is dict:
        return ATOMS.issuperset(map(type, chain(value, value.values())))
    return kind in ATOMS


def are_rows(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether these are many lists, or many dicts, of atoms."""
    if len(value) < _FEW or type(value[0]) not in (list, dict):
        return False
    kinds = set(map(type, value))
    if len(kinds) > 1:
        return False
    parts = chain.from_iterable(value)
    if kinds == {dict}:
        parts = chain(parts, chain.from_iterable(map(dict.values, value)))
    return ATOMS.issuperset(map(type, parts))


def mutable_parts(value: Any) -> dict[int, Any] | None:
    """The containers in the value by id, if that can be told without walking it."""
    if is_flat(value):
        return {} if type(value) in ATOMS else {id(value): value}
    if type(value) in (list, tuple) and are_rows(value):
        return {id(value): value, **dict(zip(map(id, value), value))}  # noqa: B905
    return None
