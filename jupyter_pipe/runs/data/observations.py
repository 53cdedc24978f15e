"""What the stages of a run read and wrote beyond their variables, from each stage's `result.json`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import unsigned

__all__ = ["read_observations"]


class _Result(Struct, frozen=True):
    """Of a `StageResult` only what is read here."""

    observed: Observations = Observations()


_decoder = msgspec.json.Decoder(_Result)


def read_observations(folder: RunFolder, run: Run) -> Iterator[tuple[str, Observations]]:
    """Stage and observations, in the order of the stages. A stage that left nothing readable has none."""
    for stage in run.stages:
        try:
            data = unsigned(read_regular_file(folder.result(stage.name), follow=False))
            yield stage.name, _decoder.decode(data).observed
        except UNREADABLE:
            continue
