"""What runs have learned about stages: `.jupyter_pipe/effects.json`.

`{pipeline: {stage: Learned}}`; the compiler reads it and adds effects and edges to
`pipeline.json`. A file that cannot be read, or that others signed, counts as empty:
what it knew will be learned again.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.compiler.learned import decode_learned, merge_learned
from jupyter_pipe.model import Learned, to_json
from jupyter_pipe.trust.records import read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["add_learned", "read_learned"]


def read_learned(state_folder: Path, pipeline: str) -> dict[str, Learned]:
    """What was seen of each stage of the pipeline."""
    return _read(state_folder).get(pipeline, {})


def add_learned(
    state_folder: Path, pipeline: str, stage: str, learned: Learned
) -> None:
    """Remember more about `stage`. Raises OSError."""
    # Read again: another run may have learned something meanwhile.
    known = _read(state_folder)
    stages = known.setdefault(pipeline, {})
    stages[stage] = merge_learned(stages.get(stage, Learned()), learned)
    replace_file(_path(state_folder), sign("learned", "", to_json(known)))


def _read(state_folder: Path) -> dict[str, dict[str, Learned]]:
    try:
        return decode_learned(read_record(_path(state_folder), "learned", ""))
    except OSError:
        return {}


def _path(state_folder: Path) -> Path:
    return state_folder / "effects.json"
