"""Reads files below `.jupyter_pipe/` that are believed only if a key of the user has
signed them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from jupyter_pipe.trust.signatures import is_signed, unsigned

__all__ = [
    "LARGEST_RECORD",
    "UNREADABLE",
    "UnsignedError",
    "is_foreign",
    "open_regular_file",
    "read_named_file",
    "read_record",
    "read_regular_file",
]

LARGEST_RECORD = 1 << 30
"""Bytes. No record of ours is larger; a file that is was put there to fill the
memory."""

_WITHOUT_SIZE = 4 << 20

UNREADABLE = (OSError, ValueError, RecursionError)
"""What reading and decoding a record may raise: bytes that are not text are a
ValueError, as all errors of decoders are, and nesting without end is a RecursionError.
Such a record counts as missing, or is named."""


class UnsignedError(PermissionError):
    """A record that no key of this user has signed. An OSError: who reads it finds it
    missing."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EACCES, "not signed by you", str(path))


def read_record(path: Path, purpose: str, name: str, *, trust: bool = False) -> bytes:
    """The JSON document in a file, without its signature. `trust` takes it from
    anybody.

    Raises UnsignedError, and OSError as the disk does.
    """
    data = read_regular_file(path, follow=False)
    if not trust and not is_signed(purpose, name, data):
        raise UnsignedError(path)
    return unsigned(data)


def is_foreign(path: Path, purpose: str, name: str) -> bool:
    """Whether there is a record, and it is somebody else's."""
    try:
        read_record(path, purpose, name)
    except UnsignedError:
        return True
    except OSError:
        return False
    return False


def read_regular_file(
    path: Path, limit: int = LARGEST_RECORD, *, follow: bool = True
) -> bytes:
    """What a file of at most `limit` bytes holds. Raises OSError, also for what only
    looks like a file; without `follow` also for a link, which nobody but a stranger
    makes among our own files."""
    with open_regular_file(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise OSError(errno.EFBIG, "is too large", str(path))
        # `read` takes all the memory that it may need before it reads: what the file
        # has, not the limit. A file of /proc has no size.
        return file.read(size or min(limit, _WITHOUT_SIZE))


def read_named_file(path: Path, limit: int) -> bytes:
    """The file that the user named, which may be a pipe that a shell made: `-f <(vault
    read …)`. What only seems to be a file in some folder is refused as in
    `read_regular_file`. Raises OSError."""
    if (
        not str(path).startswith(("/dev/fd/", "/proc/self/fd/"))
        and str(path) != "/dev/stdin"
    ):
        return read_regular_file(path, limit)
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "is too large", str(path))
    return data


def open_regular_file(path: Path, *, follow: bool = True) -> BinaryIO:
    """The file, open for reading. Raises OSError, also for what only looks like a file:
    opening a pipe would wait for ever, and a device may never end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(
        path, flags if follow else flags | getattr(os, "O_NOFOLLOW", 0)
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
