"""A run that begins once, whatever becomes of the answer to the request that began it.

An engine may have taken what it was asked for when its answer is lost. So who starts a
run leaves it at that, and who looks at it later finds it or begins it. What is known of
it is a mark in the run's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from jupyter_pipe.submit import Sighting, SilentError
from jupyter_pipe.submit.web import RefusedError

__all__ = ["begin_or_leave", "look_or_begin", "note_begun", "was_begun"]

T = TypeVar("T")
_BEGUN = "begun"


def was_begun(handle: Mapping[str, str]) -> bool:
    """Whether the engine is known to have begun the run of that `folder`, or never
    shall."""
    return Path(handle["folder"], _BEGUN).exists()


def note_begun(handle: Mapping[str, str]) -> None:
    """Remember that the run was begun, or is not to begin any more."""
    Path(handle["folder"], _BEGUN).touch()


def begin_or_leave(handle: Mapping[str, str], begin: Callable[[], T]) -> T | None:
    """What `begin` gives; None if no answer came. Raises RefusedError."""
    try:
        begun = begin()
    except SilentError:
        return None
    note_begun(handle)
    return begun


def look_or_begin(
    handle: Mapping[str, str],
    find: Callable[[], T | None],
    begin: Callable[[], object],
    sighting: Callable[[T], Sighting],
) -> Sighting:
    """What can be seen of the run that `find` finds; one that has not begun yet
    begins."""
    found = find()
    if found is not None:
        note_begun(handle)
        return sighting(found)
    if was_begun(handle):
        return Sighting("cancelled", note="the run is not there any more")
    try:
        begin()
    except RefusedError as error:
        return Sighting("failed", note=error.message)
    note_begun(handle)
    return Sighting("waiting", note="begun")
