"""`jupyter pipe resume RUN`: a new run with the same parameters and the current code.

What succeeded in the earlier run is reused where nothing that it depends on has changed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.cli.options import Subparsers, add_command, add_root, find_store
from jupyter_pipe.cli.output.terminal import Terminal
from jupyter_pipe.cli.runs.run import add_result_options, execute
from jupyter_pipe.cli.runs.run_options import add_place, command_line, environment_of
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import StageState

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.model import Pipeline
    from jupyter_pipe.runs.model import ParameterValue, Run
    from jupyter_pipe.runs.store import RunStore

__all__ = ["add_parser", "run"]

EXAMPLES = """
jupyter pipe resume latest
jupyter pipe resume 7b1e --keep-going"""
DONE = {StageState.succeeded, StageState.cached}


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "resume", run, summary="continue a run that failed or was cancelled", examples=EXAMPLES
    )
    parser.add_argument("run_id", metavar="RUN", help="a run's id, its beginning or end, or `latest`")
    add_place(parser.add_argument_group("how (default: as before)"))
    parser.add_argument(
        "--keep-going", action="store_true", help="after a failure, run what does not need it"
    )
    parser.add_argument(
        "--env-file", type=Path, metavar="FILE", help="NAME=VALUE lines, for secret:NAME tags"
    )
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
    args.target = earlier.facts.notebook
    request, pipeline = _request(args, store, earlier)
    Terminal.of(args).detail(f"Resumes {earlier.run_id}.")
    return execute(args, request, pipeline)


def _request(args: argparse.Namespace, store: RunStore, earlier: Run) -> tuple[RunRequest, Pipeline]:
    from jupyter_pipe.compiler import read_package
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.engine.compiling import compile_for_run

    facts = earlier.facts
    package = Path(facts.package) if facts.package else None
    compiled = None if package else compile_for_run(Path(facts.notebook), store)
    pipeline = compiled.pipeline if compiled else read_package(facts.package)
    scheduler = args.scheduler or (None if args.executor else facts.scheduler)
    executor = args.executor or ("dask" if args.scheduler else facts.executor)
    request = RunRequest(
        package=package,
        pipeline=pipeline,
        files=compiled.files if compiled else {},
        notebook=Path(facts.notebook),
        root=store.root,
        workdir=Path(facts.workdir),
        parameters=_parameters(pipeline, earlier),
        workers=args.jobs or facts.workers,
        kernels=args.kernels or facts.kernels,
        executor=executor,
        scheduler=scheduler,
        keep_going=args.keep_going,
        strict=facts.strict,
        targets=_targets(pipeline, earlier),
        environment=environment_of(args.env_file),
        command=command_line(["resume", earlier.run_id]),
        resumed_from=earlier.run_id,
        resumed_stages=tuple(stage.name for stage in earlier.stages if stage.state in DONE),
    )
    return request, pipeline


def _parameters(pipeline: Pipeline, earlier: Run) -> tuple[ParameterValue, ...]:
    """The values that the earlier run was given; those of the notebook are read anew."""
    from msgspec.structs import replace

    from jupyter_pipe.runs.parameters import resolve_parameters

    before = {each.name: each for each in earlier.facts.parameters}
    resolved = resolve_parameters(pipeline.parameters)
    return tuple(
        replace(each, literal=given.literal, value=given.value, origin=given.origin)
        if (given := before.get(each.name)) is not None and given.changed
        else each
        for each in resolved
    )


def _targets(pipeline: Pipeline, earlier: Run) -> tuple[str, ...]:
    """The same stages, if the earlier run was of some only."""
    took_part = {stage.name for stage in earlier.stages}
    before = [stage.name for stage in pipeline.stages if stage.name in took_part]
    is_whole = len(earlier.stages) >= len(pipeline.stages)
    return () if is_whole else tuple(before)
