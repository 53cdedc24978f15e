"""The profiles that the stages of a run left: what its values looked like, without
loading any of them.

They are data, and reading them runs no code; they are found in each stage's
`result.json`.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import unsigned

__all__ = ["ValueProfile", "read_profiles"]


class ValueProfile(Struct, frozen=True):
    """What `stage` left as `name`."""

    stage: str
    name: str
    profile: Profile


class _Result(Struct, frozen=True):
    """Of a `StageResult` only what is read here."""

    profiles: dict[str, Profile] = {}


_decoder = msgspec.json.Decoder(_Result)


def read_profiles(folder: RunFolder, run: Run) -> list[ValueProfile]:
    """In the order of the stages. A stage that left nothing readable has none."""
    found = []
    for stage in run.stages:
        try:
            data = unsigned(read_regular_file(folder.result(stage.name), follow=False))
            profiles = _decoder.decode(data).profiles
        except UNREADABLE:
            continue
        found += [
            ValueProfile(stage.name, name, profile)
            for name, profile in profiles.items()
        ]
    return found
