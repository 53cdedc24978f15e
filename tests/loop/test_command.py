"""`jupyter pipe loop`, as it is typed: real runs of a notebook of two cells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.machine.log import LoopLog, loop_folder
from jupyter_pipe.runs.store import RunStore

LOAD = """\
import glob, pathlib, time
total = sum(float(pathlib.Path(path).read_text()) for path in sorted(glob.glob("data/*.txt")))
while total > 5 and not pathlib.Path("go").exists():
    time.sleep(0.05)"""
CELLS = [(LOAD, ["stage:load"]), ("mean = total / 2", ["stage:fit", "gate:mean < 50"])]
WAIT_SECONDS = 240


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    notebook = nbformat.v4.new_notebook()
    for source, tags in CELLS:
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        )
    nbformat.write(notebook, tmp_path / "w.ipynb")
    (tmp_path / "w.loop.yaml").write_text("cooldown: 0s\nsettle: 0s\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def records(folder: Path) -> tuple[rc.Record, ...]:
    return LoopLog(loop_folder(RunStore(folder).state_folder, "w")).records()


def wait_until(condition: Callable[[], bool], loop: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert loop.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    begun: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "jupyter_pipe.cli.main",
            "loop",
            "start",
            "w.ipynb",
            "--every",
            "0.05",
        ]
        begun.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


@pytest.mark.kernel
def test_a_loop_that_is_killed_goes_on_where_it_was(
    folder: Path,
    start: Callable[[], subprocess.Popen[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["loop", "once", "w.ipynb"]) == 0
    assert main(["loop", "once", "w.ipynb"]) == 0
    # What a run has read it has read, whichever way the files are named.
    (folder / "w.loop.yaml").write_text(
        "cooldown: 0s\nsettle: 0s\nfiles: [data/*.txt]\n"
    )
    assert main(["loop", "once", "w.ipynb"]) == 0
    assert capsys.readouterr().out.endswith("Nothing to do.\nNothing to do.\n")
    assert main(["impact", "data/a.txt"]) == 0
    assert "as now" in capsys.readouterr().out
    (folder / "w.loop.yaml").write_text("cooldown: 0s\nsettle: 0s\n")

    (folder / "data" / "b.txt").write_text("7")
    first = start()
    store = RunStore(folder)
    wait_until(lambda: len(store.ids()) == 2, first)
    assert main(["loop", "start", "w.ipynb"]) == 2
    assert "The loop of w.ipynb runs already" in capsys.readouterr().err
    assert main(["loop", "status", "w.ipynb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["process"] == first.pid
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    (folder / "go").touch()

    second = start()
    wait_until(
        lambda: sum(isinstance(one, rc.RunEnded) for one in records(folder)) == 2,
        second,
    )
    second.send_signal(signal.SIGTERM)
    said = second.communicate(timeout=WAIT_SECONDS)[0]
    assert second.returncode == 0
    assert said.endswith("the loop ends\n")
    runs = [
        (one.run_id, one.triggers[0].text)
        for one in records(folder)
        if isinstance(one, rc.RunDecided)
    ]
    assert [text for _, text in runs] == ["nothing has run yet", "data/: b.txt is new"]
    assert [run_id for run_id, _ in runs] == [*reversed(store.ids())]
    assert [one.outcome for one in records(folder) if isinstance(one, rc.RunEnded)] == [
        "green",
        "green",
    ]

    (folder / "data" / "b.txt").write_text("1000")
    assert main(["loop", "once", "w.ipynb"]) == 3
    assert main(["loop", "once", "w.ipynb"]) == 0
    assert main(["loop", "history", "w.ipynb"]) == 0
    assert (
        "failed at a gate\n  fit: mean < 50 is false (mean = 500.5)"
        in capsys.readouterr().out
    )
    assert main(["loop", "status", "w.ipynb"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_notebook_that_cannot_be_compiled_is_told_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.ipynb").write_text("{}")
    assert main(["loop", "once", "w.ipynb"]) == 1
    assert "could not start" in capsys.readouterr().out
    assert main(["loop", "once", "w.ipynb"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["once", "v.ipynb"], "There is no notebook v.ipynb"),
        (["export", "systemdd", "w.ipynb"], "Did you mean 'systemd'?"),
    ],
)
def test_mistakes(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["loop", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_receiver_that_needs_a_variable_is_told_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.loop.yaml").write_text("notify: ['${NO_SUCH_URL}']\n")
    assert main(["loop", "once", "w.ipynb"]) == 2
    assert "NO_SUCH_URL, which is not set" in capsys.readouterr().err
    assert records(folder) == ()


def test_first_files_and_exports(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.loop.yaml").unlink()
    assert main(["loop", "init", "w.ipynb"]) == 0
    assert main(["loop", "init", "w.ipynb"]) == 0
    assert "kept" in capsys.readouterr().out
    assert main(["loop", "export", "cron", "w.ipynb", "-o", "out"]) == 0
    assert (folder / "out" / "w.cron").read_text().startswith("# crontab -e")
    assert main(["loop", "history", "w.ipynb"]) == 0
    assert "Nothing yet" in capsys.readouterr().out
