"""`jupyter pipe tests …`: a file of tests for a notebook's stages, which then belongs
to its reader."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.notebook.file_kinds import notebook_name

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe run home_value.ipynb
jupyter pipe tests init home_value.ipynb     writes test_home_value.py and home_value_golden/
pytest test_home_value.py
jupyter pipe tests accept home_value.ipynb   what comes out now is what must come out

what is tested:
  Each stage, called as a function with what the run handed to it, cut to a few rows: what it
  gives, and what it does without a column, without rows and with gaps. The pipeline, run on
  copies of the files that it reads. The model, where the notebook has the tags rows: and score:.
  Everything lies beside the notebook, to be reviewed and committed.

exit codes: 0 written, and all tests pass; 1 some do not; 2 usage, or no run to make them from"""
ACTIONS = {
    "init": "write tests of a notebook from a run; a file that is there is kept",
    "accept": "take what comes out now for what must come out",
}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command and its actions."""
    parser = add_command(subparsers, "tests", run, examples=EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("target", metavar="NB", type=Path, help="the notebook")
        action.set_defaults(run=run)
        if name == "init":
            action.add_argument(
                "--run",
                metavar="RUN",
                dest="run_id",
                help="a run that succeeded (default: the latest)",
            )


def run(args: argparse.Namespace) -> int:
    """Carry out one action."""
    from jupyter_pipe.testing.making import file_of_tests

    notebook: Path = args.target.absolute()
    file = file_of_tests(notebook)
    terminal = Terminal.of(args)
    if args.action == "accept":
        if not file.is_file():
            raise PipeError(
                f"{file.name} is not there.",
                code="tests_missing",
                hint=f"Write it first: jupyter pipe tests init {args.target}",
            )
        return _run_tests(terminal, file, accept=True)
    return _init(terminal, args, notebook, file)


def _init(
    terminal: Terminal, args: argparse.Namespace, notebook: Path, file: Path
) -> int:
    """Write the tests, accept what comes out, run them. Whole files, where their
    beginning is too little."""
    from jupyter_pipe.testing.making import golden_folder, make_tests

    for path in (file, golden_folder(notebook)):
        if path.exists():
            raise PipeError(
                f"{path.name} is there already.",
                code="tests_exist",
                hint=f"Take over what comes out now: jupyter pipe tests accept {args.target}. "
                "Or remove both, and write them anew.",
            )
    found = _find_run(notebook, args.run_id)
    terminal.say(f"looks at what the stages of run {found.run_id} do")
    made = make_tests(notebook, found)
    if made.cut and not _passes(file):
        # What a gate asks may not hold for the beginning of a table.
        terminal.say(
            f"the pipeline does not pass with the beginning of {made.cut[0]}: whole files are kept"
        )
        made = make_tests(notebook, found, cut=False)
    terminal.result(os.path.relpath(made.file))
    terminal.say(
        f"  golden files  {os.path.relpath(made.golden)}, {_size(made.golden) / 1000:,.0f} kB"
    )
    for name in made.cut:
        terminal.say(f"  {name}  the beginning of it")
    for stage, reason in made.untested.items():
        terminal.say(f"  {stage}  has no test of its own: {reason}")
    # Written down first, then compared: tests that fail at once do not repeat.
    accepted = _run_tests(terminal, file, accept=True, quietly=True)
    return accepted or _run_tests(terminal, file)


def _find_run(notebook: Path, run_id: str | None) -> Run:
    """The run that is named, or the latest of this notebook that succeeded."""
    from jupyter_pipe.cli.own_runs import choose_own_run
    from jupyter_pipe.runs.store import RunStore

    chosen = choose_own_run(RunStore(notebook.parent), notebook_name(notebook), run_id)
    if chosen is not None:
        return chosen
    raise RunError(
        f"No run of {notebook.name} has succeeded: there is nothing that tests could hold it to.",
        code="run_unknown",
        hint=f"Run it first: jupyter pipe run {notebook.name}",
    )


def _passes(file: Path) -> bool:
    environment = _environment(accept=True)
    command = [sys.executable, "-m", "pytest", "-q", "-k", "Pipeline", str(file)]
    return (
        subprocess.run(
            command, capture_output=True, env=environment, check=False
        ).returncode
        == 0
    )


def _run_tests(
    terminal: Terminal, file: Path, *, accept: bool = False, quietly: bool = False
) -> int:
    """Exit code 0 if all tests pass. Raises PipeError without pytest."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        # The notebook's folder is the user's: no `.pytest_cache` in it.
        "no:cacheprovider",
        str(file),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=_environment(accept=accept),
        check=False,
    )
    # `python -m pytest` says so, in the interpreter that runs the notebook.
    if "No module named pytest" in done.stderr:
        raise PipeError(
            "pytest is not installed.",
            code="extra_missing",
            hint="Install it: pip install pytest",
        )
    failed = done.returncode != 0
    lines = done.stdout.strip().splitlines()
    if failed:
        for line in lines:
            terminal.result(line)
    elif not quietly and lines:
        terminal.say(f"  {lines[-1].strip('= ')}")
    return int(failed)


def _environment(*, accept: bool) -> dict[str, str]:
    from jupyter_pipe.testing.notebook import ACCEPT

    # Set in the user's shell it would accept everything.
    others = {name: value for name, value in os.environ.items() if name != ACCEPT}
    return {**others, ACCEPT: "1"} if accept else others


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
