"""The values that stages hand on, as a pipeline's run stored them and as the notebook
has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.protocol import ArtifactRef, Observations, StageResult
from jupyter_pipe.model import Stage
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = [
    "Difference",
    "Expected",
    "read_differences",
    "read_digests",
    "read_observations",
    "read_stored",
]


class Expected(msgspec.Struct, frozen=True):
    """What a pipeline stored: for each stage the payload of each output; `store` holds
    them."""

    store: Path
    stages: dict[str, dict[str, ArtifactRef]]


class Difference(msgspec.Struct, frozen=True):
    """`path` leads to the first part that differs: `prices['x'][3]`."""

    stage: str
    path: str
    expected: str
    found: str


def read_stored(root: Path, run_folder: Path, stages: tuple[Stage, ...]) -> Expected:
    """The outputs of every stage that has ended."""
    found = {
        stage.name: _refs(run_folder / "stages" / stage.name / "result.json")
        for stage in stages
    }
    return Expected(root / ".jupyter_pipe" / "artifacts", found)


def read_digests(result: Path) -> dict[str, str]:
    """Variable -> content digest; empty where the stage left no result."""
    return {name: ref.digest for name, ref in _refs(result).items()}


def read_observations(run_folder: Path, stages: Iterable[Stage]) -> list[Observations]:
    """What the stages of a run touched, or had touched when their results were made."""
    found = (
        _result(run_folder / "stages" / stage.name / "result.json") for stage in stages
    )
    return [result.observed for result in found if result is not None]


def _result(path: Path) -> StageResult | None:
    try:
        return msgspec.json.decode(read_regular_file(path), type=StageResult)
    except UNREADABLE:
        return None


def _refs(result: Path) -> dict[str, ArtifactRef]:
    read = _result(result)
    if read is None:
        return {}
    return {name: payload.ref for payload in read.outputs for name in payload.names}


def read_differences(path: Path, stage: str) -> Difference | None:
    """What the kernel side found when the stage's last cell had run in the notebook."""
    try:
        found: dict[str, Any] | None = msgspec.json.decode(read_regular_file(path))
    except UNREADABLE:
        return None
    return (
        # The file holds `null` where everything is equal.
        Difference(stage, found["path"], found["expected"], found["found"])
        if found
        else None
    )
