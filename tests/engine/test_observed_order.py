"""Stages that meet in a file, a folder or a variable without an edge: what runs again,
what fails."""

from __future__ import annotations

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.protocol import (
    AmbientValue,
    ArtifactRef,
    Observations,
    ObservedPath,
    ObservedVariable,
    StageResult,
)
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.observed_order import OrderFinding
from jupyter_pipe.engine.scheduling.verdict import order_warning, undeclared_failure
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Learned
from jupyter_pipe.runs.model import Failure
from tests.engine.machines import Shell, pipeline, stage

BEGAN_NS = 1_000_000
OLD, NEW = BEGAN_NS - 1, BEGAN_NS + 1
NOT_FOUND = Failure("FileNotFoundError", "one.txt")


def read(path: str, digest: str, mtime_ns: int = NEW) -> ObservedPath:
    return ObservedPath(path, digest=digest, mtime_ns=mtime_ns)


def missing(path: str) -> ObservedPath:
    return ObservedPath(path, "presence", "missing")


def listed(folder: str, *names: str, pattern: str = "") -> ObservedPath:
    return ObservedPath(
        folder, "listing", "-".join(names), names=names, pattern=pattern
    )


def seen(
    *read: ObservedPath, wrote: tuple[ObservedPath, ...] = (), asked: str = ""
) -> StageResult:
    variables = tuple(ObservedVariable(name) for name in asked.split())
    return StageResult(
        observed=Observations(read=read, written=wrote, variables=variables)
    )


def two(*, workers: int = 2, strict: bool = False, keep_going: bool = False) -> Shell:
    """`above` and `below`, with nothing between them that the code shows."""
    stages = pipeline(stage("above"), stage("below"))
    return Shell(
        stages, workers=workers, strict=strict, keep_going=keep_going, began_ns=BEGAN_NS
    )


ONE = (read("one.txt", "new"),)


@pytest.mark.parametrize(
    ("finding", "hint"),
    [
        (
            OrderFinding("above", "below", ("file:b.txt", "file:a.txt")),
            "tag above with writes:a.txt,b.txt and below with reads:a.txt,b.txt, "
            "or tag below with after:above",
        ),
        (
            OrderFinding("above", "below", ("file:a.txt",), tags=("reads", "writes")),
            "tag above with reads:a.txt and below with writes:a.txt, or tag below with after:above",
        ),
        (
            OrderFinding("above", "below", ("file:a b.txt",)),
            "tag below with after:above",
        ),
        (
            OrderFinding("above", "below", ("file:a.txt", "@os.environ.MODE")),
            "tag below with after:above",
        ),
    ],
    ids=["written first", "read first", "no tag can name it", "a variable"],
)
def test_the_hint_names_the_tags_that_would_say_it(
    finding: OrderFinding, hint: str
) -> None:
    assert order_warning(finding).message.endswith(f"To declare it, {hint}.")
    assert undeclared_failure(finding).hint == f"To declare it, {hint}."


@pytest.mark.parametrize(
    "early",
    [
        pytest.param(read("one.txt", "old", OLD), id="what was there before"),
        pytest.param(missing("one.txt"), id="nothing was there"),
        pytest.param(read("one.txt", "half"), id="half of it"),
        pytest.param(listed("."), id="the folder without it"),
        pytest.param(listed(".", pattern="*.txt"), id="a search without it"),
    ],
)
def test_what_read_too_early_runs_again_after_the_writer(early: ObservedPath) -> None:
    shell = two()
    shell.end("below", seen(early))
    shell.end("above", seen(wrote=ONE))
    assert list(shell.running) == ["below"]
    assert (
        ms.Learn("below", Learned(follows={"above": ("file:one.txt",)}))
        in shell.instructions
    )
    assert [edge.names for edge in shell.machine.pipeline.edges] == [("file:one.txt",)]
    shell.end("below", seen(read("one.txt", "new")))
    assert shell.states() == {"above": "succeeded", "below": "succeeded"}
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


@pytest.mark.parametrize(
    "late",
    [
        read("one.txt", "new"),
        listed(".", "one.txt"),
        ObservedPath("one.txt", "presence", "file"),
    ],
)
def test_what_read_in_time_does_not(late: ObservedPath) -> None:
    shell = two()
    shell.end("above", seen(wrote=ONE))
    shell.end("below", seen(late))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)
    assert shell.machine.pipeline.upstream("below") == ("above",)


@pytest.mark.parametrize(
    "other",
    [
        read("two.txt", "x"),
        listed("inputs", "a.csv"),
        listed(".", "a.csv", pattern="*.csv"),
    ],
)
def test_those_that_do_not_meet_stay_parallel(other: ObservedPath) -> None:
    shell = two()
    shell.end("below", seen(other))
    shell.end("above", seen(wrote=ONE))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)
    assert shell.machine.pipeline.edges == ()


def test_readers_of_one_file_stay_parallel() -> None:
    shell = two()
    shell.end("below", seen(read("a.csv", "x")))
    shell.end("above", seen(read("a.csv", "x")))
    assert shell.machine.pipeline.edges == ()
    assert not shell.of(ev.WarningRaised)


@pytest.mark.parametrize("made_above", [False, True])
def test_what_it_left_in_files_is_taken_back_unless_a_stage_above_makes_them(
    made_above: bool,
) -> None:
    shell = two()
    log, found = read("log.txt", "twice"), read("log.txt", "once")
    shell.end("below", seen(missing("one.txt"), found, wrote=(log, read("guess", "x"))))
    shell.end(
        "above", seen(wrote=(*ONE, read("log.txt", "once")) if made_above else ONE)
    )
    written = (read("guess", "x"),) if made_above else (log, read("guess", "x"))
    taken = [one for one in shell.instructions if isinstance(one, ms.TakeBack)]
    assert taken == [ms.TakeBack("below", written, () if made_above else (found,))]
    assert list(shell.running) == ["below"]


def test_what_a_program_probably_wrote_and_what_was_reused_is_left_alone() -> None:
    shell = two()
    shell.end(
        "below",
        seen(
            missing("one.txt"),
            wrote=(ObservedPath("log.txt", digest="x", guessed=True),),
        ),
    )
    shell.end("above", seen(wrote=ONE))
    assert not any(isinstance(one, ms.TakeBack) for one in shell.instructions)
    assert list(shell.running) == ["below"]


def test_a_stage_that_failed_for_want_of_a_file_runs_again_when_it_is_there() -> None:
    shell = two()
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    assert not shell.of(ev.StageFailed)
    shell.end("above", seen(wrote=ONE))
    assert list(shell.running) == ["below"]
    shell.end("below", seen(read("one.txt", "new")))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_so_does_one_that_failed_just_after() -> None:
    shell = two()
    shell.end("above", seen(wrote=ONE))
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    assert list(shell.running) == ["below"]


def test_a_failure_that_nobody_above_explains_is_one() -> None:
    shell = two()
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    shell.end("above", seen(wrote=(read("two.txt", "x"),)))
    assert shell.states() == {"above": "succeeded", "below": "failed"}
    shell = two()
    shell.breaks("above", NOT_FOUND, seen(missing("one.txt")).observed)
    assert shell.of(ev.StageFailed)


def test_two_that_are_in_doubt_do_not_wait_for_each_other() -> None:
    shell = two(keep_going=True)
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    shell.breaks("above", NOT_FOUND, seen(missing("one.txt")).observed)
    assert shell.states() == {"above": "failed", "below": "failed"}


def test_a_failure_in_doubt_can_be_cancelled() -> None:
    shell = two()
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    shell.tell(ms.Cancel("user"))
    shell.stopped("above")
    assert shell.states() == {"above": "cancelled", "below": "cancelled"}


def test_a_failure_in_doubt_ends_when_another_stage_fails() -> None:
    shell = two()
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    shell.breaks("above")
    assert shell.states() == {"above": "failed", "below": "failed"}


@pytest.mark.parametrize("order", [("above", "below"), ("below", "above")])
@pytest.mark.parametrize(
    "found",
    [
        pytest.param(read("one.txt", "new"), id="what the later one wrote"),
        pytest.param(read("one.txt", "half"), id="half of it"),
        pytest.param(listed(".", "one.txt"), id="that it is there"),
        pytest.param(
            ObservedPath("one.txt", "presence", "file"), id="whether it is there"
        ),
    ],
)
def test_what_read_a_file_that_a_later_stage_had_written_has_failed(
    order: tuple[str, str], found: ObservedPath
) -> None:
    shell = two()
    results = {"above": seen(found), "below": seen(wrote=ONE)}
    for name in order:
        if name in shell.running:
            shell.end(name, results[name])
    assert shell.states()["above"] == "failed"
    (failed,) = shell.of(ev.StageFailed)
    assert isinstance(failed, ev.StageFailed)
    assert failed.kind is FailureKind.effect
    assert "one.txt" in failed.evalue
    assert "after:above" in failed.hint
    assert (
        ms.Learn("below", Learned(follows={"above": ("file:one.txt",)}))
        in shell.instructions
    )


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(read("one.txt", "old", OLD), id="older than the run"),
        pytest.param(missing("one.txt"), id="not there yet"),
        pytest.param(listed("."), id="a folder without it"),
    ],
)
def test_what_read_before_the_later_stage_wrote_is_right(found: ObservedPath) -> None:
    shell = two()
    shell.end("below", seen(wrote=ONE))
    shell.end("above", seen(found))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)
    assert shell.machine.pipeline.upstream("below") == ("above",)


def test_a_file_that_was_there_before_may_have_been_listed() -> None:
    shell = two()
    there = ObservedPath("one.txt", digest="new", existed=True)
    shell.end("below", seen(wrote=(there,)))
    shell.end("above", seen(listed(".", "one.txt")))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_what_a_later_stage_overwrote_is_made_again_by_its_first_writer() -> None:
    stages = pipeline(
        stage("make", binds="m"), stage("read", reads="m"), stage("spoil", reads="m")
    )
    shell = Shell(stages, workers=3, began_ns=BEGAN_NS)
    made, spoilt = read("one.txt", "made"), read("one.txt", "spoilt")
    shell.end("make", seen(wrote=(made,)))
    shell.end("spoil", seen(wrote=(spoilt,)))
    shell.end("read", seen(spoilt))
    assert list(shell.running) == ["make"]
    assert ms.Check("make", 2, remade=True) in shell.instructions
    shell.end("make", seen(wrote=(made,)))
    assert list(shell.running) == ["read"]
    shell.end("read", seen(made))
    assert list(shell.running) == ["spoil"]
    shell.end("spoil", seen(wrote=(spoilt,)))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)
    assert not shell.of(ev.StageFailed)


def test_a_file_that_was_not_made_in_this_run_is_made_again_for_who_needs_it() -> None:
    """`make` is reused, and a later stage of the run before has gone on from its
    file."""
    shell = two()
    shell.reusable = {"above"}
    shell.results["above"] = seen(wrote=(read("one.txt", "made"),))
    shell = Shell(
        shell.machine.pipeline,
        reuse=["above"],
        results=shell.results,
        began_ns=BEGAN_NS,
    )
    shell.end("below", seen(read("one.txt", "spoilt")))
    assert list(shell.running) == ["above"]
    shell.end("above", seen(wrote=(read("one.txt", "made"),)))
    shell.end("below", seen(read("one.txt", "made")))
    assert shell.states() == {"above": "succeeded", "below": "succeeded"}


def test_two_writers_of_one_file_write_in_the_order_of_the_notebook() -> None:
    shell = two()
    shell.end("below", seen(wrote=ONE))
    shell.end("above", seen(wrote=(read("one.txt", "first"),)))
    assert list(shell.running) == ["below"]
    shell.end("below", seen(wrote=ONE))
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_a_variable_that_a_stage_sets_reaches_those_below_that_ask_for_it() -> None:
    value = AmbientValue("os.environ.MODE", ArtifactRef("f", "d", 1), "above")
    shell = two()
    shell.end("below", seen(asked="MODE"))
    shell.end("above", StageResult(ambient=(value,)))
    assert list(shell.running) == ["below"]
    assert shell.machine.pipeline.edges[0].names == ("@os.environ.MODE",)
    shell.end("below", seen())
    assert shell.finish == ms.Finish(ev.RunState.succeeded, 0)


@pytest.mark.parametrize("first", ["above", "below"])
def test_with_strict_it_must_be_declared(first: str) -> None:
    shell = two(strict=True)
    results = {"above": seen(wrote=ONE), "below": seen(read("one.txt", "new"))}
    shell.end(first, results.pop(first))
    ((last, result),) = results.items()
    shell.end(last, result)
    (failed,) = shell.of(ev.StageFailed)
    assert isinstance(failed, ev.StageFailed)
    assert failed.kind is FailureKind.effect
    assert "tag below with after:above" in failed.hint
    assert not [each for each in shell.instructions if isinstance(each, ms.Learn)]


def test_with_strict_a_failure_that_came_too_early_says_so() -> None:
    shell = two(strict=True)
    shell.breaks("below", NOT_FOUND, seen(missing("one.txt")).observed)
    shell.end("above", seen(wrote=ONE))
    (failed,) = shell.of(ev.StageFailed)
    assert isinstance(failed, ev.StageFailed)
    assert failed.stage == "below"
    assert failed.kind is FailureKind.effect


def test_what_followed_from_an_early_read_runs_again_as_well() -> None:
    stages = pipeline(
        stage("above"), stage("below", binds="b"), stage("last", reads="b")
    )
    shell = Shell(stages, workers=2, began_ns=BEGAN_NS)
    shell.end(
        "below",
        StageResult(
            outputs=shell.result_of("below").outputs,
            observed=seen(missing("one.txt")).observed,
        ),
    )
    shell.end("last")
    shell.end("above", seen(wrote=ONE))
    assert list(shell.running) == ["below"]
    shell.end("below")
    assert list(shell.running) == ["last"]
