"""`jupyter pipe cancel RUN`: ends a run that goes on, wherever it was started."""

from __future__ import annotations

import argparse

from jupyter_pipe.cli.options import Subparsers, add_command, add_root, find_store
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe cancel latest
jupyter pipe cancel 7b1e"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "cancel", run, examples=EXAMPLES)
    parser.add_argument("run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`")
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Ask its runner to stop."""
    from jupyter_pipe.engine.control import request_cancel

    store = find_store(args.root)
    run_id = store.find(args.run_id)
    if not request_cancel(store, run_id):
        state = store.read(run_id).state.value
        Terminal.of(args).say(f"Run {run_id} has already ended: {state}.")
        return 0
    if (store.folder(run_id).path / "submitted.json").exists():
        _end_in_engine(store, run_id)
    if store.url:
        from jupyter_pipe.runs.remote import RemoteRoot

        cancel = store.folder(run_id).cancel
        RemoteRoot(store.url).publish(cancel, cancel.relative_to(store.state_folder).as_posix())
    Terminal.of(args).say(f"Asked run {run_id} to end. Follow it with: jupyter pipe logs {run_id} --follow")
    return 0


def _end_in_engine(store: RunStore, run_id: str) -> None:
    """Where nobody follows the run in its engine, the engine is told from here."""
    from jupyter_pipe.submit.following import is_followed, start_following
    from jupyter_pipe.submit.submission import cancel

    if not is_followed(store.folder(run_id)):
        cancel(store, run_id)
        start_following(store, run_id)
