"""The content digest of a value: equal for equal content, whatever the file looks like.

Sets go by their sorted elements, strings and numbers by value, floats by their bits,
dicts in their order, arrays by type, shape and memory, other objects by class and
state; which mutable objects are one and the same counts, too. Raises NoRuleError for
what has no canonical form: its payload's file hash stands in, and early cutoff is not
promised for it.
"""

from __future__ import annotations

import copyreg
import hashlib
import marshal
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NoReturn

from .kinds.builtins import digest_items
from .kinds.kind import is_plain
from .kinds.table import find_kind, is_immutable
from .plain_containers import ATOMS

if TYPE_CHECKING:
    from ..definitions import Definitions

__all__ = ["NoRuleError", "Walk", "content_digest"]

_LIMIT = 300_000
_MARSHAL = 2  # the last version of marshal that writes values only, no references

PlaceOf = Callable[[int], Any]


def _nowhere(address: int) -> None:
    return None


class NoRuleError(Exception):
    """The value has no canonical form, or is too large for one to be worth its time."""


def content_digest(
    value: Any, definitions: Definitions, place_of: PlaceOf = _nowhere
) -> str:
    """`place_of(address)` names the place of memory that is hashed elsewhere, or gives
    None."""
    try:
        walk = Walk(definitions, place_of)
        walk.feed(value)
    except NoRuleError:
        raise
    except (RecursionError, Exception) as error:
        raise NoRuleError(str(error)) from error
    return walk.state.hexdigest()


class Walk:
    """One hash over one graph of objects. Kinds feed it; it knows what was met before.

    `seen` has the objects that can change, by id, with their numbers in the order in
    which they were met; they are kept alive, so that no other object gets their id.
    """

    def __init__(
        self,
        definitions: Definitions,
        place_of: PlaceOf,
        changed: Collection[str] = (),
    ) -> None:
        self.definitions = definitions
        # The definitions whose changes were fed. Changes may hold what was changed, as
        # the methods of a frozen dataclass hold its class.
        self.changed = set(changed)
        self.place_of = place_of
        self.state = hashlib.sha256()
        self.update = self.state.update
        self.seen: dict[int, tuple[int, Any]] = {}
        # For each class that was met: whether it makes no difference which instance it
        # is, and what digests one.
        self._rules: dict[type, tuple[bool, Callable[[Walk, Any], None]]] = {}
        self._plain: dict[type, bool] = {}
        self._count = 0

    def atom(self, value: Any) -> None:
        self.update(marshal.dumps(value, _MARSHAL))

    def feed(self, value: Any) -> None:
        kind = type(value)
        if kind in ATOMS:
            self.atom(value)
            return
        if kind is tuple:
            digest_items(self, value, b"tuple")
            return
        try:
            fixed, digest = self._rules[kind]
        except KeyError:
            fixed, digest = is_immutable(kind), find_kind(kind).digest
            self._rules[kind] = fixed, digest
        if not fixed:
            seen = self.seen.get(id(value))
            if seen is not None:
                self.tagged(b"again", seen[0])
                return
            self.seen[id(value)] = (len(self.seen), value)
        self._count += 1
        if self._count > _LIMIT:
            raise NoRuleError("the value has too many parts")
        digest(self, value)

    def tagged(self, tag: bytes, *parts: Any) -> None:
        """Feeds the parts after a word that says what they are."""
        self.update(tag)
        for part in parts:
            self.feed(part)

    def apart(self, value: Any) -> bytes:
        """The digest of a part whose place among others must not count."""
        walk = Walk(self.definitions, self.place_of, self.changed)
        walk.feed(value)
        return walk.state.digest()

    def is_plain(self, value: Any) -> bool:
        """Whether class and `__dict__` say all about the instance."""
        kind = type(value)
        plain = self._plain.get(kind)
        if plain is None:
            plain = self._plain[kind] = is_plain(kind)
        # a library may register a reduction at any time
        return plain and kind not in copyreg.dispatch_table

    def give_up(self, reason: str) -> NoReturn:
        """Raises NoRuleError."""
        raise NoRuleError(reason)
