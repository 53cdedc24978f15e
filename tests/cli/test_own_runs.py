"""Runs whose values commands write into files: the user's own, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.cli.own_runs import choose_own_run
from jupyter_pipe.errors import RunError
from jupyter_pipe.model import Pipeline, Source
from jupyter_pipe.runs import RunFacts, RunStore


def _run(store: RunStore, *warnings: str) -> str:
    writer = store.create(
        Pipeline(1, "flow", "python3", Source("flow.ipynb", "x")), RunFacts()
    )
    writer.append(ev.RunQueued(writer.run_id, "flow", ("fit",)))
    for code in warnings:
        writer.append(ev.WarningRaised("fit", code, "said"))
    writer.append(ev.RunFinished(ev.RunState.succeeded, exit_code=0, seconds=1.0))
    writer.close()
    return writer.run_id


def test_the_newest_that_succeeded_is_chosen(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    assert choose_own_run(store, "flow", None) is None
    first, second = _run(store, "metric_invalid"), _run(store)
    chosen = choose_own_run(store, "flow", None)
    assert chosen is not None
    assert chosen.run_id == second
    named = choose_own_run(store, "flow", first)
    assert named is not None
    assert named.run_id == first


def test_a_run_that_let_a_secret_cross_is_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = _run(store, "secret_stored")
    for named in (None, run_id, "latest"):
        with pytest.raises(RunError, match="let a secret cross") as caught:
            choose_own_run(store, "flow", named)
        assert caught.value.code == "run_secret"
