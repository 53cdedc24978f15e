"""The log of one run: `events.jsonl`, append-only, one writer, `seq` rises by one.

Opening for writing takes the run's lock and repairs a torn last line (a writer that
died within it). Reading takes no lock and stops before a line that is not yet whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from jupyter_pipe.errors import RunError
from jupyter_pipe.events import EVENT_NAMES, WarningRaised, decode_event, encode_event
from jupyter_pipe.runs.locks import free_lock, holds_lock, take_lock
from jupyter_pipe.runs.processes import BEAT_SECONDS, is_alive
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

if TYPE_CHECKING:
    from jupyter_pipe.events import Event

__all__ = ["EventLog", "read_events"]


class _Named(msgspec.Struct):
    """What every version writes of an event."""

    event: str
    time: float = 0.0


def read_events(path: Path, since: int = 0) -> Iterator[Event]:
    """The events after `seq` number `since`. A log that is not there, or cannot be
    read, has none.

    A line that is damaged, or that a newer version wrote, is not an event that we know:
    in its place comes a warning that says so.
    """
    try:
        data = read_regular_file(path, follow=False)
    except OSError:
        return
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        # `seq` equals the line's number, so that lines that were seen need not be
        # decoded.
        if number <= since:
            continue
        yield _event_of(line, number)


def _event_of(line: bytes, number: int) -> Event:
    try:
        event = decode_event(line)
    except UNREADABLE:
        return _unknown_event(line, number)
    return event if event.seq == number else msgspec.structs.replace(event, seq=number)


def _unknown_event(line: bytes, number: int) -> Event:
    """A newer version's events have names that we do not know; whatever else is not an
    event was damaged."""
    try:
        named = msgspec.json.decode(line, type=_Named)
    except UNREADABLE:
        named = _Named("")
    if named.event.isidentifier() and named.event not in EVENT_NAMES:
        code, message = (
            "event_unknown",
            f"was written by a newer jupyter_pipe ({named.event:.40})",
        )
    else:
        code, message = "log_damaged", "is damaged"
    return WarningRaised(
        stage=None,
        code=code,
        message=f"Line {number} of the run's log {message} and is left out.",
        seq=number,
        time=named.time,
    )


class EventLog:
    """The writing end. Use as a context manager, or `close` it."""

    def __init__(
        self, path: Path, beat: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        """`beat` is the file that a writer refreshes to show that it lives.

        Raises RunError if another living process writes this log, or if it is a link:
        what is appended, and a torn line that is cut off, would be somebody else's.
        """
        if path.is_symlink():
            raise RunError(
                f"{path} is a symbolic link, and no log of ours.",
                code="root_linked",
                hint="Delete the run's folder if you do not need it.",
            )
        self._clock = clock
        self._lock_path = path.with_name("writer.lock")
        _take_lock(self._lock_path, beat)
        self._checked = clock()
        try:
            self.seq = _repair(path)
            # Unbuffered: an event is on its way to the disk when `append` returns.
            self._file = path.open("ab", buffering=0)
        except BaseException:
            free_lock(self._lock_path)
            raise

    def append(self, event: Event) -> Event:
        """Stamp the event with its `seq` and time, and write its line.

        Raises OSError; the log is then as it was before, or ends in a torn line that
        the next writer repairs. Raises RunError if this process was taken for dead
        meanwhile, and its lock broken.
        """
        self._check_lock()
        stamped = msgspec.structs.replace(event, seq=self.seq + 1, time=self._clock())
        _write_all(self._file.fileno(), encode_event(stamped))
        self.seq += 1
        return stamped

    @property
    def is_ours(self) -> bool:
        """Whether no other process has taken the log over."""
        return holds_lock(self._lock_path)

    def close(self) -> None:
        self._file.close()
        if self.is_ours:
            free_lock(self._lock_path)

    def _check_lock(self) -> None:
        """A host that was suspended finds out here that others went on without it."""
        now = self._clock()
        # Asking at each event would read a file thousands of times. A clock may be set
        # back, hence `abs`.
        if abs(now - self._checked) < BEAT_SECONDS:
            return
        self._checked = now
        if not self.is_ours:
            run_id = self._lock_path.parent.name
            raise RunError(
                f"Run {run_id} stops: another host took it for dead and has ended it.",
                code="run_lost",
                hint=f"Go on from what is done: jupyter pipe resume {run_id}",
            )

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        # A signal, or a disk that is full, may cut a write short.
        data = data[os.write(descriptor, data) :]


def _repair(path: Path) -> int:
    """Cut off what follows the last newline, and return the number of whole lines."""
    if not path.exists():
        return 0
    data = read_regular_file(path, follow=False)
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return data.count(b"\n")


def _take_lock(path: Path, beat: Path) -> None:
    run_id = path.parent.name
    holder = take_lock(path, run_id, is_held=lambda holder: is_alive(holder, beat))
    if holder is not None:
        raise RunError(
            f"Run {run_id} is being written by process {holder.pid} on {holder.host}.",
            code="run_active",
            hint=f"Wait for it, or cancel it: jupyter pipe cancel {run_id}",
        )
