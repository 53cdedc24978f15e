"""The form of parameters and the handle of a started run, with one real run among
them."""

from __future__ import annotations

from pathlib import Path

import pytest

import jupyter_pipe
from jupyter_pipe import events as ev
from jupyter_pipe.errors import CompileError, ParameterError
from jupyter_pipe.widgets import Parameters, RunView
from tests.compiler.notebooks import write_notebook

PARAMETERS = "n: int = 3\nrate = 0.5\nloud = False\ntitle = 'home'\nsizes = [1, 2]\nnothing = None"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write_notebook(
        tmp_path / "sales.ipynb",
        [
            (PARAMETERS, ["parameters"]),
            ("total = n * 2 + sum(sizes)", ["stage:add", "metric:total"]),
            ("print(total, rate, loud, title, nothing)", ["stage:show"]),
        ],
    )


def test_a_form_has_a_field_of_the_right_kind_for_each_parameter(
    notebook: Path,
) -> None:
    form = Parameters(notebook)
    kinds = {name: type(field).__name__ for name, field in form.fields.items()}
    assert kinds == {
        "n": "IntText",
        "rate": "FloatText",
        "loud": "Checkbox",
        "title": "Text",
        "sizes": "Text",
        "nothing": "Text",
    }
    assert form.values == {
        "n": 3,
        "rate": 0.5,
        "loud": False,
        "title": "home",
        "sizes": [1, 2],
        "nothing": None,
    }
    form.fields["sizes"].value = "[1, 2, 3]"
    assert form.values["sizes"] == [1, 2, 3]


def test_what_is_wrong_is_said_below_the_form_and_nothing_runs(notebook: Path) -> None:
    form = Parameters(notebook)
    form.fields["sizes"].value = "[1, <2"
    with pytest.raises(ParameterError, match="not a Python literal"):
        _ = form.values
    assert form.run() is None
    assert "sizes = [1, &lt;2 is not a Python literal" in form._message.value
    assert not (notebook.parent / ".jupyter_pipe" / "runs").exists()


def test_start_says_at_once_what_is_wrong(tmp_path: Path) -> None:
    broken = write_notebook(
        tmp_path / "broken.ipynb",
        [("a = 1", ["stage:one"]), ("print(b)", ["stage:two"])],
    )
    with pytest.raises(CompileError):
        jupyter_pipe.start(broken)


@pytest.mark.kernel
def test_a_form_starts_a_run_that_is_shown_followed_and_awaited(notebook: Path) -> None:
    form = Parameters(notebook)
    form.fields["n"].value = 10
    handle = form.run()
    assert handle is not None
    assert handle.state in {
        ev.RunState.queued,
        ev.RunState.running,
        ev.RunState.succeeded,
    }
    view = RunView(handle)
    events = list(handle.follow())
    run = handle.wait(120)
    assert run.metrics == {"total": 23}
    assert isinstance(events[0], ev.RunQueued)
    assert isinstance(events[-1], ev.RunFinished)
    assert handle.state is ev.RunState.succeeded
    assert view.look()
    assert "total" in view._picture.value
    handle.cancel()  # it is over: nothing happens
    assert handle.state is ev.RunState.succeeded
    assert handle.run_id in repr(handle)


@pytest.mark.kernel
def test_a_started_run_is_cancelled(tmp_path: Path) -> None:
    source = (
        "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.05)"
    )
    path = write_notebook(
        tmp_path / "wait.ipynb", [(source, ["stage:wait"]), ("x = 1", ["stage:after"])]
    )
    handle = jupyter_pipe.start(path)
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    started = next(
        event for event in handle.follow() if isinstance(event, ev.StageStarted)
    )
    assert started.stage in {"wait", "after"}
    handle.cancel()
    assert handle.wait(120).state is ev.RunState.cancelled
