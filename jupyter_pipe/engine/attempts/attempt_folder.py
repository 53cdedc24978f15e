"""Where a run's files lie, and how the files of one attempt become those of its stage.

What an attempt leaves lies in its own folder, `stages/STAGE/attempts/N/`, until whoever
asked for it publishes it: an attempt that was given up cannot interfere.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from msgspec import Struct

__all__ = ["RunPlace", "attempt_folder", "publish_attempt"]


class RunPlace(Struct, frozen=True):
    """Where a run keeps its files, and where the stage notebooks are."""

    run_id: str
    folder: Path
    package: Path


def attempt_folder(run_folder: Path, stage: str, attempt: int) -> Path:
    """Where one attempt keeps its files."""
    return run_folder / "stages" / stage / "attempts" / str(attempt)


def publish_attempt(run_folder: Path, stage: str, attempt: int) -> None:
    """Make the attempt's notebook and result those of the stage."""
    source, target = (
        attempt_folder(run_folder, stage, attempt),
        run_folder / "stages" / stage,
    )
    for name in ("executed.ipynb", "result.json"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(source / name, target / name)
