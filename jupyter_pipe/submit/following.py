"""Follows a run in its engine until it is over: a process of its own, which outlives
whoever submitted.

One process follows a run; the lock `following.lock` names it. An engine that does not
answer ends nothing: the run is out of sight from then on, and catches up when the
engine is back. Raises SubmitError and RunError.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.engine.detached import start_detached
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import EngineSeen, Event
from jupyter_pipe.export.plan import task_names
from jupyter_pipe.runs.locks import find_holder, free_lock, take_lock
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.processes import Heart, is_alive
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.submit import Engine, Sighting, SilentError, SubmitError
from jupyter_pipe.submit.roots import bring_attempts
from jupyter_pipe.submit.settings import engine_of
from jupyter_pipe.submit.sightings import news_of, unsaid
from jupyter_pipe.submit.submission import (
    Submission,
    cancel,
    find_submission,
    is_submitted,
    shared_run,
    title_of,
)

__all__ = [
    "Follower",
    "end_in_engine",
    "follow",
    "is_followed",
    "main",
    "start_following",
]

# A log on a network's disk may come that much later than the engine's word.
_SECONDS_OF_GRACE = 20.0


class _Order(Struct, frozen=True):
    root: str
    run_id: str


def start_following(store: RunStore, run_id: str) -> None:
    """Start the process that follows the run, unless there is one."""
    if find_submission(store, run_id) is None:
        raise SubmitError(
            f"Run {run_id} was not submitted to an engine.",
            code="engine_unknown",
            hint="See it with: jupyter pipe show RUN",
        )
    if is_followed(store.folder(run_id)):
        return
    order = msgspec.json.encode(_Order(str(store.root.absolute()), run_id))
    start_detached(__name__, order, _lock(store.folder(run_id)), store.root)


def end_in_engine(store: RunStore, run_id: str) -> None:
    """Have the engine end a run that was asked to stop, unless who follows it there
    will. Nothing, for a run of this machine's own."""
    folder = store.folder(run_id)
    if is_submitted(folder) and not is_followed(folder):
        cancel(store, run_id)
        start_following(store, run_id)


def is_followed(folder: RunFolder) -> bool:
    """Whether a process follows the run."""
    path = _lock(folder)
    holder = find_holder(path)
    return holder is not None and is_alive(holder, path)


def _lock(folder: RunFolder) -> Path:
    return folder.path / "following.lock"


def main() -> int:
    """Follow the run that standard input names; what goes wrong is written to the run's
    log of output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order)
    store = RunStore(order.root)
    descriptor = os.open(
        store.folder(order.run_id).log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    follow(store, order.run_id)
    return 0


def follow(store: RunStore, run_id: str) -> None:
    """Ask until the run is over, unless another process does."""
    submission = find_submission(store, run_id)
    folder = store.folder(run_id)
    lock = _lock(folder)
    if submission is None or take_lock(
        lock, run_id, is_held=lambda holder: is_alive(holder, lock)
    ):
        return
    heart = Heart(lock)
    try:
        follower = Follower(
            store, run_id, submission, engine_of(submission.configuration)
        )
        # A run that was deleted has nobody to be followed for.
        while is_submitted(folder) and not follower.step(time.time()):
            time.sleep(submission.configuration.seconds)
    finally:
        heart.stop()
        free_lock(lock)


class Follower:
    """What is remembered from one question to the next."""

    def __init__(
        self, store: RunStore, run_id: str, submission: Submission, engine: Engine
    ) -> None:
        self._store = store
        self._shared = shared_run(store, run_id)
        self._called = task_names(store.read_pipeline(run_id))
        self._engine = engine
        self._handle = submission.started.handle
        self._title = title_of(submission.configuration)
        self._unsaid_since: dict[str, float] = {}
        self._is_cancelled = False

    def step(self, now: float) -> bool:
        """Ask once, and write down what is new. Whether the run is over, there and
        here. `now` is in UTC seconds."""
        try:
            if not self._is_cancelled and self._shared.folder.cancel.exists():
                self._engine.cancel(self._handle)
                self._is_cancelled = True
            sighting = self._by_stage(self._engine.look(self._handle))
            bring_attempts(self._store, self._shared.folder)
        except (SilentError, SubmitError, RunError) as error:
            # What it refuses now, with a token that has ended for example, it may
            # answer later. So may the storage of a root that is a URL.
            self._shared.gather(self._silence(str(error), now))
            return False
        run = self._shared.gather(lambda run: self._news(run, sighting, now))
        return sighting.is_over and run.is_final

    def _by_stage(self, sighting: Sighting) -> Sighting:
        """What the engine calls `train__fit` is `train.fit`, of several notebooks."""
        stages = {called: stage for stage, called in self._called.items()}
        seen = {stages.get(name, name): each for name, each in sighting.stages.items()}
        return replace(sighting, stages=seen)

    def _silence(self, message: str, now: float) -> Callable[[Run], list[Event]]:
        def tell(run: Run) -> list[Event]:
            if run.silent_since is not None:
                return []
            return [EngineSeen(self._title, silent_since=now, message=message)]

        return tell

    def _news(self, run: Run, sighting: Sighting, now: float) -> list[Event]:
        found = unsaid(run, sighting)
        self._unsaid_since = {name: self._unsaid_since.get(name, now) for name in found}
        overdue = [
            name
            for name, since in self._unsaid_since.items()
            if now - since >= _SECONDS_OF_GRACE
        ]
        news: list[Event] = (
            [EngineSeen(self._title)] if run.silent_since is not None else []
        )
        return news + news_of(run, sighting, overdue, self._title, now)
