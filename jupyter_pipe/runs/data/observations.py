"""What the stages of a run read and wrote beyond their variables, from each stage's
`result.json`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import unsigned

__all__ = ["observed_by", "read_observations"]


class _Result(Struct, frozen=True):
    """Of a `StageResult` only what is read here."""

    observed: Observations = Observations()


_decoder = msgspec.json.Decoder(_Result)


def observed_by(folder: RunFolder, stage: str) -> Observations:
    """What a stage touched; nothing for one that left no readable result."""
    try:
        # Looked at and not carried out, so who signed it does not matter.
        data = unsigned(read_regular_file(folder.result(stage), follow=False))
        return _decoder.decode(data).observed
    except UNREADABLE:
        return Observations()


def read_observations(
    folder: RunFolder, run: Run
) -> Iterator[tuple[str, Observations]]:
    """Stage and observations, in the order of the stages."""
    for stage in run.stages:
        yield stage.name, observed_by(folder, stage.name)
