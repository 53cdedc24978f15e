"""The first part in which two values differ, for people: a path and both parts in a few
words.

Asked by `verify` after digests were found to differ, in the notebook's own kernel.
Looks at content only: values that merely lie otherwise in memory, or know other caches,
are equal.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..checks import short
from ..payloads.store import open_payload
from ..payloads.summary import type_name
from ..payloads.untransferable import attributes
from .decoder import decode
from .memory.frames import is_frame, is_index
from .plain_containers import ATOMS

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["Difference", "compare_stored", "first_difference"]

_CODE = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
)
_PARTS = 1_000_000

Pairs = Iterator[tuple[str, Any, Any]]


class Difference(NamedTuple):
    path: str
    expected: str
    found: str


def compare_stored(
    session: Session, store: str, stored: dict[str, dict[str, Any]], result: str
) -> None:
    """Compares the variables of the session with payloads in another store, by name;
    writes the first difference, or null, to the file `result`."""
    found = next(_differences(session, store, stored), None)
    temporary = f"{result}.writing"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(found and session.secrets.masker.value(found._asdict()), file)
    os.replace(temporary, result)


def _differences(
    session: Session, store: str, stored: dict[str, dict[str, Any]]
) -> Iterator[Difference]:
    """The first difference in each variable whose digest is not that of its stored
    payload. A payload that cannot be decoded is itself a difference, which shows the
    error."""
    digests = {
        name: payload["ref"]["digest"]
        for payload in session.store_outputs(stored).get("outputs", ())
        for name in payload["names"]
    }
    for name, ref in stored.items():
        if name in digests and digests[name] != ref["digest"]:
            try:
                members = decode(
                    open_payload(store, ref["artifact"]),
                    session.definitions,
                    session.namespace,
                )
                found = first_difference(session.namespace[name], members[name], name)
            except Exception as error:
                found = Difference(
                    name,
                    short(session.namespace[name]),
                    f"{type(error).__name__}: {error}",
                )
            if found is not None:
                yield found


def first_difference(expected: Any, found: Any, path: str = "") -> Difference | None:
    """None if the values have equal content, as far as that can be seen from
    outside."""
    return _Comparison().compare(path, expected, found)


def _is_same(before: Any, after: Any) -> bool:
    """Of two atoms; NaN is the same as NaN."""
    return before == after or (before != before and after != after)  # type: ignore[no-any-return]  # noqa: PLR0124


class _Comparison:
    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()
        self._kept: list[Any] = []

    def compare(self, path: str, before: Any, after: Any) -> Difference | None:
        """The first difference below `path`, or None. Pairs seen before are skipped, so
        that cycles end, and are kept alive, so that no other object gets their `id`."""
        kind = type(before)
        if before is after or isinstance(before, _CODE) or len(self._kept) > _PARTS:
            return None
        if type_name(before) != type_name(after):
            return Difference(
                path, *(f"{short(one)} ({type_name(one)})" for one in (before, after))
            )
        if kind in ATOMS:
            return (
                None
                if _is_same(before, after)
                else Difference(path, short(before), short(after))
            )
        if (id(before), id(after)) in self._seen:
            return None
        self._seen.add((id(before), id(after)))
        self._kept.append((before, after))
        pairs = _pairs(path, before, after)
        return next(
            (one for pair in pairs if (one := self.compare(*pair)) is not None), None
        )


def _pairs(path: str, before: Any, after: Any) -> Pairs:
    """The parts of both values, side by side."""
    kind = type(before)
    numpy = sys.modules.get("numpy")
    if isinstance(before, (list, tuple)):
        yield from _items(path, before, after)
    elif isinstance(before, dict):
        yield f"list({path})", list(before), list(after)
        yield from (
            (f"{path}[{key!r}]", value, after.get(key)) for key, value in before.items()
        )
    elif isinstance(before, (set, frozenset)):
        yield f"len({path})", len(before), len(after)
        yield (
            path,
            sorted(map(short, before - after)),
            sorted(map(short, after - before)),
        )
    elif numpy is not None and isinstance(before, numpy.ndarray):
        yield from _arrays(path, before, after)
    elif is_frame(kind) or is_index(kind):
        yield from _tables(path, before, after)
    else:
        yield from _states(path, before, after)


def _items(path: str, before: Any, after: Any) -> Pairs:
    yield f"len({path})", len(before), len(after)
    pairs = zip(before, after, strict=False)
    yield from (
        (f"{path}[{place}]", one, other) for place, (one, other) in enumerate(pairs)
    )


def _arrays(path: str, before: Any, after: Any) -> Pairs:
    yield f"{path}.shape", before.shape, after.shape
    yield f"{path}.dtype", str(before.dtype), str(after.dtype)
    if before.dtype.hasobject or before.tobytes() != after.tobytes():
        flat = f"{path}.flat" if before.ndim != 1 else path
        yield from _items(flat, before.ravel().tolist(), after.ravel().tolist())


def _tables(path: str, before: Any, after: Any) -> Pairs:
    """Frames by columns, series and indexes by elements."""
    if hasattr(before, "columns"):
        yield f"{path}.columns", before.columns.tolist(), after.columns.tolist()
        yield f"{path}.index", before.index, after.index
        for place, name in enumerate(before.columns):
            yield f"{path}[{name!r}]", before.iloc[:, place], after.iloc[:, place]
        return
    yield f"{path}.dtype", str(before.dtype), str(after.dtype)
    yield f"{path}.name", before.name, after.name
    if hasattr(before, "iloc"):
        yield f"{path}.index", before.index, after.index
        yield from _items(f"{path}.iloc", before.tolist(), after.tolist())
    else:
        yield from _items(path, before.tolist(), after.tolist())


def _states(path: str, before: Any, after: Any) -> Pairs:
    """Attributes of an instance, else what pickle would keep of it."""
    own, others = attributes(before), dict(attributes(after))
    if own:
        # What only one of them has is a cache.
        yield from (
            (f"{path}.{name}", value, others[name])
            for name, value in own
            if name in others
        )
        return
    try:
        one, other = (value.__reduce_ex__(4) for value in (before, after))
    except Exception:
        return  # it cannot be pickled: nothing more can be seen
    if isinstance(one, tuple) and isinstance(other, tuple):
        yield (
            path,
            [part for part in one[1:3] if part],
            [part for part in other[1:3] if part],
        )
