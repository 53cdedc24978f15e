"""The loop for schedulers that are there already: each calls `loop once` now and then.
Text out; no I/O.

`loop once` is safe to call at any time and as often as one likes: it does what is to be
done, or nothing.
"""

from __future__ import annotations

import difflib
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.notebook.file_kinds import notebook_name

__all__ = ["SCHEDULERS", "scheduler_files"]

_EVERY_TEN_MINUTES = "*/10 * * * *"
_EVERY_HOUR = "0 * * * *"


def scheduler_files(
    scheduler: str, notebook: Path, settings: LoopSettings
) -> dict[str, str]:
    """Files by name. `notebook` is an absolute path. Raises LoopError for a scheduler
    that is not known."""
    if scheduler not in SCHEDULERS:
        close = difflib.get_close_matches(scheduler, SCHEDULERS, n=1)
        hint = (
            f"Did you mean '{close[0]}'?"
            if close
            else f"Known are: {', '.join(SCHEDULERS)}."
        )
        raise LoopError(
            f"'{scheduler}' is not a scheduler that is known.",
            code="export_unknown",
            hint=hint,
        )
    # A backslash at the end of a line of systemd's continues it on the next.
    if not str(notebook).isprintable() or str(notebook.parent).endswith("\\"):
        raise LoopError(
            f"The path {str(notebook)!r} holds characters that a line of a file cannot.",
            code="export_value",
            hint="Rename the folder or the notebook.",
        )
    return SCHEDULERS[scheduler](notebook, settings)


def _systemd(notebook: Path, settings: LoopSettings) -> dict[str, str]:
    """A service that stays: systemd starts it again when the machine does."""
    name = f"jupyter-pipe-loop-{notebook_name(notebook)}"
    command = " ".join(_systemd_word(word) for word in _command("start", notebook))
    return {
        f"{name}.service": f"""\
# systemctl --user enable --now {name}.service
[Unit]
Description=The loop of {notebook.name.replace("%", "%%")}
After=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={_systemd_path(notebook.parent)}
Restart=on-failure
RestartSec=30
# A run has a session of its own, and is to outlive the loop when that is restarted.
KillMode=process
# Secrets of `notify:` as NAME=VALUE lines; the file may be missing.
EnvironmentFile=-%h/.config/jupyter-pipe/{notebook_name(notebook)}.env

[Install]
WantedBy=default.target
"""
    }


def _cron(notebook: Path, settings: LoopSettings) -> dict[str, str]:
    # In a crontab, a bare percent sign ends the command.
    command = shlex.join(_command("once", notebook)).replace("%", "\\%")
    times = _EVERY_TEN_MINUTES if _looks(settings) else settings.schedule
    zone = f"CRON_TZ={settings.timezone}\n" if settings.timezone else ""
    return {
        f"{notebook_name(notebook)}.cron": f"""\
# crontab -e, then append these lines. What `loop once` says is mailed by cron only if it did something.
{zone}{times} cd {shlex.quote(str(notebook.parent)).replace("%", chr(92) + "%")} && {command} --quiet
"""
    }


def _looks(settings: LoopSettings) -> bool:
    """Whether more is to be looked for than the time: files, commits and alarms, every
    ten minutes. A schedule alone needs its own times only."""
    others = (
        settings.files != () or settings.commit or settings.drift or settings.quality
    )
    return others or not settings.schedule


def _airflow(notebook: Path, settings: LoopSettings) -> dict[str, str]:
    command = shlex.join(["jupyter-pipe", "loop", "once", str(notebook)])
    title = notebook.name.replace("\\", "/").replace('"', "'")
    # Airflow's times are UTC. A schedule in another zone is minded by the loop itself.
    is_told = _looks(settings) or settings.timezone != "UTC"
    schedule = _EVERY_TEN_MINUTES if is_told else settings.schedule
    return {
        f"{notebook_name(notebook)}_loop.py": f'''\
"""The loop of {title} as a DAG: each run does what is to be done, or nothing."""

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id={f"{notebook_name(notebook)}_loop"!r},
    schedule={schedule!r},
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    catchup=False,
    max_active_runs=1,
):
    # The space at the end keeps Airflow from taking the command for the name of a template.
    BashOperator(task_id="once", bash_command={command + " "!r}, cwd={str(notebook.parent)!r})
'''
    }


def _github(notebook: Path, settings: LoopSettings) -> dict[str, str]:
    # The data of others does not come to GitHub's machines, so files are not looked
    # for. Its times are UTC, as those of its machines: a schedule in another zone is
    # minded by the loop itself.
    is_own = settings.schedule and settings.timezone in ("", "UTC")
    schedule = (
        settings.schedule
        if is_own
        else (_EVERY_HOUR if settings.schedule else _EVERY_TEN_MINUTES)
    )
    paths = json.dumps([notebook.name, "**/*.py"])
    pushes = f"  push:\n    paths: {paths}\n" if settings.commit else ""
    return {
        f"{notebook_name(notebook)}-loop.yml": f"""\
# .github/workflows/{notebook_name(notebook)}-loop.yml; times are UTC.
name: {json.dumps(f"loop of {notebook_name(notebook)}")}
on:
  schedule:
    - cron: '{schedule}'
{pushes}  workflow_dispatch:
concurrency:
  group: {json.dumps(f"loop-{notebook_name(notebook)}")}
  cancel-in-progress: false
jobs:
  once:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: '3.12'
      - run: pip install "jupyter_pipe[loop]" -r requirements.txt
      # What the loop and the runs before it know.
      - uses: actions/cache@v4
        with:
          path: .jupyter_pipe
          key: {json.dumps(f"loop-{notebook_name(notebook)}-${{{{ github.run_id }}}}")}
          restore-keys: {json.dumps(f"loop-{notebook_name(notebook)}-")}
      - run: {json.dumps(shlex.join(["jupyter", "pipe", "loop", "once", notebook.name]))}
        env:
          # Records are signed, and believed only with the same key: jupyter pipe trust --new-key
          JUPYTER_PIPE_KEY: ${{{{ secrets.JUPYTER_PIPE_KEY }}}}
"""
    }


SCHEDULERS: dict[str, Callable[[Path, LoopSettings], dict[str, str]]] = {
    "systemd": _systemd,
    "cron": _cron,
    "airflow": _airflow,
    "github": _github,
}


def _command(action: str, notebook: Path) -> list[str]:
    """The program that is installed beside this interpreter: a scheduler's own PATH is
    short."""
    program = Path(sys.executable).with_name("jupyter-pipe")
    return [str(program), "loop", action, str(notebook)]


def _systemd_word(word: str) -> str:
    """Percent and dollar begin specifiers and variables, quotes hold blanks."""
    escaped = (
        word.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("%", "%%")
        .replace("$", "$$")
    )
    return f'"{escaped}"' if any(each in word for each in " \t'\"\\") else escaped


def _systemd_path(path: Path) -> str:
    """Taken as it stands to the end of the line, but for specifiers."""
    return str(path).replace("%", "%%")
