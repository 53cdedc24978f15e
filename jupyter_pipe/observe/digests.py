"""Digests of files, folders and environment variables, and the words for what has none.

Paths are absolute here. A file that is missing, or cannot be read, has the digest
`MISSING`.
"""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import hmac
import os
import stat
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from jupyter_pipe.artifacts.protocol import UNLISTED

__all__ = [
    "FILE",
    "FOLDER",
    "MISSING",
    "changed_at",
    "file_digest",
    "is_settled",
    "link_of",
    "listed_names",
    "listing_digest",
    "presence_of",
    "variable_digest",
]

MISSING = "missing"
FILE = "file"
FOLDER = "folder"
_CHUNK_BYTES = 1 << 20
_WITHOUT_END = ("/proc/", "/sys/", "/dev/")
"""Their files are questions to the system, some of which are never answered."""
# FAT keeps times in steps of two seconds.
_TICK_NS = 2_000_000_000


def file_digest(path: Path, status: os.stat_result | None = None) -> str:
    """The sha256 of a file's content, of a folder's listing and contents, or `MISSING`.

    A path that is a pattern (`inputs/*.csv`) counts by the files that match it.
    `status` is what `path.stat()` gave, where the caller has asked already.
    """
    try:
        status = status or path.stat()
        if stat.S_ISDIR(status.st_mode):
            # Folders above are entered already: a link to them would go round.
            above = [parent.stat() for parent in path.resolve().parents]
            return _folder_digest(path, {(one.st_dev, one.st_ino) for one in above})
        times = (status.st_mtime_ns, status.st_ctime_ns)
        # Unsettled: the same times may come with other contents, so nothing is
        # remembered.
        if not is_settled(*times):
            return _read_digest(path)
        return _content_digest(path, times, status.st_size, status.st_ino)
    except OSError:
        # `*.csv` is not there as a file; it stands for those that match.
        return _pattern_digest(str(path)) if glob.has_magic(str(path)) else MISSING


def _folder_digest(path: Path, entered: set[tuple[int, int]]) -> str:
    """Of the names in a folder and what they hold. Links are followed; a folder that
    was entered already, or in which this one lies, counts by its name: links in a
    circle have no end."""
    status = path.stat()
    if (status.st_dev, status.st_ino) in entered:
        return FOLDER
    entered.add((status.st_dev, status.st_ino))
    parts = []
    # `.git`, caches and the like change without anybody reading them.
    for name in sorted(set(os.listdir(path)) - UNLISTED):
        below = path / name
        try:
            digest = (
                _folder_digest(below, entered) if below.is_dir() else file_digest(below)
            )
        except OSError:
            digest = MISSING
        parts.append(f"{name}:{digest}")
    return _digest_of_names("folder", parts)


def _digest_of_names(kind: str, parts: list[str]) -> str:
    """Of what no file holds by chance: an empty file that becomes an empty folder has
    changed."""
    return hashlib.sha256(
        "\0".join((kind, *parts)).encode("utf-8", "surrogateescape")
    ).hexdigest()


def _pattern_digest(pattern: str) -> str:
    parts = [f"{name}:{file_digest(Path(name))}" for name in sorted(_matching(pattern))]
    return _digest_of_names("pattern", parts) if parts else MISSING


def _matching(pattern: str) -> set[str]:
    """What a pattern finds. Below `**` every file whose name fits counts, whatever
    folders the pattern names in between, and each folder once: `glob` goes round in a
    circle of links until names are too long."""
    above, deep, below = pattern.partition("**")
    if not deep:
        return {*glob.glob(pattern)}
    last = os.path.basename(below) or "*"
    found: set[str] = set()
    entered: set[tuple[int, int]] = set()
    for top in glob.glob(above):
        for folder, folders, names in os.walk(top, followlinks=True):
            try:
                status = os.stat(folder)
            except OSError:  # it has gone in the meantime
                continue
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()
                continue
            entered.add((status.st_dev, status.st_ino))
            # As `glob`, which passes over hidden folders.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found.update(
                os.path.join(folder, name) for name in fnmatch.filter(names, last)
            )
    return found


def is_settled(*times_ns: int) -> bool:
    """Whether a file's times can be relied on: a change in the same tick of the file
    system's clock, which may be two seconds long, would leave them as they are."""
    return time.time_ns() - max(times_ns) > _TICK_NS


@lru_cache(maxsize=4096)
def _content_digest(
    path: Path, times_ns: tuple[int, int], size: int, inode: int
) -> str:
    return _read_digest(path)


def _read_digest(path: Path) -> str:
    if not path.is_file() or os.path.realpath(path).startswith(_WITHOUT_END):
        # a pipe or a device: reading it would wait, or take away what is in it
        return FILE
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def presence_of(path: Path) -> str:
    """`file`, `folder` or `missing`."""
    try:
        return FOLDER if stat.S_ISDIR(path.stat().st_mode) else FILE
    except OSError:
        return MISSING


def link_of(path: Path) -> str:
    """`-> TARGET` of a symbolic link, whether or not there is anything; else as
    `presence_of`."""
    try:
        return f"-> {os.readlink(path)}"
    except OSError:
        return presence_of(path)


def changed_at(path: Path) -> str:
    """When a file was last changed, in nanoseconds, or `MISSING`."""
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return MISSING


def listed_names(path: Path, pattern: str = "") -> list[str] | None:
    """A folder's entries, sorted, those of tools left out; None if it is not a folder.
    Those that are folders end with a slash.

    With a pattern only the names that match it: `*.csv`.
    """
    try:
        with os.scandir(path) as found:
            names = {
                one.name: one.is_dir() for one in found if one.name not in UNLISTED
            }
    except OSError:
        return None
    return sorted(
        f"{name}/" if is_folder else name
        # fnmatchcase: `fnmatch` would ignore case on some systems.
        for name, is_folder in names.items()
        if not pattern or fnmatch.fnmatchcase(name, pattern)
    )


def listing_digest(names: Iterable[str] | None) -> str:
    """The digest of sorted names, or `MISSING` for None."""
    if names is None:
        return MISSING
    return hashlib.sha256(
        "\n".join(names).encode("utf-8", "surrogateescape")
    ).hexdigest()


def variable_digest(value: str | None, salt: str) -> str:
    """The HMAC of a variable's value, so that nobody guesses it without the salt; empty
    if it is unset."""
    if value is None:
        return ""
    return hmac.new(
        salt.encode(), value.encode("utf-8", "surrogateescape"), "sha256"
    ).hexdigest()
