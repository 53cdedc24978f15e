"""Hands a pipeline to an engine: compiled, laid out as a run, started, written down.

What was started stands in `submitted.json` in the run's folder, signed: with it any
process can ask the engine about the run, or end it. Raises SubmitError, CompileError,
ParameterError, RunError, and OSError as the disk does.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.compiler import read_package, write_package
from jupyter_pipe.compiler.named import compile_named
from jupyter_pipe.engine.provenance import provenance_of
from jupyter_pipe.engine.request import prepare
from jupyter_pipe.engine.targets import RunRequest, Target
from jupyter_pipe.events import EngineSeen, Event, RunFinished, RunState
from jupyter_pipe.export import Options, Plan, find_exporter, plan_of
from jupyter_pipe.export.digests import stage_digests
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.runs.model import ParameterValue, Run, RunFacts
from jupyter_pipe.runs.parameters import IN_NOTEBOOK
from jupyter_pipe.runs.shared.gathering import SharedRun
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.submit import Order, SilentError, Started, SubmitError
from jupyter_pipe.submit.engines.dask import TITLE, Dask
from jupyter_pipe.submit.roots import publish_run, require_root
from jupyter_pipe.submit.settings import (
    ELSEWHERE,
    Configuration,
    engine_of,
    find_configuration,
    has_own_runner,
    require_settings,
)
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = [
    "Submission",
    "cancel",
    "find_submission",
    "is_submitted",
    "shared_run",
    "submit",
    "title_of",
]


class Submission(Struct, frozen=True):
    """What was started. `name` is the configuration's, `time` in UTC seconds."""

    name: str
    configuration: Configuration
    started: Started
    time: float


def submit(request: RunRequest, name: str) -> Run:
    """Have the engine `name` run the request's notebook or package, with its
    parameters. Returns as soon as the engine has it; `is_submitted` says whether it is
    to be followed there."""
    configuration = find_configuration(name)
    require_settings(configuration)
    require_root(configuration, request.target.store)
    if has_own_runner(configuration):
        return Dask(configuration).run(request)
    engine = engine_of(configuration)
    title = title_of(configuration)
    # Where the engine keeps the secrets is its own affair; only SLURM passes this
    # environment on.
    prepared = prepare(request, has_secrets=configuration.engine == "slurm")
    facts = replace(prepared.facts, provenance=provenance_of(prepared))
    store = prepared.store
    store.make_state_folder()
    run_id = request.run_id or store.next_run_id()
    shared = SharedRun(store, prepared.pipeline, facts, run_id)
    shared.announce(request.trigger)
    try:
        package, pipeline = _package(
            request.target,
            shared.folder,
            is_taken=bool(store.url) or configuration.engine in ELSEWHERE,
        )
        plan = _plan(pipeline, configuration, package, store)
        publish_run(store, shared.folder)
        values = _values(plan, facts.parameters)
        started = engine.start(Order(run_id, plan, values, shared.folder.path))
    except BaseException as error:
        shared.gather(lambda run: [_never_began(run)])
        if isinstance(error, SilentError):
            raise SubmitError(
                f"{title} does not answer: {error}.", code="engine_silent"
            ) from None
        raise
    record = to_json(Submission(name, configuration, started, time.time()))
    replace_file(shared.folder.submitted, sign("submission", run_id, record))
    return shared.gather(lambda run: [EngineSeen(title, started.page)])


def is_submitted(folder: RunFolder) -> bool:
    """Whether an engine has taken the run."""
    return folder.submitted.exists()


def find_submission(store: RunStore, run_id: str) -> Submission | None:
    """What was started for the run; None if we started nothing. Raises UntrustedError
    for a record that somebody else wrote: it says whom to ask."""
    if not is_submitted(store.folder(run_id)):
        return None
    path = store.folder(run_id).submitted
    try:
        return msgspec.json.decode(
            read_record(path, "submission", run_id), type=Submission
        )
    except UNREADABLE:
        store.require_own(run_id)
        raise SubmitError(f"{path} is damaged.", code="run_damaged") from None


def cancel(store: RunStore, run_id: str) -> None:
    """Have the engine end the run, if it runs in one."""
    submission = find_submission(store, run_id)
    if submission is None:
        return
    try:
        engine_of(submission.configuration).cancel(submission.started.handle)
    except SilentError as error:
        raise SubmitError(
            f"{title_of(submission.configuration)} does not answer: {error}.",
            code="engine_silent",
            hint="Ask again when it does: the run goes on there.",
        ) from None


def shared_run(store: RunStore, run_id: str) -> SharedRun:
    """The run's log, to be added to."""
    return SharedRun(store, store.read_pipeline(run_id), RunFacts(), run_id)


def title_of(configuration: Configuration) -> str:
    """The engine's name for people."""
    return (
        TITLE
        if has_own_runner(configuration)
        else find_exporter(configuration.engine).title
    )


def _package(
    target: Target, folder: RunFolder, *, is_taken: bool
) -> tuple[Path, Pipeline]:
    """The package, as it is now: a notebook is compiled into the run's folder, where it
    stays as it was however long the engine waits. A package is taken there too where
    workers would not find it."""
    package = folder.package
    if target.package is None:
        folder_of_source = target.notebook.parent
        paths = [folder_of_source / word for word in target.words_to_compile]
        compiled = compile_named(paths, output=package).compiled
        write_package(compiled, package)
        return package, compiled.pipeline
    if not is_taken:
        return target.package, read_package(target.package)
    shutil.copytree(target.package, package)
    return package, read_package(package)


def _plan(
    pipeline: Pipeline, configuration: Configuration, package: Path, store: RunStore
) -> Plan:
    ours = shlex.quote(str(Path(sys.executable).parent / "jupyter-pipe"))
    usual = "jupyter-pipe" if configuration.engine in ELSEWHERE else ours
    options = Options(
        package=str(package.absolute()),
        run_root=store.url or str(store.root.absolute()),
        image=configuration.image,
        command=configuration.command or usual,
        claim=configuration.claim,
    )
    return plan_of(pipeline, options, stage_digests(package, pipeline))


def _values(plan: Plan, parameters: tuple[ParameterValue, ...]) -> dict[str, str]:
    """The parameters that are to differ from the notebook's, as environment
    variables."""
    variables = {each.name: each.variable for each in plan.parameters}
    return {
        variables[each.name.replace(".", IN_NOTEBOOK)]: each.value
        if isinstance(each.value, str)
        else each.literal
        for each in parameters
        if each.changed
    }


def _never_began(run: Run) -> Event:
    return RunFinished(
        state=RunState.failed, exit_code=1, seconds=max(time.time() - run.queued, 0.0)
    )
