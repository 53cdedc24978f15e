"""What a kernel and its children print outside of cells: `kernel.log`, in which secrets
are hidden.

A stage without secrets writes the file itself. One with secrets writes into a pipe, and
what comes out is masked before it reaches the disk: nothing else could keep a value
from lying there while the stage runs.
"""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import threading
from pathlib import Path
from typing import Protocol

from jupyter_pipe.artifacts.masking import Masker, StreamMasker

__all__ = ["KernelLog", "open_log"]

_READ_BYTES = 1 << 16
_READS_AFTER_END = 100


class KernelLog(Protocol):
    """`target` is the path that the kernel opens to write; `close` once it has
    ended."""

    target: Path

    def close(self) -> None:
        """What was printed until now is in the file afterwards."""


def open_log(path: Path, masker: Masker) -> KernelLog:
    """The log at `path`. Raises OSError."""
    if not masker or not hasattr(os, "mkfifo"):
        return _PlainLog(path)
    return _MaskedLog(path, masker)


class _PlainLog:
    def __init__(self, path: Path) -> None:
        self.target = path

    def close(self) -> None:
        """Nothing is held back."""


class _MaskedLog:
    """A named pipe in a private folder, and the thread that empties it."""

    def __init__(self, path: Path, masker: Masker) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jp-"))
        self.target = self._folder / "log"
        os.mkfifo(self.target, 0o600)
        # Both ends, so that neither opening waits and a kernel that goes does not end
        # the reading.
        self._pipe = os.open(self.target, os.O_RDWR | os.O_NONBLOCK)
        self._ended, self._end = os.pipe()
        self._file = path.open("ab", buffering=0)
        self._stream = StreamMasker(masker)
        self._thread = threading.Thread(
            target=self._pump, name=f"log {path.parent.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take what is in the pipe. Children that outlive their kernel find nobody who
        reads."""
        with contextlib.suppress(OSError):
            os.close(self._end)
        self._thread.join()
        for descriptor in (self._pipe, self._ended):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        with contextlib.suppress(OSError):
            self._file.write(self._stream.end())
        self._file.close()
        with contextlib.suppress(OSError):
            self.target.unlink()
            self._folder.rmdir()

    def _pump(self) -> None:
        left = _READS_AFTER_END
        while left:
            ready, _, _ = select.select([self._pipe, self._ended], [], [])
            if self._pipe in ready:
                self._take()
            # Children may go on printing for ever.
            left = (
                (left - 1 if self._pipe in ready else 0)
                if self._ended in ready
                else left
            )

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._pipe, _READ_BYTES)
            # A full disk must not stop the stage: it would wait for its own log.
            with contextlib.suppress(OSError):
                self._file.write(self._stream.feed(data))
