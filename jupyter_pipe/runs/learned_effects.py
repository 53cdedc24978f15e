"""What runs have learned about stages: `.jupyter_pipe/effects.json`.

`{pipeline: {stage: [names that the stage changes]}}`; the compiler reads it and adds the effects to
`pipeline.json`. A file that cannot be read counts as empty: what it knew will be learned again.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.model import to_json

__all__ = ["add_effects", "read_effects"]

_decoder = msgspec.json.Decoder(dict[str, dict[str, list[str]]])


def read_effects(state_folder: Path, pipeline: str) -> dict[str, list[str]]:
    """For each stage of the pipeline the inputs that it was seen to change."""
    return _read(state_folder).get(pipeline, {})


def add_effects(state_folder: Path, pipeline: str, stage: str, names: Collection[str]) -> None:
    """Remember that `stage` changes `names`. Raises OSError."""
    known = _read(state_folder)
    stages = known.setdefault(pipeline, {})
    stages[stage] = sorted({*stages.get(stage, ()), *names})
    replace_file(_path(state_folder), to_json(known))


def _read(state_folder: Path) -> dict[str, dict[str, list[str]]]:
    try:
        return _decoder.decode(_path(state_folder).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}


def _path(state_folder: Path) -> Path:
    return state_folder / "effects.json"
