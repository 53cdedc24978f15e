"""`jupyter pipe show RUN`: how one run went, or goes."""

from __future__ import annotations

import argparse

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    add_run,
    find_store,
    root_option,
)
from jupyter_pipe.cli.output.summary import summary
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.model import to_json
from jupyter_pipe.render.words import day_time
from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe show               the latest run
jupyter pipe show 7b1e          the end of a run's id is enough, as is its beginning"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "show", run, examples=EXAMPLES)
    add_run(parser)
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the run."""
    terminal = Terminal.of(args)
    store = find_store(args.root)
    found = store.read(store.find(args.run_id))
    if args.json:
        terminal.record(to_json(found))
        return 0
    command = (
        f"jupyter pipe resume {found.run_id}{root_option(store)}"
        if found.is_final
        else ""
    )
    for line in _facts(found):
        terminal.result(line)
    terminal.result("")
    folder = store.folder(found.run_id).path
    terminal.result(summary(terminal, found, folder, command=command, with_stages=True))
    return 0


def _facts(found: Run) -> list[str]:
    """What a run is and where it comes from, a line each."""
    lines = [
        f"run        {found.run_id}, {day_time(found.started or found.queued)}, from {found.trigger}"
    ]
    lines += [f"notebook   {path}" for path in found.facts.paths]
    if found.engine:
        lines.append(f"engine     {' '.join([found.engine, found.page]).rstrip()}")
    if found.silent_since is not None:
        # Below the engine, without a label of its own.
        lines.append(f"           out of sight since {day_time(found.silent_since)}")
    if found.resumed_from:
        lines.append(f"resumes    {found.resumed_from}")
    given = [
        f"{each.name}={each.literal}" for each in found.facts.parameters if each.changed
    ]
    if given:
        lines.append(f"parameters {', '.join(given)}")
    return lines
