"""Compares what a stage observed with the present: what differs, in words, and what
only looks new.

One `stat` a file where nothing has changed; contents are read only where size, time or
inode differ.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import (
    MOST_NAMES,
    Observations,
    ObservedPath,
    ObservedVariable,
)
from jupyter_pipe.observe.digests import (
    changed_at,
    file_digest,
    is_settled,
    link_of,
    listed_names,
    listing_digest,
    variable_digest,
)
from jupyter_pipe.observe.present import Present
from jupyter_pipe.observe.words import (
    change_of_listing,
    change_of_path,
    change_of_variable,
)

__all__ = [
    "Comparison",
    "compare",
    "compare_left",
    "find_newcomers",
    "has_stat",
    "with_stat",
]


class Comparison(Struct, frozen=True):
    """`differences` are phrases, empty if all is as it was; `fresher` are the
    observations with the times of files that were only touched, None if there are
    none."""

    differences: tuple[str, ...]
    fresher: Observations | None = None


def compare(observed: Observations, present: Present) -> Comparison:
    """What of all that was read differs now. What was written is not looked at."""
    differences: list[str] = []
    files = [_compare_path(one, present) for one in observed.read]
    modules = [_compare_path(one, present) for one in observed.modules]
    differences += [found for found in (*files, *modules) if isinstance(found, str)]
    differences += _compare_variables(observed.variables, present)
    # The day that the stage asked for, if it asked: `date.today()`.
    if observed.calendar and observed.calendar != present.day:
        differences.append(f"the day changed ({observed.calendar} -> {present.day})")
    # Fresher times are noted only for a result that is valid.
    fresher = None if differences else _fresher(observed, files, modules)
    return Comparison(tuple(dict.fromkeys(differences)), fresher)


def _fresher(
    observed: Observations,
    files: list[ObservedPath | str],
    modules: list[ObservedPath | str],
) -> Observations | None:
    read = tuple(one for one in files if isinstance(one, ObservedPath))
    imported = tuple(one for one in modules if isinstance(one, ObservedPath))
    now = replace(observed, read=read, modules=imported)
    return now if now != observed else None


def _compare_path(one: ObservedPath, present: Present) -> ObservedPath | str:
    """The observation as it is to be kept, or what has changed."""
    match one.aspect:
        case "listing":
            names = present.names(one.path, one.pattern)
            return (
                one
                if listing_digest(names) == one.digest
                else change_of_listing(one, names)
            )
        case "presence":
            now = present.presence(one.path)
            return (
                one if now == one.digest else change_of_path(one.path, one.digest, now)
            )
        case "times":
            # `make` compares times, so a stage that asked for them depends on them.
            now = changed_at(present.path(one.path))
            return one if now == one.digest else f"{one.path} has another time"
        case "link":
            return _compare_link(one, present)
        case _:
            return _compare_content(one, present)


def _compare_link(one: ObservedPath, present: Present) -> ObservedPath | str:
    now = link_of(present.path(one.path))
    if now == one.digest:
        return one
    places = (one.digest, now)
    # Both are links: then it is where they lead that differs.
    leads = all(place.startswith("->") for place in places)
    return f"{one.path} leads elsewhere" if leads else change_of_path(one.path, *places)


def _compare_content(one: ObservedPath, present: Present) -> ObservedPath | str:
    """The observation to keep if the file's content is what it was, or the change in
    words. An earlier stage's file counts as that stage left it; a file whose size and
    times are the same is not read again."""
    left = present.left_at(one.path)
    if one.appended and left is None:
        return one  # what a log held before makes no difference to who writes it
    if left is not None:
        return (
            one
            if left.digest == one.digest
            else change_of_path(one.path, one.digest, left.digest)
        )
    path = present.path(one.path)
    try:
        status = path.stat()
    except OSError:
        status = None
    # Time 0 stands for one that could not be relied on: read the file.
    if status is not None and one.mtime_ns and has_stat(one, status):
        return one
    now = file_digest(path, status)
    if now != one.digest:
        return change_of_path(one.path, one.digest, now)
    return with_stat(one, present)


def has_stat(one: ObservedPath, status: os.stat_result) -> bool:
    """Whether size, times and inode are those of the observation. Who sets the time of
    a file back, as `rsync -t` does, changes that of its last change."""
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (one.size, one.mtime_ns, one.ctime_ns, one.inode) == (
        status.st_size,
        *times,
        status.st_ino,
    )


def with_stat(one: ObservedPath, present: Present) -> ObservedPath:
    """The observation of a content with the file's size, time and inode as they are
    now. A time that cannot be relied on yet is 0: the next comparison reads the file,
    and is able to note it."""
    try:
        status = present.path(one.path).stat()
    except OSError:
        return replace(one, size=0, mtime_ns=0, ctime_ns=0, inode=0)
    # The time of a folder says nothing of the files in it.
    reliable = stat.S_ISREG(status.st_mode) and is_settled(
        status.st_mtime_ns, status.st_ctime_ns
    )
    time = status.st_mtime_ns if reliable else 0
    return replace(
        one,
        size=status.st_size,
        mtime_ns=time,
        ctime_ns=status.st_ctime_ns,
        inode=status.st_ino,
    )


def compare_left(one: ObservedPath, present: Present) -> ObservedPath | str:
    """A file that a stage wrote, as it is to be kept, or what of it is not as the stage
    left it."""
    # Alone: what was left is compared with the disk, not with what others left.
    alone = replace(present, left={}, emptied={})
    return _compare_path(one, alone)


def find_newcomers(one: ObservedPath, present: Present) -> list[str]:
    """The names in a folder that were not there when a stage that had emptied it ended;
    those of folders end with a slash. If more were there than are kept, and others are
    there now, all of them."""
    names = listed_names(present.path(one.path)) or []
    if listing_digest(names) == one.digest:
        return []
    # More names than are kept: which of them are new cannot be told.
    known = {*one.names} if len(one.names) < MOST_NAMES else set()
    return [name for name in names if name not in known]


def _compare_variables(
    variables: Iterable[ObservedVariable], present: Present
) -> Iterator[str]:
    for one in variables:
        value = present.variable(one.name)
        if variable_digest(value, present.salt) != one.digest:
            yield change_of_variable(one, value, present.secrets)
