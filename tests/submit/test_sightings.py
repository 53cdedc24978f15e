"""What an engine says, as events of a run: values in, values out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from jupyter_pipe.events import (
    EngineSeen,
    Event,
    RunFinished,
    RunQueued,
    RunStarted,
    StageCancelled,
    StageFailed,
    StageFinished,
    StageQueued,
    StageSkipped,
    StageStarted,
)
from jupyter_pipe.runs.fold import fold
from jupyter_pipe.runs.model import Run
from jupyter_pipe.submit import Sighting, StageSeen, State
from jupyter_pipe.submit.engines.prefect import sighting_of as prefect_sighting
from jupyter_pipe.submit.engines.slurm import sighting_of as slurm_sighting
from jupyter_pipe.submit.sightings import news_of, unsaid

QUEUED: list[Event] = [
    RunQueued("r", "p", ("a", "b")),
    StageQueued("a"),
    StageQueued("b", after=("a",)),
]
RUNNING: list[Event] = [*QUEUED, RunStarted(1, 1), StageStarted("a")]


def sighting(whole: State, **stages: State) -> Sighting:
    return Sighting(
        whole, {name: StageSeen(state, "WORD (why)") for name, state in stages.items()}
    )


def news(
    events: Sequence[Event], seen: Sighting, *overdue: str
) -> tuple[list[Event], Run]:
    """What is added, and the run with that."""
    run = fold(events)
    found = news_of(run, seen, overdue, "SLURM", 7.0)
    return found, fold([*events, *found])


def test_a_stage_says_why_it_waits_once() -> None:
    seen = sighting("waiting", a="waiting")
    found, run = news(QUEUED, seen)
    assert found == [StageQueued("a", reason="SLURM: WORD (why)")]
    assert news_of(run, seen, (), "SLURM", 7.0) == []


def test_a_stage_whose_worker_only_prepares_it_says_so() -> None:
    found, run = news(QUEUED, sighting("running", a="running"))
    assert found == [StageQueued("a", reason="SLURM: WORD (why)")]
    assert run.stage("a").state.value == "queued"


def test_why_a_stage_waited_is_forgotten_when_it_begins() -> None:
    waits = [EngineSeen("SLURM"), StageQueued("a", reason="SLURM: PENDING (Resources)")]
    run = fold([*QUEUED, *waits, RunStarted(1, 1), StageStarted("a")])
    assert (run.stage("a").state.value, run.stage("a").reason) == ("running", "")


def test_a_stage_that_tells_of_itself_needs_no_word_of_the_engine() -> None:
    assert news(RUNNING, sighting("running", a="running", b="waiting"))[0] == [
        StageQueued("b", reason="SLURM: WORD (why)", after=("a",))
    ]
    done = [*RUNNING, StageFinished("a", 1.0)]
    assert news(done, sighting("running", a="succeeded"))[0] == []


@pytest.mark.parametrize("state", ["failed", "succeeded"])
def test_a_stage_that_ended_without_a_word_has_failed_after_some_time(
    state: State,
) -> None:
    seen = sighting("failed", a=state, b="cancelled")
    assert unsaid(fold(RUNNING), seen) == {"a"}
    assert news(RUNNING, seen)[0] == []
    (failed,), run = news(RUNNING, seen, "a")
    assert isinstance(failed, StageFailed)
    assert (failed.ename, failed.kind.value) == ("SLURM", "worker_lost")
    assert "WORD (why)" in failed.evalue
    assert run.stage("a").state.value == "failed"


def test_a_stage_that_was_killed_is_cancelled_and_so_is_the_run() -> None:
    seen = sighting("cancelled", a="cancelled", b="cancelled")
    found, run = news(RUNNING, seen, "a")
    assert found == [StageCancelled("a")]
    assert unsaid(run, seen) == frozenset()


def test_a_stage_that_the_engine_has_forgotten_ends_with_its_run() -> None:
    gone = Sighting("cancelled", note="the DAG run is not there any more")
    assert unsaid(fold(RUNNING), gone) == {"a"}
    assert news(RUNNING, gone)[0] == []
    found, run = news(RUNNING, gone, "a")
    assert found == [StageCancelled("a")]
    assert (run.stage("a").state.value, unsaid(run, gone)) == ("cancelled", frozenset())


def test_a_run_that_never_began_ends_with_the_engines_word() -> None:
    seen = sighting("cancelled", a="cancelled", b="cancelled")
    found, run = news(QUEUED, seen)
    assert [type(event) for event in found] == [StageSkipped, StageSkipped, RunFinished]
    assert (run.state.value, run.exit_code) == ("cancelled", 130)
    assert news(QUEUED, Sighting("waiting", note="late"))[0] == [
        StageQueued("a", reason="SLURM: late")
    ]
    found, run = news(QUEUED, Sighting("failed", note="Crashed: no such file"))
    assert (run.state.value, run.exit_code) == ("failed", 1)
    assert run.stage("a").reason == "SLURM: Crashed: no such file"


def test_a_run_whose_last_log_comes_with_the_engines_word_ends_as_its_stages_say() -> (
    None
):
    done = [
        *RUNNING,
        StageFinished("a", 1.0),
        StageStarted("b"),
        StageFinished("b", 1.0),
    ]
    for whole in ("succeeded", "failed"):
        assert news(done, sighting(whole, a="succeeded", b="succeeded"))[0] == []  # type: ignore[arg-type]
    failed = [*RUNNING, StageFailed("a", ename="E", evalue="")]
    assert news(failed, sighting("failed", a="failed", b="cancelled"))[0] == []


def test_a_run_that_is_over_stays_so() -> None:
    over = [*RUNNING, StageFinished("a", 1.0), StageFinished("b", 1.0)]
    finished = [*over, *news_of(fold(over), sighting("succeeded"), (), "SLURM", 7.0)]
    assert news_of(fold(finished), sighting("succeeded"), (), "SLURM", 9.0) == []


@pytest.mark.parametrize(
    ("listed", "whole", "a", "note"),
    [
        (
            "1|PENDING|Resources\n2|PENDING|Dependency",
            "waiting",
            "waiting",
            "PENDING (Resources)",
        ),
        ("1|RUNNING|None\n2|PENDING|Dependency", "running", "running", "RUNNING"),
        ("1|COMPLETED|None\n2|COMPLETED|None", "succeeded", "succeeded", "COMPLETED"),
        (
            "1|OUT_OF_MEMORY|OutOfMemory\n2|CANCELLED|DependencyNeverSatisfied",
            "failed",
            "failed",
            "",
        ),
        ("1|CANCELLED|None\n2|CANCELLED|None", "cancelled", "cancelled", "CANCELLED"),
        # The controller has forgotten them, and has others.
        ("3|RUNNING|None", "succeeded", "succeeded", "COMPLETED"),
        ("", "succeeded", "succeeded", "COMPLETED"),
    ],
)
def test_what_slurm_lists(listed: str, whole: str, a: str, note: str) -> None:
    seen = slurm_sighting(listed, {"a": "1", "b": "2"})
    assert (seen.state, seen.stages["a"].state) == (whole, a)
    assert note in seen.stages["a"].note


def test_what_prefect_describes() -> None:
    run = {"state": {"type": "RUNNING", "name": "Running", "message": None}}
    tasks = [
        {
            "name": "a",
            "state": {"type": "FAILED", "name": "Failed", "message": "exit code 1"},
        },
        {"name": "b", "state": None},
        {"name": "c", "state": {"type": "SOMETHING_NEW", "name": "New"}},
    ]
    seen = prefect_sighting(run, tasks)
    assert (seen.state, seen.note) == ("running", "Running")
    assert seen.stages == {
        "a": StageSeen("failed", "Failed: exit code 1"),
        "b": StageSeen("waiting", ""),
        "c": StageSeen("failed", "New"),
    }
