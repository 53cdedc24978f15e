"""Approvals: what a person said of a stage's result.
`.jupyter_pipe/approvals/DIGEST.json`, signed.

The digest is that of what was shown: the question, the values, metrics and files that
the stage left. Whatever of it changes makes another digest, so that an approval of the
old result says nothing of the new one.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import ApprovalChecked, ApprovalState
from jupyter_pipe.model import Stage, to_json
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = [
    "Approval",
    "answer_question",
    "approved_digest",
    "check_approval",
    "read_approval",
    "waiting_stages",
    "write_approval",
]

_PURPOSE = "approval"
# It becomes the name of a file, and a run of somebody else says what it is.
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
        # Sorted: the same result must give the same digest, in whatever order its parts
        # were stored.
        "values": sorted(
            (name, each.ref.artifact) for each in result.outputs for name in each.names
        ),
        "metrics": sorted(
            # As text: NaN, which JSON does not have, is written as null, and would be
            # taken for None.
            (name, repr(value))
            for name, value in result.metrics.items()
        ),
        "files": sorted((each.path, each.digest) for each in result.observed.written),
    }
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()


def check_approval(
    state_folder: Path, pipeline: str, stage: Stage, result: StageResult
) -> ApprovalChecked | None:
    """What was said of the result; None for a stage that asks nobody. What others
    signed was not said."""
    if not stage.options.approve:
        return None
    digest = approved_digest(pipeline, stage, result)
    said = read_approval(state_folder, digest)
    state: ApprovalState = (
        "waiting" if said is None else "approved" if said.approved else "rejected"
    )
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
    """Write down what was said; it replaces what was said before. Raises RunError if it
    cannot be written."""
    path = _path(state_folder, digest)
    try:
        # To the disk at once: the run that waits may be started again after a power
        # cut.
        replace_file(path, sign(_PURPOSE, digest, to_json(approval)), sync=True)
    except OSError as error:
        raise RunError(
            f"Cannot write {path}: {error.strerror or error}.", code="root_unwritable"
        ) from error


def answer_question(store: RunStore, run: Run, stage: str, said: Approval) -> None:
    """Answer the question of a stage of a run. Raises RunError for a stage that asks
    nobody, and UntrustedError for a run of somebody else: what others signed names what
    it likes, and the answer would be about that."""
    asking = {
        each.name: each.approval for each in run.stages if each.approval is not None
    }
    if stage not in asking:
        listed = (
            f"Those of this run that ask: {', '.join(asking)}."
            if asking
            else "Tag its cell with approve:TEXT."
        )
        raise RunError(
            f"Stage '{stage}' of run {run.run_id} does not wait for anybody.",
            code="nothing_waits",
            hint=listed,
        )
    # Before anything of the run is believed.
    store.require_own(run.run_id)
    store.require_no_links()
    digest = asking[stage].digest
    if not _DIGEST.fullmatch(digest):
        raise RunError(
            f"The record of run {run.run_id} is damaged.", code="run_damaged"
        )
    write_approval(store.state_folder, digest, said)


def waiting_stages(run: Run) -> tuple[ApprovalChecked, ...]:
    """The questions of a run that nobody has answered yet, as the run left them."""
    asked = (stage.approval for stage in run.stages)
    # Also what was rejected: another answer may replace that one.
    return tuple(
        each for each in asked if each is not None and each.state != "approved"
    )


def read_approval(state_folder: Path, digest: str) -> Approval | None:
    """What was said of a result; None if nobody whom this user trusts said anything."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return msgspec.json.decode(
            read_record(_path(state_folder, digest), _PURPOSE, digest), type=Approval
        )
    except UNREADABLE:
        return None


def _path(state_folder: Path, digest: str) -> Path:
    return state_folder / "approvals" / f"{digest}.json"
