"""Accepts a suggestion in the notebook's file, and takes it back.

What was added is kept in `.jupyter_pipe/suggested/NAME.json`, so that undoing removes
exactly that and no tag of the user's. A notebook that is kept as text and was not
touched since is put back as it was: the tags may have needed markers. Raises
NotebookError.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import from_json, to_json
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.notebook.file_kinds import is_text_notebook, notebook_name
from jupyter_pipe.runs import RunStore
from jupyter_pipe.suggest.edit import TagChange, edit_tags
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["accept", "take_back"]


class _Added(Struct, frozen=True):
    """Tags by cell id; `bare` are the cells that had no list of tags before. Of a text:
    what it was `before`, and the digest of what was `written`."""

    tags: dict[str, tuple[str, ...]] = {}
    bare: tuple[str, ...] = ()
    before: str = ""
    written: str = ""


def accept(path: Path, tags: Mapping[str, tuple[str, ...]]) -> None:
    """Add these tags to the cells of the saved notebook."""
    path = _writable(path)
    bare: list[str] = []

    def add(cell_id: str, more: tuple[str, ...]) -> TagChange:
        def change(old: list[str] | None) -> list[str]:
            if old is None:
                bare.append(cell_id)
            return [*(old or []), *(tag for tag in more if tag not in (old or []))]

        return change

    data = read_regular_file(path)
    text = _edited(
        path, data, {cell_id: add(cell_id, more) for cell_id, more in tags.items()}
    )
    earlier = _read_record(path) or _Added()
    record = _Added({**earlier.tags, **tags}, (*earlier.bare, *bare))
    if is_text_notebook(path):
        # Accepting twice in a row: what it was before the first time is what to go back
        # to.
        goes_on = earlier.written == _digest(data)
        before = earlier.before if goes_on else data.decode()
        record = replace(record, before=before, written=_digest(text))
    try:
        RunStore(path.parent).make_state_folder()
        _record(path).parent.mkdir(exist_ok=True)
        # Before the notebook: a kill in between leaves a record of tags that are not
        # there, which undoing passes over.
        replace_file(_record(path), to_json(record))
        _replace(path, text)
    except OSError as error:
        raise _cannot_write(path, error) from error


def take_back(path: Path) -> int:
    """Remove what `accept` added and is still there. Returns the number of tags
    removed."""
    path = _writable(path)
    record = _read_record(path)
    if record is None:
        raise NotebookError(
            f"No suggestion was written to '{path.name}'.",
            code="nothing_to_undo",
            hint="Undoing knows only what `jupyter pipe suggest --write` added.",
        )
    removed: list[str] = []
    changes = {
        cell_id: _removal(added, removed, was_bare=cell_id in record.bare)
        for cell_id, added in record.tags.items()
    }
    data = read_regular_file(path)
    text = _edited(path, data, changes)
    # Nobody has touched the text since, so it can be put back as a whole.
    if record.written == _digest(data):
        text = record.before.encode()
    try:
        _replace(path, text)
        _record(path).unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error
    return len(removed)


def _removal(
    added: tuple[str, ...], removed: list[str], *, was_bare: bool
) -> TagChange:
    """The change of a cell's tags that takes `added` away, and adds to `removed` what
    was still there."""

    def change(old: list[str] | None) -> list[str] | None:
        """None, as before the suggestion, where no tag is left and the cell had no list
        of tags."""
        removed.extend(tag for tag in old or [] if tag in added)
        left = [tag for tag in old or [] if tag not in added]
        return None if not left and (old is None or was_bare) else left

    return change


def _edited(path: Path, data: bytes, changes: Mapping[str, TagChange]) -> bytes:
    """The file's bytes after the changes, by cell id; cells that are gone are left
    out."""
    is_text = is_text_notebook(path)
    indices = {
        cell.id: cell.index
        for cell in read_notebook(path, None if is_text else data).cells
    }
    wanted = {
        indices[cell_id]: change
        for cell_id, change in changes.items()
        if cell_id in indices
    }
    if is_text:
        from jupyter_pipe.notebook.text import edit_text_tags

        return edit_text_tags(path.name, data, wanted)
    return edit_tags(data.decode(), wanted).encode()


def _writable(path: Path) -> Path:
    """The file itself, where `path` is a link to it."""
    resolved = path.resolve()
    if resolved.exists() and not os.access(resolved, os.W_OK):
        raise NotebookError(f"'{path.name}' is read-only.", code="notebook_unwritable")
    return resolved


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode
    replace_file(path, data, sync=True)
    # A file that replaces another has the rights of a new one.
    path.chmod(mode)


def _record(path: Path) -> Path:
    return (
        RunStore(path.parent).state_folder / "suggested" / f"{notebook_name(path)}.json"
    )


def _read_record(path: Path) -> _Added | None:
    try:
        return from_json(read_regular_file(_record(path)), _Added)
    except UNREADABLE:
        return None


def _cannot_write(path: Path, error: OSError) -> NotebookError:
    return NotebookError(
        f"'{path.name}' cannot be written: {error.strerror or error}.",
        code="notebook_unwritable",
    )
