"""Approvals: what a person said of a stage's result. `.jupyter_pipe/approvals/DIGEST.json`, signed.

The digest is that of what was shown: the question, the values, metrics and files that the stage left.
Whatever of it changes makes another digest, so that an approval of the old result says nothing of the new
one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import ApprovalChecked, ApprovalState
from jupyter_pipe.model import Stage, to_json
from jupyter_pipe.runs.model import Run
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Approval", "approved_digest", "check_approval", "waiting_stages", "write_approval"]

_PURPOSE = "approval"


class Approval(Struct, frozen=True):
    """`by` is the user's name on this machine, `at` UTC seconds since the epoch."""

    approved: bool
    by: str
    at: float
    note: str = ""
    run_id: str = ""
    stage: str = ""


def approved_digest(pipeline: str, stage: Stage, result: StageResult) -> str:
    """What the question is about, in 64 hexadecimal digits."""
    shown = {
        "pipeline": pipeline,
        "stage": stage.name,
        "question": stage.options.approve,
        "values": sorted((name, each.ref.artifact) for each in result.outputs for name in each.names),
        "metrics": sorted((name, repr(value)) for name, value in result.metrics.items()),
        "files": sorted((each.path, each.digest) for each in result.observed.written),
    }
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()


def check_approval(
    state_folder: Path, pipeline: str, stage: Stage, result: StageResult
) -> ApprovalChecked | None:
    """What was said of the result; None for a stage that asks nobody. What others signed was not said."""
    if not stage.options.approve:
        return None
    digest = approved_digest(pipeline, stage, result)
    said = _read(state_folder, digest)
    state: ApprovalState = "waiting" if said is None else "approved" if said.approved else "rejected"
    return ApprovalChecked(
        stage=stage.name,
        question=stage.options.approve,
        digest=digest,
        state=state,
        by=said.by if said else "",
        at=said.at if said else 0.0,
        note=said.note if said else "",
    )


def write_approval(state_folder: Path, digest: str, approval: Approval) -> None:
    """Write down what was said; it replaces what was said before. Raises RunError if it cannot be written."""
    path = _path(state_folder, digest)
    try:
        replace_file(path, sign(_PURPOSE, digest, to_json(approval)), sync=True)
    except OSError as error:
        raise RunError(f"Cannot write {path}: {error.strerror or error}.", code="root_unwritable") from error


def waiting_stages(run: Run) -> tuple[ApprovalChecked, ...]:
    """The questions of a run that nobody has answered yet, as the run left them."""
    asked = (stage.approval for stage in run.stages)
    return tuple(each for each in asked if each is not None and each.state != "approved")


def _read(state_folder: Path, digest: str) -> Approval | None:
    try:
        return msgspec.json.decode(read_record(_path(state_folder, digest), _PURPOSE, digest), type=Approval)
    except UNREADABLE:
        return None


def _path(state_folder: Path, digest: str) -> Path:
    return state_folder / "approvals" / f"{digest}.json"
