"""`jupyter pipe run-stage DIR STAGE`: one stage by itself, for engines that bring their own scheduler."""

from __future__ import annotations

import argparse
from pathlib import Path

from jupyter_pipe.cli.options import Subparsers, add_command, add_trust, at_least
from jupyter_pipe.cli.output.failure import failure_block
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import add_allow_secret_values, environment_of, parameter_texts
from jupyter_pipe.events import Event, FailureKind, StageState

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe run-stage home_value_pipeline ingest --run-root /shared/runs --run-id nightly
jupyter pipe run-stage home_value_pipeline train --run-root /shared/runs --run-id nightly -p seed=3"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "run-stage", run, summary="run one stage, as another engine does", examples=EXAMPLES
    )
    parser.add_argument("target", type=Path, metavar="DIR", help="a compiled package")
    parser.add_argument("stage", metavar="STAGE")
    parser.add_argument(
        "--run-root", required=True, metavar="DIR|URL", help="shared by all stages of the run"
    )
    parser.add_argument("--run-id", default="shared", metavar="ID", help="the same for all stages of the run")
    parser.add_argument("--attempt", type=at_least(1), default=1, metavar="N")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--workdir", type=Path, metavar="DIR", help="where the stage runs")
    parser.add_argument(
        "--env-file", type=Path, metavar="FILE", help="NAME=VALUE lines, for secret:NAME tags"
    )
    add_trust(parser)
    add_allow_secret_values(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 if the stage failed, 3 if its gate did."""
    from jupyter_pipe.cli.output.github import mask_secrets
    from jupyter_pipe.engine import RunRequest, open_target
    from jupyter_pipe.engine.attempts.single_stage import run_single_stage
    from jupyter_pipe.runs.model import RunOptions, StageRun
    from jupyter_pipe.runs.parameters import resolve_parameters
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    terminal = Terminal.of(args)
    target = open_target(args.target, RunStore(local_root(args.run_root)))
    environment = environment_of(args.env_file)
    request = RunRequest(
        target=target,
        workdir=args.workdir,
        options=RunOptions(trust=args.trust, allow_secret_values=args.allow_secret_values),
        run_id=args.run_id,
        environment=environment,
        parameters=resolve_parameters(
            target.pipeline.parameters, texts=parameter_texts(args.parameter), environment=environment
        ),
    )
    mask_secrets(terminal, request)
    outcome = run_single_stage(request, args.stage, attempt=args.attempt, report=_Timed(PlainLines(terminal)))
    if outcome.failure is None:
        terminal.say(f"{args.stage} succeeded." if outcome.result else f"{args.stage} was stopped.")
        return 0 if outcome.result else 130
    failed = StageRun(args.stage, state=StageState.failed, failure=outcome.failure)
    terminal.result(failure_block(terminal, failed))
    return 3 if outcome.failure.kind is FailureKind.gate else 1


class _Timed:
    """Gives events the time at which they come: no log does it here."""

    def __init__(self, show: PlainLines) -> None:
        self._show = show

    def __call__(self, event: Event) -> None:
        import time

        from msgspec.structs import replace

        self._show(replace(event, time=time.time()))
