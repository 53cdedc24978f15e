"""Which variables must travel together: those that share a mutable object or memory.

Each variable is pickled alone first; what two of those picklings have both met is shared. Immutable
objects, and what travels by reference, tie nothing together.
"""

from __future__ import annotations

import enum
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .encoding import Encoded
from .frames import copies_on_write, is_index
from .functions import is_global
from .memory import Span, overlapping

__all__ = ["find_groups"]

_IMMUTABLE = (
    *(str, bytes, int, float, complex, tuple, frozenset, range, slice, type, type(None), enum.Enum),
    *(types.BuiltinFunctionType, types.ModuleType, types.CodeType, types.GenericAlias),
)
# By name, so that no module is imported for the sake of values that are not there.
_IMMUTABLE_NAMES = frozenset(
    {
        *(("datetime", name) for name in ("date", "time", "timedelta", "tzinfo")),
        *(("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID"), ("re", "Pattern")),
        *(("pathlib", "PurePath"), ("logging", "Logger"), ("logging", "Manager")),
        *(("ipaddress", "_BaseAddress"), ("ipaddress", "_BaseNetwork")),
    }
)


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
    """Whether two variables that both reach `value` must stay together."""
    kind = type(value)
    if isinstance(value, _IMMUTABLE) or id(value) in by_reference or is_global(value):
        return False
    bases = {(_package(base), base.__name__) for base in kind.__mro__}
    if bases & _IMMUTABLE_NAMES:
        return False
    module = _package(kind)
    if module == "numpy":
        return not isinstance(value, (sys.modules["numpy"].generic, sys.modules["numpy"].dtype))
    return not (module == "pandas" and _immutable_in_pandas(value))


def _package(kind: type) -> str:
    return kind.__module__.split(".", 1)[0]


def _immutable_in_pandas(value: Any) -> bool:
    pandas = sys.modules["pandas"]
    extension = pandas.api.extensions.ExtensionDtype
    offsets = pandas.tseries.offsets.BaseOffset
    scalars = (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval, offsets, extension)
    return is_index(type(value)) or isinstance(value, scalars) or value is pandas.NaT or value is pandas.NA


def _shared_memory(encoded: Sequence[Encoded]) -> Iterator[tuple[int, int]]:
    spans: list[Span] = []
    holders: list[int] = []
    for number, one in enumerate(encoded):
        for span in (*one.encoder.memory.spans, *one.encoder.objects.spans):
            spans.append(Span(span.low, span.high, len(holders), span.owner, span.private))
            holders.append(number)
    independent = copies_on_write()
    for cluster in overlapping(spans):
        yield from _ties_in(cluster, holders, independent=independent)


def _ties_in(cluster: list[Span], holders: list[int], *, independent: bool) -> Iterator[tuple[int, int]]:
    """Memory that pandas copies before it writes ties nothing; a plain array into it does."""
    owners = {span.owner for span in cluster}
    if independent and len(owners) == 1 and 0 not in owners:
        return
    for span in cluster[1:]:
        yield holders[cluster[0].number], holders[span.number]
