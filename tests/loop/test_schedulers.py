"""Files for other schedulers: each is read by a parser of its kind."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop import LoopSettings
from jupyter_pipe.loop.schedule import schedule_problem
from jupyter_pipe.loop.schedulers import SCHEDULERS, scheduler_files

NOTEBOOK = Path("/srv/my work/home_value.ipynb")
SETTINGS = LoopSettings(schedule="0 6 * * MON", timezone="Europe/Berlin", commit=True)


def only_file(
    scheduler: str, settings: LoopSettings = SETTINGS, notebook: Path = NOTEBOOK
) -> str:
    (text,) = scheduler_files(scheduler, notebook, settings).values()
    return text


def test_systemd(tmp_path: Path) -> None:
    text = only_file("systemd")
    assert 'start "/srv/my work/home_value.ipynb"' in text
    assert "WorkingDirectory=/srv/my work\n" in text
    assert "%%d" in only_file("systemd", notebook=Path("/srv/100%d/a.ipynb"))
    analyze = shutil.which("systemd-analyze")
    if analyze:
        unit = tmp_path / "loop.service"
        unit.write_text(only_file("systemd", notebook=tmp_path / "a.ipynb"))
        done = subprocess.run(
            [analyze, "verify", "--user", str(unit)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Unknown" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("settings", "times"),
    [
        (SETTINGS, "*/10 * * * *"),
        (LoopSettings(schedule="0 6 * * MON", files=()), "0 6 * * MON"),
        (LoopSettings(), "*/10 * * * *"),
    ],
)
def test_cron(settings: LoopSettings, times: str) -> None:
    line = only_file("cron", settings).splitlines()[-1]
    fields = line.split(maxsplit=5)
    assert " ".join(fields[:5]) == times
    assert schedule_problem(times) == ""
    assert shlex.split(fields[5])[:3] == ["cd", "/srv/my work", "&&"]
    assert "%" not in only_file("cron", notebook=Path("/srv/100%/a.ipynb")).replace(
        "\\%", ""
    )


LATE = LoopSettings(schedule="0 6 * * MON", files=(), timezone="America/New_York")


@pytest.mark.parametrize(
    ("scheduler", "settings", "times"),
    [
        ("airflow", SETTINGS, "*/10 * * * *"),
        ("airflow", replace(LATE, timezone="UTC"), "0 6 * * MON"),
        # At six in UTC it is not yet six there: a DAG with those times would look a
        # week late.
        ("airflow", LATE, "*/10 * * * *"),
        ("github", LATE, "0 * * * *"),
        ("github", replace(LATE, timezone=""), "0 6 * * MON"),
        ("github", LoopSettings(), "*/10 * * * *"),
    ],
)
def test_who_keeps_utc_looks_often_enough(
    scheduler: str, settings: LoopSettings, times: str
) -> None:
    text = only_file(scheduler, settings)
    assert f"schedule={times!r}" in text or f"- cron: {times!r}" in text


def test_airflow() -> None:
    tree = ast.parse(only_file("airflow"))
    calls = {
        call.func.id: call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    words = {
        each.arg: ast.literal_eval(each.value)
        for each in calls["BashOperator"].keywords
    }
    assert shlex.split(words["bash_command"])[-1] == str(NOTEBOOK)
    assert words["cwd"] == "/srv/my work"


def test_github() -> None:
    workflow = yaml.safe_load(only_file("github"))
    assert workflow[True]["schedule"] == [{"cron": "0 * * * *"}]
    assert workflow[True]["push"]["paths"][0] == "home_value.ipynb"
    assert any(
        "loop once home_value.ipynb" in step.get("run", "")
        for step in workflow["jobs"]["once"]["steps"]
    )


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_name_that_would_add_lines_is_refused(scheduler: str) -> None:
    with pytest.raises(LoopError, match="holds characters"):
        only_file(scheduler, notebook=Path("/srv/a\nExecStartPre=evil/n.ipynb"))


def test_names_stay_what_they_are() -> None:
    notebook = Path('/srv/it\'s "100%d" $HOME/"it\'s" a: # n.ipynb')
    workflow = yaml.safe_load(only_file("github", notebook=notebook))
    assert (
        shlex.split(workflow["jobs"]["once"]["steps"][-1]["run"])[-1] == notebook.name
    )
    assert workflow[True]["push"]["paths"][0] == notebook.name
    ast.parse(only_file("airflow", notebook=notebook))
    command = (
        only_file("cron", notebook=notebook)
        .splitlines()[-1]
        .split(maxsplit=5)[5]
        .replace("\\%", "%")
    )
    assert shlex.split(command)[1] == str(notebook.parent)
    assert shlex.split(command)[-2] == str(notebook)


def test_an_unknown_scheduler() -> None:
    with pytest.raises(LoopError) as caught:
        scheduler_files("systemdd", NOTEBOOK, SETTINGS)
    assert caught.value.hint == "Did you mean 'systemd'?"


GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_files_are_golden(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changes a line of one reads it here as its scheduler would."""
    monkeypatch.setattr("sys.executable", "/opt/venv/bin/python")
    for name, text in scheduler_files(scheduler, NOTEBOOK, SETTINGS).items():
        assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def what_is_called(command: str, tmp_path: Path) -> list[str]:
    """Folder and arguments of the program that a line of shell calls."""
    stub = tmp_path / "bin" / "jupyter-pipe"
    stub.parent.mkdir(exist_ok=True)
    stub.write_text('#!/bin/sh\npwd\nfor word; do echo "$word"; done\n')
    stub.chmod(0o755)
    (tmp_path / "bin" / "jupyter").write_text(
        '#!/bin/sh\nshift\nexec jupyter-pipe "$@"\n'
    )
    (tmp_path / "bin" / "jupyter").chmod(0o755)
    path = {"PATH": f"{stub.parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["home value.ipynb", 'it\'s $HOME "100%".ipynb'])
def test_what_they_run_is_what_is_meant(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my work"
    folder.mkdir()
    notebook = folder / name
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    line = only_file("cron", notebook=notebook).splitlines()[-1].split(maxsplit=5)[5]
    # cron itself makes a percent sign of one behind a backslash.
    called = what_is_called(line.replace("\\%", "%"), tmp_path)
    assert called == [str(folder), "loop", "once", str(notebook), "--quiet"]
    dag = ast.parse(only_file("airflow", notebook=notebook))
    (operator,) = (
        node
        for node in ast.walk(dag)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "BashOperator"
    )
    words = {each.arg: ast.literal_eval(each.value) for each in operator.keywords}
    assert what_is_called(words["bash_command"], tmp_path)[1:] == [
        "loop",
        "once",
        str(notebook),
    ]
    workflow = yaml.safe_load(only_file("github", notebook=notebook))
    step = workflow["jobs"]["once"]["steps"][-1]["run"]
    assert what_is_called(step, tmp_path)[1:] == ["loop", "once", name]
