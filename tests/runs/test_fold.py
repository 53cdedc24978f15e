from __future__ import annotations

from jupyter_pipe import events as ev
from jupyter_pipe.runs import Run, fold


def numbered(*given: ev.Event) -> list[ev.Event]:
    import msgspec

    return [
        msgspec.structs.replace(event, seq=number, time=100.0 + number)
        for number, event in enumerate(given, start=1)
    ]


def queued(*stages: str) -> ev.RunQueued:
    return ev.RunQueued(run_id="r1", pipeline="p", stages=stages)


def test_a_run_that_succeeds() -> None:
    run = fold(
        numbered(
            queued("load", "train"),
            ev.RunStarted(pid=1, workers=2),
            ev.StageQueued(stage="load", reason="never ran", cells=2),
            ev.StageStarted(stage="load"),
            ev.CellStarted(stage="load", cell_id="a", position=1, total=2),
            ev.CellFinished(
                stage="load", cell_id="a", position=1, total=2, seconds=0.1
            ),
            ev.MetricLogged(stage="load", name="rows", value=3),
            ev.StageFinished(stage="load", seconds=1.5),
            ev.StageCached(
                stage="train", reason="unchanged", run_id="r0", saved_seconds=9.0
            ),
            ev.RunFinished(state=ev.RunState.succeeded, exit_code=0, seconds=2.0),
        )
    )
    load, train = run.stages
    assert (run.state, run.exit_code, run.seconds, run.seq) == (
        ev.RunState.succeeded,
        0,
        2.0,
        10,
    )
    assert (load.state, load.seconds, load.cells_done, load.cells_total) == (
        ev.StageState.succeeded,
        1.5,
        1,
        2,
    )
    assert load.reason == "never ran"
    assert run.metrics == {"rows": 3}
    assert (train.state, train.cached_from, train.saved_seconds) == (
        ev.StageState.cached,
        "r0",
        9.0,
    )


def test_a_second_attempt_forgets_what_the_first_recorded() -> None:
    run = fold(
        numbered(
            queued("a"),
            ev.StageStarted(stage="a"),
            ev.MetricLogged(stage="a", name="m", value=1),
            ev.StageRetrying(
                stage="a", attempt=2, delay_seconds=1, reason="ValueError: no"
            ),
            ev.StageStarted(stage="a", attempt=2),
        )
    )
    assert run.stage("a").attempts == 2
    assert run.stage("a").metrics == {}


def test_a_failure_keeps_every_field_of_the_event() -> None:
    frame = ev.Frame(line=3, source="1/0", cell_id="c")
    failed = ev.StageFailed(
        stage="a", ename="ZeroDivisionError", evalue="x", line=3, frames=(frame,)
    )
    run = fold(numbered(queued("a"), ev.StageStarted(stage="a"), failed))
    failure = run.stage("a").failure
    assert failure is not None
    assert (failure.ename, failure.line, failure.frames) == (
        "ZeroDivisionError",
        3,
        (frame,),
    )


def test_interruption_ends_every_stage() -> None:
    run = fold(
        numbered(
            queued("a", "b"),
            ev.StageStarted(stage="a"),
            ev.RunFinished(state=ev.RunState.interrupted, exit_code=1, seconds=1),
        )
    )
    assert [stage.state for stage in run.stages] == [
        ev.StageState.interrupted,
        ev.StageState.skipped,
    ]
    assert run.is_final


def test_nothing_happened_yet() -> None:
    assert fold([]) == Run()
