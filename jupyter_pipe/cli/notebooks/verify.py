"""`jupyter pipe verify NB`: does the pipeline compute what the notebook computes?"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_further_notebooks,
    add_json,
    at_least,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.marks import MARKS
from jupyter_pipe.render.words import count, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

    from jupyter_pipe.verify import Divergence, Verdict, Verification

__all__ = ["add_parser", "run"]

EXPLANATION = """\
The notebook runs twice from top to bottom, then as a pipeline. Every cell's outputs are compared
(text, HTML, images by their pixels), and every value that a stage hands on. What the notebook itself
does not repeat (times, unseeded draws, the order of sets) is listed and not compared.

--edits N then edits what the notebook reads, N times, in a copy of its folder: rows, new and removed files,
environment variables, modules. After each edit the pipeline, which reuses what it can, must show what a fresh
run of the notebook shows. An edit with which both fail counts as equal.

--score compiles the scorer between the tags rows:NAME and score:NAME, prints its proofs, and keeps it if all
of them hold (see jupyter pipe score).

--groupings N puts the cells into N other, random stages: do the results hold, however you cut?
A grouping that the compiler refuses counts as neither equal nor different.

exit codes: 0 equal, 1 different, 2 the notebook cannot be run or compiled, 130 cancelled"""
EXAMPLES = """
jupyter pipe verify home_value.ipynb
jupyter pipe verify home_value_pipeline
jupyter pipe verify home_value.ipynb --score
jupyter pipe verify home_value.ipynb --edits 10
jupyter pipe verify home_value.ipynb --groupings 20 --seed 7"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "verify", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "target",
        type=Path,
        metavar="NB|DIR",
        help="a notebook, its compiled package, or the pipeline.toml of several",
    )
    add_further_notebooks(parser)
    parser.add_argument(
        "--groupings",
        type=at_least(0),
        default=0,
        metavar="N",
        help="try N random stage groupings, too",
    )
    parser.add_argument(
        "--edits",
        type=at_least(0),
        default=0,
        metavar="N",
        help="edit what it reads N times, and run again",
    )
    parser.add_argument(
        "--seed", type=int, metavar="S", help="of what is random (default: printed)"
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=at_least(1),
        metavar="N",
        help="stages at a time (default: cores)",
    )
    parser.add_argument(
        "--score", action="store_true", help="prove the notebook's scorer instead"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if they agree, else 1."""
    from jupyter_pipe.notebook.file_kinds import names_several

    paths = [args.target, *args.more]
    if names_several(paths):
        return _run_together(args, paths)
    if args.score:
        from jupyter_pipe.cli.notebooks.verify_score import run_proofs

        return run_proofs(args, _notebook(args.target))
    from jupyter_pipe.verify import verify

    # With --json standard output belongs to the reader of the JSON.
    terminal = Terminal.of(args, sys.stderr if args.json else None)
    progress = _progress(terminal)
    try:
        found = verify(
            _notebook(args.target),
            groupings=args.groupings,
            edits=args.edits,
            seed=args.seed,
            workers=args.jobs or None,
            watcher=progress,
        )
    finally:
        progress.close()
    if args.json:
        Terminal.of(args).record(to_json(found))
    else:
        for line in _conclusion(terminal, found):
            terminal.result(line)
    return 0 if found.is_equal else 1


def _run_together(args: argparse.Namespace, paths: list[Path]) -> int:
    """Several notebooks, one after another and as one pipeline."""
    from jupyter_pipe.compiler.notebook_list import list_notebooks
    from jupyter_pipe.errors import NotebookError
    from jupyter_pipe.verify import verify_together

    listed = list_notebooks(paths)
    for option in ("score", "groupings", "edits"):
        if getattr(args, option):
            raise NotebookError(
                f"--{option} is for one notebook, and these are several.",
                code="several_notebooks",
                hint=f"Leave --{option} out, or name one of the notebooks.",
            )
    terminal = Terminal.of(args, sys.stderr if args.json else None)
    progress = _progress(terminal)
    try:
        found = verify_together(listed, workers=args.jobs or None, watcher=progress)
    finally:
        progress.close()
    if args.json:
        Terminal.of(args).record(to_json(found))
        return 0 if found.is_equal else 1
    if found.divergence is not None:
        for line in _divergence(terminal, found.where, found.divergence):
            terminal.result(line)
    if found.not_comparable:
        terminal.result(
            "Not comparable, since runs of the notebooks themselves differ there: "
            f"{'; '.join(found.not_comparable)}."
        )
    state, tone = ("equal", "good") if found.is_equal else ("different", "bad")
    stages, cells = count(found.stages, "stage"), count(found.compared, "cell")
    terminal.result(f"{terminal.style(state, tone)}: {stages}, {cells} compared.")
    return 0 if found.is_equal else 1


def _notebook(target: Path) -> Path:
    """The notebook of a package that is up to date. Raises NotebookError or
    PackageError."""
    from jupyter_pipe.compiler import compile_notebook, read_package, stale_files
    from jupyter_pipe.engine.targets import is_package
    from jupyter_pipe.errors import PackageError

    if not is_package(target):
        return target
    pipeline = read_package(target)
    if pipeline.notebooks:
        raise PackageError(
            f"{target} is of several notebooks, and this is for one.",
            code="several_notebooks",
            hint=f"Name what it was compiled from: {Path(pipeline.source.notebook).name}, or the notebooks.",
        )
    notebook = target / pipeline.source.notebook
    # Else another notebook would be compared than the one that was compiled.
    stale = stale_files(compile_notebook(notebook, output=target), target)
    if stale:
        raise PackageError(
            f"{target} is not what {notebook.name} compiles to: {', '.join(map(str, sorted(stale)[:3]))}.",
            code="package_stale",
            hint=f"Renew it: jupyter pipe compile {notebook.name}",
        )
    return notebook.resolve()


def _progress(terminal: Terminal) -> _Lines:
    # Details and a line that stays in place would overwrite each other.
    if terminal.live and terminal.verbosity == 0:
        return _Live(terminal)
    return _Lines(terminal)


class _Lines:
    """A line for each verdict, and one for what begins: for pipes and CI. A
    `verify.Watcher`."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def begins(self, what: str) -> None:
        self._terminal.say(f"running {what}")

    def advances(self, done: int, total: int, noun: str) -> None:
        self._terminal.detail(f"  {done} of {count(total, noun)}")

    def decided(self, verdict: Verdict) -> None:
        for line in _verdict(self._terminal, verdict):
            self._terminal.result(line)

    def close(self) -> None:
        """Nothing stays on the screen but lines."""


class _Live(_Lines):
    """What runs stands in one line that stays in place; needs `rich`."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._what = ""
        self._started = 0.0
        self._status: Status | None = None

    def begins(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._show("")

    def advances(self, done: int, total: int, noun: str) -> None:
        passed = seconds_text(time.monotonic() - self._started)
        self._show(f": {done} of {count(total, noun)}, {passed}")

    def decided(self, verdict: Verdict) -> None:
        self.close()
        super().decided(verdict)

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _show(self, how_far: str) -> None:
        text = f"running {self._what}{how_far}"
        if self._status is not None:
            self._status.update(text)
            return
        from rich.console import Console

        console = Console(
            file=self._terminal.out,
            force_terminal=True,
            no_color=not self._terminal.colour,
        )
        self._status = console.status(text)
        self._status.start()


def _conclusion(terminal: Terminal, found: Verification) -> Iterator[str]:
    """The last lines: which cells could not be compared, then the verdict with what was
    compared and tried, and the seed that repeats it."""
    if found.not_comparable:
        cells = ", ".join(map(str, found.not_comparable))
        noun = "cell" if len(found.not_comparable) == 1 else "cells"
        yield f"Not comparable, since runs of the notebook itself differ there: {noun} {cells}."
    state, tone = ("equal", "good") if found.is_equal else ("different", "bad")
    said = (f"{count(found.compared, 'cell')} compared", *_tried(found))
    yield f"{terminal.style(state, tone)}: {', '.join(said)}."


def _tried(found: Verification) -> Iterator[str]:
    """What was tried besides the notebook as it is: `20 groupings (3 refused)`, `5
    edits`, `seed 7`."""
    # The first verdict is that of the notebook's own stages.
    regrouped = [verdict for verdict in found.verdicts[1:] if not verdict.edit]
    edited = [verdict for verdict in found.verdicts if verdict.edit]
    if regrouped:
        refused = sum(verdict.refusal is not None for verdict in regrouped)
        yield f"{count(len(regrouped), 'grouping')} ({refused} refused)"
    if edited:
        yield count(len(edited), "edit")
    if regrouped or edited:
        yield f"seed {found.seed}"


def _verdict(terminal: Terminal, verdict: Verdict) -> Iterator[str]:
    """One attempt on one line (the notebook's own stages, a random grouping, or an
    edit), followed by the first difference if there is one."""
    name = f"after {verdict.edit}" if verdict.edit else f"grouping {verdict.grouping}"
    name = name if verdict.edit or verdict.grouping else "own stages"
    if verdict.refusal is not None:
        codes = ", ".join(verdict.refusal.codes)
        yield f"{terminal.mark(MARKS['skipped'])} {name}: refused ({codes}): {verdict.refusal.message}"
        return
    ran = f"{verdict.reran} of " if verdict.edit else ""
    heading = (
        f"{name}, {ran}{count(verdict.stages, 'stage')}{' ran' if verdict.edit else ''}"
    )
    if verdict.divergence is None:
        yield f"{terminal.mark(MARKS['succeeded'])} {heading}: equal"
    else:
        yield from _divergence(terminal, heading, verdict.divergence)


def _divergence(terminal: Terminal, heading: str, found: Divergence) -> Iterator[str]:
    cell = f", cell {found.cell}" if found.cell is not None else ""
    variable = (
        f", variable {found.variable}" if found.variable and found.cell is None else ""
    )
    yield f"{terminal.mark(MARKS['failed'])} {heading}: different in stage {found.stage}{cell}{variable}"
    yield f"    notebook      {_indented(found.expected)}"
    yield f"    pipeline      {_indented(found.found)}"
    yield f"    likely cause  {_indented(found.cause)}"


def _indented(text: str) -> str:
    # As wide as the labels in front.
    return text.replace("\n", "\n" + " " * 18)
