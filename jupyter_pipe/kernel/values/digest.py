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
import pickle
import sys
import types
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from . import figure_pickles as plots
from . import functions
from .formats import find_format
from .immutable import full_name, is_immutable
from .memory import frames
from .memory.arrays import address_of, contiguous_bytes, instance_attributes, start_of
from .memory.repeated_atoms import find_names
from .plain_containers import ATOMS, are_rows
from .tensors import is_tensor, parts_of_tensor
from .widgets import is_widget, widget_state

if TYPE_CHECKING:
    from ..definitions import Definitions

__all__ = ["NoRuleError", "content_digest"]

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
        walk = _Walk(definitions, place_of)
        walk.feed(value)
    except NoRuleError:
        raise
    except (RecursionError, Exception) as error:
        raise NoRuleError(str(error)) from error
    return walk.state.hexdigest()


class _Walk:
    """One hash over one graph of objects."""

    def __init__(self, definitions: Definitions, place_of: PlaceOf) -> None:
        self.state = hashlib.sha256()
        self._definitions = definitions
        self._place_of = place_of
        self._seen: dict[int, tuple[int, Any]] = {}
        self._fixed: dict[type, bool] = {}
        self._plain: dict[type, bool] = {}
        self._count = 0

    def atom(self, value: Any) -> None:
        self.state.update(marshal.dumps(value, _MARSHAL))

    def feed(self, value: Any) -> None:
        kind = type(value)
        if kind in ATOMS:
            self.atom(value)
        elif kind is tuple:
            self._sequence(value, b"tuple")
        elif self._is_fixed(kind) or not self._again(value):
            self._count += 1
            if self._count > _LIMIT:
                raise NoRuleError("the value has too many parts")
            self._object(value, kind)

    def _is_fixed(self, kind: type) -> bool:
        """Whether it makes no difference which instance it is."""
        fixed = self._fixed.get(kind)
        if fixed is None:
            fixed = self._fixed[kind] = is_immutable(kind)
        return fixed

    def _again(self, value: Any) -> bool:
        seen = self._seen.get(id(value))
        if seen is None:
            self._seen[id(value)] = (len(self._seen), value)
            return False
        self.state.update(b"again")
        self.atom(seen[0])
        return True

    def _object(self, value: Any, kind: type) -> None:
        """Feeds a value that may hold others. Exact builtins have rules of their own;
        subclasses and all other types are digested as instances unless they are code or
        of numpy."""
        if kind is list:
            self._sequence(value, b"list")
        elif kind is dict:
            self._dict(value)
        elif kind in (set, frozenset):
            self._set(value, kind.__name__.encode())
        elif kind is bytearray:
            self.state.update(b"bytearray")
            self.atom(bytes(value))
        elif kind is pickle.PickleBuffer:
            self._buffer(value.raw())
        elif not (self._code_like(value, kind) or self._numpy(value, kind)):
            self._instance(value, kind)

    def _code_like(self, value: Any, kind: type) -> bool:
        """Classes, functions and what they are made of."""
        if isinstance(value, type):
            self._class(value)
        elif kind is types.FunctionType:
            self._function(value)
        elif kind is types.ModuleType:
            self._tagged(b"module", value.__name__)
        elif kind is types.CodeType:
            self._code(value)
        else:
            return False
        return True

    def _tagged(self, tag: bytes, *parts: Any) -> None:
        self.state.update(tag)
        for part in parts:
            self.feed(part)

    def _sequence(self, value: Any, tag: bytes) -> None:
        self.state.update(tag)
        if ATOMS.issuperset(map(type, value)):
            self.atom(value)
        elif self._are_rows(value):
            self.state.update(b"rows")
            self.atom(value)
        else:
            self.atom(len(value))
            for item in value:
                self.feed(item)

    def _are_rows(self, value: Any) -> bool:
        """Whether these are many distinct lists or dicts of atoms, which need not be
        walked one by one; marks them as seen."""
        if not are_rows(value):
            return False
        known = dict(zip(map(id, value), zip(count(len(self._seen)), value)))  # noqa: B905
        if len(known) < len(value) or known.keys() & self._seen.keys():
            return False
        self._seen.update(known)
        return True

    def _dict(self, value: dict[Any, Any]) -> None:
        self._sequence(tuple(value), b"dict")
        self._sequence(tuple(value.values()), b"")

    def _set(self, value: Any, tag: bytes) -> None:
        self.state.update(tag)
        if ATOMS.issuperset(map(type, value)):
            parts = sorted(marshal.dumps(item, _MARSHAL) for item in value)
        else:
            parts = sorted(self._apart(item) for item in value)
        self.atom(parts)

    def _apart(self, value: Any) -> bytes:
        walk = _Walk(self._definitions, self._place_of)
        walk.feed(value)
        return walk.state.digest()

    def _class(self, value: type) -> None:
        name = self._definitions.name_of(value)
        if name is not None:
            self._definition(name)
        elif value.__module__ == "builtins" or self._is_importable(value):
            self._tagged(b"class", value.__module__, value.__qualname__)
        else:
            raise NoRuleError(f"{value!r} is defined nowhere")

    def _function(self, value: types.FunctionType) -> None:
        name = self._definitions.name_of(value)
        if name is not None:
            self._definition(name)
        elif self._is_importable(value):
            self._tagged(b"function", value.__module__, value.__qualname__)
        else:
            self.state.update(b"function")
            self._code(value.__code__)
            state = functions.function_state(value)
            self._tagged(
                b"state",
                state["contents"],
                value.__defaults__,
                value.__kwdefaults__,
                value.__dict__,
            )

    def _is_importable(self, value: Any) -> bool:
        """Not what the notebook made: that is found in `__main__` only where a stage
        has bound it."""
        return functions.is_global(value) and not self._definitions.is_local(value)

    def _definition(self, name: str) -> None:
        self._tagged(
            b"definition", name, self._definitions.digest_of(name.split(".", 1)[0])
        )
        self.feed(self._definitions.changes(name))

    def _code(self, value: types.CodeType) -> None:
        """Without file name and lines, which say where the code stood and not what it
        does."""
        self.atom(
            (
                value.co_name,
                value.co_code,
                value.co_names,
                value.co_varnames,
                value.co_freevars,
            )
        )
        self.atom(
            (
                value.co_argcount,
                value.co_posonlyargcount,
                value.co_kwonlyargcount,
                value.co_flags,
            )
        )
        self._tagged(b"constants", tuple(value.co_consts))

    def _numpy(self, value: Any, kind: type) -> bool:
        """Feeds scalars, dtypes and arrays of numpy; False if the value is something
        else, or a subclass that pickles itself in its own way."""
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return False
        if isinstance(value, numpy.generic) and not value.dtype.hasobject:
            self._tagged(b"scalar", repr(value.dtype), value.tobytes())
        elif isinstance(value, numpy.dtype):
            self._tagged(b"dtype", repr(value), dict(value.metadata or {}))
        elif kind is numpy.ndarray:
            self._array(value)
        elif (
            issubclass(kind, numpy.ndarray)
            and kind.__reduce__ is numpy.ndarray.__reduce__
        ):
            self._tagged(b"subclass", kind, instance_attributes(value))
            self._array(value)
        else:
            return False
        return True

    def _array(self, value: Any) -> None:
        self._tagged(
            b"array", type(value).__name__, repr(value.dtype), tuple(value.shape)
        )
        place = (
            self._place_of(start_of(value))
            if value.size and not value.dtype.hasobject
            else None
        )
        if place is not None:
            self._tagged(
                b"place", place, tuple(value.strides), bool(value.flags.writeable)
            )
        elif value.dtype.hasobject:
            self._objects(value)
        else:
            self.atom(bool(value.flags.writeable))
            self.state.update(contiguous_bytes(value))

    def _objects(self, value: Any) -> None:
        found = find_names(value)
        if found is None:
            self.feed(value.ravel().tolist())
        else:
            names, places, kind = found
            self._tagged(b"names", tuple(names), kind)
            self.state.update(places)

    def _buffer(self, value: memoryview) -> None:
        """The memory behind a foreign object, such as an Arrow array."""
        self._tagged(b"buffer", len(value))
        place = self._place_of(address_of(value)) if len(value) else None
        if place is not None:
            self._tagged(b"place", place)
        else:
            self.state.update(value)

    def _instance(self, value: Any, kind: type) -> None:
        """Feeds an instance by the most specific rule: a registered format, a widget, a
        tensor, its `__dict__`, or what pickle would take it apart into."""
        found = find_format(full_name(kind))
        if found is not None:
            self._tagged(b"format", found.kind, found.dump(value))
            return
        if is_widget(kind):
            self._tagged(b"widget", *widget_state(value))
            return
        if is_tensor(kind):
            self._tagged(b"tensor", *parts_of_tensor(value))
            return
        if self._is_plain(kind, value):
            self._tagged(b"instance", kind, frames.without_caches(value.__dict__, kind))
            return
        reduce = _reduction(kind)
        parts = reduce(value) if reduce is not None else value.__reduce_ex__(5)
        if isinstance(parts, str):
            self._tagged(b"global", getattr(value, "__module__", ""), parts)
            return
        self._tagged(b"reduced", len(parts), *parts[:3])
        for items in parts[3:5]:
            self.feed(None if items is None else list(items))

    def _is_plain(self, kind: type, value: Any) -> bool:
        """Whether class and `__dict__` say all, so that the pickle protocol need not be
        asked."""
        plain = self._plain.get(kind)
        if plain is None:
            own = {name for base in kind.__mro__[:-1] for name in vars(base)}
            special = {
                "__reduce__",
                "__reduce_ex__",
                "__getstate__",
                "__getnewargs__",
                "__getnewargs_ex__",
            }
            has_dict = kind is not object and kind.__mro__[-2].__flags__ & 512 != 0
            plain = not (own & special) and "__slots__" not in own and has_dict
            plain = self._plain[kind] = plain and not isinstance(
                value, (dict, list, set, tuple, Exception)
            )
        return plain and kind not in copyreg.dispatch_table


def _reduction(kind: type) -> Callable[[Any], Any] | None:
    """What takes an instance apart instead of its own method."""
    if frames.is_arrow(kind):
        return frames.reduce_arrow
    if plots.is_transform(kind):
        return plots.reduce_transform
    if plots.is_registry(kind):
        return plots.reduce_registry
    return copyreg.dispatch_table.get(kind)
