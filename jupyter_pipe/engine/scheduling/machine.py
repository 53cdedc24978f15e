"""The state machine of a run: `handle(message)` returns the instructions that follow.

Synchronous and free of I/O, clocks and threads, so that every course of a run can be tested as
lists. It decides what starts and when, what a failure stops, what is tried again, what must run
again because an input turned out to have changed, and how the run ends. A message that cannot
occur in the present state raises `ImpossibleTransition`, which tells the whole story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import Observations, StageResult
from jupyter_pipe.compiler.learned import merge_learned
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.observed_order import (
    OrderFinding,
    Trace,
    asked_in_vain,
    look_back,
    trace_of,
)
from jupyter_pipe.engine.scheduling.priorities import Capacity, Neighbours, fits, priorities
from jupyter_pipe.engine.scheduling.progress import GOOD, NOT_STARTED, UNDER_WAY, Phase, Progress
from jupyter_pipe.engine.scheduling.results import known_names, result_events
from jupyter_pipe.engine.scheduling.verdict import (
    is_worth_retrying,
    judge,
    order_reason,
    order_warning,
    overwritten_failure,
    retry_delay_seconds,
    undeclared_failure,
)
from jupyter_pipe.errors import PipeError
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Learned, Pipeline
from jupyter_pipe.runs.model import Failure

__all__ = ["ImpossibleTransition", "Machine", "Options"]

CHECK_AGAIN_SECONDS = 0.2
# The stage is not to blame for what happens to machines, within reason.
LOST_WORKERS = 3

Rewire = Callable[[Pipeline, Mapping[str, Learned]], Pipeline]


class ImpossibleTransition(Exception):  # noqa: N818 - a defect of ours, named by what it is
    """The shell told the machine something that cannot be. `story` is all it was told before."""

    def __init__(self, message: ms.Message, reason: str, story: Iterable[ms.Message]) -> None:
        self.story = tuple(story)
        told = "\n".join(f"  {entry!r:.200}" for entry in self.story)
        super().__init__(f"{reason}: {message!r:.200}\nafter\n{told}")


class Options(Struct, frozen=True):
    """How to run. `seconds` is how long stages took before, where known."""

    capacity: Capacity = Capacity()
    keep_going: bool = False
    strict: bool = False
    seconds: dict[str, float] = {}


class Machine:
    """One run of `pipeline`, which holds only the stages that take part."""

    def __init__(self, pipeline: Pipeline, options: Options, rewire: Rewire) -> None:
        self.pipeline = pipeline
        self._options = options
        self._rewire = rewire
        self._progress = {stage.name: Progress() for stage in pipeline.stages}
        self._stages = {stage.name: stage for stage in pipeline.stages}
        self._in: dict[Phase, set[str]] = {phase: set() for phase in Phase}
        self._in[Phase.waiting].update(self._stages)
        self._place = {name: place for place, name in enumerate(self._stages)}
        self._to_consider = set(self._stages)
        self._neighbours = Neighbours(pipeline)
        self._priority = priorities(pipeline, options.seconds)
        self._learned: dict[str, Learned] = {}
        self._traces: dict[str, Trace] = {}
        self._began_ns = 0
        self._broken_by = ""
        self._cancelled = False
        self._finished = False
        self._story: list[ms.Message] = []
        self._out: list[ms.Instruction] = []
        self._results: dict[str, StageResult] = {}

    @property
    def results(self) -> Mapping[str, StageResult]:
        """What the stages that have ended well left behind."""
        return self._results

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
                    stage=stage.name, after=tuple(self._neighbours.before[stage.name]), cells=len(stage.cells)
                )
            )

    def _checked(self, message: ms.StageChecked) -> None:
        progress = self._of(message.stage, message)
        if progress.phase is not Phase.checking or progress.turn != message.turn:
            return  # the question was withdrawn meanwhile: a failure, a cancel, another input
        if message.waits:
            self._wait(message, progress)
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
        again = ms.CheckLater(message.stage, message.turn, CHECK_AGAIN_SECONDS, progress.remade)
        self._out.append(again)

    def _reuse(self, message: ms.StageChecked, reuse: ms.Reuse, progress: Progress) -> None:
        progress.launched, progress.reused = len(self._story), True
        self._log_result(message.stage, reuse.result)
        failure = judge(self.pipeline, message.stage, reuse.result, strict=self._options.strict)
        failure = failure or self._out_of_order(message.stage, reuse.result)
        if failure is not None:
            self._fail(message.stage, failure, 0.0)
            return
        self._log(
            ev.StageCached(
                stage=message.stage,
                reason=message.reason,
                run_id=reuse.run_id,
                saved_seconds=reuse.seconds,
            )
        )
        self._out.append(ms.Record(message.stage, reuse.result, reuse.seconds, reused=True))
        self._succeed(message.stage, progress, reuse.result, ev.StageState.cached)

    def _ended(self, message: ms.StageEnded, progress: Progress) -> None:
        if progress.again:
            self._requeue(message.stage, progress.again)
            return
        self._log_result(message.stage, message.result)
        failure = judge(self.pipeline, message.stage, message.result, strict=self._options.strict)
        failure = failure or self._out_of_order(message.stage, message.result)
        if failure is not None:
            self._broke(ms.StageBroke(message.stage, message.attempt, failure, message.seconds), progress)
            return
        self._log(ev.StageFinished(stage=message.stage, seconds=message.seconds, attempt=message.attempt))
        self._out.append(ms.Record(message.stage, message.result, message.seconds))
        self._succeed(message.stage, progress, message.result, ev.StageState.succeeded)

    def _broke(self, message: ms.StageBroke, progress: Progress) -> None:
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
        retries = max(self._stages[message.stage].options.retries, LOST_WORKERS if lost else 0)
        worth = progress.failures <= retries and is_worth_retrying(message.failure)
        if not worth or self._cancelled or self._broken_by:
            self._fail(message.stage, message.failure, message.seconds)
            return
        delay = retry_delay_seconds(progress.failures)
        reason = f"{message.failure.ename}: {message.failure.evalue}"
        self._move(message.stage, Phase.resting)
        self._log(
            ev.StageRetrying(
                stage=message.stage, attempt=message.attempt + 1, delay_seconds=delay, reason=reason
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

    def _succeed(self, name: str, progress: Progress, result: StageResult, state: ev.StageState) -> None:
        self._results[name] = result
        progress.remade = False
        self._end(name, state)
        if result.changed:
            self._learn(name, result)
        self._follow_observations(name)

    def _fail(self, name: str, failure: Failure, seconds: float) -> None:
        attempt = self._progress[name].attempt
        fields: dict[str, Any] = {key: getattr(failure, key) for key in Failure.__struct_fields__}
        self._progress[name].failure = failure
        self._results.pop(name, None)
        self._traces.pop(name, None)
        self._end(name, ev.StageState.failed)
        self._log(ev.StageFailed(stage=name, seconds=seconds, attempt=attempt, **fields))
        for later in self._neighbours.descendants({name}):
            self._skip(later, f"{name} failed")
        if not self._options.keep_going:
            self._halt(name)

    def _halt(self, culprit: str) -> None:
        """Start nothing any more; what runs may end."""
        self._broken_by = self._broken_by or culprit
        for name, progress in self._progress.items():
            if progress.phase is Phase.resting and progress.failure is not None:
                self._fail(name, progress.failure, progress.seconds)
            else:
                self._skip(name, f"stopped: {culprit} failed")

    def _skip(self, name: str, reason: str) -> None:
        if self._progress[name].phase in NOT_STARTED:
            self._end(name, ev.StageState.skipped)
            self._log(ev.StageSkipped(stage=name, reason=reason))

    def _end(self, name: str, state: ev.StageState) -> None:
        self._progress[name].state = state
        self._move(name, Phase.ended)
        self._to_consider.update(self._neighbours.after[name])

    def _move(self, name: str, phase: Phase) -> None:
        progress = self._progress[name]
        self._in[progress.phase].discard(name)
        self._in[phase].add(name)
        progress.phase = phase
        if phase is Phase.waiting:
            self._to_consider.add(name)

    # An input turned out to have changed

    def _learn(self, name: str, result: StageResult) -> None:
        """The graph was wrong about `name`: fix it, and run again what used an old value."""
        for change in result.changed:
            self._log(ev.InputChanged(stage=name, from_stage=change.from_stage, names=change.names))
        names = {changed for change in result.changed for changed in change.names}
        try:
            self._mend_graph(name, Learned(mutates=tuple(sorted(names))))
        except PipeError as error:
            self._fail(
                name, Failure("InputChanged", error.message, kind=FailureKind.effect, hint=error.hint), 0.0
            )
            return
        self._run_again_after(name, f"{', '.join(sorted(names))} changed by {name}")

    def _mend_graph(self, name: str, learned: Learned) -> None:
        """Raises PipeError if no order of the stages can be that of the notebook."""
        self._learned[name] = merge_learned(self._learned.get(name, Learned()), learned)
        self._out.append(ms.Learn(name, learned))
        self.pipeline = self._rewire(self.pipeline, self._learned)
        self._stages = {stage.name: stage for stage in self.pipeline.stages}
        self._neighbours = Neighbours(self.pipeline)
        self._priority = priorities(self.pipeline, self._options.seconds)
        self._to_consider.update(self._in[Phase.waiting])

    def _run_again_after(self, origin: str, reason: str) -> None:
        stale = {stage.name for stage in self.pipeline.stages if self._is_stale(stage.name, origin)}
        stale |= self._neighbours.descendants(stale)
        for name, progress in self._progress.items():
            if progress.phase in {Phase.checking, Phase.ready}:
                self._move(name, Phase.waiting)  # its inputs may come from elsewhere now
            elif name in stale:
                self._run_again(name, progress, reason)

    def _run_again(self, name: str, progress: Progress, reason: str) -> None:
        if progress.phase in UNDER_WAY:
            if progress.phase is Phase.running:
                self._out.append(ms.Stop(name))
            progress.again = "" if self._cancelled else reason
            self._move(name, Phase.stopping)
        elif progress.phase in {Phase.resting, Phase.doubted} or progress.state in GOOD:
            self._requeue(name, reason)

    def _is_stale(self, name: str, origin: str) -> bool:
        """Whether the stage was given, or left behind, something else than it would be now."""
        progress = self._progress[name]
        if progress.phase in NOT_STARTED or name == origin:
            return False
        stage = self._stages[name]
        if {value.name: value.from_ for value in stage.inputs} != progress.used:
            return True
        return name in self._results and not set(stage.outputs) <= known_names(self._results[name])

    def _requeue(self, name: str, reason: str) -> None:
        progress = self._progress[name]
        progress.again, progress.failures, progress.failure = "", 0, None
        self._results.pop(name, None)
        self._traces.pop(name, None)
        progress.broke = None
        progress.state = ev.StageState.queued
        self._move(name, Phase.waiting)
        if self._cancelled:
            self._end(name, ev.StageState.cancelled)
            self._log(ev.StageCancelled(stage=name))
            return
        self._log(ev.StageQueued(stage=name, reason=reason, after=tuple(self._neighbours.before[name])))
        if self._broken_by:
            self._skip(name, f"{reason}, and {self._broken_by} failed")

    # Stages that touched the same files and variables

    def _out_of_order(self, name: str, result: StageResult) -> Failure | None:
        """Notes what the stage observed. Why it must not succeed: what it read is of another moment of the
        notebook, and cannot be brought back; or, with `strict`, what it touched should be declared."""
        progress = self._progress[name]
        now = len(self._story)
        self._traces[name] = trace_of(result, progress.launched, now, reused=progress.reused)
        for finding in self._found_by(name):
            if finding.overwritten and finding.earlier == name:
                self._mend_graph(finding.later, Learned(follows={name: finding.names}))
                self._take_back_questions()
                return overwritten_failure(finding)
            if self._options.strict and not self._is_before(finding.earlier, finding.later):
                return undeclared_failure(finding)
        return None

    def _found_by(self, name: str) -> list[OrderFinding]:
        order = tuple(self._stages)
        return look_back(name, self._traces, order, self._is_before, self._began_ns)

    def _is_before(self, earlier: str, later: str) -> bool:
        return earlier in self._neighbours.ancestors(later)

    def _follow_observations(self, name: str) -> None:
        """Add the edges that the stage's end has shown, and run again what was in the wrong order."""
        for finding in self._found_by(name) if name in self._traces else ():
            earlier, later = finding.earlier, finding.later
            if not self._is_before(earlier, later):
                self._log(order_warning(finding))
                self._mend_graph(later, Learned(follows={earlier: finding.names}))
                self._take_back_questions()
            if finding.overwritten:
                self._fail_late(earlier, overwritten_failure(finding))
            for place, stage in enumerate(finding.again):
                self._progress[stage].remade = finding.remade and place == 0
                self._run_again_with_descendants(stage, order_reason(finding, stage))

    def _take_back_questions(self) -> None:
        for name in (*self._in[Phase.checking], *self._in[Phase.ready]):
            self._move(name, Phase.waiting)

    def _run_again_with_descendants(self, name: str, reason: str) -> None:
        for stage in sorted({name, *self._neighbours.descendants({name})}, key=self._rank):
            self._run_again(stage, self._progress[stage], reason)

    def _fail_late(self, name: str, failure: Failure) -> None:
        """A stage that had succeeded turns out to have failed, and what built on it with it."""
        if self._progress[name].state in GOOD:
            for later in self._neighbours.descendants({name}):
                self._run_again(later, self._progress[later], f"{name} failed")
            self._fail(name, failure, 0.0)

    # Stages that broke, and may have looked for what was not there yet

    def _is_in_doubt(self, message: ms.StageBroke) -> bool:
        """Whether a stage that still runs, or will, may be why."""
        if message.failure.kind is not FailureKind.error or self._cancelled:
            return False
        if not asked_in_vain(message.observed, message.failure.ename):
            return False
        return bool(self._undecided_above(message.stage)) or bool(self._missed(message))

    def _undecided_above(self, name: str) -> list[str]:
        """Stages further up, not among the predecessors, that have not ended and still may."""
        known = self._neighbours.ancestors(name) | self._neighbours.descendants({name})
        above = list(self._stages)[: self._place[name]]
        ended = {Phase.ended, Phase.doubted} | (set(NOT_STARTED) if self._broken_by else set())
        return [other for other in above if other not in known and self._progress[other].phase not in ended]

    def _missed(self, message: ms.StageBroke) -> list[OrderFinding]:
        """What stages further up have written since, of what the stage looked for."""
        name = message.stage
        progress = self._progress[name]
        trace = trace_of(StageResult(observed=message.observed), progress.launched, len(self._story))
        order = tuple(self._stages)
        traces = {**self._traces, name: trace}
        found = look_back(name, traces, order, self._is_before, self._began_ns)
        return [one for one in found if one.later == name and name in one.again and not one.overwritten]

    def _settle_doubts(self) -> bool:
        """Let stages whose failure was in doubt run again, or fail. Whether there were any."""
        doubted = len(self._in[Phase.doubted])
        for name in sorted(self._in[Phase.doubted], key=self._rank):
            progress = self._progress[name]
            message = progress.broke
            assert message is not None
            missed = self._missed(message)
            if missed and not self._broken_by:
                self._retry_after(name, missed)
            elif not self._undecided_above(name):
                progress.broke = None
                self._move(name, Phase.running)
                self._broke(msgspec.structs.replace(message, observed=Observations()), progress)
        return len(self._in[Phase.doubted]) < doubted

    def _retry_after(self, name: str, missed: list[OrderFinding]) -> None:
        """The stage broke since it came too early: let it come later, or say so if that is an error."""
        if self._options.strict:
            self._progress[name].broke = None
            self._fail(name, undeclared_failure(missed[0]), 0.0)
            return
        for finding in missed:
            self._log(order_warning(finding))
            self._mend_graph(name, Learned(follows={finding.earlier: finding.names}))
        self._take_back_questions()
        self._requeue(name, order_reason(missed[0], name))

    # Going on

    def _go_on(self) -> None:
        """Ask about stages whose turn has come, start what fits, and see whether all is done."""
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
        progress = self._progress[name]
        if progress.phase is not Phase.waiting:
            return
        before = {earlier: self._progress[earlier] for earlier in self._neighbours.before[name]}
        if all(earlier.state in GOOD for earlier in before.values()):
            progress.turn += 1
            progress.used = {value.name: value.from_ for value in self._stages[name].inputs}
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
        progress.launched, progress.reused = len(self._story), False
        progress.attempt += 1
        self._log(ev.StageStarted(stage=name, attempt=progress.attempt))
        self._out.append(ms.Launch(name, progress.attempt))

    def _finish(self) -> None:
        self._finished = True
        kinds = {p.failure.kind for p in self._progress.values() if _failed(p) and p.failure}
        if self._cancelled:
            self._out.append(ms.Finish(ev.RunState.cancelled, 130))
        elif kinds:
            self._out.append(ms.Finish(ev.RunState.failed, 3 if kinds == {FailureKind.gate} else 1))
        else:
            self._out.append(ms.Finish(ev.RunState.succeeded, 0))

    # Small questions

    def _rank(self, name: str) -> tuple[float, int]:
        """The longest way to the end first, then notebook order."""
        return -self._priority[name], self._place[name]

    def _running(self, message: ms.StageEnded | ms.StageBroke | ms.StageStopped) -> Progress:
        progress = self._of(message.stage, message)
        if progress.phase not in UNDER_WAY or progress.attempt != message.attempt:
            raise self._impossible(
                message, f"attempt {progress.attempt} of the stage is {progress.phase.value}"
            )
        return progress

    def _of(self, name: str, message: ms.Message) -> Progress:
        try:
            return self._progress[name]
        except KeyError:
            raise self._impossible(message, "no such stage") from None

    def _impossible(self, message: ms.Message, reason: str) -> ImpossibleTransition:
        return ImpossibleTransition(message, reason, self._story)

    def _log(self, event: ev.Event) -> None:
        self._out.append(ms.Log(event))

    def _log_result(self, name: str, result: StageResult) -> None:
        for event in result_events(name, result):
            self._log(event)


def _failed(progress: Progress) -> bool:
    return progress.state is ev.StageState.failed
