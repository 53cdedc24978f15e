"""A run whose stages another engine runs, each in a process of its own.

Every attempt writes a log that belongs to it alone,
`stages/STAGE/attempts/N/events.jsonl`: it needs no lock, and travels with what the
stage leaves. `SharedRun.gather` brings what is new in all of them into the log of the
run, which from then on reads like any other run's. Raises RunError, and OSError as the
disk does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import (
    Event,
    FailureKind,
    RunFinished,
    RunQueued,
    RunStarted,
    RunState,
    StageQueued,
    StageSkipped,
    StageState,
    encode_event,
)
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.runs.fold import RunFold
from jupyter_pipe.runs.log import EventLog, read_events
from jupyter_pipe.runs.masking import masked
from jupyter_pipe.runs.model import Run, RunFacts
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.runs.writing import RunWriter
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import sign

__all__ = ["AttemptLog", "SharedRun", "ending_of", "gather_all"]

# Whoever holds the log that long hangs, or its disk does.
_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN_LOOKS = 0.05
_GOOD = frozenset({StageState.succeeded, StageState.cached})
_BROKEN = frozenset({StageState.failed, StageState.cancelled, StageState.interrupted})


class AttemptLog:
    """The events of one attempt, in the order in which they come. `path` is in the
    attempt's folder, which nobody else writes; nothing that `masker` knows is
    written."""

    def __init__(self, path: Path, masker: Masker) -> None:
        self.path = path
        self._masker = masker
        self._count = 0

    def append(self, event: Event) -> Event:
        """Write the event down with its number and time, and return it so."""
        self._count += 1
        stamped = replace(
            masked(event, self._masker), seq=self._count, time=time.time()
        )
        with self.path.open("ab") as file:
            file.write(encode_event(stamped))
        return stamped


class SharedRun:
    """The run `run_id` of a whole pipeline. `facts` are those of the process that comes
    first."""

    def __init__(
        self, store: RunStore, pipeline: Pipeline, facts: RunFacts, run_id: str
    ) -> None:
        self.folder = store.folder(run_id)
        self._store = store
        self._pipeline = pipeline
        self._facts = replace(facts, shared=True, runner=None, workers=1)

    def announce(self, trigger: str) -> Run:
        """Make the run known before its engine is: no stage has begun. The folder must
        be new."""
        self.folder.path.mkdir(parents=True)
        self._lay_out()
        with EventLog(self.folder.events, self.folder.summary) as log:
            writer = RunWriter(log, self.folder.summary, RunFold(self._facts))
            self._queue(writer, trigger)
            writer.flush()
            return writer.run

    def gather(self, tell: Callable[[Run], Iterable[Event]] = lambda run: ()) -> Run:
        """Bring what the attempts have logged into the run's log and summary, and what
        `tell` has to add to the run as it is with that; the run as it is then."""
        folder = self.folder
        folder.path.mkdir(parents=True, exist_ok=True)
        if not folder.summary.exists():
            self._lay_out()
        clock = _SetTime()
        with self._open_log(clock) as log:
            folded = RunFold(self._known_facts())
            for event in read_events(folder.events):
                folded.add(event)
            writer = RunWriter(
                log, folder.summary, folded, signed=self._store.is_own(folder.run_id)
            )
            # Whichever stage comes first begins the run: no process of an engine's
            # stands for all of it.
            if log.seq == 0:
                self._begin(writer)
            self._append_news(writer, clock)
            for event in tell(writer.run):
                writer.append(event)
            self._conclude(writer)
            writer.flush()
            return writer.run

    def _lay_out(self) -> None:
        folder = self.folder
        replace_file(folder.pipeline, to_json(self._pipeline))
        replace_file(folder.parameters, to_json(self._facts.parameters))
        summary = to_json(RunFold(self._facts).run)
        replace_file(folder.summary, sign("run", folder.run_id, summary))

    def _known_facts(self) -> RunFacts:
        """Those that were written first: a run has one set of them."""
        try:
            return msgspec.json.decode(
                read_regular_file(self.folder.summary, follow=False), type=Run
            ).facts
        except UNREADABLE:
            return self._facts

    def _open_log(self, clock: _SetTime) -> EventLog:
        """The log, as soon as no other process writes it: each does for some
        milliseconds."""
        began = time.monotonic()
        while True:
            try:
                return EventLog(self.folder.events, self.folder.summary, clock=clock)
            except RunError as error:
                if (
                    error.code != "run_active"
                    or time.monotonic() - began > _SECONDS_TO_WAIT
                ):
                    raise
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _begin(self, writer: RunWriter) -> None:
        self._queue(writer, "engine")
        writer.append(RunStarted(pid=os.getpid(), workers=1))

    def _queue(self, writer: RunWriter, trigger: str) -> None:
        names = tuple(stage.name for stage in self._pipeline.stages)
        writer.append(
            RunQueued(self.folder.run_id, self._pipeline.name, names, trigger=trigger)
        )
        for stage in self._pipeline.stages:
            after = self._pipeline.upstream(stage.name)
            writer.append(StageQueued(stage.name, after=after, cells=len(stage.cells)))

    def _append_news(self, writer: RunWriter, clock: _SetTime) -> None:
        gathered = self.folder.path / "gathered.json"
        counts = _read_counts(gathered)
        news = sorted(self._news(counts), key=lambda event: event.time)
        # It was announced, or the engine tried a failed stage again.
        if news and (writer.run.is_final or writer.run.started is None):
            writer.append(RunStarted(pid=os.getpid(), workers=1))
        for event in news:
            clock.seconds = event.time
            writer.append(event)
        clock.seconds = None
        replace_file(gathered, msgspec.json.encode(counts))

    def _news(self, counts: dict[str, int]) -> Iterator[Event]:
        """Events that the run's log has not. `counts` is how many of each attempt it
        has, and then has."""
        for stage in self._pipeline.stages:
            attempts = self.folder.stage(stage.name) / "attempts"
            if attempts.is_symlink() or attempts.parent.is_symlink():
                continue  # somebody else's folder in the place of ours
            for path in sorted(attempts.glob("*/events.jsonl")):
                name = path.relative_to(self.folder.path).as_posix()
                # A log may have come with a bundle: it tells of its own stage, or of
                # nothing.
                events = [
                    event
                    for event in read_events(path)
                    if getattr(event, "stage", "") == stage.name
                ]
                yield from events[counts.get(name, 0) :]
                counts[name] = len(events)

    def _conclude(self, writer: RunWriter) -> None:
        ending = None if writer.run.is_final else ending_of(writer.run, time.time())
        if ending is None:
            return
        for stage in writer.run.stages:
            if stage.state is StageState.queued:
                writer.append(
                    StageSkipped(
                        stage.name, reason=_why_skipped(writer.run, stage.after)
                    )
                )
        writer.append(ending)


def gather_all(store: RunStore) -> None:
    """Gather every shared run of a root that is a URL: only the logs of attempts lie
    there."""
    for path in sorted(store.runs_folder.glob("*/stages/*/attempts/*/events.jsonl")):
        run_id = path.relative_to(store.runs_folder).parts[0]
        gathered = _read_counts(store.folder(run_id).path / "gathered.json")
        if path.relative_to(store.folder(run_id).path).as_posix() not in gathered:
            SharedRun(store, store.read_pipeline(run_id), RunFacts(), run_id).gather()


def ending_of(run: Run, now: float) -> RunFinished | None:
    """How the run has ended, if it has: all stages succeeded, or one did not and
    nothing runs any more. Its engine may still try that stage again; then the run goes
    on."""
    # For example {succeeded, failed, queued}: a stage failed, and those after it never
    # begin.
    states = {stage.state for stage in run.stages}
    seconds = max(now - (run.started or now), 0.0)
    # Also with no stage at all.
    if states <= _GOOD:
        return RunFinished(state=RunState.succeeded, exit_code=0, seconds=seconds)
    if StageState.running in states or not states & _BROKEN:
        return None
    kinds = {stage.failure.kind for stage in run.stages if stage.failure}
    if not kinds:
        return RunFinished(state=RunState.cancelled, exit_code=130, seconds=seconds)
    # The exit codes of `jupyter pipe run`.
    exit_code = 3 if kinds == {FailureKind.gate} else 1
    return RunFinished(state=RunState.failed, exit_code=exit_code, seconds=seconds)


def _why_skipped(run: Run, after: tuple[str, ...]) -> str:
    for name in after:
        state = run.stage(name).state
        if state not in _GOOD:
            return f"{name} {state.value}"
    return "not started by the engine"


class _SetTime:
    """A clock that can be set to the time at which an event happened, before it was
    gathered."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def __call__(self) -> float:
        return time.time() if self.seconds is None else self.seconds


def _read_counts(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(
            read_regular_file(path, follow=False), type=dict[str, int]
        )
    except UNREADABLE:
        return {}
