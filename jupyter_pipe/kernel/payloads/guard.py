"""Whether a stage changed what it received.

Three questions, cheapest first: is the pickle of the loaded values still the stream of
their file, are the arrays still where they were, and were the mapped pages written to?
Only where an answer is not yes, the values are compared by content with a fresh copy
from the file, which never changes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from ..definitions import Definitions
from ..values.decoding import decode
from ..values.digest import NoRuleError, content_digest
from ..values.encoding import Encoded, encode
from ..values.memory.arrays import address_of, start_of
from .payload_file import PayloadFile

__all__ = ["is_changed"]

_PAGES = "/proc/self/pagemap"
_PRESENT, _SWAPPED, _SHARED = 0x80, 0x40, 0x20
# One flag byte of an entry of /proc/self/pagemap -> 1 if the page is the process's own
# copy.
_OWN = bytes(
    bool(flags & _SWAPPED or (flags & _PRESENT and not flags & _SHARED))
    for flags in range(256)
)


def is_changed(
    payload: PayloadFile,
    members: dict[str, Any],
    names: Iterable[str],
    definitions: Definitions,
    namespace: dict[str, Any],
) -> bool:
    """Whether the values of `names`, among the `members` that came out of the payload,
    differ from what the payload holds."""
    written = _is_written(payload)
    try:
        again = encode(members, definitions, namespace)
    except Exception:
        return True  # what could be pickled when it came cannot be any more
    if not written and _is_same_stream(payload, again):
        return False
    original = PayloadFile(payload.path)
    with _classes_apart():
        fresh = decode(original, definitions, namespace)
    wanted = sorted(names)
    now, before = ({name: one[name] for name in wanted} for one in (members, fresh))
    try:
        return _digest(now, payload, definitions, written=written) != _digest(
            before, original, definitions, written=written
        )
    except NoRuleError:
        return _stream(now, definitions, namespace) != _stream(
            before, definitions, namespace
        )


@contextlib.contextmanager
def _classes_apart() -> Iterator[None]:
    """cloudpickle gives out again a class that it has made before: the fresh copy would
    be the stage's own class, and would set its attributes back."""
    module: Any = sys.modules.get("cloudpickle.cloudpickle")
    tracked = getattr(module, "_DYNAMIC_CLASS_TRACKER_BY_ID", None)
    if tracked is None:
        yield
        return
    module._DYNAMIC_CLASS_TRACKER_BY_ID = type(tracked)()
    try:
        yield
    finally:
        module._DYNAMIC_CLASS_TRACKER_BY_ID = tracked


def _stream(
    values: dict[str, Any], definitions: Definitions, namespace: dict[str, Any]
) -> bytes:
    return bytes(encode(values, definitions, namespace).stream)


def _digest(
    values: Any, payload: PayloadFile, definitions: Definitions, *, written: bool
) -> str:
    """Memory in a mapping that nobody wrote to is told by its place."""
    base = _address(payload.mapping)
    size = 0 if written else len(payload.mapping)
    return content_digest(
        values,
        definitions,
        lambda address: address - base if 0 <= address - base < size else None,
    )


def _is_same_stream(payload: PayloadFile, again: Encoded) -> bool:
    """Whether pickling gives the file's stream, with every array where the file has
    it."""
    places, buffers = payload.layout
    memory = again.encoder.memory
    if bytes(again.stream) != bytes(payload.stream) or len(memory.arrays) != len(
        places
    ):
        return False
    base = _address(payload.mapping)
    for array, (offset, shape, strides, writable) in zip(
        memory.arrays, places, strict=True
    ):
        if (
            tuple(array.shape) != tuple(shape)
            or bool(array.flags.writeable) != writable
        ):
            return False
        start = start_of(array) - base
        if array.size and (start != offset or tuple(array.strides) != tuple(strides)):
            return False
    return all(
        not length or address_of(mine) == base + offset
        for mine, (offset, length) in zip(memory.buffers, buffers, strict=True)
    )


def _address(mapping: mmap.mmap) -> int:
    return address_of(memoryview(mapping))


def _is_written(payload: PayloadFile) -> bool:
    """Whether a page of the mapping that the stage wrote to differs from the file."""
    pages = list(_own_pages(payload.mapping))
    if not pages:
        return False
    original = PayloadFile(payload.path, writable=False).mapping
    return any(payload.mapping[part] != original[part] for part in pages)


def _own_pages(mapping: mmap.mmap) -> Iterator[slice]:
    """The pages that were copied because they were written to; all of them where the
    system does not tell."""
    size = mmap.PAGESIZE
    count = -(-len(mapping) // size)
    try:
        with open(_PAGES, "rb", buffering=0) as file:
            entries = os.pread(file.fileno(), count * 8, _address(mapping) // size * 8)
    except OSError:
        entries = b""
    if len(entries) != count * 8:
        yield from (
            slice(start, start + (1 << 20)) for start in range(0, len(mapping), 1 << 20)
        )
        return
    own = entries[7::8].translate(_OWN)
    page = own.find(1)
    while page >= 0:
        yield slice(page * size, (page + 1) * size)
        page = own.find(1, page + 1)
