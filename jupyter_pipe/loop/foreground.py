"""The loop as a process: takes its lock, steps until it is told to stop, or until there
is nothing left to do.

A run has a process of its own, which a stopped loop leaves alone: the next loop finds
it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from jupyter_pipe.errors import LoopError, PipeError
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.tick import waits_for
from jupyter_pipe.loop.settings_file import read_settings, settings_path
from jupyter_pipe.loop.stepping import Loop
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.runs.locks import Holder, find_holder, free_lock, take_lock
from jupyter_pipe.runs.processes import Heart, is_alive

__all__ = [
    "SettingsFile",
    "find_loop",
    "go_on",
    "locked",
    "run_once",
    "stop_on_signals",
]

_LOCK = "loop.lock"
_BETWEEN_LOOKS_SECONDS = 0.2


def find_loop(folder: Path) -> Holder | None:
    """The process that runs the loop of this folder; None if there is none."""
    holder = find_holder(folder / _LOCK)
    return holder if holder and is_alive(holder, folder / _LOCK) else None


@contextlib.contextmanager
def locked(folder: Path, notebook: Path) -> Iterator[None]:
    """Be the only loop of the notebook. Raises LoopError if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _LOCK
    holder = take_lock(
        path, notebook_name(notebook), is_held=lambda holder: is_alive(holder, path)
    )
    if holder is not None:
        raise LoopError(
            f"The loop of {notebook.name} runs already: process {holder.pid} on {holder.host}.",
            code="loop_active",
            hint=f"See what it does: jupyter pipe loop status {notebook.name}",
        )
    # Another host cannot ask for our pid; it looks at the time of the lock.
    heart = Heart(path)
    try:
        yield
    finally:
        heart.stop()
        free_lock(path)


class SettingsFile:
    """The settings, read again when their file changes. One that became invalid is told
    once, and the settings before it hold."""

    def __init__(self, notebook: Path, tell: Callable[[str], None]) -> None:
        self._notebook = notebook
        self._tell = tell
        self._seen = self._stamp()
        self.settings = read_settings(notebook)

    def renewed(self) -> LoopSettings:
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self.settings = read_settings(self._notebook)
                self._tell(f"{settings_path(self._notebook).name} was read again")
            except PipeError as error:
                self._tell(f"{error.message} The settings before it hold.")
        return self.settings

    def _stamp(self) -> tuple[int, int]:
        try:
            status = settings_path(self._notebook).stat()
        except OSError:
            # The file is gone; the settings that were read hold until it is there
            # again.
            return 0, 0
        # The size as well: an editor may save twice within one tick of the clock.
        return status.st_mtime_ns, status.st_size


def go_on(
    loop: Loop,
    settings: SettingsFile,
    stop: threading.Event,
    tell: Callable[[str], None],
    seconds: float,
) -> None:
    """Step, every so many seconds, until told to stop. What cannot be seen now is
    looked for again."""
    told = ""
    while not stop.is_set():
        loop.settings = settings.renewed()
        try:
            while loop.step() and not stop.is_set():
                pass
            told = ""
        except (PipeError, OSError) as error:
            # Records that cannot be read are no reason to guess; all else may be
            # otherwise later.
            if isinstance(error, LoopError):
                raise
            if str(error) != told:
                told = str(error)
                tell(told)
        stop.wait(seconds)


def run_once(loop: Loop, stop: threading.Event) -> rc.RunEnded | None:
    """Step until nothing is left to do now. The latest run that ended meanwhile, None
    if none did."""
    before = loop.state.ended
    while not stop.is_set():
        if loop.step():
            continue
        signals = loop.world.look(loop.settings, loop.state)
        writing = waits_for(
            loop.settings, loop.state, signals, loop.world.now()
        ).startswith("files")
        if loop.state.run is None and not writing:
            break
        stop.wait(_BETWEEN_LOOKS_SECONDS)
    ended = loop.state.ended
    # It may have ended in an earlier call, and was told then.
    return None if ended == before else ended


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def set_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {
        each: signal.signal(each, set_stop) for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
