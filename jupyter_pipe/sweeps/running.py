"""Carries out a study: trials side by side, each an ordinary run in a thread, until all
are done.

What has happened is on disk before anybody relies on it, so a sweep that is killed
loses no trial: when it is resumed, a run that went on to its end counts, and one that
was cut off runs again with its own values.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.engine import RunRequest, Target, run_pipeline
from jupyter_pipe.engine.control import request_cancel
from jupyter_pipe.engine.kernels.forked import can_fork
from jupyter_pipe.engine.kernels.shared import SharedKernels
from jupyter_pipe.engine.tracking import tracked_study
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.events import DEMANDS, Event, FailureKind, MetricLogged, RunState
from jupyter_pipe.runs.model import Failure, Run, RunOptions
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.store import RunStore, new_run_id
from jupyter_pipe.sweeps.asking import Asker
from jupyter_pipe.sweeps.model import Study, Trial, TrialState
from jupyter_pipe.sweeps.spaces import planned_trials
from jupyter_pipe.sweeps.studies import StudyFolder

__all__ = ["SweepOrder", "conclude", "run_sweep"]

# Between the starts of two trials: their ids sort in the order of the trials.
_APART_SECONDS = 0.02


class SweepOrder(Struct, frozen=True):
    """What is needed beyond the study: the target, how runs are made, how many at a
    time, and who is told when a trial begins or ends."""

    target: Target
    options: RunOptions
    environment: dict[str, str] = {}
    at_once: int = 1
    command: tuple[str, ...] = ()
    tell: Callable[[Trial], None] = lambda trial: None


def run_sweep(
    study: Study, folder: StudyFolder, order: SweepOrder
) -> tuple[Trial, ...]:
    """All trials, as they ended. KeyboardInterrupt cancels the runs that go on, and is
    raised again."""
    _Sweep(study, folder, order).run()
    return folder.trials()


class _Sweep:
    """The trials that run now, and those that are still to come."""

    def __init__(self, study: Study, folder: StudyFolder, order: SweepOrder) -> None:
        self._study = study
        self._folder = folder
        self._order = order
        self._store: RunStore = order.target.store
        earlier = [self._settled(trial) for trial in folder.trials()]
        self._asker = Asker(
            study, [each for each in earlier if each.state != "running"], order.at_once
        )
        self._cut_off = [each for each in earlier if each.state == "running"]
        self._begun = len(earlier)
        self._running: dict[Future[Trial], Trial] = {}
        self._kernels: SharedKernels | None = None

    def _settled(self, trial: Trial) -> Trial:
        """A trial whose sweep was killed: its run may have come to its end all the
        same."""
        if trial.state != "running":
            return trial
        try:
            run = self._store.read(trial.run_id)
        except RunError:
            return trial
        ended = run.state in (RunState.succeeded, RunState.failed)
        return self._note(conclude(self._study, trial, run)) if ended else trial

    def run(self) -> None:
        """Keep as many trials going as are wanted. They share the process that forks
        their kernels."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(tracked_study(self._folder.path, self._study.track))
            if self._order.options.kernels == "fork" and can_fork():
                self._kernels = stack.enter_context(SharedKernels())
            self._run_all()

    def _run_all(self) -> None:
        with ThreadPoolExecutor(self._order.at_once, "trial") as threads:
            try:
                self._keep_going(threads)
            except KeyboardInterrupt:
                # Before the threads are waited for: else the trials would come to their
                # ends first.
                self.cancel()
                raise

    def _keep_going(self, threads: ThreadPoolExecutor) -> None:
        coming = self._coming()
        while True:
            while len(self._running) < self._order.at_once:
                trial = next(coming, None)
                if trial is None:
                    break
                self._running[threads.submit(self._carry_out, trial)] = trial
                time.sleep(_APART_SECONDS)
            if not self._running:
                return
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._running.pop(future)
                self._asker.tell(self._note(future.result()))

    def _coming(self) -> Iterator[Trial]:
        """Those that were cut off first, with their own values."""
        for trial in self._cut_off:
            again = replace(trial, run_id=new_run_id(), steps=())
            self._asker.resume(again)
            yield self._note(again)
        for number in range(self._begun, planned_trials(self._study)):
            yield self._note(Trial(number, self._asker.ask(number), new_run_id()))

    def _note(self, trial: Trial) -> Trial:
        self._folder.note(trial)
        self._order.tell(trial)
        return trial

    def _carry_out(self, trial: Trial) -> Trial:
        """In a thread of its own. Whatever goes wrong is this trial's failure alone."""
        steps: list[float] = []
        pruned = False

        def look(event: Event) -> None:
            nonlocal pruned
            if (
                isinstance(event, MetricLogged)
                and event.name == self._study.prune
                and _is_number(event.value)
            ):
                steps.append(float(event.value))
                if self._asker.should_prune(trial.number, len(steps) - 1, steps[-1]):
                    pruned = True
                    with contextlib.suppress(PipeError):
                        request_cancel(self._store, trial.run_id, by="pruning")

        try:
            run = run_pipeline(self._request(trial), observers=[look])
        except PipeError as error:
            return replace(trial, state="failed", reason=error.message)
        ended = conclude(self._study, replace(trial, steps=tuple(steps)), run)
        if pruned and run.state is RunState.cancelled:
            return replace(
                ended,
                state="pruned",
                reason=f"{self._study.prune} was worse than in the middle trial",
            )
        return ended

    def _request(self, trial: Trial) -> RunRequest:
        target = self._order.target
        parameters = resolve_parameters(
            target.pipeline.parameters,
            texts=self._study.fixed,
            values=trial.values,
            environment=self._order.environment,
        )
        options = replace(self._order.options, targets=self._study.stages)
        return RunRequest(
            target=target,
            options=options,
            parameters=parameters,
            environment=self._order.environment,
            run_id=trial.run_id,
            trigger="sweep",
            command=self._order.command,
            kernels=self._kernels,
        )

    def cancel(self) -> None:
        """End what runs. Those trials stay *running* on disk: a resumed sweep runs them
        again."""
        for trial in self._running.values():
            with contextlib.suppress(PipeError):
                request_cancel(self._store, trial.run_id)
        wait(self._running)


def conclude(study: Study, trial: Trial, run: Run) -> Trial:
    """What came of a trial, from its run."""
    value: Any = run.metrics.get(study.metric)
    state, reason = _outcome(study, run, value)
    return replace(
        trial,
        state=state,
        value=float(value) if _is_number(value) else None,
        metrics=run.metrics,
        seconds=run.seconds,
        reason=reason,
    )


def _outcome(study: Study, run: Run, value: Any) -> tuple[TrialState, str]:
    """The state, and why the trial did not succeed. An error weighs more than a gate
    that is false."""
    failures = {
        stage.name: stage.failure for stage in run.stages if stage.failure is not None
    }
    for name, failure in failures.items():
        # A contract or a question that waits is no constraint that an optimiser could
        # learn.
        if failure.kind is not FailureKind.gate:
            return "failed", f"{name}: {_failure_text(failure)}"
    if failures:
        return "infeasible", "; ".join(failure.evalue for failure in failures.values())
    if run.state is not RunState.succeeded:
        return "failed", f"the run was {run.state.value}"
    return (
        ("succeeded", "")
        if _is_number(value)
        else ("failed", f"{study.metric} is not a number")
    )


def _failure_text(failure: Failure) -> str:
    text = failure.evalue.partition("\n")[0]
    return text if failure.kind in DEMANDS else f"{failure.ename}: {text}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
