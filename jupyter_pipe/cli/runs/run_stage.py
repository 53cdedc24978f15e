"""`jupyter pipe run-stage DIR STAGE`: one stage by itself, for engines that bring their
own scheduler."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_trust, at_least
from jupyter_pipe.cli.output.echo import Echo
from jupyter_pipe.cli.output.failure import failure_block
from jupyter_pipe.cli.output.progress import PlainLines
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run_options import (
    add_allow_secret_values,
    environment_of,
    given_parameters,
)
from jupyter_pipe.errors import RunError

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.engine.single.stage import StageEnd
    from jupyter_pipe.model import Pipeline
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe run-stage home_value_pipeline ingest --run-root /shared/runs --run-id nightly
jupyter pipe run-stage home_value_pipeline train --run-root /shared/runs --run-id nightly -p seed=3
jupyter pipe run-stage home_value_pipeline train --take out/ingest --leave out/train --result train.json"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "run-stage", run, examples=EXAMPLES)
    parser.add_argument(
        "target",
        type=Path,
        metavar="DIR",
        help="a compiled package; - for the run's own",
    )
    parser.add_argument("stage", metavar="STAGE")
    parser.add_argument(
        "--run-root", metavar="DIR|URL", help="shared by all stages of the run"
    )
    parser.add_argument(
        "--run-id",
        metavar="ID",
        help="the same for all stages of the run, another for the next",
    )
    parser.add_argument(
        "--take",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="what an earlier stage left; once for each stage that this one depends on",
    )
    parser.add_argument(
        "--leave", type=Path, metavar="DIR", help="for what later stages take"
    )
    parser.add_argument(
        "--result",
        type=Path,
        metavar="FILE",
        help="metrics, gates, outputs and state, as JSON",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="the report of the run so far"
    )
    parser.add_argument(
        "--attempt",
        type=at_least(1),
        default=1,
        metavar="N",
        help="or the next one that is not taken",
    )
    parser.add_argument(
        "--retry",
        action="store_true",
        help="try again as often as the stage's retries: tag says",
    )
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
        "--workdir",
        type=Path,
        metavar="DIR",
        help="where the stage runs (default: a folder of the run)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="NAME=VALUE lines, for secret:NAME tags",
    )
    add_trust(parser)
    add_allow_secret_values(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 if the stage failed, 3 if its gate did, 4 if another attempt would
    fail as well."""
    from jupyter_pipe.engine.scheduling.verdict import retry_delay_seconds
    from jupyter_pipe.engine.single.stage import (
        Listeners,
        SingleStage,
        run_single_stage,
    )

    terminal = Terminal.of(args)
    with _root(args) as root:
        request = _request(args, root)
        args.stage = _stage_of(request.target.pipeline, args.stage)
        if terminal.in_github:
            from jupyter_pipe.cli.output.github import mask_secrets

            mask_secrets(terminal, request)
        listeners = Listeners(
            event=PlainLines(terminal),
            waiting=lambda holder: terminal.say(
                f"Stage {args.stage} of run {request.run_id} runs already, in process {holder.pid} on "
                f"{holder.host}: waiting for it."
            ),
            look=Echo(terminal),
        )
        retries = (
            request.target.pipeline.stage(args.stage).options.retries
            if args.retry
            else 0
        )
        for failures in range(1, retries + 2):
            delay = retry_delay_seconds(failures) if failures <= retries else None
            order = SingleStage(
                args.stage, args.attempt, delay, tuple(args.take), args.leave
            )
            end = run_single_stage(request, order, listeners)
            # A false gate or an undeclared change would come out the same.
            if end.exit_code != 1 or delay is None:
                break
            time.sleep(delay)
        _leave_files(args, end)
    _tell(terminal, args.stage, end)
    return end.exit_code


def _stage_of(pipeline: Pipeline, name: str) -> str:
    """The stage that an engine calls so: `train__fit` is `train.fit` of several
    notebooks."""
    if not pipeline.notebooks:
        return name
    from jupyter_pipe.export.plan import task_names

    return {called: stage for stage, called in task_names(pipeline).items()}.get(
        name, name
    )


@contextlib.contextmanager
def _root(args: argparse.Namespace) -> Iterator[str]:
    """The root that was named, or one for this stage alone whose bundle goes
    elsewhere."""
    if args.run_root is not None:
        if not args.run_id:
            raise RunError(
                "A run of several processes needs a name.",
                code="run_id_missing",
                hint="Give all stages of one run the same --run-id, and another run another one.",
            )
        yield args.run_root
    elif args.leave is None and not args.take:
        raise RunError(
            "The stage needs a place that the stages of the run share.",
            code="root_missing",
            hint="Name a folder or URL with --run-root and a run with --run-id, or folders that your engine "
            "carries from stage to stage with --take and --leave.",
        )
    else:
        # Bundles are copied out of it, so nothing here is needed once the stage has
        # ended.
        with tempfile.TemporaryDirectory(prefix="jupyter_pipe-") as folder:
            yield folder


def _request(args: argparse.Namespace, root: str) -> RunRequest:
    from jupyter_pipe.engine import RunRequest, open_target
    from jupyter_pipe.engine.single.bundles import read_bundle
    from jupyter_pipe.runs.model import RunOptions
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore, new_run_id

    store = RunStore(local_root(root))
    target = open_target(_package(args, store), store)
    environment = environment_of(args.env_file)
    # Engines that carry bundles need not know the run's id.
    taken = [read_bundle(path).run_id for path in args.take]
    return RunRequest(
        target=target,
        workdir=args.workdir,
        options=RunOptions(
            trust=args.trust, allow_secret_values=args.allow_secret_values
        ),
        run_id=args.run_id or next(iter(taken), None) or new_run_id(),
        environment=environment,
        trigger="engine",
        parameters=given_parameters(args, target, environment),
    )


def _package(args: argparse.Namespace, store: RunStore) -> Path:
    """The package that was named, or the one that `submit` laid out for the run."""
    if args.target != Path("-"):
        return Path(args.target)
    if not args.run_id:
        raise RunError(
            "Only a run has a package of its own.",
            code="run_id_missing",
            hint="Name the run with --run-root and --run-id, or a compiled package instead of -.",
        )
    package = store.folder(args.run_id).package
    if store.url:
        from jupyter_pipe.runs.remote import RemoteRoot

        remote = RemoteRoot(store.url)
        for name in remote.names(package.relative_to(store.state_folder).as_posix()):
            remote.fetch(name, store.state_folder / name)
    return package


def _leave_files(args: argparse.Namespace, end: StageEnd) -> None:
    """What was asked for besides the bundle, of a failed stage as well."""
    from jupyter_pipe.cli.output.writing import write_output

    if args.result is not None:
        text = json.dumps(_result(args.stage, end), indent=2, ensure_ascii=False) + "\n"
        # A name of a file on the disk may be half of a surrogate pair.
        write_output(args.result.absolute(), text.encode("utf-8", "surrogatepass"))
    if args.html is not None and end.folder.report.is_file():
        write_output(args.html.absolute(), end.folder.report.read_bytes())


def _result(name: str, end: StageEnd) -> dict[str, object]:
    from msgspec import to_builtins

    stage = end.run.stage(name)
    return {
        "stage": name,
        "run_id": end.run.run_id,
        "state": stage.state.value,
        "exit_code": end.exit_code,
        # 0 if another process ran the stage.
        "attempt": end.attempt or stage.attempts,
        "seconds": stage.seconds,
        "parameters": {each.name: each.value for each in end.run.facts.parameters},
        "metrics": stage.metrics,
        "gates": [
            {
                "expression": gate.expression,
                "passed": gate.passed,
                "values": gate.values,
            }
            for gate in stage.gates
        ],
        "outputs": {
            key: text
            for artifact in stage.artifacts
            for key, text in artifact.summary.items()
        },
        "failure": to_builtins(stage.failure) if stage.failure else None,
    }


def _tell(terminal: Terminal, name: str, end: StageEnd) -> None:
    if end.outcome.failure is not None:
        terminal.result(failure_block(terminal, end.run.stage(name)))
    elif end.reused:
        terminal.say(
            f"{name} was run by another process meanwhile; its result is used."
        )
    else:
        terminal.say(
            f"{name} succeeded." if end.outcome.result else f"{name} was stopped."
        )
