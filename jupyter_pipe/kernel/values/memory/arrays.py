"""Where the memory of arrays lies: which arrays overlap, and the regions to write for
them.

Works on absolute addresses, so that views, slices, transposes and a frame's columns
need no case of their own: arrays whose bytes overlap share one region of the payload
and are rebuilt as views of it. Nothing here imports numpy; arrays are seen through
their attributes.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...payloads.payload_file import ALIGNMENT, padding
from ..kinds.kind import package_of

__all__ = [
    "Memory",
    "Span",
    "address_of",
    "contiguous_bytes",
    "instance_attributes",
    "overlapping",
    "root_of",
    "span_of",
    "start_of",
]

_SMALL = 1 << 16  # below this, an array with gaps is kept as it lies


@dataclass(frozen=True)
class Span:
    """The bytes `[low, high)` of one array. `owner` names the copy-on-write group that
    it belongs to (0: none): memory shared inside one such group is not shared for the
    user."""

    low: int
    high: int
    number: int
    owner: int = 0
    private: bool = False


def instance_attributes(array: Any) -> dict[str, Any] | None:
    """What a subclass of numpy's array keeps in the instance; numpy's own keep only how
    they came about, such as the file behind a memmap."""
    own = package_of(type(array)) != "numpy"
    return (getattr(array, "__dict__", None) or None) if own else None


def start_of(array: Any) -> int:
    """The address of a numpy array's first element."""
    address: int = array.__array_interface__["data"][0]
    return address


def address_of(buffer: memoryview) -> int:
    """The address of a contiguous buffer; 0 where nothing can tell."""
    if not len(buffer):
        return 0
    if not buffer.readonly:
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    numpy = sys.modules.get("numpy")
    return 0 if numpy is None else start_of(numpy.frombuffer(buffer, dtype="u1"))


def span_of(
    array: Any, number: int = 0, *, owner: int = 0, private: bool = False
) -> Span:
    """The span of a numpy array; empty arrays have an empty one."""
    start = start_of(array)
    if array.size == 0:
        return Span(start, start, number, owner, private)
    steps = [
        (length - 1) * stride
        for length, stride in zip(array.shape, array.strides, strict=True)
    ]
    # `a[::-1]` starts at its last byte in memory.
    low = start + sum(step for step in steps if step < 0)
    high = start + sum(step for step in steps if step > 0) + array.itemsize
    return Span(low, high, number, owner, private)


def root_of(array: Any) -> Any:
    """The array that owns the memory of a view."""
    while type(array.base) is type(array):
        array = array.base
    return array


def overlapping(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Clusters of spans that overlap, one after the other; private spans stand
    alone."""
    cluster: list[Span] = []
    high = -1
    for span in sorted(spans, key=lambda one: (one.low, one.number)):
        # An empty array overlaps nothing, even where its address lies within another.
        if span.high == span.low or span.private:
            yield [span]
        elif span.low < high:
            cluster.append(span)
            high = max(high, span.high)
        else:
            if cluster:
                yield cluster
            cluster, high = [span], span.high
    if cluster:
        yield cluster


@dataclass
class Memory:
    """Collects the arrays and foreign buffers of one payload while it is pickled."""

    arrays: list[Any] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    buffers: list[memoryview] = field(default_factory=list)
    read_only: set[int] = field(default_factory=set)

    def add_array(self, array: Any, *, owner: int = 0, private: bool = False) -> int:
        """The number under which the stream refers to the array."""
        number = len(self.arrays)
        self.arrays.append(array)
        self.spans.append(span_of(array, number, owner=owner, private=private))
        return number

    def add_buffer(self, buffer: memoryview) -> None:
        self.buffers.append(buffer)

    def lay_out(self) -> tuple[list[memoryview], tuple[list[Any], list[Any]]]:
        """The regions to write and the layout: for each array (offset, shape, strides,
        writable), for each buffer (offset, length); offsets are those in the file."""
        placed = _Placement()
        arrays: list[Any] = [None] * len(self.arrays)
        for cluster in sorted(
            overlapping(self.spans), key=lambda spans: min(one.number for one in spans)
        ):
            self._place(cluster, placed, arrays)
        buffers = [(placed.add(buffer), len(buffer)) for buffer in self.buffers]
        return placed.regions, (arrays, buffers)

    def places(self, layout: tuple[list[Any], list[Any]]) -> dict[int, int]:
        """Where in the file the memory at an address lies."""
        arrays, buffers = layout
        found = {
            start_of(array): place[0]
            for array, place in zip(self.arrays, arrays, strict=True)
        }
        found.update(
            (address_of(buffer), place[0])
            for buffer, place in zip(self.buffers, buffers, strict=True)
        )
        # The address of buffers that nothing can tell.
        found.pop(0, None)
        return found

    def _place(
        self, cluster: list[Span], placed: _Placement, arrays: list[Any]
    ) -> None:
        low, high = cluster[0].low, max(span.high for span in cluster)
        first = self.arrays[cluster[0].number]
        # `big[::1000]` alone would take all of `big` along.
        if len(cluster) == 1 and high - low > 2 * first.nbytes + _SMALL:
            first = first.copy(order="K")
            placed.kept.append(first)
            cluster = [span_of(first, cluster[0].number)]
            low, high = cluster[0].low, cluster[0].high
        base = placed.add(_view(low, high - low))
        for span in cluster:
            array = first if len(cluster) == 1 else self.arrays[span.number]
            start = start_of(array)
            arrays[span.number] = (
                base + start - low,
                tuple(array.shape),
                tuple(array.strides),
                bool(self.arrays[span.number].flags.writeable)
                and span.number not in self.read_only,
            )


@dataclass
class _Placement:
    """Regions in file order and the offset where the next one starts."""

    regions: list[memoryview] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    offset: int = ALIGNMENT

    def add(self, region: memoryview) -> int:
        offset = self.offset
        if len(region):
            self.regions.append(region)
            self.offset += len(region) + padding(len(region))
        return offset


def _view(address: int, length: int) -> memoryview:
    if length == 0:
        return memoryview(b"")
    return memoryview((ctypes.c_char * length).from_address(address)).cast("B")


def contiguous_bytes(array: Any) -> memoryview:
    """The elements of a numpy array (without objects) in C order; copies only if they
    are strewn."""
    flat = array if array.flags.c_contiguous else array.copy(order="C")
    view = _view(start_of(flat), math.prod(flat.shape) * flat.itemsize)
    return view if flat is array else memoryview(bytes(view))
