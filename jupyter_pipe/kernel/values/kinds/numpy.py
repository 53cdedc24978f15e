"""Arrays, scalars, dtypes and generators of numpy.

An array travels as a number: its memory goes to the file once, whichever views of it
there are. numpy is never imported before an array is restored.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

from ..decoder import Decoder, restores
from ..memory.arrays import contiguous_bytes, instance_attributes, root_of, start_of
from ..memory.repeated_atoms import find_names, find_repeated, spread
from .kind import Kind, Pairs, pairs_of_items

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Arrays", "DTypes", "GlobalGenerator", "MaskedArrays", "Scalars"]

_WRITING_MODES = frozenset({"r+", "w+"})


class Arrays(Kind):
    """Arrays. A class with a reduction of its own knows what else belongs to it."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        if not _is_plain(type(value)):
            return NotImplemented
        apart, owner = id(value) in encoder.apart, encoder.owners.get(id(value), 0)
        if value.dtype.hasobject:
            return _reduce_objects(encoder, value, apart=apart, owner=owner)
        number = encoder.memory.add_array(value, private=apart, owner=owner)
        if value.base is not None and _writes_to_file(value):
            encoder.memory.read_only.add(number)
        if type(value).__name__ == "ndarray":
            return array, (number, value.dtype, None)
        # numpy's own reduction would forget what a subclass keeps in its instances
        attributes = instance_attributes(value)
        parts = (number, value.dtype, type(value))
        return array, parts, attributes, None, None, set_attributes

    def digest(self, walk: Walk, value: Any) -> None:
        kind = type(value)
        if not _is_plain(kind):
            super().digest(walk, value)
            return
        if kind is not sys.modules["numpy"].ndarray:
            walk.tagged(b"subclass", kind, instance_attributes(value))
        _digest_array(walk, value)

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        yield f"{path}.shape", before.shape, after.shape
        yield f"{path}.dtype", str(before.dtype), str(after.dtype)
        if before.dtype.hasobject or before.tobytes() != after.tobytes():
            flat = f"{path}.flat" if before.ndim != 1 else path
            elements = (one.ravel().tolist() for one in (before, after))
            yield from pairs_of_items(flat, *elements)


class MaskedArrays(Arrays):
    """Arrays with a mask: both parts may be views of other arrays."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        if type(value) is not sys.modules["numpy"].ma.MaskedArray:
            return NotImplemented  # `mrecords` and its like have more parts
        mask = None if value.mask is sys.modules["numpy"].ma.nomask else value._mask
        return masked, (value.data, mask, value._fill_value, value.hardmask)


class Scalars(Kind):
    """What an element of an array is."""

    def digest(self, walk: Walk, value: Any) -> None:
        if value.dtype.hasobject:
            super().digest(walk, value)  # a row of a structured array
        else:
            walk.tagged(b"scalar", repr(value.dtype), value.tobytes())


class DTypes(Kind):
    """Types of elements."""

    def digest(self, walk: Walk, value: Any) -> None:
        walk.tagged(b"dtype", repr(value), dict(value.metadata or {}))


class GlobalGenerator(Kind):
    """The process-wide generator is reached by name: a copy of it would no longer follow
    `seed()`. Others are like any instance."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        if value is not sys.modules["numpy"].random.mtrand._rand:
            return NotImplemented
        encoder.by_reference.add(id(value))
        return global_generator, ()


def _is_plain(kind: type) -> bool:
    return kind.__reduce__ is sys.modules["numpy"].ndarray.__reduce__


def _reduce_objects(encoder: Encoder, value: Any, *, apart: bool, owner: int) -> Any:
    """Elements are pickled with the array that owns them; of a view that shares them
    with another only where it lies in there."""
    root = root_of(value)
    encoder.objects.add_array(value, private=apart, owner=owner)
    if (
        root is value
        or id(root) not in encoder.shared
        or apart
        or value.dtype.kind != "O"
    ):
        return _reduce_repeated(value)
    start = start_of(value) - start_of(root)
    parts = (root, start // value.itemsize, value.shape, value.strides)
    return object_view, parts


def _reduce_repeated(value: Any) -> Any:
    found = find_repeated(value)
    if found is None:
        return NotImplemented
    atoms, places, *rest = found
    return repeated, (atoms, pickle.PickleBuffer(places), *rest)


def _writes_to_file(array: Any) -> bool:
    """Whether the array is a writable memory map, or a view of one. What is written to
    it goes to the file, but only from the process that mapped it: a later stage may read
    its copy, but not write to it, which would look right and leave the file as it was.
    """
    numpy = sys.modules["numpy"]
    while isinstance(array, numpy.ndarray):
        mode = getattr(array, "mode", None)
        if isinstance(array, numpy.memmap) and mode in _WRITING_MODES:
            return bool(array.flags.writeable)
        array = array.base
    return False


def _digest_array(walk: Walk, value: Any) -> None:
    """Type and shape, then where the memory is hashed already, or the memory."""
    walk.tagged(b"array", type(value).__name__, repr(value.dtype), tuple(value.shape))
    if value.dtype.hasobject:
        _digest_objects(walk, value)
        return
    # an empty array's address says nothing
    place = walk.place_of(start_of(value)) if value.size else None
    writeable = bool(value.flags.writeable)
    if place is not None:
        walk.tagged(b"place", place, tuple(value.strides), writeable)
    else:
        walk.atom(writeable)
        walk.update(contiguous_bytes(value))


def _digest_objects(walk: Walk, value: Any) -> None:
    found = find_names(value)
    if found is None:
        walk.feed(value.ravel().tolist())
    else:
        names, places, kind = found
        walk.tagged(b"names", tuple(names), kind)
        walk.update(places)


@restores
def array(decoder: Decoder, number: int, dtype: Any, kind: type | None) -> Any:
    """The array with that number, over the mapped file."""
    import numpy

    offset, shape, strides, writable = decoder.arrays[number]
    if 0 in shape:
        made = numpy.empty(shape, dtype)
    else:
        made = numpy.ndarray(
            shape, dtype, buffer=decoder.mapping, offset=offset, strides=strides
        )
    if not writable:
        made.flags.writeable = False
    return made if kind is None else made.view(kind)


@restores
def set_attributes(decoder: Decoder, value: Any, attributes: dict[str, Any]) -> None:
    value.__dict__.update(attributes)


@restores
def masked(decoder: Decoder, data: Any, mask: Any, fill: Any, hard: bool) -> Any:
    import numpy

    shown = numpy.ma.nomask if mask is None else mask
    made: Any = numpy.ma.MaskedArray(
        data, mask=shown, copy=False, keep_mask=False, hard_mask=hard
    )
    made._fill_value = fill
    return made


@restores
def object_view(
    decoder: Decoder,
    root: Any,
    start: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> Any:
    from numpy.lib.stride_tricks import as_strided

    return as_strided(root.ravel(order="K")[start:], shape, strides)


@restores
def repeated(decoder: Decoder, *parts: Any) -> Any:
    importlib.import_module("numpy")
    return spread(*parts)


@restores
def global_generator(decoder: Decoder) -> Any:
    return importlib.import_module("numpy.random.mtrand")._rand
