"""`jupyter pipe resume RUN`: a new run with the same parameters and the current code.

What succeeded in the earlier run is reused where nothing that it depends on has
changed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import (
    Subparsers,
    add_command,
    add_root,
    add_trust,
    find_store,
)
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run import add_result_options, execute
from jupyter_pipe.cli.runs.run_options import add_place, command_line, environment_of
from jupyter_pipe.errors import RunError

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs.model import Run, RunOptions
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe resume latest
jupyter pipe resume 7b1e --keep-going"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "resume", run, examples=EXAMPLES)
    parser.add_argument(
        "run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`"
    )
    add_place(parser.add_argument_group("how (default: as before)"))
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure, run what does not need it",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="NAME=VALUE lines, for secret:NAME tags",
    )
    add_trust(parser)
    add_root(parser)
    add_result_options(parser)


def run(args: argparse.Namespace) -> int:
    """Start the new run; the exit code is that of the run."""
    store = find_store(args.root)
    earlier = store.read(store.find(args.run_id))
    if not earlier.is_final:
        raise RunError(
            f"Run {earlier.run_id} still goes on.",
            code="run_going_on",
            hint=f"End it first: jupyter pipe cancel {earlier.run_id}",
        )
    request = _request(args, store, earlier)
    Terminal.of(args).detail(f"Resumes {earlier.run_id}.")
    return execute(args, request)


def _request(args: argparse.Namespace, store: RunStore, earlier: Run) -> RunRequest:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.engine.targets import (
        open_earlier,
        options_to_resume,
        request_to_resume,
    )

    target = open_earlier(earlier, store, trust=args.trust)
    request = RunRequest(
        target=target,
        options=_options(args, options_to_resume(target.pipeline, earlier)),
        environment=environment_of(args.env_file),
        command=command_line(["resume", earlier.run_id]),
    )
    return request_to_resume(request, earlier)


def _options(args: argparse.Namespace, before: RunOptions) -> RunOptions:
    """As before, but for what is given now. An executor that is named comes without the
    old cluster."""
    from msgspec.structs import replace

    is_elsewhere = bool(args.executor or args.scheduler)
    return replace(
        before,
        workers=args.jobs or before.workers,
        kernels=args.kernels or before.kernels,
        # A scheduler alone means Dask.
        executor=(args.executor or "dask") if is_elsewhere else before.executor,
        scheduler=args.scheduler if is_elsewhere else before.scheduler,
        keep_going=args.keep_going or before.keep_going,
        trust=args.trust,
    )
