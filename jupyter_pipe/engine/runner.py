"""Runs a compiled package: performs the machine's instructions and feeds results back.

One thread owns the run: it alone writes the log, asks for earlier results and talks to
the machine; attempts run in the executor's threads and reach it through a queue.
`run_pipeline` blocks until the run is over and leaves no process behind. Raises
PipeError for what is wrong before the start, and RunError if the run's folder cannot be
written any more.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.cache.plan import Computed
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.engine.attempts.attempt_folder import RunPlace, publish_attempt
from jupyter_pipe.engine.kernels.interrupts import can_catch_signals, catch_signals
from jupyter_pipe.engine.provenance import provenance_of, report_on
from jupyter_pipe.engine.request import PreparedRun, prepare
from jupyter_pipe.engine.reuse.forecast import CachedResults
from jupyter_pipe.engine.reuse.results import ResultSource
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine import Machine, Options
from jupyter_pipe.engine.scheduling.stage_inputs import given_to
from jupyter_pipe.engine.scheduling.verdict import kept_warning
from jupyter_pipe.engine.targets import RunRequest
from jupyter_pipe.engine.tracking import address_for, start_tracker
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import (
    Event,
    RunFinished,
    RunQueued,
    RunStarted,
    StageCancelled,
    StageFailed,
    StageSkipped,
    WarningRaised,
)
from jupyter_pipe.model import Learned, to_json
from jupyter_pipe.observe.undoing import take_back
from jupyter_pipe.runs.learned_effects import add_learned
from jupyter_pipe.runs.masking import masked
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.runs.writing import RunWriter

if TYPE_CHECKING:
    from jupyter_pipe.engine.attempts.executors import Executor
    from jupyter_pipe.engine.kernels.run_mark import RunMark
    from jupyter_pipe.engine.remote.publishing import Mirror

__all__ = ["Observer", "run_pipeline"]

Observer = Callable[[Event], None]

# How often a runner looks whether its folder asks it to stop.
_LOOK_SECONDS = 1.0


def run_pipeline(
    request: RunRequest,
    *,
    observers: Sequence[Observer] = (),
    executor: Executor | None = None,
) -> Run:
    """Run, and return the run as it ended. Each observer gets every event, in this
    thread."""
    prepared = prepare(request)
    facts = replace(
        prepared.facts,
        accepts_signals=can_catch_signals(),
        provenance=provenance_of(prepared),
    )
    writer = prepared.store.create(prepared.taking_part, facts, run_id=request.run_id)
    writer.start_beating()
    start_tracker(writer.path, address_for(request))
    runner = _Runner(prepared, writer, executor, observers)
    try:
        with catch_signals(runner.cancel):
            return runner.run()
    except OSError as error:
        raise RunError(
            f"Run {writer.run_id} was stopped, since its folder cannot be written: "
            f"{error.strerror or error}.",
            code="root_unwritable",
            hint="Make room, or choose another folder with --root DIR.",
        ) from error
    finally:
        runner.close()


class _Runner:
    """The shell around one machine."""

    def __init__(
        self,
        prepared: PreparedRun,
        writer: RunWriter,
        executor: Executor | None,
        observers: Sequence[Observer],
    ) -> None:
        self._prepared = prepared
        self._writer = writer
        self._folder = RunFolder(writer.path)
        self._masker = Masker(prepared.secrets)
        self._executor = executor
        self._observers = list(observers)
        # A package that was never written is laid out in the run's own folder.
        package = (
            prepared.request.target.package or (writer.path / "package").absolute()
        )
        self._place = RunPlace(writer.run_id, writer.path, package)
        self._queue: queue.SimpleQueue[ms.Message | ms.Log] = queue.SimpleQueue()
        self._mirror = self._open_mirror()
        self._results: ResultSource = CachedResults(
            prepared, self._place.package, writer.run_id, self._mirror, self._warn
        )
        options = Options(
            capacity=prepared.capacity,
            keep_going=prepared.request.options.keep_going,
            strict=prepared.request.options.strict,
            seconds=self._results.durations(),
            judge=prepared.judge,
            ask=prepared.ask,
        )
        self._machine = Machine(prepared.taking_part, options, prepared.rewire)
        self._answers: deque[ms.Message] = deque()
        self._timers: list[tuple[float, str, ms.RetryDue | ms.Check]] = []
        self._turns: dict[str, int] = {}
        self._attempts: dict[str, int] = {}
        self._began = time.monotonic()
        self._finished = False
        self._cancel_seen = False
        self._mark: RunMark | None = None

    def run(self) -> Run:
        """The whole run."""
        request = self._prepared.request
        self._lay_out_package()
        self._log(
            RunQueued(
                run_id=self._writer.run_id,
                pipeline=self._machine.pipeline.name,
                stages=self._prepared.selected,
                trigger=request.trigger,
                resumed_from=request.resumed_from,
            )
        )
        self._log(RunStarted(pid=os.getpid(), workers=self._prepared.facts.workers))
        for name in self._masker.too_short:
            message = f"The secret {name} is too short to be hidden: it may be shown where it is printed."
            self._log(WarningRaised(stage=None, code="secret_short", message=message))
        self._tell(ms.Begin(time.time_ns()))
        while not self._finished:
            self._next()
        self._writer.flush()
        report_on(self._folder)
        return self._writer.run

    def cancel(self, by: str) -> None:
        """Ask the run to end. May be called from any thread, and from signal
        handlers."""
        self._queue.put(ms.Cancel(self._who_cancels(by)))

    def _warn(self, code: str, message: str) -> None:
        """Say something about the whole run. May be called from any thread."""
        self._queue.put(ms.Log(WarningRaised(stage=None, code=code, message=message)))

    def _who_cancels(self, otherwise: str) -> str:
        """`request_cancel` writes a name into the folder before it sends its signal."""
        try:
            name = self._folder.cancel.read_text(encoding="utf-8").strip()
        except OSError:
            return otherwise
        self._cancel_seen = True
        return name or otherwise

    def close(self) -> None:
        """End what still runs. The log's own trouble has been reported by then."""
        if self._executor is not None:
            self._executor.close()
        if self._mark is not None:
            self._mark.end()
        with contextlib.suppress(OSError):
            self._results.close()
            self._writer.close()
        if self._mirror is not None:
            self._mirror.close()

    # The loop

    def _next(self) -> None:
        """Take one answer, event or message, or a rest that is over."""
        if self._answers:
            self._tell(self._answers.popleft())
            return
        try:
            found = self._queue.get(timeout=self._patience())
        except queue.Empty:
            self._look_around()
            return
        if isinstance(found, ms.Log):
            self._log(found.event)
        else:
            self._tell(found)

    def _patience(self) -> float:
        if not self._timers:
            return _LOOK_SECONDS
        return min(max(self._timers[0][0] - time.monotonic(), 0.0), _LOOK_SECONDS)

    def _look_around(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, due = heapq.heappop(self._timers)
            if isinstance(due, ms.RetryDue):
                self._tell(due)
            elif self._turns.get(due.stage) == due.turn:
                self._check(due)
        if not self._finished:
            self._writer.flush()
            if self._mirror is not None:
                self._mirror.follow()
            self._look_for_cancel()

    def _look_for_cancel(self) -> None:
        if not self._cancel_seen and self._folder.cancel.exists():
            self._tell(ms.Cancel(self._who_cancels("user")))

    def _tell(self, message: ms.Message) -> None:
        if self._finished:
            return  # a signal that came with the last stage's end
        for instruction in self._machine.handle(message):
            self._perform(instruction)

    # Instructions

    def _perform(self, instruction: ms.Instruction) -> None:
        """Carry out what the machine says; what comes of it goes back to the machine as
        a message."""
        match instruction:
            case ms.Log(event):
                self._log_and_publish(event)
            case ms.Check():
                self._check(instruction)
            case ms.Launch(stage, attempt):
                self._launch(stage, attempt)
            case ms.Stop(stage, hard):
                self._where_stages_run().cancel(stage, hard=hard)
            case ms.TakeBack():
                self._take_back(instruction)
            case ms.WakeLater() | ms.CheckLater():
                self._remind(instruction)
            case ms.Learn(stage, learned):
                self._learn(stage, learned)
            case ms.Record():
                self._record(instruction)
            case ms.Finish(state, exit_code):
                self._settle()
                seconds = time.monotonic() - self._began
                self._log(
                    RunFinished(state=state, exit_code=exit_code, seconds=seconds)
                )
                self._finished = True

    def _settle(self) -> None:
        """What can only be said before the last event."""
        if self._mirror is None:
            return
        self._mirror.settle()
        with contextlib.suppress(queue.Empty):
            while True:
                found = self._queue.get_nowait()
                if isinstance(found, ms.Log):
                    self._log(found.event)

    def _learn(self, stage: str, learned: Learned) -> None:
        add_learned(
            self._prepared.store.state_folder,
            self._prepared.pipeline.name,
            stage,
            learned,
        )
        replace_file(self._folder.pipeline, to_json(self._machine.pipeline))
        for (
            name
        ) in self._turns:  # not started, and their inputs may come from elsewhere now
            self._results.give_up(name)

    def _take_back(self, undone: ms.TakeBack) -> None:
        kept = take_back(
            undone.written, undone.read, Path(self._prepared.facts.workdir)
        )
        if kept:
            self._log(kept_warning(undone.stage, kept))

    def _record(self, record: ms.Record) -> None:
        if record.reused:
            return
        self._publish(record.stage)
        if record.result.secret_values:
            # A run that does not allow secrets to be stored must not find them.
            self._results.give_up(record.stage)
            return
        executed = self._folder.executed(record.stage)
        computed = Computed(
            record.result, self._writer.run_id, record.seconds, executed
        )
        self._results.record(self._machine.pipeline, record.stage, computed)

    def _log_and_publish(self, event: Event) -> None:
        """Who reads of a stage's end must find its notebook."""
        if isinstance(event, (StageFailed, StageCancelled)):
            self._publish(event.stage)
        if isinstance(event, (StageFailed, StageCancelled, StageSkipped)):
            self._turns.pop(event.stage, None)
            self._results.give_up(event.stage)
        self._log(event)

    def _check(self, asked: ms.Check) -> None:
        stage, turn = asked.stage, asked.turn
        self._turns[stage] = turn
        given = given_to(self._machine.pipeline, stage, self._machine.results)
        checked = self._results.check(
            self._machine.pipeline, stage, given, remade=asked.remade
        )
        if checked.reuse is not None:
            self._folder.stage(stage).mkdir(parents=True, exist_ok=True)
            replace_file(self._folder.result(stage), to_json(checked.reuse.result))
            if checked.executed is not None:
                _link_or_copy(checked.executed, self._folder.executed(stage))
            self._mirror_stage(stage)
        self._answers.append(
            ms.StageChecked(
                stage,
                turn,
                checked.reason,
                checked.reuse,
                waits=checked.waits,
                remake=checked.remake,
            )
        )

    def _launch(self, name: str, attempt: int) -> None:
        # Like the executor, imported when the first stage runs: most runs of a notebook
        # run few.
        from jupyter_pipe.engine.attempts.assignment import stage_work

        pipeline, results = self._machine.pipeline, self._machine.results
        given = given_to(pipeline, name, results)
        for conflict in given.conflicts:
            self._log(conflict)
        self._attempts[name] = attempt
        self._turns.pop(name, None)
        work = stage_work(
            self._prepared,
            pipeline,
            name,
            self._attempts[name],
            given=given,
            results=results,
            place=self._place,
        )
        work = replace(work, environment={**work.environment, **self._marked()})
        self._where_stages_run().submit(
            work, self._queue.put, lambda event: self._queue.put(ms.Log(event))
        )

    # Small things

    def _remind(self, later: ms.WakeLater | ms.CheckLater) -> None:
        due: ms.RetryDue | ms.Check
        if isinstance(later, ms.WakeLater):
            due = ms.RetryDue(later.stage, later.attempt)
        else:
            due = ms.Check(later.stage, later.turn, later.remade)
        heapq.heappush(self._timers, (time.monotonic() + later.seconds, due.stage, due))

    def _marked(self) -> dict[str, str]:
        """The variables by which all that the run's kernels start is found again."""
        if self._mark is None:
            from jupyter_pipe.engine.kernels.run_mark import RunMark

            self._mark = RunMark()
        return self._mark.variables

    def _where_stages_run(self) -> Executor:
        if self._executor is None:
            self._executor = self._open_executor()
        return self._executor

    def _open_executor(self) -> Executor:
        options = self._prepared.request.options
        if options.executor == "dask":
            from jupyter_pipe.engine.dask.executor import DaskExecutor

            return DaskExecutor(options.scheduler, self._prepared.capacity.workers)
        from jupyter_pipe.engine.attempts.executors import LocalExecutor

        shared = self._prepared.request.kernels
        explain = partial(self._warn, "fresh_kernels")
        return LocalExecutor(
            options.kernels, explain, shared.source if shared is not None else None
        )

    def _open_mirror(self) -> Mirror | None:
        """For a root that is a URL."""
        store = self._prepared.store
        if not store.url:
            return None
        from jupyter_pipe.engine.remote.publishing import Mirror

        return Mirror(
            store, self._folder, self._warn, trust=self._prepared.request.options.trust
        )

    def _publish(self, stage: str) -> None:
        if stage in self._attempts:
            publish_attempt(self._folder.path, stage, self._attempts[stage])
            self._mirror_stage(stage)

    def _mirror_stage(self, stage: str) -> None:
        if self._mirror is not None:
            self._mirror.files(
                [self._folder.executed(stage), self._folder.result(stage)]
            )

    def _lay_out_package(self) -> None:
        target = self._prepared.request.target
        if target.package is not None:
            return
        for stage in self._prepared.taking_part.stages:
            path = self._place.package / stage.notebook
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(target.files[stage.notebook])

    def _log(self, event: Event) -> None:
        logged = self._writer.append(masked(event, self._masker))
        for observer in tuple(self._observers):
            self._show(observer, logged)

    def _show(self, observer: Observer, event: Event) -> None:
        try:
            observer(event)
        except Exception as error:
            # A terminal that went away must not take the run with it.
            self._observers.remove(observer)
            message = f"{type(error).__name__}: {error}"
            warning = WarningRaised(stage=None, code="observer_failed", message=message)
            self._writer.append(masked(warning, self._masker))


def _link_or_copy(source: Path, target: Path) -> None:
    """The same file under a second name where the system can, else a copy."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        import shutil

        shutil.copyfile(source, target)
