"""What the loop watches on disk: files that runs were seen to read, or that match
patterns, and the contracts.

`watch` compares them with what the latest successful run has seen. Reads files, writes
nothing; a content is read only where size, times or inode differ from what was noted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.observe.comparison import compare, has_stat
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.observe.present import Present
from jupyter_pipe.runs.data.observations import read_observations
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunFolder

__all__ = ["Reads", "Watched", "reads_of", "watch"]

Reads = Mapping[str, ObservedPath]
"""What a run has read, by path as observations name it, as the run left it."""
_ASPECTS = frozenset({"content", "listing", "presence"})


class Watched(Struct, frozen=True):
    """`data` is the digest of all that is watched, `changed` says what is not as the
    run saw it, `touched` is the latest change of any of it (UTC seconds)."""

    data: str
    changed: tuple[str, ...]
    touched: float


def reads_of(folder: RunFolder, run: Run) -> Reads:
    """What the stages of a run have read. A file that a stage of the run wrote counts
    as it was left."""
    found = [observed for _, observed in read_observations(folder, run)]
    reads = {
        (
            one.path
            if one.aspect == "content"
            # A folder may be listed with several patterns; no path holds a NUL.
            else f"{one.path}\0{one.aspect}\0{one.pattern}"
        ): one
        for observed in found
        for one in observed.read
        if one.aspect in _ASPECTS and not one.appended
    }
    left = {one.path: one for observed in found for one in observed.written}
    # A file that one stage writes and another reads changes by itself; only others'
    # edits of it count.
    return {key: left.get(key, one) for key, one in reads.items()}


def watch(
    settings: LoopSettings,
    folder: Path,
    reads: Reads,
    contracts: Iterable[Path],
    workdir: Path | None = None,
) -> Watched:
    """The watched files of the notebook in `folder`; `reads` are those of the latest
    successful run, which ran in `workdir`."""
    present = Present(workdir=workdir or folder)
    if settings.files is None:
        changed = compare(Observations(read=tuple(reads.values())), present).differences
        digests = dict(_observed_digests(reads, present))
    else:
        digests = {
            name: file_digest(folder / name)
            for name in _matching(settings.files, folder)
        }
        changed = tuple(_changes(settings.files, digests, reads))
    places = [present.path(name.partition("\0")[0]) for name in digests]
    digests |= {f"contract {path.name}": file_digest(path) for path in contracts}
    text = "\n".join(f"{name}:{digest}" for name, digest in sorted(digests.items()))
    data = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return Watched(data, changed, max(map(_changed_at, places), default=0.0))


def _observed_digests(reads: Reads, present: Present) -> Iterator[tuple[str, str]]:
    """Everything that was read as it is now; of folders also the contents of what is
    new in them, which nobody has read yet."""
    for key, one in reads.items():
        path = present.path(one.path)
        if one.aspect == "content":
            yield key, _content_digest(one, path)
        elif one.aspect == "presence":
            yield key, present.presence(one.path)
        else:
            for name in present.names(one.path, one.pattern) or [MISSING]:
                yield f"{key}\0{name}", ""
                entry = (Path(one.path) / name).as_posix()
                if (
                    not name.endswith("/")
                    and entry not in reads
                    and not one.lists(name)
                ):
                    yield entry, file_digest(present.path(entry))


def _content_digest(one: ObservedPath, path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return MISSING
    return (
        one.digest
        if one.mtime_ns and has_stat(one, status)
        else file_digest(path, status)
    )


def _matching(patterns: Iterable[str], folder: Path) -> list[str]:
    """The files below the folder that match, as observations would name them,
    sorted."""
    found = {
        path.relative_to(folder).as_posix()
        for pattern in patterns
        for path in folder.glob(pattern)
        if path.is_file() and ".jupyter_pipe" not in path.relative_to(folder).parts
    }
    return sorted(found)


def _changes(
    patterns: Iterable[str], digests: Mapping[str, str], reads: Reads
) -> Iterator[str]:
    """`a.csv changed`, `b.csv is new`, `c.csv is gone`: the files that match, against
    what the run read."""
    for name, digest in digests.items():
        seen = reads.get(name)
        if seen is None:
            yield f"{name} is new"
        elif seen.digest != digest:
            yield f"{name} changed"
    for name, seen in reads.items():
        gone = (
            seen.aspect == "content" and seen.digest != MISSING and name not in digests
        )
        if gone and any(_matches(name, pattern) for pattern in patterns):
            yield f"{name} is gone"


def _matches(name: str, pattern: str) -> bool:
    return Path(name).match(pattern)


def _changed_at(path: Path) -> float:
    """The time of a file's last change of any kind, which nobody can set back; 0 if it
    is gone."""
    try:
        # `cp -p` and `rsync -t` set the time of modification back.
        return os.stat(path).st_ctime
    except OSError:
        return 0.0
