"""`jupyter pipe submit ENGINE NB|DIR`: has another engine run the pipeline, and follows
it there."""

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
    find_store,
    root_option,
)
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.summary import summary
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import (
    command_line,
    environment_of,
    given_parameters,
    open_targets,
)
from jupyter_pipe.errors import RunError

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe submit slurm home_value.ipynb --follow
jupyter pipe submit prefect home_value.ipynb -p weeks=8
jupyter pipe submit nightly home_value.ipynb        [nightly] in ~/.config/jupyter_pipe/engines.toml
jupyter pipe submit --attach latest                 follow a run again, for example after a reboot"""
# The log is a file here: a look costs next to nothing.
SECONDS_BETWEEN_LOOKS = 0.2


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "submit", run, examples=EXAMPLES)
    parser.add_argument(
        "engine",
        nargs="?",
        metavar="ENGINE",
        help="an engine, or a configuration's name",
    )
    parser.add_argument(
        "target", nargs="?", metavar="NB|DIR", help="a notebook or a compiled package"
    )
    add_further_notebooks(parser)
    parser.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE"
    )
    parser.add_argument(
        "-f",
        "--parameters-file",
        type=Path,
        metavar="FILE",
        help="YAML or JSON: name: value",
    )
    parser.add_argument(
        "--root",
        metavar="DIR|URL",
        help="shared with the engine's workers (default: the configuration's, or the notebook's folder)",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="show the run until it ends, as `run` does",
    )
    parser.add_argument(
        "--attach", metavar="RUN", help="follow a run that was submitted before"
    )


def run(args: argparse.Namespace) -> int:
    """Submit; with --follow the exit code is that of the run."""
    from jupyter_pipe.submit.following import start_following
    from jupyter_pipe.submit.settings import find_configuration
    from jupyter_pipe.submit.submission import is_submitted, submit, title_of

    terminal = Terminal.of(args)
    if args.attach:
        store = find_store(args.root)
        run_id = store.find(args.attach)
    else:
        request = _request(args)
        store = request.target.store
        run_id = submit(request, args.engine).run_id
        found = store.read(run_id)
        title = title_of(find_configuration(args.engine))
        terminal.say(
            f"Submitted {found.pipeline} to {title}: run {run_id} {found.page}".rstrip()
        )
    # One that Dask's workers carry out has a runner here, and nothing to be followed.
    if args.attach or is_submitted(store.folder(run_id)):
        start_following(store, run_id)
    if args.follow:
        return _follow(terminal, store, run_id)
    option = root_option(store)
    terminal.say(f"Follow it with: jupyter pipe logs {run_id} --follow{option}")
    terminal.say(f"End it with:    jupyter pipe cancel {run_id}{option}")
    return 0


def _request(args: argparse.Namespace) -> RunRequest:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.submit.roots import store_of
    from jupyter_pipe.submit.settings import find_configuration

    if args.engine is None or args.target is None:
        raise RunError(
            "Name an engine, and a notebook or compiled package.",
            code="engine_unknown",
            hint="For example: jupyter pipe submit slurm NOTEBOOK",
        )
    target = open_targets(
        args, store_of(args.root or find_configuration(args.engine).root)
    )
    environment = environment_of(None)
    return RunRequest(
        target=target,
        parameters=given_parameters(args, target, environment),
        environment=environment,
        command=command_line(sys.argv[1:]),
    )


def _follow(terminal: Terminal, store: RunStore, run_id: str) -> int:
    """Show what happens until the run is over. Whoever stops looking stops nothing."""
    from jupyter_pipe.submit.following import is_followed
    from jupyter_pipe.submit.submission import is_submitted

    folder = store.folder(run_id)
    show = PlainLines(terminal)
    seen = 0
    while True:
        # An engine may try a stage again after the run seemed to have ended: who
        # follows it knows.
        is_over = (
            not is_followed(folder)
            if is_submitted(folder)
            else store.read(run_id).is_final
        )
        for event in store.events(run_id, seen):
            show(event)
            seen = event.seq
        if is_over:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    found = store.read(run_id)
    terminal.result("")
    terminal.result(summary(terminal, found, folder.path, command="", with_stages=True))
    # None if whoever follows the run has given up.
    return 1 if found.exit_code is None else found.exit_code
