"""Puts together what one attempt needs, from the run that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_pipe.artifacts.protocol import ProfileRequest, StageResult
from jupyter_pipe.compiler.graph import select
from jupyter_pipe.engine.attempts.attempt import StageWork
from jupyter_pipe.engine.attempts.attempt_folder import RunPlace
from jupyter_pipe.engine.request import PreparedRun
from jupyter_pipe.engine.scheduling.stage_inputs import Given, protected_names
from jupyter_pipe.model import Pipeline, Stage

__all__ = ["stage_work"]


def stage_work(
    prepared: PreparedRun,
    pipeline: Pipeline,
    name: str,
    attempt: int,
    *,
    given: Given,
    results: Mapping[str, StageResult],
    place: RunPlace,
) -> StageWork:
    """The work of one attempt. `pipeline` is the graph as it is now."""
    stage = pipeline.stage(name)
    return StageWork(
        run_id=place.run_id,
        pipeline=pipeline,
        stage=name,
        attempt=attempt,
        package=str(place.package),
        run_folder=str(place.folder),
        store=str(prepared.store.artifacts),
        workdir=prepared.facts.workdir,
        given=given,
        protect=protected_names(pipeline, name, given, results),
        literals=_literals(prepared, pipeline, name),
        numbers=prepared.numbers_of(name),
        environment=prepared.environment_of(stage, place.run_id),
        secrets=_within_reach(prepared, pipeline, name),
        hidden=frozenset(prepared.secrets),
        salt=prepared.store.salt(),
        profiled=_profiled(prepared, stage),
        allow_secret_values=prepared.request.options.allow_secret_values,
        strict=prepared.request.options.strict,
        trust=prepared.request.options.trust,
        url=prepared.store.url,
    )


def _literals(prepared: PreparedRun, pipeline: Pipeline, name: str) -> dict[str, str]:
    """The parameters of the stage's notebook that differ from it, as the notebook calls
    them."""
    changed = {
        value.name: value.literal
        for value in prepared.facts.parameters
        if value.changed
    }
    notebook = pipeline.notebook_of(name)
    if notebook is None:
        return changed
    prefix = f"{notebook.name}."
    return {
        each.removeprefix(prefix): literal
        for each, literal in changed.items()
        if each.startswith(prefix)
    }


def _profiled(prepared: PreparedRun, stage: Stage) -> dict[str, ProfileRequest]:
    """What the contracts of the stage's values want to know."""
    known = prepared.contracts_of(stage.name) if stage.options.watched else {}
    contracts = {name: known[name] for name in stage.options.watched if name in known}
    if not contracts:
        return {}
    from jupyter_pipe.contracts.watching import request_of

    return {name: request_of(contract) for name, contract in contracts.items()}


def _within_reach(
    prepared: PreparedRun, pipeline: Pipeline, name: str
) -> dict[str, str]:
    """The secrets that the stage may come across: its own, and what earlier stages may
    have passed on."""
    stages = (
        select(pipeline, targets=[name])
        if prepared.request.options.allow_secret_values
        else (name,)
    )
    names = {
        secret for each in stages for secret in pipeline.stage(each).options.secrets
    }
    return {
        secret: value for secret, value in prepared.secrets.items() if secret in names
    }
