"""Reads code that stands beside a notebook: modules, and scripts of `%run`.

Only regular files of a size that people write, and, inside `reading_below`, only files
below a folder: a server checks notebooks for whoever asks, and must not read for them
what it does not serve.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from jupyter_pipe.trust.records import read_regular_file

__all__ = ["LARGEST_SOURCE", "read_source", "reading_below"]

LARGEST_SOURCE = 4 << 20
"""Bytes. Longer files are data, or made to fill the memory of who parses them."""

_served: ContextVar[Path | None] = ContextVar("served", default=None)


@contextmanager
def reading_below(folder: Path) -> Iterator[None]:
    """In this thread, read nothing that does not lie below the folder, links
    followed."""
    token = _served.set(folder.resolve())
    try:
        yield
    finally:
        _served.reset(token)


def read_source(path: Path) -> str:
    """The text of a file. Raises OSError, and ValueError if it is not UTF-8."""
    served = _served.get()
    if served is not None and not path.resolve().is_relative_to(served):
        raise PermissionError(
            errno.EACCES, "is not below the folder that is served", str(path)
        )
    return read_regular_file(path, LARGEST_SOURCE).decode("utf-8")
