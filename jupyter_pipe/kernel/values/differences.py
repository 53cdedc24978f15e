"""The first part in which two values differ, for people: a path and both parts in a few
words.

Asked by `verify` after digests were found to differ, in the notebook's own kernel.
Looks at content only: values that merely lie otherwise in memory, or know other caches,
are equal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..checks import short
from ..payloads.store import open_payload
from ..payloads.summary import type_name
from .decoding import decode
from .kinds.table import find_kind
from .plain_containers import ATOMS

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["Difference", "compare_stored", "first_difference"]

_PARTS = 1_000_000


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
    # The process that waits for the file must not see half of it.
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
        # Equal digests need no look at the payload, which may have gigabytes.
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
        # A difference behind the first million parts is not worth minutes of the user's
        # time.
        if before is after or len(self._kept) > _PARTS:
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
        pairs = find_kind(kind).pairs(path, before, after)
        return next(
            (one for pair in pairs if (one := self.compare(*pair)) is not None), None
        )
