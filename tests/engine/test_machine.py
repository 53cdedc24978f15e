from __future__ import annotations

import msgspec
import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.engine.request import _gpus
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine import ImpossibleTransition
from jupyter_pipe.engine.scheduling.priorities import Capacity, fits
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Learned, StageOptions
from jupyter_pipe.runs.model import Failure
from tests.engine.machines import ERROR, Shell, diamond, pipeline, result, stage


def test_stages_start_when_their_inputs_are_there() -> None:
    shell = Shell(diamond())
    assert list(shell.running) == ["load"]
    shell.end("load")
    assert set(shell.running) == {"left", "right"}
    shell.end("right")
    assert set(shell.running) == {"left"}
    shell.end("left")
    shell.end("join")
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_no_more_stages_than_workers_and_the_longest_way_first() -> None:
    shell = Shell(
        diamond(), workers=1, seconds={"left": 1, "right": 50, "load": 1, "join": 1}
    )
    shell.end("load")
    assert list(shell.running) == ["right"]
    shell.end("right")
    assert list(shell.running) == ["left"]


def test_a_stage_that_wants_more_cpus_than_there_are_runs_alone() -> None:
    wide = pipeline(stage("a", cpus=8.0), stage("b"), stage("c"))
    shell = Shell(wide, workers=3)
    assert set(shell.running) == {"a", "b", "c"}
    options = [each.options for each in wide.stages]
    assert fits(Capacity(workers=3, cpus=2.0), [], options[0])
    assert not fits(Capacity(workers=3, cpus=2.0), [options[0]], options[1])
    assert fits(Capacity(workers=3, cpus=2.0), [options[1]], options[2])


@pytest.mark.parametrize(
    ("running", "wanted", "does_fit"),
    [
        ({"gpus": 1}, {"gpus": 1}, True),
        ({"gpus": 2}, {"gpus": 1}, False),
        ({"gpus": 2}, {}, True),
        ({}, {"gpus": 5}, True),
        ({"gpus": 1}, {"gpus": 5}, False),
        ({"memory_bytes": 60}, {"memory_bytes": 40}, True),
        ({"memory_bytes": 60}, {"memory_bytes": 41}, False),
        ({"memory_bytes": 1000}, {}, True),
        ({"cpus": 3.0}, {"cpus": 1.0}, True),
        ({"cpus": 3.0}, {"cpus": 1.5}, False),
    ],
)
def test_what_fits_beside_what(
    running: dict[str, float], wanted: dict[str, float], does_fit: bool
) -> None:
    capacity = Capacity(workers=4, cpus=4.0, memory_bytes=100, gpus=2)
    options = (
        msgspec.convert(running, StageOptions),
        msgspec.convert(wanted, StageOptions),
    )
    assert fits(capacity, options[:1], options[1]) == does_fit


@pytest.mark.parametrize(
    ("visible", "count"), [("0,1", 2), ("", 0), ("-1", 0), ("GPU-aaaa", 1)]
)
def test_graphics_processors_are_those_that_kernels_see(
    visible: str, count: int
) -> None:
    assert _gpus({"CUDA_VISIBLE_DEVICES": visible}) == count


def test_what_can_be_reused_does_not_run() -> None:
    shell = Shell(diamond(), reuse=["load", "left", "right", "join"])
    assert shell.running == {}
    assert shell.states() == dict.fromkeys(("load", "left", "right", "join"), "cached")
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_a_failure_starts_nothing_new_and_lets_the_rest_end() -> None:
    shell = Shell(diamond())
    shell.end("load")
    shell.breaks("left")
    assert shell.finish is None
    shell.end("right")
    assert shell.states() == {
        "load": "succeeded",
        "left": "failed",
        "right": "succeeded",
        "join": "skipped",
    }
    assert shell.of(ev.StageSkipped) == [
        ev.StageSkipped(stage="join", reason="left failed")
    ]
    assert shell.finish == ms.Finish(ev.RunState.failed, 1)


def test_keep_going_runs_what_does_not_depend_on_the_failure() -> None:
    independent = pipeline(
        stage("bad", binds="x"), stage("user", reads="x"), stage("other")
    )
    fast = Shell(independent, workers=1)
    fast.breaks("bad")
    assert fast.states()["other"] == "skipped"
    keen = Shell(independent, workers=1, keep_going=True)
    keen.breaks("bad")
    assert list(keen.running) == ["other"]
    keen.end("other")
    assert keen.states() == {"bad": "failed", "user": "skipped", "other": "succeeded"}
    assert keen.finish == ms.Finish(ev.RunState.failed, 1)


def test_a_failed_gate_is_exit_3_and_an_error_beside_it_1() -> None:
    shell = Shell(pipeline(stage("a")))
    shell.end("a", result(gate=False))
    assert shell.finish == ms.Finish(ev.RunState.failed, 3)
    failed = shell.of(ev.StageFailed)[0]
    assert isinstance(failed, ev.StageFailed)
    assert (failed.kind, failed.evalue) == (
        FailureKind.gate,
        "score > 1 is false (score = 0)",
    )

    both = Shell(pipeline(stage("a"), stage("b")))
    both.end("a", result(gate=False))
    both.breaks("b")
    assert both.finish == ms.Finish(ev.RunState.failed, 1)


def test_retries_rest_longer_each_time_and_then_fail() -> None:
    shell = Shell(pipeline(stage("a", retries=2)))
    rests = []
    for attempt in (1, 2):
        assert shell.running["a"] == attempt
        shell.breaks("a")
        wake = shell.instructions[-1]
        assert isinstance(wake, ms.WakeLater)
        rests.append(wake.seconds)
        shell.tell(ms.RetryDue("a", wake.attempt))
    shell.breaks("a")
    assert rests == [1.0, 2.0]
    assert shell.states() == {"a": "failed"}


def test_what_would_end_the_same_way_is_not_tried_again() -> None:
    shell = Shell(pipeline(stage("a", retries=5)))
    shell.breaks("a", Failure("GateFailed", "x", kind=FailureKind.gate))
    assert shell.finish == ms.Finish(ev.RunState.failed, 3)


def test_a_failure_elsewhere_ends_a_resting_stage_with_its_own_failure() -> None:
    shell = Shell(pipeline(stage("a", retries=1), stage("b")))
    shell.breaks("a")
    shell.breaks("b", Failure("KeyError", "k"))
    names = {event.stage: event.ename for event in shell.of(ev.StageFailed)}  # type: ignore[attr-defined]
    assert names == {"a": "ValueError", "b": "KeyError"}
    assert shell.finish is not None


def test_cancel_stops_what_runs_and_the_second_time_at_once() -> None:
    shell = Shell(diamond())
    shell.end("load")
    shell.tell(ms.Cancel("user"))
    assert sorted(shell.stopping) == ["left", "right"]
    again = shell.tell(ms.Cancel("user"))
    assert again == [ms.Stop("left", hard=True), ms.Stop("right", hard=True)]
    shell.stopping = ["left", "right"]
    shell.stopped("left")
    shell.end("right")
    assert shell.states() == {
        "load": "succeeded",
        "left": "cancelled",
        "right": "succeeded",
        "join": "skipped",  # it had not begun
    }
    assert shell.finish == ms.Finish(ev.RunState.cancelled, 130)


def test_cancelled_before_failed_before_gate() -> None:
    shell = Shell(pipeline(stage("a"), stage("b")))
    shell.breaks("a")
    shell.tell(ms.Cancel("user"))
    shell.stopped("b")
    assert shell.finish == ms.Finish(ev.RunState.cancelled, 130)


def aliased() -> Shell:
    """`push` changes `a` through an alias, which the analyzer did not see."""
    return Shell(
        pipeline(
            stage("make", binds="a"),
            stage("push", reads="a", binds="p"),
            stage("use", reads="a", binds="u"),
            stage("last", reads="u p"),
        ),
        workers=3,
    )


def test_an_input_that_changed_runs_its_later_readers_again() -> None:
    shell = aliased()
    shell.end("make")
    shell.end("use")
    shell.end("push", result("p", "a", changed=[("make", "a")]))
    assert list(shell.running) == ["use"]
    assert shell.running["use"] == 2
    assert shell.machine.pipeline.stage("use").inputs[0].from_ == "push"
    assert ms.Learn("push", Learned(("a",))) in shell.instructions
    shell.end("use")
    shell.end("last")
    assert set(shell.states().values()) == {"succeeded"}


def test_a_reader_that_runs_is_stopped_first() -> None:
    shell = aliased()
    shell.end("make")
    shell.end("push", result("p", "a", changed=[("make", "a")]))
    assert shell.stopping == ["use"]
    shell.stopped("use")
    assert shell.running == {"use": 2}


def test_strict_makes_it_a_failure_that_names_the_tag() -> None:
    shell = Shell(
        pipeline(
            stage("make", binds="a"), stage("push", reads="a"), stage("use", reads="a")
        ),
        strict=True,
    )
    shell.end("make")
    shell.end("push", result("a", changed=[("make", "a")]))
    failed = shell.of(ev.StageFailed)[0]
    assert isinstance(failed, ev.StageFailed)
    assert failed.kind == FailureKind.effect
    assert "mutates:a" in failed.hint


def test_a_stale_result_is_not_kept_when_nothing_may_start() -> None:
    shell = Shell(
        pipeline(
            stage("make", binds="a"),
            stage("push", reads="a"),
            stage("use", reads="a"),
            stage("bad", reads="a"),
        ),
        workers=3,
    )
    shell.end("make")
    shell.end("use")
    shell.breaks("bad")
    shell.end("push", result("a", changed=[("make", "a")]))
    assert shell.states()["use"] == "skipped"
    assert shell.finish == ms.Finish(ev.RunState.failed, 1)


def test_a_stage_that_was_stopped_to_run_again_is_skipped_if_its_predecessor_fails() -> (
    None
):
    """Found by the random courses: `last` waits for `middle`, which fails when it runs
    again."""
    shell = Shell(
        pipeline(
            stage("make", binds="a"),
            stage("push", reads="a"),
            stage("middle", reads="a", binds="m"),
            stage("last", reads="a m"),
        ),
        workers=3,
        keep_going=True,
    )
    shell.end("make")
    shell.end("middle")
    shell.end("push", result("a", changed=[("make", "a")]))
    assert shell.stopping == ["last"]
    shell.breaks("middle")
    shell.stopped("last")
    assert shell.states() == {
        "make": "succeeded",
        "push": "succeeded",
        "middle": "failed",
        "last": "skipped",
    }
    assert shell.finish == ms.Finish(ev.RunState.failed, 1)


def test_values_that_cannot_travel_fail_the_stage_only_if_read() -> None:
    from jupyter_pipe.artifacts.protocol import Untransportable

    stuck = Untransportable("x", "generator", "x", "a generator holds a running frame")
    shell = Shell(pipeline(stage("a", binds="x y"), stage("b", reads="x")))
    shell.end("a", msgspec.structs.replace(result(), untransportable=(stuck,)))
    failed = shell.of(ev.StageFailed)[0]
    assert isinstance(failed, ev.StageFailed)
    assert failed.kind == FailureKind.cannot_travel

    unread = Shell(pipeline(stage("a", binds="x"), stage("b")))
    unread.end("a", msgspec.structs.replace(result(), untransportable=(stuck,)))
    assert unread.of(ev.StageFailed) == []


@pytest.mark.parametrize(
    "message",
    [
        ms.StageEnded("join", 1, result(), 1.0),
        ms.StageBroke("load", 7, ERROR, 1.0),
        ms.StageStopped("load", 1, 1.0),
        ms.RetryDue("nobody", 1),
        ms.Begin(),
    ],
)
def test_what_cannot_be_raises_with_the_story(message: ms.Message) -> None:
    shell = Shell(diamond())
    with pytest.raises(ImpossibleTransition, match="Begin") as caught:
        shell.machine.handle(message)
    assert len(caught.value.story) == 2


def test_nothing_is_taken_after_the_end() -> None:
    shell = Shell(pipeline(stage("a")))
    shell.end("a")
    with pytest.raises(ImpossibleTransition, match="the run is over"):
        shell.tell(ms.Cancel("user"))


def test_a_stage_is_not_to_blame_for_a_lost_worker() -> None:
    lost = Failure("WorkerLost", "gone", kind=FailureKind.worker_lost)
    shell = Shell(pipeline(stage("a")))
    for attempt in (1, 2, 3):
        shell.breaks("a", lost)
        assert shell.states() == {"a": "queued"} or shell.states() == {"a": "running"}
        shell.tell(ms.RetryDue("a", attempt))
    assert list(shell.running.values()) == [4]
    shell.breaks("a", lost)
    assert shell.finish == ms.Finish(ev.RunState.failed, 1)


def test_a_change_between_two_cells_of_another_stage_fails_the_run() -> None:
    """`above` has cells above and below `between`: they have run, whatever `between`
    changed."""
    between = msgspec.structs.replace(stage("between", reads="x"), frozen=("x",))
    shell = Shell(pipeline(stage("above", binds="x"), between))
    shell.end("above")
    shell.end("between", result(changed=[("above", "x")]))
    assert shell.finish == ms.Finish(ev.RunState.failed, 1)
    (failed,) = [event for event in shell.events if isinstance(event, ev.StageFailed)]
    assert "'x'" in failed.evalue
    assert (
        failed.hint == "Give the cells below stage 'between' a stage name of their own."
    )
