"""The page *Waiting for you*: questions of stages, and versions that nobody has decided
upon."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator

from jupyter_pipe.approvals import Approval, answer_question, read_approval
from jupyter_pipe.errors import PipeError
from jupyter_pipe.registry import CHALLENGER, ModelVersion, open_registry
from jupyter_pipe.runs.model import Run, StageRun
from jupyter_pipe.server.operations.payloads import (
    AnswerRequest,
    QuestionShown,
    VersionWaiting,
    WaitingPage,
)
from jupyter_pipe.server.operations.places import Place

__all__ = ["answer", "waiting_page"]


def waiting_page(place: Place) -> WaitingPage:
    """What waits in the folder."""
    questions = tuple(_questions(place))
    try:
        return WaitingPage(questions, tuple(_versions(place)))
    except PipeError as error:
        return WaitingPage(questions, (), place.sentence(error))


def answer(place: Place, said: AnswerRequest) -> WaitingPage:
    """Write down what a person says of a question. Raises RunError for a stage that
    asks nobody, and UntrustedError for a run of somebody else."""
    run = place.store.read(said.run_id)
    approval = Approval(
        said.approved,
        getpass.getuser(),
        time.time(),
        said.note,
        said.run_id,
        said.stage,
    )
    answer_question(place.store, run, said.stage, approval)
    return waiting_page(place)


def _questions(place: Place) -> Iterator[QuestionShown]:
    """The newest question of each stage, unless a later run went on from there or asked
    again."""
    asked: set[tuple[str, str]] = set()
    continued: set[str] = set()
    for run in place.runs():
        for stage in run.stages:
            key = (run.facts.notebook, stage.name)
            # Only the newest question of a stage can still be answered.
            if stage.approval is None or key in asked:
                continue
            asked.add(key)
            if (
                stage.approval.state != "approved"
                and run.is_final
                and run.run_id not in continued
            ):
                yield _question(place, run, stage)
        # Runs come newest first, so whatever continues a run has been seen by now.
        continued.add(run.resumed_from or "")


def _question(place: Place, run: Run, stage: StageRun) -> QuestionShown:
    approval = stage.approval
    assert approval is not None
    said = read_approval(place.store.state_folder, approval.digest)
    return QuestionShown(
        run_id=run.run_id,
        pipeline=run.pipeline,
        stage=stage.name,
        question=approval.question,
        asked=stage.finished or run.finished or run.queued,
        state="waiting"
        if said is None
        else "approved"
        if said.approved
        else "rejected",
        by=said.by if said else "",
        note=said.note if said else "",
        metrics=run.metrics,
    )


def _versions(place: Place) -> Iterator[VersionWaiting]:
    registry = open_registry(root=place.store.root)
    for name in registry.names():
        for version in registry.versions(name):
            if _is_open(version):
                yield VersionWaiting(
                    name, version.number, version.registered, version.verdict
                )


def _is_open(version: ModelVersion) -> bool:
    return CHALLENGER in version.aliases and not version.rejected
