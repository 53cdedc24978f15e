"""How a forked kernel ends: at once, with all that an interpreter does at its end for a
notebook's objects.

It cannot be taken apart as a whole, since most of it belongs to the process that it was
forked from.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import io
import os
import stat
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

from ..shell import find_shell

__all__ = ["end_process"]


def end_process(status: int) -> NoReturn:
    """Wait for the process's threads, run its exit handlers, close what it left open,
    and end it. `log = open("log.txt", "w")` is on the disk when an interpreter has
    ended, and so it is here."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        _let_go_of_variables()
        if any(_open_for_writing()):
            _close_files()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _let_go_of_variables() -> None:
    """An archive or a database writes its end when the last variable that has it
    goes."""
    shown = getattr(find_shell(), "user_ns", {})
    for namespace in (shown, vars(sys.modules["__main__"])):
        for name in ("_oh", "Out"):
            outputs = namespace.get(name)
            if isinstance(outputs, dict):
                outputs.clear()
        namespace.clear()


def _close_files() -> None:
    """What is still open now is held by a cycle, or by a module."""
    gc.collect()
    files = [each for each in gc.get_objects() if issubclass(type(each), io.IOBase)]
    for file in sorted(files, key=_depth):
        if file is not sys.stdout and file is not sys.stderr:
            with contextlib.suppress(Exception):
                file.close()


def _depth(file: io.IOBase) -> int:
    """From the outside in: a text may lie in an archive, that in a buffer, and that in
    a file."""
    if isinstance(file, io.TextIOBase):
        return 0
    if isinstance(file, (io.BufferedWriter, io.BufferedRandom, io.RawIOBase)):
        return 2 + isinstance(file, io.RawIOBase)
    return 1


def _open_for_writing() -> Iterator[bool]:
    """For each descriptor beyond the three that every process has, and those of the
    kernel's own log, whether it is a file's on the disk that is written to."""
    logs = set(_log_descriptors())
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        with contextlib.suppress(OSError):
            writable = fcntl.fcntl(descriptor, fcntl.F_GETFL) & (
                os.O_WRONLY | os.O_RDWR
            )
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            yield bool(
                descriptor > 2 and descriptor not in logs and writable and is_file
            )


def _log_descriptors() -> Iterator[int]:
    """Through which ipykernel writes, since it took 1 and 2 for what is shown in the
    notebook."""
    kernel: Any = getattr(find_shell(), "kernel", None)
    streams: list[Any] = [
        getattr(kernel, name, None) for name in ("_stdout", "_stderr")
    ]
    for stream in streams:
        with contextlib.suppress(
            AttributeError, OSError
        ):  # below pytest it leaves both alone
            yield stream.fileno()
