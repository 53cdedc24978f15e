"""Runs told by their events, without kernels: what the presenters, the report and JUnit
are tested with."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from jupyter_pipe.events import (
    ArtifactWritten,
    CellFinished,
    CellStarted,
    Event,
    FailureKind,
    Frame,
    GateEvaluated,
    MetricLogged,
    RunFinished,
    RunQueued,
    RunStarted,
    RunState,
    StageCached,
    StageFailed,
    StageFinished,
    StageQueued,
    StageSkipped,
    StageStarted,
    WarningRaised,
)
from jupyter_pipe.model import Edge, Pipeline, Source, Stage, StageInput
from jupyter_pipe.runs.fold import fold
from jupyter_pipe.runs.model import ParameterValue, Run, RunFacts

START = 1_795_185_667.0
RUN_ID = "20261120-144107-7b1e"
FLOWS = {
    "ingest": {},
    "validate": {"raw": "ingest"},
    "features": {"sales": "validate"},
    "ridge": {"X": "features", "y": "features"},
    "forest": {"X": "features", "y": "features"},
    "boosting": {"X": "features", "y": "features"},
    "evaluate": {
        "ridge": "ridge",
        "forest": "forest",
        "boosting": "boosting",
        "test": "features",
    },
    "card": {"scores": "evaluate"},
}
# When each stage starts and how long it takes.
TIMES = {
    "features": (0.2, 8.4),
    "ridge": (8.7, 2.1),
    "forest": (8.7, 37.2),
    "boosting": (10.9, 28.4),
    "evaluate": (46.0, 3.1),
    "card": (49.2, 5.0),
}


def home_value() -> Pipeline:
    outputs = {name: [] for name in FLOWS}
    for flow in FLOWS.values():
        for name, source in flow.items():
            outputs[source].append(name)
    return Pipeline(
        version=1,
        name="home_value",
        kernel="python3",
        source=Source("../home_value.ipynb", "4be1" * 16),
        description="Predict what a home sells for from weekly batches of sales.",
        stages=tuple(
            Stage(
                name,
                cells=(f"{name}-1", f"{name}-2"),
                module=f"home_value/{name}.py",
                notebook=f"notebooks/{name}.ipynb",
                inputs=tuple(
                    StageInput(value, source) for value, source in flow.items()
                ),
                outputs=tuple(dict.fromkeys(outputs[name])),
            )
            for name, flow in FLOWS.items()
        ),
        edges=tuple(
            Edge(source, name, tuple(n for n, s in flow.items() if s == source))
            for name, flow in FLOWS.items()
            for source in dict.fromkeys(flow.values())
        ),
    )


def numbered(events: Iterator[Event]) -> list[Event]:
    """With `seq` and in order of time, as the log has them."""
    ordered = sorted(events, key=lambda event: event.time)
    return [replace(event, seq=number) for number, event in enumerate(ordered, 1)]


def opening(
    names: tuple[str, ...], *, run_id: str = RUN_ID, cells: int = 2
) -> Iterator[Event]:
    yield RunQueued(run_id=run_id, pipeline="home_value", stages=names, time=START)
    yield RunStarted(pid=1, workers=2, time=START)
    for name in names:
        after = tuple(dict.fromkeys(FLOWS.get(name, {}).values()))
        yield StageQueued(
            stage=name, reason="never ran", after=after, cells=cells, time=START
        )


def ran(name: str, start: float, seconds: float) -> Iterator[Event]:
    begin = START + start
    yield StageStarted(stage=name, time=begin)
    for position in (1, 2):
        half = begin + seconds * (position - 1) / 2
        cell = {
            "stage": name,
            "cell_id": f"{name}-{position}",
            "position": position,
            "total": 2,
        }
        yield CellStarted(**cell, time=half)
        yield CellFinished(**cell, seconds=seconds / 2, time=half + seconds / 2)
    yield ArtifactWritten(
        stage=name,
        names=(name,),
        artifact="ab" * 32,
        bytes=4_200_000,
        time=begin + seconds,
    )
    yield StageFinished(stage=name, seconds=seconds, time=begin + seconds)


def reused() -> Iterator[Event]:
    for name, saved in (("ingest", 6.0), ("validate", 2.0)):
        yield StageCached(
            stage=name,
            reason="unchanged",
            run_id="20261120-135800-11aa",
            saved_seconds=saved,
            time=START + 0.1,
        )


def succeeded_events() -> list[Event]:
    def events() -> Iterator[Event]:
        yield from opening(tuple(FLOWS))
        yield from reused()
        for name, (start, seconds) in TIMES.items():
            yield from ran(name, start, seconds)
        yield MetricLogged(
            stage="forest", name="oob_mae", value=23940.4, time=START + 45
        )
        yield from measured(21480, passed=True)
        yield RunFinished(
            state=RunState.succeeded, exit_code=0, seconds=54.2, time=START + 54.2
        )

    return numbered(events())


def measured(mae: float, *, passed: bool) -> Iterator[Event]:
    yield MetricLogged(stage="evaluate", name="best_mae", value=mae, time=START + 49)
    yield MetricLogged(stage="evaluate", name="r2", value=0.8731, time=START + 49)
    for expression, values, good in (
        ("best_mae < 25000", {"best_mae": str(mae)}, passed),
        ("r2 > 0.8", {"r2": "0.8731"}, True),
    ):
        yield GateEvaluated(
            stage="evaluate",
            expression=expression,
            passed=good,
            values=values,
            time=START + 49,
        )


FAILURE = StageFailed(
    stage="boosting",
    ename="KeyError",
    evalue="\"['price'] not found in axis\"",
    cell_id="boosting-2",
    position=2,
    total=2,
    line=2,
    traceback="cell 2, line 2\n    model.fit(X, drop(y))\nKeyError",
    frames=(
        Frame(line=2, source="model.fit(X, drop(y))", cell_id="boosting-2", position=2),
        Frame(
            line=12,
            source="    return y.drop(columns=['price'])",
            function="drop",
            path="sales.py",
        ),
    ),
    hint="'price' was dropped in features, cell 1.",
    seconds=12.0,
    time=START + 23.0,
)


def failed_events() -> list[Event]:
    def events() -> Iterator[Event]:
        yield from opening(tuple(FLOWS))
        yield from reused()
        yield WarningRaised(
            stage=None,
            code="PIPE301",
            message="ridge and forest both seed @numpy.random.",
            time=START,
        )
        for name in ("features", "ridge", "forest"):
            yield from ran(name, *TIMES[name])
        yield StageStarted(stage="boosting", time=START + 11)
        yield CellStarted(
            stage="boosting", cell_id="boosting-2", position=2, total=2, time=START + 12
        )
        yield FAILURE
        for name in ("evaluate", "card"):
            yield StageSkipped(stage=name, reason="boosting failed", time=START + 46)
        yield RunFinished(
            state=RunState.failed, exit_code=1, seconds=46.0, time=START + 46
        )

    return numbered(events())


def gate_events() -> list[Event]:
    def events() -> Iterator[Event]:
        yield from opening(tuple(FLOWS))
        yield from reused()
        for name in ("features", "ridge", "forest", "boosting"):
            yield from ran(name, *TIMES[name])
        yield StageStarted(stage="evaluate", time=START + 46)
        yield from measured(27310, passed=False)
        text = "best_mae < 25000 is false: best_mae = 27310"
        yield StageFailed(
            stage="evaluate",
            ename="GateFailed",
            evalue=text,
            kind=FailureKind.gate,
            seconds=3.1,
            time=START + 49.1,
        )
        yield StageSkipped(stage="card", reason="evaluate failed", time=START + 49.1)
        yield RunFinished(
            state=RunState.failed, exit_code=3, seconds=49.1, time=START + 49.1
        )

    return numbered(events())


FACTS = RunFacts(
    notebook="home_value.ipynb",
    command=("jupyter", "pipe", "run", "home_value.ipynb", "-p", "n_estimators=300"),
    workers=2,
    parameters=(
        ParameterValue("weeks", "12", 12, "notebook", "12", "int"),
        ParameterValue("n_estimators", "300", 300, "command line", "100", "int"),
    ),
)


def scripted_run(events: list[Event]) -> Run:
    return fold(events, FACTS)
