"""The payload file: buffers first, then what describes them, so that one pass writes
and hashes it.

    64 bytes   magic, zero padding
    regions    raw memory, each starting at a multiple of 64
    stream     the pickle (protocol 5), everything but the regions
    layout     marshal: where in the file each array and buffer lies
    manifest   JSON: names, types, summary, notebook definitions, Python version
    64 bytes   footer: offsets and sizes, sha256 of stream + layout + manifest, magic

The file's address is the sha256 of all of it. The hash state after the regions
identifies the buffers alone: content digests use it, so that no buffer is hashed twice.
Reading maps the file with ACCESS_COPY: nothing is copied before it is touched, and
arrays are writable and private.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import PayloadError

if TYPE_CHECKING:
    # A run that only looks whether payloads are there does not need it, nor the logging
    # that it imports.
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = [
    "ALIGNMENT",
    "FORMAT_VERSION",
    "PayloadFile",
    "Written",
    "file_digest",
    "payload_path",
    "write_payload",
]

ALIGNMENT = 64
FORMAT_VERSION = 2
"""Of what is in a payload and of the digests of its values. To raise it makes every
stage run again: part of what a stage's fingerprint is made of."""
# The first bytes say only what kind of file it is; they are the same in all versions.
_MAGIC = b"jupyter_pipe payload 1\n".ljust(ALIGNMENT, b"\0")
_FOOTER = struct.Struct("<QQQ32s8s")
_END = b"\x89jppend\n"
_CHUNK = 8 << 20


class Written(NamedTuple):
    """`buffers` is the sha256 state after the regions."""

    artifact: str
    bytes: int
    buffers: str


def payload_path(folder: str, artifact: str) -> str:
    """Where the payload of that address lies in a store."""
    return os.path.join(folder, artifact[:2], artifact + ".payload")


def padding(length: int) -> int:
    return -length % ALIGNMENT


class _HashingFile:
    """Writes to a descriptor and hashes what goes through it: from the first large
    piece on in a thread, beside the writing and the syncing (both release the
    interpreter)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self.length = 0

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if self._thread is None and len(view) >= _CHUNK:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, "payload-hash")
        for start in range(0, len(view), _CHUNK):
            chunk = view[start : start + _CHUNK]
            self._in_turn(self._hash.update, chunk)
            written = 0
            while written < len(chunk):
                written += os.write(self._descriptor, chunk[written:])
        self.length += len(view)

    def digest(self) -> Future[str]:
        """Of all that was written until now."""
        return self._in_turn(self._hash.hexdigest)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        os.close(self._descriptor)

    def _in_turn(self, step: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if self._thread is not None:
            return self._thread.submit(step, *arguments)
        from concurrent.futures import Future

        done: Future[Any] = Future()
        done.set_result(step(*arguments))
        return done


def write_payload(
    folder: str,
    regions: Sequence[memoryview],
    stream: bytes | memoryview,
    layout: Any,
    manifest: dict[str, Any],
) -> Written:
    """Writes under a temporary name, syncs, renames. Raises OSError (a full disk)."""
    temporary = os.path.join(folder, f".writing-{os.getpid()}-{os.urandom(6).hex()}")
    descriptor = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
        0o600,
    )
    try:
        with contextlib.closing(_HashingFile(descriptor)) as output:
            buffers = _write_body(output, regions, stream, layout, manifest)
            whole = output.digest()
            output.sync()
            written = Written(whole.result(), output.length, buffers.result())
        _publish(temporary, payload_path(folder, written.artifact))
        return written
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _write_body(
    output: _HashingFile,
    regions: Sequence[memoryview],
    stream: bytes | memoryview,
    layout: Any,
    manifest: dict[str, Any],
) -> Future[str]:
    """The digest after the regions."""
    output.write(_MAGIC)
    for region in regions:
        output.write(region)
        output.write(bytes(padding(len(region))))
    buffers = output.digest()
    table = marshal.dumps(layout, 2)
    description = json.dumps(manifest, sort_keys=True).encode()
    head = hashlib.sha256()
    for part in (stream, table, description):
        head.update(part)
        output.write(part)
    output.write(
        _FOOTER.pack(len(stream), len(table), len(description), head.digest(), _END)
    )
    return buffers


def _publish(temporary: str, target: str) -> None:
    """Moves the file to its address, over whatever is there: it may have been
    damaged."""
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    if os.path.isdir(
        target
    ):  # an empty folder in the place of a file, as a repaired disk may have one
        os.rmdir(target)
    os.replace(temporary, target)
    _sync_folder(os.path.dirname(target))


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: str) -> str:
    """The sha256 of a file. Raises OSError."""
    state = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        for chunk in _chunks(file):
            state.update(chunk)
    return state.hexdigest()


def _chunks(file: Any) -> Iterator[memoryview]:
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    while count := file.readinto(buffer):
        yield view[:count]


class PayloadFile:
    """An open payload. Raises PayloadError if the file is missing, truncated or
    altered.

    The head (stream, layout, manifest) is always verified; the regions only by
    `Store.verify` and by whoever finds no mark that they were verified (see `marks`).
    """

    def __init__(self, path: str, *, writable: bool = True) -> None:
        self.path = path
        access = mmap.ACCESS_COPY if writable else mmap.ACCESS_READ
        if os.path.exists(path) and not os.path.isfile(
            path
        ):  # a pipe would be waited for
            raise PayloadError(f"The stored value {path} is not a file.")
        try:
            with open(path, "rb") as file:
                self.mapping = mmap.mmap(file.fileno(), 0, access=access)
        except FileNotFoundError:
            raise PayloadError(f"The stored value {path} is missing.") from None
        except ValueError:
            raise PayloadError(f"The stored value {path} is empty.") from None
        self.stream, self.layout, self.manifest = self._read_head()

    def _read_head(self) -> tuple[memoryview, Any, dict[str, Any]]:
        view = memoryview(self.mapping)
        size = len(view)
        if size < len(_MAGIC) + _FOOTER.size or view[: len(_MAGIC)] != _MAGIC:
            raise PayloadError(f"{self.path} is not a payload.")
        stream, table, description, digest, end = _FOOTER.unpack(
            view[size - _FOOTER.size :]
        )
        start = size - _FOOTER.size - stream - table - description
        if end != _END or start < len(_MAGIC):
            raise PayloadError(f"The stored value {self.path} is truncated.")
        head = view[start : size - _FOOTER.size]
        if hashlib.sha256(head).digest() != digest:
            raise PayloadError(
                f"The stored value {self.path} was altered after it was written."
            )
        layout = marshal.loads(head[stream : stream + table])  # noqa: S302
        manifest = json.loads(bytes(head[stream + table :]))
        return head[:stream], layout, manifest
