"""Marks that a runner and a far worker leave for each other about one attempt: claimed,
stop.

In the attempt's folder where both see it, else below the URL of the run's root. Raises
OSError, RunError.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from jupyter_pipe.engine.attempts.attempt import StageWork
from jupyter_pipe.engine.attempts.attempt_folder import attempt_folder
from jupyter_pipe.engine.attempts.stopping import StopSignal

__all__ = ["FolderMarks", "Marks", "UrlMarks", "ask_to_stop", "follow_stop", "marks_of"]

_WORDS = {"stop": False, "stop-hard": True}


class Marks(Protocol):
    """A few words about one attempt. `look_seconds` is how often to look for them."""

    look_seconds: float

    def leave(self, word: str) -> bool:
        """Leave the word. False if it was there before."""

    def has(self, word: str) -> bool:
        """Whether somebody left the word."""


class FolderMarks:
    """Words as files of the attempt's folder."""

    look_seconds = 0.3

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, word: str) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            (self._folder / word).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def has(self, word: str) -> bool:
        return (self._folder / word).exists()


class UrlMarks:
    """Words as files below a URL. Two who leave one in the same moment are both told
    that it is new; Dask begins an attempt again only when its worker has gone."""

    look_seconds = 1.0

    def __init__(self, url: str, folder: str, *, trust: bool = False) -> None:
        from jupyter_pipe.runs.remote import RemoteRoot

        self._remote = RemoteRoot(url, trust=trust)
        self._folder = folder

    def leave(self, word: str) -> bool:
        if self.has(word):
            return False
        with tempfile.NamedTemporaryFile() as empty:
            self._remote.publish(Path(empty.name), f"{self._folder}/{word}")
        return True

    def has(self, word: str) -> bool:
        return self._remote.has(f"{self._folder}/{word}")


def marks_of(work: StageWork) -> Marks:
    """Where marks about the attempt are left."""
    if work.url:
        place = attempt_folder(Path("runs", work.run_id), work.stage, work.attempt)
        return UrlMarks(work.url, place.as_posix(), trust=work.trust)
    return FolderMarks(attempt_folder(Path(work.run_folder), work.stage, work.attempt))


def ask_to_stop(marks: Marks, *, hard: bool) -> None:
    """Leave word for whoever follows it."""
    marks.leave("stop-hard" if hard else "stop")


@contextlib.contextmanager
def follow_stop(marks: Marks) -> Iterator[StopSignal]:
    """A signal that follows the word which `ask_to_stop` leaves."""
    stop, over = StopSignal(), threading.Event()

    def look() -> None:
        wanted = dict(_WORDS)
        while wanted:
            for word in [word for word in wanted if marks.has(word)]:
                stop.request(hard=wanted.pop(word))
            if over.wait(marks.look_seconds):
                return

    thread = threading.Thread(target=look, name="stop", daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        over.set()
        thread.join()
