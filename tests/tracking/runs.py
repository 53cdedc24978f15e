"""Runs for tests, written as a runner writes them, without kernels."""

from __future__ import annotations

from jupyter_pipe.events import (
    Event,
    GateEvaluated,
    MetricLogged,
    RunFinished,
    RunQueued,
    RunStarted,
    RunState,
    StageCached,
    StageFinished,
    StageQueued,
    StageStarted,
)
from jupyter_pipe.model import Pipeline, Source, Stage
from jupyter_pipe.runs.model import ParameterValue, RunFacts
from jupyter_pipe.runs.store import RunStore

__all__ = ["BEGIN", "END", "write_run"]

PIPELINE = Pipeline(
    1,
    "homes",
    "python3",
    Source("homes.ipynb", "d"),
    stages=(Stage("load", (), "", ""), Stage("fit", (), "", "")),
)
BEGIN: tuple[Event, ...] = (
    RunStarted(pid=1, workers=1),
    StageQueued(stage="load"),
    StageQueued(stage="fit", after=("load",)),
    StageCached(stage="load", reason="unchanged"),
    StageStarted(stage="fit"),
    MetricLogged(stage="fit", name="loss", value=2.0),
    MetricLogged(stage="fit", name="loss", value=1.5),
)
END: tuple[Event, ...] = (
    MetricLogged(stage="fit", name="kind", value="ridge"),
    GateEvaluated(
        stage="fit", expression="loss < 3", passed=True, values={"loss": "1.5"}
    ),
    StageFinished(stage="fit", seconds=1.0),
    RunFinished(state=RunState.succeeded, exit_code=0, seconds=2.0),
)


def write_run(
    store: RunStore,
    run_id: str,
    events: tuple[Event, ...] = (*BEGIN, *END),
    *,
    trigger: str = "cli",
) -> str:
    """A run with these events, after the first one."""
    depth = ParameterValue("depth", "3", 3, "command line", "2", "int")
    facts = RunFacts(
        parameters=(depth,), provenance={"git": {"commit": "c" * 40, "dirty": False}}
    )
    writer = store.create(PIPELINE, facts, run_id=run_id)
    writer.append(
        RunQueued(
            run_id=run_id, pipeline="homes", stages=("load", "fit"), trigger=trigger
        )
    )
    for event in events:
        writer.append(event)
    writer.close()
    return run_id
