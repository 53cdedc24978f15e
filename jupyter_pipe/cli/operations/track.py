"""`jupyter pipe track RUN…`: tell a tracker about runs that have been."""

from __future__ import annotations

import argparse

from jupyter_pipe.cli.options import Subparsers, add_command, add_root, find_store
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.render.words import count

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe track latest
jupyter pipe track --all                                    every run of this folder
jupyter pipe track 7b1e 9c02 --to http://localhost:5000     MLflow elsewhere
jupyter pipe track --all --to openlineage+file:///tmp/runs.jsonl
jupyter pipe run home_value.ipynb --track                   while it runs; so does sweep --track"""
EXPLANATION = """\
Parameters, metrics, gates, digests and profiles of data, notebooks, report and git state go to MLflow: a run
is a run there, stages are its children, trials of a sweep the children of the study. By default MLflow keeps
them in .jupyter_pipe/mlflow.db (or where MLFLOW_TRACKING_URI says); openlineage+file:/// and
openlineage+http:// write events of OpenLineage. A run is told once, however often it is asked. Without a run,
what trackers that were away have not heard is told now.

exit codes: 0 all told, 1 a tracker cannot be reached, 2 an unknown run or address"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "track", run, examples=EXAMPLES)
    parser.description = f"{parser.description}\n\n{EXPLANATION}"
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        help="a run's id, its beginning or end; `latest`",
    )
    parser.add_argument("--all", action="store_true", help="every run")
    parser.add_argument(
        "--to",
        default="default",
        metavar="ADDRESS",
        help="which tracker (default: MLflow)",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="tell even what was told, after a store was lost",
    )
    add_root(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 if everything was told."""
    from jupyter_pipe.tracking.outbox import tell, waiting
    from jupyter_pipe.tracking.trackers import open_tracker, require_address

    terminal = Terminal.of(args)
    require_address(args.to)
    store = find_store(args.root)
    ids = (
        # Oldest first, as they happened.
        tuple(reversed(store.ids()))
        if args.all
        else tuple(store.find(each) for each in args.runs)
    )
    todo = [(run_id, args.to) for run_id in ids] if ids or args.all else waiting(store)
    # One for each address, and a connection is made once.
    trackers = {address: open_tracker(address, store.root) for _, address in todo}
    failed = 0
    for run_id, address in todo:
        try:
            ended = tell(trackers[address], address, store, run_id, again=args.again)
            terminal.say(
                f"{run_id}  told to {address}{'' if ended else ', as far as it has come'}"
            )
        except Exception as error:  # Of whatever library a tracker uses.
            failed += 1
            terminal.result(
                f"{run_id}  not told to {address}: {getattr(error, 'message', error)}"
            )
    if not todo:
        terminal.say("Nothing waits to be told.")
    else:
        terminal.result(f"{count(len(todo) - failed, 'run')} told")
    return 1 if failed else 0
