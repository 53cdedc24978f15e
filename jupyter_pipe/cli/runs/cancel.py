"""`jupyter pipe cancel RUN`: ends a run that goes on, wherever it was started."""

from __future__ import annotations

import argparse

from jupyter_pipe.cli.options import Subparsers, add_command, add_root, find_store
from jupyter_pipe.cli.output.terminal import Terminal

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe cancel latest
jupyter pipe cancel 7b1e"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "cancel", run, examples=EXAMPLES)
    parser.add_argument(
        "run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`"
    )
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Ask its runner to stop."""
    from jupyter_pipe.engine.control import request_cancel
    from jupyter_pipe.submit.following import end_in_engine

    store = find_store(args.root)
    run_id = store.find(args.run_id)
    if not request_cancel(store, run_id):
        state = store.read(run_id).state.value
        Terminal.of(args).say(f"Run {run_id} has already ended: {state}.")
        return 0
    end_in_engine(store, run_id)
    if store.url:
        from jupyter_pipe.runs.remote import RemoteRoot

        cancel = store.folder(run_id).cancel
        # The runner may be on another machine, and looks for this file under the URL.
        RemoteRoot(store.url).publish(
            cancel, cancel.relative_to(store.state_folder).as_posix()
        )
    Terminal.of(args).say(
        f"Asked run {run_id} to end. Follow it with: jupyter pipe logs {run_id} --follow"
    )
    return 0
