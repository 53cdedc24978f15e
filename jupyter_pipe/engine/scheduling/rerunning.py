"""What a failure stops, and what must run again since an input turned out to have
changed."""

from __future__ import annotations

from typing import Any

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import Observations, StageResult
from jupyter_pipe.compiler.learned import merge_learned
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine_state import MachineState
from jupyter_pipe.engine.scheduling.priorities import Neighbours, priorities
from jupyter_pipe.engine.scheduling.progress import (
    GOOD,
    NOT_STARTED,
    UNDER_WAY,
    Phase,
    Progress,
)
from jupyter_pipe.engine.scheduling.results import known_names
from jupyter_pipe.errors import PipeError
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Learned
from jupyter_pipe.runs.model import Failure

__all__ = ["Rerunning"]


class Rerunning(MachineState):
    """Ends stages, and takes ends back."""

    def _fail(self, name: str, failure: Failure, seconds: float) -> None:
        attempt = self._progress[name].attempt
        fields: dict[str, Any] = {
            key: getattr(failure, key) for key in Failure.__struct_fields__
        }
        self._progress[name].failure = failure
        self._results.pop(name, None)
        self._traces.pop(name, None)
        self._end(name, ev.StageState.failed)
        self._log(
            ev.StageFailed(stage=name, seconds=seconds, attempt=attempt, **fields)
        )
        for later in self._neighbours.descendants({name}):
            self._skip(
                later,
                f"{name} {'waits for you' if failure.kind is FailureKind.approval else 'failed'}",
            )
        if not self._options.keep_going and name not in self._contained:
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

    # An input turned out to have changed

    def _learn(self, name: str, result: StageResult) -> None:
        """The graph was wrong about `name`: fix it, and run again what used an old
        value."""
        for change in result.changed:
            self._log(
                ev.InputChanged(
                    stage=name, from_stage=change.from_stage, names=change.names
                )
            )
        names = {changed for change in result.changed for changed in change.names}
        try:
            self._mend_graph(name, Learned(mutates=tuple(sorted(names))))
        except PipeError as error:
            self._fail(
                name,
                Failure(
                    "InputChanged",
                    error.message,
                    kind=FailureKind.effect,
                    hint=error.hint,
                ),
                0.0,
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
        stale = {
            stage.name
            for stage in self.pipeline.stages
            if self._is_stale(stage.name, origin)
        }
        stale |= self._neighbours.descendants(stale)
        for name, progress in self._progress.items():
            if progress.phase in {Phase.checking, Phase.ready}:
                self._move(
                    name, Phase.waiting
                )  # its inputs may come from elsewhere now
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
        """Whether the stage was given, or left behind, something else than it would be
        now."""
        progress = self._progress[name]
        if progress.phase in NOT_STARTED or name == origin:
            return False
        stage = self._stages[name]
        if {value.name: value.from_ for value in stage.inputs} != progress.used:
            return True
        return name in self._results and not set(stage.outputs) <= known_names(
            self._results[name]
        )

    def _take_back(self, name: str, progress: Progress) -> None:
        """Let the next attempt find files as this one did; those of stages above are
        made again by these."""
        observed = self._observed_in(name, progress)
        if observed is None or progress.reused or self._cancelled:
            return
        made = self._written_above(name)
        written = tuple(
            one for one in observed.written if not one.guessed and one.path not in made
        )
        if written:
            paths = {one.path for one in written}
            self._out.append(
                ms.TakeBack(
                    name,
                    written,
                    tuple(one for one in observed.read if one.path in paths),
                )
            )

    def _observed_in(self, name: str, progress: Progress) -> Observations | None:
        """What was seen of the last attempt, whether it broke off or ended."""
        if progress.broke:
            return progress.broke.observed
        trace = self._traces.get(name)
        return trace.observed if trace else None

    def _written_above(self, name: str) -> set[str]:
        """The paths that stages above this one wrote."""
        above = [*self._stages][: self._place[name]]
        return {
            path
            for other in above
            if other in self._traces
            for path in self._traces[other].written
        }

    def _requeue(self, name: str, reason: str) -> None:
        progress = self._progress[name]
        self._take_back(name, progress)
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
        self._log(
            ev.StageQueued(
                stage=name, reason=reason, after=tuple(self._neighbours.before[name])
            )
        )
        if self._broken_by:
            self._skip(name, f"{reason}, and {self._broken_by} failed")
