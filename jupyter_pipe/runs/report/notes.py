"""What people write on a run: a name, a sentence, a pin. Kept in the run's folder,
beside the record.

It says nothing about what ran, so it is not signed; nothing is carried out because of
it, but that a pinned run is not removed by `gc`. Raises RunError.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs.store import RunFolder
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["RunNote", "read_note", "write_note"]

LONGEST_NAME = 80
LONGEST_NOTE = 2000


class RunNote(Struct, frozen=True, omit_defaults=True):
    """`name` is shown instead of the time ("with the new prices"), `note` is free
    text."""

    name: str = ""
    note: str = ""
    pinned: bool = False


def read_note(folder: RunFolder) -> RunNote:
    """What is written on the run: nothing, where nobody has, or where it cannot be
    read."""
    try:
        found = msgspec.json.decode(
            read_regular_file(folder.note, follow=False), type=RunNote
        )
    except UNREADABLE:
        return RunNote()
    return RunNote(found.name[:LONGEST_NAME], found.note[:LONGEST_NOTE], found.pinned)


def write_note(folder: RunFolder, note: RunNote) -> None:
    """Write on the run. Raises RunError if it is too long, or if the folder cannot be
    written."""
    if len(note.name) > LONGEST_NAME or len(note.note) > LONGEST_NOTE:
        raise RunError(
            f"A name has at most {LONGEST_NAME} characters, a note {LONGEST_NOTE}.",
            code="bad_request",
        )
    try:
        replace_file(folder.note, msgspec.json.encode(note))
    except OSError as error:
        raise RunError(
            f"Cannot write to {folder.path}: {error.strerror}.", code="root_unwritable"
        ) from error
