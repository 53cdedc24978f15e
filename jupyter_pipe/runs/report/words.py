"""What is said of a run and its stages, in one line each: state first, then why, then
how long.

Shared by the terminal, the report, JUnit and notebooks. Pure.
"""

from __future__ import annotations

from jupyter_pipe.events import DEMANDS, Frame, GateEvaluated, RunState, StageState
from jupyter_pipe.render.marks import Mark, mark_of
from jupyter_pipe.render.words import count, seconds_text
from jupyter_pipe.runs.model import Failure, Run, StageRun

__all__ = [
    "UNHAPPY",
    "ending_word",
    "failure_place",
    "failure_text",
    "frame_place",
    "gate_text",
    "omitted_text",
    "run_headline",
    "serial_seconds",
    "speed_up",
    "stage_mark",
    "stage_note",
    "stage_state",
    "visible_frames",
]

# From Python 3.12 on only generators have frames of their own.
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def stage_state(stage: StageRun) -> str:
    """The key of the stage's mark."""
    return stage_mark(stage).state


def stage_mark(stage: StageRun) -> Mark:
    """The mark of the stage's state; a failed gate has its own."""
    return mark_of(stage.state.value, stage.failure.kind if stage.failure else None)


UNHAPPY = ("failed", "waiting for you", "skipped", "cancelled", "interrupted")
"""Endings that are counted where a run is summed up, in this order."""


def ending_word(stage: StageRun) -> str:
    """The state, but for a stage that waits for a person: it did not fail."""
    mark = stage_mark(stage)
    return mark.word if mark.state == "waiting" else stage.state.value


def stage_note(stage: StageRun) -> str:
    """What stands beside the state: progress, reason, or the place of the failure."""
    if stage.failure is not None and stage.state is StageState.failed:
        is_demand = stage.failure.kind in DEMANDS
        text = failure_text(stage.failure).partition("\n")[0]
        return text if is_demand else failure_place(stage.failure)
    if stage.state is StageState.running:
        return (
            f"cell {min(stage.cells_done + 1, stage.cells_total)}/{stage.cells_total}"
            if stage.cells_total
            else ""
        )
    if stage.state is StageState.queued:
        return f"after {_some(stage.after)}" if stage.after else stage.reason
    if stage.state is StageState.cached and stage.saved_seconds:
        return f"{stage.reason}, saves {seconds_text(stage.saved_seconds)}"
    if stage.state is StageState.succeeded:
        # That a stage had never run is news before it does, not after.
        reason = "" if stage.reason == "never ran" else stage.reason
        return ", ".join(filter(None, [reason, *stage.contacts]))
    return stage.reason


def visible_frames(failure: Failure) -> list[Frame]:
    """The frames without those of comprehensions, which repeat the line that they stand
    in."""
    return [
        frame
        for frame in failure.frames
        if frame.omitted or frame.function not in _COMPREHENSIONS
    ]


def failure_place(failure: Failure) -> str:
    """`cell 2 of 3, line 4`, as far as known; the kind where the failure has no
    place."""
    parts = []
    if failure.position is not None:
        parts.append(
            f"cell {failure.position}"
            + (f" of {failure.total}" if failure.total else "")
        )
    if failure.line is not None:
        parts.append(f"line {failure.line}")
    return ", ".join(parts) or failure.kind.value.replace("_", " ")


def failure_text(failure: Failure) -> str:
    """The error itself, in the user's words: `KeyError: 'price'`."""
    if failure.ename and failure.evalue and failure.kind not in DEMANDS:
        return f"{failure.ename}: {failure.evalue}"
    return failure.evalue or failure.ename


def frame_place(frame: Frame) -> str:
    """`cell 2, line 4, in fit` or `helpers.py, line 10, in clean`."""
    place = (
        f"cell {frame.position}" if frame.position is not None else frame.path or "cell"
    )
    function = "" if frame.function == "<module>" else f", in {frame.function}"
    return f"{place}, line {frame.line}{function}"


def omitted_text(frame: Frame) -> str:
    """`… 58 more` below a frame after which others are left out, else nothing."""
    return f"… {frame.omitted:,} more" if frame.omitted else ""


def gate_text(gate: GateEvaluated) -> str:
    """`best_mae < 25000 (best_mae = 27310)`."""
    values = ", ".join(
        f"{name} = {_observed(value)}" for name, value in gate.values.items()
    )
    seen = gate.error or values
    return f"{gate.expression} ({seen})" if seen else gate.expression


def _observed(value: str) -> str:
    """A value's repr; of a float as many digits as people read."""
    try:
        # `27310.123456789` is read as 27310.1; what is no number stays.
        return value if len(value) < 8 else f"{float(value):.6g}"
    except ValueError:
        return value


def run_headline(run: Run) -> str:
    """`succeeded in 54 s`, `failed in boosting after 12 s`, `running`."""
    if not run.is_final:
        return run.state.value
    failed = [stage.name for stage in run.stages if stage.state is StageState.failed]
    took = seconds_text(run.seconds)
    if run.state is RunState.failed and failed:
        return f"failed in {_some(failed)} after {took}"
    if run.state is RunState.waiting:
        return f"waits for you at {_some(failed)} after {took}"
    if run.state is RunState.interrupted:
        return "interrupted: the runner died"
    return f"{run.state.value} {'in' if run.state is RunState.succeeded else 'after'} {took}"


def serial_seconds(run: Run) -> float:
    """What the stages that ran took, one after another."""
    return sum(
        stage.seconds for stage in run.stages if stage.state is not StageState.cached
    )


def speed_up(run: Run) -> float | None:
    """How much faster than one after another; None where that says nothing."""
    # Of so short a run the ratio is chance.
    if run.seconds < 0.1 or not run.is_final:
        return None
    ratio = serial_seconds(run) / run.seconds
    return ratio if ratio >= 1.05 else None


def _some(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names) if len(names) <= 2 else count(len(names), "stage")
