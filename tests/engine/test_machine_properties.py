"""Random pipelines and courses of events: what must hold for each of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe import events as ev
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.model import Pipeline
from jupyter_pipe.runs.model import Failure
from tests.engine.machines import Shell, pipeline, result, stage

FINAL = {"succeeded", "cached", "failed", "skipped", "cancelled"}


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Each stage binds a name of its own and reads some of the earlier ones."""
    size = draw(st.integers(1, 7))
    stages = []
    for number in range(size):
        earlier = [f"v{before}" for before in range(number)]
        reads = draw(st.sets(st.sampled_from(earlier), max_size=3)) if earlier else set()
        stages.append(
            stage(
                f"s{number}",
                reads=" ".join(sorted(reads)),
                binds=f"v{number}",
                retries=draw(st.integers(0, 1)),
                cpus=draw(st.sampled_from([1.0, 2.0])),
            )
        )
    return pipeline(*stages)


def act(shell: Shell, data: st.DataObject) -> None:
    """Let something happen that can happen now."""
    name = data.draw(st.sampled_from(sorted(shell.running)))
    if name in shell.stopping:
        shell.stopped(name)
        return
    match data.draw(st.sampled_from(["end", "end", "end", "break", "gate", "change"])):
        case "end":
            shell.end(name)
        case "break":
            shell.breaks(name, Failure("ValueError", "no"))
        case "gate":
            shell.end(name, result(*shell.machine.pipeline.stage(name).outputs, gate=False))
        case "change":
            of = shell.machine.pipeline.stage(name)
            changed = [(value.from_, value.name) for value in of.inputs]
            shell.end(name, result(*of.outputs, *(given for _, given in changed), changed=changed))


def wake(shell: Shell, seen: int) -> int:
    """Everything that rests wakes up."""
    for instruction in shell.instructions[seen:]:
        if isinstance(instruction, ms.WakeLater) and shell.finish is None:
            shell.tell(ms.RetryDue(instruction.stage, instruction.attempt))
    return len(shell.instructions)


@settings(max_examples=250, deadline=None)
@given(pipelines(), st.booleans(), st.integers(1, 3), st.booleans(), st.data())
def test_every_course_ends_and_keeps_the_order(
    of: Pipeline, keep_going: bool, workers: int, strict: bool, data: st.DataObject
) -> None:
    shell = Shell(of, workers=workers, keep_going=keep_going, strict=strict)
    cancel_at = data.draw(st.integers(0, 12))
    seen = 0
    for moment in range(300):
        seen = wake(shell, seen)
        if shell.finish is not None:
            break
        assert len(shell.running) <= workers
        assert shell.running, "nothing runs and the run is not over"
        if moment == cancel_at:
            shell.tell(ms.Cancel("user"))
        else:
            act(shell, data)
    assert shell.finish is not None
    states = shell.states()
    assert set(states) == {each.name for each in of.stages}
    assert set(states.values()) <= FINAL
    check_order(shell)
    check_exit(shell.finish, states, shell)


def check_order(shell: Shell) -> None:
    """No stage starts before its predecessors have succeeded, none after the cancel, and at the
    end none stands that used a value which is not the current one."""
    done: set[str] = set()
    cancelled = False
    for event in shell.events:
        match event:
            case ev.StageFinished(stage=name) | ev.StageCached(stage=name):
                done.add(name)
            case ev.StageQueued(stage=name):
                done.discard(name)
            case ev.RunCancelRequested():
                cancelled = True
            case ev.StageStarted(stage=name):
                assert not cancelled
                # Edges of the first graph only grow when an input changes.
                assert done >= set(event_predecessors(shell, name)) or shell.of(ev.InputChanged)
    final = shell.machine.pipeline
    good = shell.machine.results
    for name in good:
        assert set(final.upstream(name)) <= set(good)


def event_predecessors(shell: Shell, name: str) -> tuple[str, ...]:
    return shell.machine.pipeline.upstream(name)


def check_exit(finish: ms.Finish, states: dict[str, str], shell: Shell) -> None:
    kinds = {event.kind for event in shell.of(ev.StageFailed) if isinstance(event, ev.StageFailed)}
    if shell.of(ev.RunCancelRequested):
        assert finish.exit_code == 130
    elif kinds:
        assert finish.exit_code == (3 if kinds == {ev.FailureKind.gate} else 1)
    else:
        assert finish.exit_code == 0
        assert set(states.values()) <= {"succeeded", "cached"}
