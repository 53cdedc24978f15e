"""`jupyter pipe register RUN|NB`: a proved scorer becomes a version of a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.models.options import REGISTRY_NOTE, json_of
from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_json,
    add_root,
    find_store,
)
from jupyter_pipe.cli.output.progress import progress_on
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.notebook.file_kinds import is_notebook_file

if TYPE_CHECKING:
    from jupyter_pipe.engine import Target
    from jupyter_pipe.registry import ModelVersion
    from jupyter_pipe.runs.model import Run

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe register home_value.ipynb                 runs it, reusing what is valid
jupyter pipe register latest                           the model of the latest run
jupyter pipe register 7b1e --as homes                  of another run, under another name
jupyter pipe promote home_value@1"""
EXPLANATION = """\
The notebook's cells are tagged rows:NAME and score:NAME. What lies between is compiled to a scorer and
proved (see verify --score); scorer, values, proofs, rows that it must repeat, and what it came from are
kept as a new version. A run is registered once: registering it again gives the version that is there. The
new version is the challenger; it answers once it is promoted.

exit codes: 0 registered, 2 there is no scorer, a proof fails, or the run did not succeed"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "register", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}\n\n{REGISTRY_NOTE}"
    parser.add_argument(
        "target",
        metavar="RUN|NB",
        help="a run's id, its beginning or end; or a notebook",
    )
    parser.add_argument(
        "--as",
        dest="name",
        default="",
        metavar="NAME",
        help="of the model (default: the notebook's)",
    )
    add_root(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; what cannot be registered is an error."""
    from jupyter_pipe.registry import open_registry
    from jupyter_pipe.registry.making import register_run

    terminal = Terminal.of(args, sys.stderr if args.json else None)
    target, found = (
        _run_of_notebook(args) if _is_notebook(args.target) else _earlier_run(args)
    )
    registry = open_registry(root=target.store.root)
    version = register_run(registry, target, found, name=args.name)
    if args.json:
        Terminal.of(args).record(json_of(version))
        return 0
    terminal.result(f"{version.label} registered, of run {version.run_id}")
    terminal.say(
        _next(version, [each.number for each in registry.versions(version.name)])
    )
    return 0


def _next(version: ModelVersion, numbers: list[int]) -> str:
    if "champion" in version.aliases:
        return f"  it answers already: {', '.join(version.aliases)}"
    # The first version has nothing to be compared with.
    compared = " (compares it with the champion)" if len(numbers) > 1 else ""
    return f"  to let it answer: jupyter pipe promote {version.label}{compared}"


def _is_notebook(text: str) -> bool:
    # A package's folder counts; no run's id is the name of a file.
    return is_notebook_file(text) or Path(text).exists()


def _run_of_notebook(args: argparse.Namespace) -> tuple[Target, Run]:
    """Run the notebook, reusing what is valid."""
    from jupyter_pipe.engine import RunRequest, open_target, run_pipeline
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    target = open_target(
        args.target, RunStore(local_root(args.root)) if args.root else None
    )
    with progress_on(Terminal.of(args, sys.stderr)) as progress:
        found = run_pipeline(
            RunRequest(target=target, trigger="register"), observers=[progress]
        )
    return target, found


def _earlier_run(args: argparse.Namespace) -> tuple[Target, Run]:
    from jupyter_pipe.engine.targets import open_earlier

    store = find_store(args.root)
    found = store.read(store.find(args.target))
    return open_earlier(found, store), found
