"""Whole runs with real kernels: what stages see, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.engine import RunRequest, Target, open_target, run_pipeline
from jupyter_pipe.errors import KernelError, PackageError, RunError
from jupyter_pipe.events import FailureKind
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs import fold
from jupyter_pipe.runs.parameters import resolve_parameters
from tests.cli.conftest import write_notebook
from tests.engine.conftest import Runs
from tests.engine.packages import Package
from tests.serving.service import until

pytestmark = pytest.mark.kernel


def test_no_output_is_lost_while_the_runner_gets_no_processor(tmp_path: Path) -> None:
    cell = (
        "import os, time\nopen('ready', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n"
        "for n in range(20_000):\n    print(n, flush=True)\nopen('printed', 'w').close()"
    )
    write_notebook(tmp_path / "n.ipynb", [(cell, ["stage:a"])])
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "run",
        "n.ipynb",
        "--quiet",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as runner:
        until((tmp_path / "ready").exists, "the cell began")
        runner.send_signal(signal.SIGSTOP)
        try:
            (tmp_path / "go").touch()
            until((tmp_path / "printed").exists, "the cell ended")
        finally:
            runner.send_signal(signal.SIGCONT)
        assert runner.wait(300) == 0
    (executed,) = (tmp_path / ".jupyter_pipe").glob("runs/*/stages/a/executed.ipynb")
    texts = [
        "".join(output["text"])
        for each in json.loads(executed.read_text())["cells"]
        for output in each["outputs"]
        if output["output_type"] == "stream"
    ]
    assert "".join(texts).split() == [str(number) for number in range(20_000)]


def test_values_metrics_and_notebooks_of_a_diamond(ran: Runs) -> None:
    done = ran(
        Package()
        .stage("load", "x = [1, 2]\nprint('hi')", "y = 5", binds="x y")
        .stage(
            "left", "total = sum(x)\ntotal", reads="x", binds="total", metrics="total"
        )
        .stage("right", "r = y + 1", reads="y", binds="r", gates={"r > 3": "r"})
        .stage("join", "print(total, r)", reads="total r")
    )
    assert done.run.exit_code == 0
    assert done.run.metrics == {"total": 3}
    assert done.printed("join") == "3 6\n"
    assert [gate.passed for gate in done.run.stage("right").gates] == [True]
    assert [cell["execution_count"] for cell in done.executed("load")] == [1, 2]
    assert done.executed("left")[0]["execution_count"] == 3
    assert fold(done.store.events(done.run.run_id), done.run.facts) == done.run
    assert done.store.read(done.run.run_id) == done.run
    for stage in ("load", "left", "right", "join"):
        assert json.loads(done.folder.result(stage).read_text()).get("error", "") == ""


def test_stages_without_a_path_between_them_run_at_the_same_time(ran: Runs) -> None:
    """Each waits until the other listens, which only works side by side. (Files would
    put them in order.)"""
    meet = """\
import socket, time
mine, other = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
mine.bind('\\0{2}-{0}')
mine.listen()
while other.connect_ex('\\0{2}-{1}'): time.sleep(0.01)
mine.accept()
"""
    # Who ends before the other has come leaves nobody to be met.
    here = f"jupyter-pipe-{os.getpid()}"
    done = ran(
        Package()
        .stage("a", meet.format("a", "b", here), timeout_seconds=60.0)
        .stage("b", meet.format("b", "a", here), timeout_seconds=60.0),
        workers=2,
    )
    assert done.states() == {"a": "succeeded", "b": "succeeded"}


def test_what_a_stage_finds_around_it(ran: Runs, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("answer = 42\n")
    (tmp_path / "data.txt").write_text("data")
    code = """\
import os, sys, beside
print(open('data.txt').read(), beside.answer)
print(os.environ['PYTHONHASHSEED'], os.environ['JUPYTER_PIPE_STAGE'], os.environ['JUPYTER_PIPE_RUN_ID'])
print([name for name in dir() if 'pipe' in name.lower()], any('jupyter_pipe' in path for path in sys.path))
print(_, Out, In[-1][:10])
"""
    done = ran(Package().stage("a", "1 + 1", code))
    facts = done.run.facts
    lines = done.printed("a").splitlines()
    assert lines[0] == "data 42"
    assert lines[1] == f"{facts.hash_seed} a {done.run.run_id}"
    assert lines[2] == "[] False"
    assert lines[3] == "2 {1: 2} import os,"


def test_parameters_are_edited_where_they_stand(ran: Runs) -> None:
    package = Package().stage(
        "a", "n: int = 10; m = n * 2", "print(n, m)", parameters="n"
    )
    package.parameters = (Parameter("n", "int", 10, "10"),)
    values = resolve_parameters(package.parameters, texts={"n": "20"})
    done = ran(package, parameters=values)
    assert done.printed("a") == "20 40\n"
    saved = json.loads(done.folder.parameters.read_text())
    assert [(value["name"], value["value"], value["origin"]) for value in saved] == [
        ("n", 20, "command line")
    ]


def test_outputs_are_as_in_a_notebook(ran: Runs) -> None:
    code = """\
import sys, time
from IPython.display import display, update_display
for n in range(3):
    print(f'step {n}', end='\\r', flush=True)
print('done  ')
print('\\x1b[31mred\\x1b[0m', file=sys.stderr)
shown = display('first', display_id='d')
update_display('second', display_id='d')
"""
    done = ran(Package().stage("a", code))
    outputs = done.executed("a")[0]["outputs"]
    assert [output["output_type"] for output in outputs] == [
        "stream",
        "stream",
        "display_data",
    ]
    assert outputs[0]["text"] == "done  \n"
    assert outputs[1]["name"] == "stderr"
    assert outputs[2]["data"]["text/plain"] == "'second'"


def test_many_lines_and_much_output(ran: Runs) -> None:
    done = ran(
        Package().stage(
            "a",
            "for n in range(10_000): print(n, flush=True)",
            "print('x' * 50_000_000)",
        )
    )
    first, second = done.executed("a")
    assert first["outputs"][0]["text"].count("\n") == 10_000
    assert len(first["outputs"]) == 1
    assert len(second["outputs"][0]["text"]) == 50_000_001
    assert done.folder.report.stat().st_size < 20_000_000


def test_a_secret_reaches_its_stage_only_and_is_never_written(ran: Runs) -> None:
    look = "import os\nprint(os.environ.get('API_KEY'))\nos.environ.get('API_KEY')"
    done = ran(
        Package().stage("a", look, secrets=["API_KEY"]).stage("b", look),
        environment={"PATH": "/usr/bin:/bin", "API_KEY": "s3cret-value"},
    )
    assert done.printed("a") == "***\n"
    assert done.printed("b") == "None\n"
    written = [path for path in done.folder.path.rglob("*") if path.is_file()]
    assert [path.name for path in written if b"s3cret-value" in path.read_bytes()] == []


def test_half_of_a_surrogate_pair_is_shown_as_what_it_is_and_harms_nothing(
    ran: Runs,
) -> None:
    done = ran(
        Package()
        .stage("a", "half = '\\ud800'", metrics="half")
        .stage("b", "raise ValueError('\\udc80')")
    )
    assert done.run.stage("a").metrics == {"half": "\ufffd"}
    assert done.failure("b").evalue == "\ufffd"


def test_an_error_that_the_cell_is_tagged_to_raise_is_none(ran: Runs) -> None:
    package = Package().stage("a", "1 / 0", "print('on')")
    files = dict(package.files)
    notebook = json.loads(files["notebooks/a.ipynb"])
    notebook["cells"][0]["metadata"]["tags"] = ["raises-exception"]
    files["notebooks/a.ipynb"] = json.dumps(notebook).encode()
    done = ran(package)
    assert done.run.exit_code == 1
    target = Target(
        package.pipeline, done.store.root / "p.ipynb", done.store, files=files
    )
    run = run_pipeline(RunRequest(target=target))
    assert run.exit_code == 0


def test_an_object_that_cannot_be_shown_fails_with_its_own_error(ran: Runs) -> None:
    shown = "class Odd:\n    def __repr__(self):\n        raise ValueError('no name')"
    done = ran(Package().stage("a", shown, "Odd()"))
    failure = done.run.stage("a").failure
    if failure is None:  # older versions of IPython print the traceback and go on
        assert "ValueError: no name" in json.dumps(done.executed("a")).replace(
            "\\u001b[0m", ""
        )
        return
    assert (failure.ename, failure.evalue, failure.position) == (
        "ValueError",
        "no name",
        2,
    )


def test_a_change_through_an_alias_runs_the_later_reader_again(ran: Runs) -> None:
    done = ran(
        Package()
        .stage("make", "a = [1]\nbox = {'a': a}", binds="a box")
        .stage("push", "box['a'].append(2)", reads="box")
        .stage("use", "print(a)", reads="a"),
    )
    assert done.run.exit_code == 0
    assert done.printed("use") == "[1, 2]\n"
    assert [
        event.stage for event in done.events if isinstance(event, ev.InputChanged)
    ] == ["push"]
    effects = json.loads((done.store.state_folder / "effects.json").read_text())
    assert effects["p"]["push"]["mutates"] == ["a"]


def test_strict_fails_instead(ran: Runs) -> None:
    done = ran(
        Package()
        .stage("make", "a = [1]\nbox = {'a': a}", binds="a box")
        .stage("push", "box['a'].append(2)", reads="box")
        .stage("use", "print(a)", reads="a", after=["push"]),
        strict=True,
    )
    assert done.failure("push").kind == FailureKind.effect
    assert "mutates:" in done.failure("push").hint


def test_what_is_wrong_before_the_start_leaves_nothing_behind(
    ran: Runs, tmp_path: Path
) -> None:
    package = Package().stage("a", "1", secrets=["MISSING_SECRET"])
    with pytest.raises(RunError, match="MISSING_SECRET"):
        ran(package)
    with pytest.raises(RunError, match="no stage 'b'"):
        ran(Package().stage("a", "1"), targets=("b",))
    with pytest.raises(KernelError, match="'no-such-kernel' is not installed"):
        ran(Package(kernel="no-such-kernel").stage("a", "1"))
    (tmp_path / "pipeline.json").write_text("[]")
    with pytest.raises(PackageError, match="not a pipeline"):
        open_target(tmp_path)
    assert not (tmp_path / ".jupyter_pipe" / "runs").exists()


def test_an_observer_that_breaks_is_left_behind(ran: Runs) -> None:
    def broken(event: ev.Event) -> None:
        raise BrokenPipeError

    done = ran(Package().stage("a", "1"), observer=broken)
    assert done.run.exit_code == 0
    assert [warning.code for warning in done.run.warnings] == ["observer_failed"]


def test_a_damaged_value_is_found_and_made_anew(ran: Runs) -> None:
    code = "x = [1]\ny = [2]\nz = [3]"
    package = (
        Package()
        .stage("a", code, binds="x y z")
        .stage("b", "print(x, y, z)", reads="x y z")
    )
    first = ran(package)
    missing, truncated, altered = sorted(first.store.artifacts.glob("*/*.payload"))
    missing.unlink()
    truncated.write_bytes(truncated.read_bytes()[:-1])
    altered.write_bytes(altered.read_bytes()[:-1] + b"?")
    again = ran(package, force=("b",))
    assert again.states() == {"a": "succeeded", "b": "succeeded"}
    assert again.run.stage("a").reason == "a stored value is missing or damaged"
    assert again.printed("b") == "[1] [2] [3]\n"
