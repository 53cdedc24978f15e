"""One stage by itself, for engines that bring their own scheduler: `jupyter-pipe run-stage`.

Such an engine runs each stage somewhere, in the order of `pipeline.json`, with one folder shared
by all: the run's root. Nobody watches the whole run there, so the graph cannot be fixed on the
way: an input that turns out to have changed fails the stage, as with `--strict`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.cache.store import references
from jupyter_pipe.engine.attempts.assignment import stage_work
from jupyter_pipe.engine.attempts.attempt import StageOutcome, run_stage
from jupyter_pipe.engine.attempts.attempt_folder import RunPlace, attempt_folder, publish_attempt
from jupyter_pipe.engine.request import prepare
from jupyter_pipe.engine.scheduling.priorities import Neighbours
from jupyter_pipe.engine.scheduling.results import result_events
from jupyter_pipe.engine.scheduling.stage_inputs import given_to
from jupyter_pipe.engine.scheduling.verdict import judge
from jupyter_pipe.engine.targets import RunRequest
from jupyter_pipe.errors import PackageError, RunError, UntrustedError
from jupyter_pipe.events import Event
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.runs.remote import RemoteRoot, fetch_runs, publish_values
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.trust.keys import KEY_VARIABLE
from jupyter_pipe.trust.records import UNREADABLE, UnsignedError, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["run_single_stage"]


def run_single_stage(
    request: RunRequest,
    stage: str,
    *,
    attempt: int = 1,
    report: Callable[[Event], None] = lambda event: None,
) -> StageOutcome:
    """Run one stage of a package, whose predecessors have run with the same store and
    `request.run_id`. Raises RunError if one of them has not, PackageError, and what `prepare` raises.
    """
    package = request.target.package
    if package is None:
        raise PackageError(
            f"{request.target.notebook.name} is not a compiled package.",
            code="package_missing",
            hint="Compile the notebook first: jupyter pipe compile NOTEBOOK",
        )
    prepared = prepare(replace(request, options=replace(request.options, targets=(stage,), strict=True)))
    folder = prepared.store.folder(request.run_id or "shared")
    prepared.store.require_no_links(attempt_folder(folder.path, stage, attempt))
    place = RunPlace(folder.run_id, folder.path, package)
    if prepared.store.url:
        fetch_runs(RemoteRoot(prepared.store.url), prepared.store, [folder.run_id])
    results = _earlier_results(folder, prepared.pipeline, stage, trust=request.options.trust)
    given = given_to(prepared.pipeline, stage, results)
    work = stage_work(prepared, prepared.pipeline, stage, attempt, given=given, results=results, place=place)
    outcome = run_stage(work, report)
    publish_attempt(folder.path, stage, attempt)
    if outcome.result is None:
        return outcome
    for event in result_events(stage, outcome.result):
        report(event)
    failure = judge(prepared.pipeline, stage, outcome.result, strict=True)
    if failure is not None:
        folder.result(stage).unlink(missing_ok=True)  # nothing downstream may start from it
        return StageOutcome(outcome.seconds, failure=failure)
    replace_file(folder.result(stage), sign("result", f"{folder.run_id}/{stage}", to_json(outcome.result)))
    if prepared.store.url:
        _publish(prepared.store, folder, stage, outcome.result)
    return outcome


def _publish(store: RunStore, folder: RunFolder, stage: str, result: StageResult) -> None:
    """For the stages that run elsewhere: the values before the result that refers to them."""
    remote = RemoteRoot(store.url)
    publish_values(remote, store, references(result))
    for path in (folder.executed(stage), folder.result(stage)):
        remote.publish(path, path.relative_to(store.state_folder).as_posix())


def _earlier_results(
    folder: RunFolder, pipeline: Pipeline, stage: str, *, trust: bool
) -> dict[str, StageResult]:
    """What the stages that `stage` depends on left behind."""
    names = Neighbours(pipeline).ancestors(stage)
    return {name: _read_result(folder, name, trust=trust) for name in names}


def _read_result(folder: RunFolder, stage: str, *, trust: bool) -> StageResult:
    path = folder.result(stage)
    try:
        data = read_record(path, "result", f"{folder.run_id}/{stage}", trust=trust)
        return msgspec.json.decode(data, type=StageResult)
    except UnsignedError:
        raise UntrustedError(
            f"The result of stage {stage!r} in {folder.path} is not signed by you, so its values are not "
            "loaded.",
            code="result_untrusted",
            hint=f"Where stages run on several machines, give all of them the same key: {KEY_VARIABLE}.",
        ) from None
    except UNREADABLE as error:
        raise RunError(
            f"Stage {stage!r} has no result in {folder.path}.",
            code="stage_not_run",
            hint="Stages run in the order of the edges in pipeline.json, with one --run-root and --run-id.",
        ) from error
