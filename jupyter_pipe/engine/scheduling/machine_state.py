"""Where every stage of a run stands, and the moves from one place to the next. No
decisions.

`Machine` is built on it, room by room: `rerunning` (what must run again),
`order_keeping` (what stages were seen to touch), `machine` (what is told from outside).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.observed_order import Trace
from jupyter_pipe.engine.scheduling.priorities import Capacity, Neighbours, priorities
from jupyter_pipe.engine.scheduling.progress import UNDER_WAY, Phase, Progress
from jupyter_pipe.engine.scheduling.results import contract_events, result_events
from jupyter_pipe.model import Learned, Pipeline, Stage

__all__ = ["Ask", "ImpossibleTransition", "Judge", "MachineState", "Options", "Rewire"]

Rewire = Callable[[Pipeline, Mapping[str, Learned]], Pipeline]
Judge = Callable[[Stage, StageResult], tuple[ev.ContractJudged, ...]]
Ask = Callable[[Stage, StageResult], ev.ApprovalChecked | None]


class ImpossibleTransition(Exception):  # noqa: N818 - a defect of ours, named by what it is
    """The shell told the machine something that cannot be. `story` is all it was told
    before."""

    def __init__(
        self, message: ms.Message, reason: str, story: Iterable[ms.Message]
    ) -> None:
        self.story = tuple(story)
        told = "\n".join(f"  {entry!r:.200}" for entry in self.story)
        super().__init__(f"{reason}: {message!r:.200}\nafter\n{told}")


def _ask_nobody(stage: Stage, result: StageResult) -> ev.ApprovalChecked | None:
    """For runs in which nobody is asked."""
    return None


def _judge_nothing(stage: Stage, result: StageResult) -> tuple[ev.ContractJudged, ...]:
    """For runs without contracts."""
    return ()


class Options(Struct, frozen=True):
    """How to run. `seconds` is how long stages took before, where known. `judge` holds
    a stage's result against the contracts of its values, `ask` says what a person said
    of it."""

    capacity: Capacity = Capacity()
    keep_going: bool = False
    strict: bool = False
    seconds: dict[str, float] = {}
    judge: Judge = _judge_nothing
    ask: Ask = _ask_nobody


class MachineState:
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
        self._first_written: dict[str, dict[str, int]] = {}
        self._began_ns = 0
        self._broken_by = ""
        self._contained: set[str] = set()
        self._cancelled = False
        self._finished = False
        self._story: list[ms.Message] = []
        self._out: list[ms.Instruction] = []
        self._results: dict[str, StageResult] = {}

    @property
    def results(self) -> Mapping[str, StageResult]:
        """What the stages that have ended well left behind."""
        return self._results

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

    @property
    def _now(self) -> int:
        """The moment of the message that is being handled. What it leads to, such as
        the launch of a stage, comes after it and before the next one."""
        return 2 * len(self._story) + 1

    @property
    def _after_this(self) -> int:
        return 2 * len(self._story)

    def _rank(self, name: str) -> tuple[float, int]:
        """The longest way to the end first, then notebook order."""
        return -self._priority[name], self._place[name]

    def _running(
        self, message: ms.StageEnded | ms.StageBroke | ms.StageStopped
    ) -> Progress:
        progress = self._of(message.stage, message)
        if progress.phase not in UNDER_WAY or progress.attempt != message.attempt:
            raise self._impossible(
                message,
                f"attempt {progress.attempt} of the stage is {progress.phase.value}",
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

    def _log_result(
        self, name: str, result: StageResult, judged: Iterable[ev.ContractJudged] = ()
    ) -> None:
        for event in (*result_events(name, result), *contract_events(judged)):
            self._log(event)
