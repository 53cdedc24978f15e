"""The files that the stages of a run read and wrote, as their kernels noted them. Reads records, no more."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file
from jupyter_pipe.trust.signatures import unsigned

__all__ = ["SourceFile", "files_of", "observed_by"]


class SourceFile(Struct, frozen=True):
    """A file that a stage read: its path as the stage saw it, and the SHA-256 of its content, empty where
    nobody had to know it."""

    path: str
    digest: str
    stage: str


class _Result(Struct, frozen=True):
    """Of a `StageResult` only what is read here."""

    observed: Observations = Observations()


_decoder = msgspec.json.Decoder(_Result)


def files_of(folder: RunFolder, run: Run) -> tuple[SourceFile, ...]:
    """What the stages of a run read from disk and nobody among them had written, by path."""
    read: dict[str, SourceFile] = {}
    written: set[str] = set()
    for stage in run.stages:
        observed = observed_by(folder, stage.name)
        for each in (*observed.read, *observed.modules):
            is_content = each.aspect == "content" and each.digest != "missing"
            if is_content and each.path not in written:
                read.setdefault(each.path, SourceFile(each.path, each.digest, stage.name))
        written |= {each.path for each in observed.written}
    return tuple(read[path] for path in sorted(read))


def observed_by(folder: RunFolder, stage: str) -> Observations:
    """What a stage touched; nothing for one that left no readable result."""
    try:
        data = unsigned(read_regular_file(folder.result(stage), follow=False))
        return _decoder.decode(data).observed
    except UNREADABLE:
        return Observations()
