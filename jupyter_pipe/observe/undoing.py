"""Undoes what an attempt that does not count has left in files, so that the next one
finds them as it did.

Only what is surely the attempt's own is undone: a file whose beginning still is what it
left. What others have added behind that stays. Raises OSError as the disk does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from jupyter_pipe.artifacts.protocol import ObservedPath
from jupyter_pipe.observe.digests import MISSING

__all__ = ["take_back"]

_CHUNK_BYTES = 1 << 20


def take_back(
    written: Collection[ObservedPath], read: Collection[ObservedPath], folder: Path
) -> tuple[str, ...]:
    """Removes files that the attempt has made, and what it has added to others.

    `written` are files as the attempt left them, `read` what it found in files that it
    read, `folder` is where it worked. Returns the paths of which the next attempt would
    find what this one left.
    """
    found = {one.path: one for one in read if one.aspect == "content"}
    files = (
        one
        for one in written
        if one.aspect == "content" and one.digest not in ("", MISSING)
    )
    return tuple(
        one.path
        for one in files
        if not _is_undone(folder / one.path, one, found.get(one.path))
    )


def _is_undone(path: Path, left: ObservedPath, before: ObservedPath | None) -> bool:
    if not left.existed:
        _cut_out(path, 0, left)  # who has written it since, has written all of it
        return True
    if before is None or before.digest == left.digest:
        return True  # it is written anew whatever there is
    # What was read and written over is gone: only what was added can be cut off again.
    return before.appended and _cut_out(path, before.size, left)


def _cut_out(path: Path, start: int, left: ObservedPath) -> bool:
    """Takes the bytes from `start` to the end that the attempt left out of the file,
    and the file away if none remain of one that it made. False if the file is not the
    attempt's any more."""
    try:
        with path.open("r+b") as file:
            # Other processes append to a log while the stage runs: theirs stays.
            if _digest_of_beginning(file, left.size) != left.digest:
                return False
            file.seek(left.size)
            behind = file.read()
            file.seek(start)
            file.write(behind)
            file.truncate()
    except FileNotFoundError:
        return not left.existed
    if not left.existed and not behind:
        path.unlink()
    return True


def _digest_of_beginning(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    while size and (chunk := file.read(min(size, _CHUNK_BYTES))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()
