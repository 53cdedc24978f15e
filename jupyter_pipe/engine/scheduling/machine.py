"""The state machine of a run: `handle(message)` returns the instructions that follow.

Synchronous and free of I/O, clocks and threads, so that every course of a run can be
tested as lists. It decides what starts and when, what a failure stops, what is tried
again, what must run again because an input turned out to have changed, and how the run
ends. A message that cannot occur in the present state raises `ImpossibleTransition`,
which tells the whole story.
"""

from __future__ import annotations

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine_state import ImpossibleTransition, Options
from jupyter_pipe.engine.scheduling.order_keeping import OrderKeeping
from jupyter_pipe.engine.scheduling.priorities import fits
from jupyter_pipe.engine.scheduling.progress import GOOD, UNDER_WAY, Phase, Progress
from jupyter_pipe.engine.scheduling.verdict import (
    approval_failure,
    exit_code_of,
    is_contained,
    is_kept,
    is_worth_retrying,
    judge,
    retry_delay_seconds,
)
from jupyter_pipe.events import FailureKind
from jupyter_pipe.observe.words import contact_phrases
from jupyter_pipe.runs.model import Failure

__all__ = ["ImpossibleTransition", "Machine", "Options"]

CHECK_AGAIN_SECONDS = 0.2
# The stage is not to blame for what happens to machines, within reason.
LOST_WORKERS = 3


class Machine(OrderKeeping):
    """One run of `pipeline`, which holds only the stages that take part."""

    def handle(self, message: ms.Message) -> list[ms.Instruction]:
        """Take a message into account. Raises ImpossibleTransition."""
        if self._finished:
            raise self._impossible(message, "the run is over")
        self._out = []
        self._dispatch(message)
        self._story.append(message)
        self._go_on()
        return self._out

    def _dispatch(self, message: ms.Message) -> None:
        """Each message to the method that knows what it changes."""
        match message:
            case ms.Begin():
                self._begin(message)
            case ms.StageChecked():
                self._checked(message)
            case ms.StageEnded():
                self._ended(message, self._running(message))
            case ms.StageBroke():
                self._broke(message, self._running(message))
            case ms.StageStopped():
                self._stopped(message, self._running(message))
            case ms.RetryDue():
                self._retry_due(message)
            case ms.Cancel():
                self._cancel(message)

    # Messages

    def _begin(self, message: ms.Begin) -> None:
        if self._story:
            raise self._impossible(message, "a run begins once")
        self._began_ns = message.time_ns
        for stage in self.pipeline.stages:
            self._log(
                ev.StageQueued(
                    stage=stage.name,
                    after=tuple(self._neighbours.before[stage.name]),
                    cells=len(stage.cells),
                )
            )

    def _checked(self, message: ms.StageChecked) -> None:
        progress = self._of(message.stage, message)
        if progress.phase is not Phase.checking or progress.turn != message.turn:
            # the question was withdrawn meanwhile: a failure, a cancel, another input
            return
        if message.waits:
            self._wait(message, progress)
            return
        if message.remake:
            self._remake_first(message)
            return
        if message.reuse is None:
            self._move(message.stage, Phase.ready)
            self._log(ev.StageQueued(stage=message.stage, reason=message.reason))
            return
        self._reuse(message, message.reuse, progress)

    def _wait(self, message: ms.StageChecked, progress: Progress) -> None:
        """Another run computes the same result: read it when it is there."""
        if progress.waits_because != message.reason:
            progress.waits_because = message.reason
            self._log(ev.StageQueued(stage=message.stage, reason=message.reason))
        again = ms.CheckLater(
            message.stage, message.turn, CHECK_AGAIN_SECONDS, progress.remade
        )
        self._out.append(again)

    def _reuse(
        self, message: ms.StageChecked, reuse: ms.Reuse, progress: Progress
    ) -> None:
        progress.launched, progress.reused = self._now, True
        progress.newcomers = reuse.newcomers
        failure = self._verdict(message.stage, reuse.result)
        if failure is not None:
            self._fail(message.stage, failure, 0.0)
            return
        self._log(
            ev.StageCached(
                stage=message.stage,
                reason=message.reason,
                run_id=reuse.run_id,
                saved_seconds=reuse.seconds,
                contacts=contact_phrases(reuse.result.observed.contacts),
            )
        )
        self._out.append(
            ms.Record(message.stage, reuse.result, reuse.seconds, reused=True)
        )
        self._succeed(message.stage, progress, reuse.result, ev.StageState.cached)

    def _verdict(self, name: str, result: StageResult) -> Failure | None:
        """Tell of the result, and say why the stage fails although its cells ran."""
        judged = self._options.judge(self._stages[name], result)
        self._log_result(name, result, judged)
        failure = judge(
            self.pipeline, name, result, strict=self._options.strict, contracts=judged
        )
        failure = failure or self._ask(name, result)
        self._contained.discard(name)
        if is_contained(failure, judged):
            self._contained.add(name)
        return failure or self._out_of_order(name, result)

    def _ask(self, name: str, result: StageResult) -> Failure | None:
        """A person is asked only about what is right otherwise."""
        asked = self._options.ask(self._stages[name], result)
        if asked is not None:
            self._log(asked)
        return approval_failure(asked)

    def _ended(self, message: ms.StageEnded, progress: Progress) -> None:
        if progress.again:
            self._requeue(message.stage, progress.again)
            return
        failure = self._verdict(message.stage, message.result)
        if failure is not None:
            if is_kept(failure, message.result):
                self._out.append(
                    ms.Record(message.stage, message.result, message.seconds)
                )
            self._broke(
                ms.StageBroke(message.stage, message.attempt, failure, message.seconds),
                progress,
            )
            return
        contacts = contact_phrases(message.result.observed.contacts)
        self._log(
            ev.StageFinished(
                stage=message.stage,
                seconds=message.seconds,
                attempt=message.attempt,
                contacts=contacts,
            )
        )
        self._out.append(ms.Record(message.stage, message.result, message.seconds))
        self._succeed(message.stage, progress, message.result, ev.StageState.succeeded)

    def _broke(self, message: ms.StageBroke, progress: Progress) -> None:
        """A failed attempt: run again, looked into, retried after a while, or the end
        of the stage."""
        if progress.again:
            self._requeue(message.stage, progress.again)
            return
        if self._is_in_doubt(message):
            progress.broke = message
            self._move(message.stage, Phase.doubted)
            return
        progress.failures += 1
        progress.failure, progress.seconds = message.failure, message.seconds
        lost = message.failure.kind is FailureKind.worker_lost
        retries = max(
            self._stages[message.stage].options.retries, LOST_WORKERS if lost else 0
        )
        worth = progress.failures <= retries and is_worth_retrying(message.failure)
        if not worth or self._cancelled or self._broken_by:
            self._fail(message.stage, message.failure, message.seconds)
            return
        delay = retry_delay_seconds(progress.failures)
        reason = f"{message.failure.ename}: {message.failure.evalue}"
        self._move(message.stage, Phase.resting)
        self._log(
            ev.StageRetrying(
                stage=message.stage,
                attempt=message.attempt + 1,
                delay_seconds=delay,
                reason=reason,
            )
        )
        self._out.append(ms.WakeLater(message.stage, message.attempt, delay))

    def _stopped(self, message: ms.StageStopped, progress: Progress) -> None:
        if progress.phase is not Phase.stopping:
            raise self._impossible(message, "nobody asked the stage to stop")
        if progress.again:
            self._requeue(message.stage, progress.again)
        else:
            self._end(message.stage, ev.StageState.cancelled)
            self._log(ev.StageCancelled(stage=message.stage, seconds=message.seconds))

    def _retry_due(self, message: ms.RetryDue) -> None:
        progress = self._of(message.stage, message)
        if progress.phase is Phase.resting and progress.attempt == message.attempt:
            self._move(message.stage, Phase.ready)

    def _cancel(self, message: ms.Cancel) -> None:
        hard = message.hard or self._cancelled
        if not self._cancelled:
            self._cancelled = True
            self._log(ev.RunCancelRequested(by=message.by))
        for name, progress in self._progress.items():
            if progress.phase in UNDER_WAY:
                progress.again = ""
                self._move(name, Phase.stopping)
                self._out.append(ms.Stop(name, hard=hard))
            elif progress.phase is not Phase.ended:
                self._end(name, ev.StageState.cancelled)
                self._log(ev.StageCancelled(stage=name))

    # Ends of stages

    def _succeed(
        self, name: str, progress: Progress, result: StageResult, state: ev.StageState
    ) -> None:
        self._results[name] = result
        progress.remade = False
        self._end(name, state)
        if result.changed:
            self._learn(name, result)
        self._follow_observations(name)

    # Going on

    def _go_on(self) -> None:
        """Ask about stages whose turn has come, start what fits, and see whether all is
        done."""
        self._consider_all()
        while self._settle_doubts():
            self._consider_all()
        self._start_what_fits()
        if len(self._in[Phase.ended]) == len(self._progress):
            self._finish()

    def _consider_all(self) -> None:
        while self._to_consider:
            names, self._to_consider = self._to_consider, set()
            for name in sorted(names, key=self._rank):
                self._consider(name)

    def _consider(self, name: str) -> None:
        """A waiting stage is checked once all before it are good, skipped once one of
        them cannot be."""
        progress = self._progress[name]
        if progress.phase is not Phase.waiting:
            return
        before = {
            earlier: self._progress[earlier]
            for earlier in self._neighbours.before[name]
        }
        if all(earlier.state in GOOD for earlier in before.values()):
            progress.turn += 1
            progress.used = {
                value.name: value.from_ for value in self._stages[name].inputs
            }
            self._move(name, Phase.checking)
            self._out.append(ms.Check(name, progress.turn, progress.remade))
            return
        for earlier, found in before.items():
            if found.phase is Phase.ended and found.state not in GOOD:
                self._skip(name, f"{earlier} {found.state.value}")

    def _start_what_fits(self) -> None:
        if not self._in[Phase.ready]:
            return
        under_way = set().union(*(self._in[phase] for phase in UNDER_WAY))
        running = [self._stages[name].options for name in under_way]
        for name in sorted(self._in[Phase.ready], key=self._rank):
            wanted = self._stages[name].options
            if fits(self._options.capacity, running, wanted):
                running.append(wanted)
                self._launch(name)

    def _launch(self, name: str) -> None:
        progress = self._progress[name]
        progress.state = ev.StageState.running
        self._move(name, Phase.running)
        progress.launched, progress.reused = self._after_this, False
        progress.attempt += 1
        self._log(ev.StageStarted(stage=name, attempt=progress.attempt))
        self._out.append(ms.Launch(name, progress.attempt))

    def _finish(self) -> None:
        self._finished = True
        kinds = {
            p.failure.kind for p in self._progress.values() if _failed(p) and p.failure
        }
        if self._cancelled:
            self._out.append(ms.Finish(ev.RunState.cancelled, 130))
        elif kinds:
            asks = kinds == {FailureKind.approval}
            state = ev.RunState.waiting if asks else ev.RunState.failed
            self._out.append(ms.Finish(state, exit_code_of(kinds)))
        else:
            self._out.append(ms.Finish(ev.RunState.succeeded, 0))


def _failed(progress: Progress) -> bool:
    return progress.state is ev.StageState.failed
