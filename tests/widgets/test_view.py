"""The widget's view of a run that another thread goes on with."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.errors import ExtraMissingError, RunError
from jupyter_pipe.model import Pipeline, Source, Stage
from jupyter_pipe.runs.model import RunFacts
from jupyter_pipe.runs.processes import this_process
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.runs.writing import RunWriter
from jupyter_pipe.widgets import RunView
from tests.compiler.notebooks import write_notebook


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    """A run under way: stage `load` is running."""
    stage = Stage("load", ("c1",), "nb/load.py", "notebooks/load.ipynb")
    pipeline = Pipeline(
        1, "<b>sales</b>", "python3", Source("sales.ipynb", "d"), stages=(stage,)
    )
    facts = RunFacts(notebook=str(tmp_path / "sales.ipynb"), runner=this_process())
    writer = RunStore(tmp_path).create(pipeline, facts)
    writer.append(
        ev.RunQueued(run_id=writer.run_id, pipeline=pipeline.name, stages=("load",))
    )
    writer.append(ev.RunStarted(pid=1, workers=1))
    writer.append(ev.StageQueued(stage="load", cells=1))
    writer.append(ev.StageStarted(stage="load"))
    writer.flush()
    return writer


def finish(writer: RunWriter) -> None:
    writer.append(ev.StageFinished(stage="load", seconds=1.5))
    writer.append(ev.RunFinished(state=ev.RunState.succeeded, exit_code=0, seconds=1.5))
    writer.flush()


def test_it_follows_a_run_to_its_end(writer: RunWriter, tmp_path: Path) -> None:
    view = RunView(root=tmp_path)
    assert "running" in view._picture.value
    assert view._cancel.layout.display == ""
    finish(writer)
    view._thread.join(30)
    assert "succeeded" in view._picture.value
    assert view._cancel.layout.display == "none"


def test_names_of_the_user_are_text(writer: RunWriter) -> None:
    finish(writer)
    view = RunView(writer.run)
    assert "&lt;b&gt;sales&lt;/b&gt;" in view._picture.value
    assert "<b>sales</b>" not in view._picture.value


def test_the_button_asks_the_runner_to_stop(writer: RunWriter, tmp_path: Path) -> None:
    view = RunView(writer.run_id, root=tmp_path)
    view._cancel.click()
    assert RunStore(tmp_path).folder(writer.run_id).cancel.read_text() == "widget\n"
    assert view._cancel.disabled
    view.close()


def test_cancelling_what_has_ended_shows_how_it_ended(
    writer: RunWriter, tmp_path: Path
) -> None:
    view = RunView(root=tmp_path)
    finish(writer)
    view.cancel()
    assert "succeeded" in view._picture.value


@pytest.mark.kernel
def test_the_button_ends_a_run_of_another_process(tmp_path: Path) -> None:
    cell = ("import time\nprint('begun')\ntime.sleep(600)", ("stage:wait",))
    notebook = write_notebook(tmp_path / "flow.ipynb", [cell])
    command = [sys.executable, "-m", "jupyter_pipe.cli.main", "run", str(notebook)]
    runner = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        view = following(tmp_path)
        assert view._cancel.layout.display == ""
        view._cancel.click()
        view._thread.join(60)
        assert (view.run.state.value, runner.wait(60)) == ("cancelled", 130)
        assert "cancelled" in view._picture.value
        assert view._cancel.layout.display == "none"
    finally:
        runner.kill()


def following(root: Path) -> RunView:
    """A view of the run below `root`, once its stage has begun."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        if (
            RunStore(root).ids()
            and RunStore(root).list()[0].stage("wait").state.value == "running"
        ):
            return RunView(root=root)
        sleep(0.1)
    raise AssertionError("the run does not begin")


def test_it_displays_as_a_widget(writer: RunWriter, tmp_path: Path) -> None:
    finish(writer)
    assert (
        "application/vnd.jupyter.widget-view+json"
        in RunView(root=tmp_path)._repr_mimebundle_()
    )


def test_an_unknown_run_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        RunView("nothing", root=tmp_path)


def test_without_ipywidgets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fail(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(ExtraMissingError, match="RunView"):
        RunView()
