"""Object arrays in which few atoms stand many times, as in a column of names: each atom
is stored once, with the places of all. Reading follows the places at the speed of
numpy; which elements are the same object stays exact.

numpy and pandas are never imported here.
"""

from __future__ import annotations

import sys
import weakref
from itertools import count
from typing import Any, NamedTuple

from ..plain_containers import ATOMS

__all__ = ["Repeated", "find_names", "find_repeated", "spread"]

_MANY = 10_000
_SAMPLED = 64
_CHUNK = 1 << 20
_BLOCK = 1 << 15

# atoms in the order in which they appear, places as bytes of the dtype, shape, memory
# order
Repeated = tuple[list[Any], "bytes | memoryview", str, tuple[int, ...], str]


class _Made(NamedTuple):
    """An array that `spread` made, and from what."""

    array: weakref.ref[Any]
    lookup: Any
    places: bytes | memoryview
    kind: str


_MADE: dict[int, _Made] = {}


def find_repeated(array: Any) -> Repeated | None:
    """The array's parts; None if it is small, not in one piece, or holds many different
    objects."""
    numpy = sys.modules["numpy"]
    flags = array.flags
    if (
        type(array) is not numpy.ndarray
        or array.size < _MANY
        or not (flags.c_contiguous or flags.f_contiguous)
    ):
        return None
    order = "C" if flags.c_contiguous else "F"
    elements = array.reshape(-1, order=order)
    pointers = _pointers(elements)
    made = _MADE.get(id(array))
    if made is not None and _is_as_made(numpy, pointers, made):
        return made.lookup.tolist(), made.places, made.kind, array.shape, order
    sample = pointers[::_SAMPLED].tolist()
    if len(set(sample)) > 0.75 * len(sample):
        return None
    places, first = _places(numpy, pointers)
    atoms = elements[first].tolist()
    if not ATOMS.issuperset(map(type, atoms)):
        return None
    kind = _kind(numpy, len(atoms))
    return atoms, places.astype(kind).tobytes(), kind, array.shape, order


def spread(
    atoms: list[Any],
    places: bytes | memoryview,
    kind: str,
    shape: tuple[int, ...],
    order: str,
) -> Any:
    """The array again, writable."""
    numpy = sys.modules["numpy"]
    lookup = numpy.empty(len(atoms), object)
    lookup[:] = atoms
    array = lookup[numpy.frombuffer(places, kind)].reshape(shape, order=order)
    key = id(array)
    _MADE[key] = _Made(
        weakref.ref(array, lambda _: _MADE.pop(key, None)), lookup, places, kind
    )
    return array


def find_names(array: Any) -> tuple[list[str], bytes, str] | None:
    """For many strings of which few differ: each that occurs, in the order in which
    they appear, and the places as bytes of the dtype. None for all else. Depends on the
    content alone, not on which strings are the same object.
    """
    numpy = sys.modules["numpy"]
    if array.dtype.kind != "O" or array.size < _MANY:
        return None
    elements = array.ravel()
    sample = elements[::_SAMPLED].tolist()
    if set(map(type, sample)) != {str} or len(set(sample)) > 0.75 * len(sample):
        return None
    places, first = _places(numpy, _pointers(elements))
    names = elements[first].tolist()
    if set(map(type, names)) != {str}:
        return None
    numbers = dict(zip(dict.fromkeys(names), count()))
    kind = _kind(numpy, len(numbers))
    renumbered = numpy.fromiter(map(numbers.__getitem__, names), kind, len(names))
    return list(numbers), renumbered[places].tobytes(), kind


def _kind(numpy: Any, many: int) -> str:
    """The smallest dtype that numbers so many."""
    return next(
        kind for kind in ("u1", "u2", "u4", "u8") if many <= numpy.iinfo(kind).max
    )


def _is_as_made(numpy: Any, pointers: Any, made: _Made) -> bool:
    """Whether the very objects stand where they were put: told without looking at any
    of them."""
    places, lookup = numpy.frombuffer(made.places, made.kind), _pointers(made.lookup)
    return len(places) == len(pointers) and all(
        (
            lookup[places[start : start + _CHUNK]] == pointers[start : start + _CHUNK]
        ).all()
        for start in range(0, len(places), _CHUNK)
    )


class _Addresses:
    """The memory of an object array, as numbers."""

    def __init__(self, elements: Any) -> None:
        self.elements = elements
        self.__array_interface__ = {
            "data": (elements.__array_interface__["data"][0], True),
            "typestr": f"{'<' if sys.byteorder == 'little' else '>'}u{elements.itemsize}",
            "shape": elements.shape,
            "version": 3,
        }


def _pointers(elements: Any) -> Any:
    return sys.modules["numpy"].asarray(_Addresses(elements))


def _places(numpy: Any, pointers: Any) -> tuple[Any, Any]:
    """For each pointer the number of its object, and for each object where it appears
    first; objects are numbered in the order in which they appear, not by their
    addresses, which change from run to run."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        _, first, places = numpy.unique(
            pointers, return_index=True, return_inverse=True
        )
        order = numpy.argsort(first)
        return numpy.argsort(order)[places.reshape(-1)], first[order]
    places, objects = pandas.factorize(pointers)
    return places, _first_places(numpy, places, len(objects))


def _first_places(numpy: Any, places: Any, many: int) -> Any:
    """Where each number appears first: the places where the highest so far rises. Ends
    at the last one, which is early where few objects stand many times."""
    found: list[Any] = []
    seen = start = 0
    while seen < many:
        highest = numpy.maximum.accumulate(places[start : start + _BLOCK])
        first = numpy.flatnonzero(numpy.diff(highest, prepend=seen - 1) > 0)
        found.append(first + start)
        seen += len(first)
        start += _BLOCK
    return numpy.concatenate(found) if found else numpy.empty(0, int)
