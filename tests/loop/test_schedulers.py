"""Files for other schedulers: each is read by a parser of its kind."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop import LoopSettings
from jupyter_pipe.loop.schedule import schedule_problem
from jupyter_pipe.loop.schedulers import SCHEDULERS, scheduler_files

NOTEBOOK = Path("/srv/my work/home_value.ipynb")
SETTINGS = LoopSettings(schedule="0 6 * * MON", timezone="Europe/Berlin", commit=True)


def only_file(scheduler: str, settings: LoopSettings = SETTINGS, notebook: Path = NOTEBOOK) -> str:
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
            [analyze, "verify", "--user", str(unit)], capture_output=True, text=True, check=False
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
    assert "%" not in only_file("cron", notebook=Path("/srv/100%/a.ipynb")).replace("\\%", "")


def test_airflow() -> None:
    tree = ast.parse(only_file("airflow"))
    calls = {
        call.func.id: call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    words = {each.arg: ast.literal_eval(each.value) for each in calls["BashOperator"].keywords}
    assert shlex.split(words["bash_command"])[-1] == str(NOTEBOOK)
    assert words["cwd"] == "/srv/my work"


def test_github() -> None:
    workflow = yaml.safe_load(only_file("github"))
    assert workflow[True]["schedule"] == [{"cron": "0 6 * * MON"}]
    assert workflow[True]["push"]["paths"][0] == "home_value.ipynb"
    assert any(
        "loop once home_value.ipynb" in step.get("run", "") for step in workflow["jobs"]["once"]["steps"]
    )


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_name_that_would_add_lines_is_refused(scheduler: str) -> None:
    with pytest.raises(LoopError, match="holds characters"):
        only_file(scheduler, notebook=Path("/srv/a\nExecStartPre=evil/n.ipynb"))


def test_names_stay_what_they_are() -> None:
    notebook = Path('/srv/it\'s "100%d" $HOME/"it\'s" a: # n.ipynb')
    workflow = yaml.safe_load(only_file("github", notebook=notebook))
    assert shlex.split(workflow["jobs"]["once"]["steps"][-1]["run"])[-1] == notebook.name
    assert workflow[True]["push"]["paths"][0] == notebook.name
    ast.parse(only_file("airflow", notebook=notebook))
    command = only_file("cron", notebook=notebook).splitlines()[-1].split(maxsplit=5)[5].replace("\\%", "%")
    assert shlex.split(command)[1] == str(notebook.parent)
    assert shlex.split(command)[-2] == str(notebook)


def test_an_unknown_scheduler() -> None:
    with pytest.raises(LoopError) as caught:
        scheduler_files("systemdd", NOTEBOOK, SETTINGS)
    assert caught.value.hint == "Did you mean 'systemd'?"
