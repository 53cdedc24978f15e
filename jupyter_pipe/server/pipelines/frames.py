"""What the server and a worker say to each other over two pipes: frames of a length and
MessagePack.

A frame that is cut off counts as none: the other side is gone.
"""

from __future__ import annotations

import struct
from typing import IO, TypeVar

import msgspec

__all__ = ["Reply", "Task", "read_frame", "write_frame"]

T = TypeVar("T")
_LENGTH = struct.Struct(">Q")


class Task(msgspec.Struct, frozen=True):
    """One request: `kind` is the method of `PipelineService`, `body` the JSON as it
    came, `root` the folder that the server serves."""

    kind: str
    root: str
    body: bytes


class Reply(msgspec.Struct, frozen=True):
    """The answer, ready to be sent. `defect` is a traceback of ours, for the server's
    log; after one that `is_last` the worker ends."""

    status: int
    body: bytes
    defect: str = ""
    is_last: bool = False


def write_frame(stream: IO[bytes], value: Task | Reply) -> None:
    """Raises OSError if nobody reads."""
    data = msgspec.msgpack.encode(value)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes], kind: type[T]) -> T | None:
    """The next frame; None when the other side is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return msgspec.msgpack.decode(data, type=kind) if len(data) == length else None
