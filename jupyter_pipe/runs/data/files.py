"""The files that the stages of a run read and wrote, as their kernels noted them. Reads
records, no more."""

from __future__ import annotations

from msgspec import Struct

from jupyter_pipe.runs.data.observations import read_observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder

__all__ = ["SourceFile", "files_of"]


class SourceFile(Struct, frozen=True):
    """A file that a stage read: its path as the stage saw it, and the SHA-256 of its
    content, empty where nobody had to know it."""

    path: str
    digest: str
    stage: str


def files_of(folder: RunFolder, run: Run) -> tuple[SourceFile, ...]:
    """What the stages of a run read from disk and nobody among them had written, by
    path."""
    read: dict[str, SourceFile] = {}
    written: set[str] = set()
    for stage, observed in read_observations(folder, run):
        for each in (*observed.read, *observed.modules):
            is_content = each.aspect == "content" and each.digest != "missing"
            if is_content and each.path not in written:
                read.setdefault(each.path, SourceFile(each.path, each.digest, stage))
        written |= {each.path for each in observed.written}
    return tuple(read[path] for path in sorted(read))
