"""Keeps the stages in the order of the notebook where only a run shows that they depend
on each other.

`observed_order` finds what is wrong; here it is put right: edges are learned, stages
run again, or fail.
"""

from __future__ import annotations

from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations, StageResult
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.observed_order import (
    OrderFinding,
    asked_in_vain,
    look_back,
    trace_of,
)
from jupyter_pipe.engine.scheduling.progress import GOOD, NOT_STARTED, Phase, Progress
from jupyter_pipe.engine.scheduling.rerunning import Rerunning
from jupyter_pipe.engine.scheduling.verdict import (
    order_reason,
    order_warning,
    overwritten_failure,
    undeclared_failure,
)
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Learned
from jupyter_pipe.runs.model import Failure

__all__ = ["OrderKeeping"]


class OrderKeeping(Rerunning):
    """Looks back at what stages touched, whenever one has ended."""

    def _broke(self, message: ms.StageBroke, progress: Progress) -> None:
        """An attempt failed, and nobody is left who could be why."""
        raise NotImplementedError

    def _out_of_order(self, name: str, result: StageResult) -> Failure | None:
        """Notes what the stage observed. Why it must not succeed: what it read is of
        another moment of the notebook, and cannot be brought back; or, with `strict`,
        what it touched should be declared."""
        progress = self._progress[name]
        newcomers = progress.newcomers if progress.reused else {}
        trace = trace_of(
            result,
            progress.launched,
            self._now,
            reused=progress.reused,
            newcomers=newcomers,
            notebook=self._notebook_of(name),
        )
        since = self._first_written.setdefault(name, {})
        for path in () if progress.reused else trace.written:
            since.setdefault(path, progress.launched)
        self._traces[name] = replace(trace, since=since)
        for finding in self._found_by(name):
            # `report` read `out.csv` after `train`, below it, had written it anew: what
            # the notebook would have read is gone.
            if finding.overwritten and finding.earlier == name:
                # Learned although the stage fails: the next run gets the order right.
                self._mend_graph(finding.later, Learned(follows={name: finding.names}))
                self._take_back_questions()
                return overwritten_failure(finding)
            if self._options.strict and not self._is_before(
                finding.earlier, finding.later
            ):
                return undeclared_failure(finding)
        return None

    def _notebook_of(self, name: str) -> str:
        notebook = self.pipeline.notebook_of(name)
        return notebook.name if notebook is not None else ""

    def _found_by(self, name: str) -> list[OrderFinding]:
        order = tuple(self._stages)
        return look_back(name, self._traces, order, self._is_before, self._began_ns)

    def _is_before(self, earlier: str, later: str) -> bool:
        return earlier in self._neighbours.ancestors(later)

    def _follow_observations(self, name: str) -> None:
        """Add the edges that the stage's end has shown, and run again what was in the
        wrong order."""
        for finding in self._found_by(name) if name in self._traces else ():
            earlier, later = finding.earlier, finding.later
            if not self._is_before(earlier, later):
                self._log(order_warning(finding))
                self._mend_graph(later, Learned(follows={earlier: finding.names}))
                self._take_back_questions()
            if finding.overwritten:
                self._fail_late(earlier, overwritten_failure(finding))
            for place, stage in enumerate(finding.again):
                # Only the first makes the files again; the others are there to read
                # them.
                self._progress[stage].remade = finding.remade and place == 0
                self._run_again_with_descendants(stage, order_reason(finding, stage))

    def _remake_first(self, message: ms.StageChecked) -> None:
        """Files of earlier stages are not as they left them, and the stage is about to
        use them."""
        for maker in message.remake:
            if not self._is_before(maker, message.stage):
                self._mend_graph(message.stage, Learned(follows={maker: ()}))
            self._progress[maker].remade = True
            self._run_again_with_descendants(
                maker, f"its files are needed by {message.stage}"
            )
        self._take_back_questions()

    def _take_back_questions(self) -> None:
        for name in (*self._in[Phase.checking], *self._in[Phase.ready]):
            self._move(name, Phase.waiting)

    def _run_again_with_descendants(self, name: str, reason: str) -> None:
        for stage in sorted(
            {name, *self._neighbours.descendants({name})}, key=self._rank
        ):
            self._run_again(stage, self._progress[stage], reason)

    def _fail_late(self, name: str, failure: Failure) -> None:
        """A stage that had succeeded turns out to have failed, and what built on it
        with it."""
        if self._progress[name].state in GOOD:
            for later in self._neighbours.descendants({name}):
                self._run_again(later, self._progress[later], f"{name} failed")
            self._fail(name, failure, 0.0)

    # Stages that broke, and may have looked for what was not there yet

    def _is_in_doubt(self, message: ms.StageBroke) -> bool:
        """Whether a stage that still runs, or will, may be why."""
        # A kernel that died or a deadline that passed says nothing about a missing
        # file.
        if message.failure.kind is not FailureKind.error or self._cancelled:
            return False
        if not asked_in_vain(message.observed, message.failure.ename):
            return False
        return bool(self._undecided_above(message.stage)) or bool(self._missed(message))

    def _undecided_above(self, name: str) -> list[str]:
        """Stages further up, not among the predecessors, that have not ended and still
        may."""
        known = self._neighbours.ancestors(name) | self._neighbours.descendants({name})
        above = list(self._stages)[: self._place[name]]
        ended = {Phase.ended, Phase.doubted} | (
            set(NOT_STARTED) if self._broken_by else set()
        )
        return [
            other
            for other in above
            if other not in known and self._progress[other].phase not in ended
        ]

    def _missed(self, message: ms.StageBroke) -> list[OrderFinding]:
        """What stages further up have written since, of what the stage looked for."""
        name = message.stage
        progress = self._progress[name]
        seen = StageResult(observed=message.observed)
        trace = trace_of(
            seen, progress.launched, self._now, notebook=self._notebook_of(name)
        )
        order = tuple(self._stages)
        traces = {**self._traces, name: trace}
        found = look_back(name, traces, order, self._is_before, self._began_ns)
        return [
            one
            for one in found
            if one.later == name and name in one.again and not one.overwritten
        ]

    def _settle_doubts(self) -> bool:
        """Let stages whose failure was in doubt run again, or fail. Whether there were
        any."""
        doubted = len(self._in[Phase.doubted])
        for name in sorted(self._in[Phase.doubted], key=self._rank):
            progress = self._progress[name]
            message = progress.broke
            assert message is not None
            missed = self._missed(message)
            # Once another stage has failed for good, nothing new is started.
            if missed and not self._broken_by:
                self._retry_after(name, missed)
            elif not self._undecided_above(name):
                progress.broke = None
                self._move(name, Phase.running)
                self._broke(replace(message, observed=Observations()), progress)
        return len(self._in[Phase.doubted]) < doubted

    def _retry_after(self, name: str, missed: list[OrderFinding]) -> None:
        """The stage broke since it came too early: let it come later, or say so if that
        is an error."""
        if self._options.strict:
            self._progress[name].broke = None
            self._fail(name, undeclared_failure(missed[0]), 0.0)
            return
        for finding in missed:
            self._log(order_warning(finding))
            self._mend_graph(name, Learned(follows={finding.earlier: finding.names}))
        self._take_back_questions()
        self._requeue(name, order_reason(missed[0], name))
