"""Changes the tags of cells in the text of a notebook and nothing else: every other
byte stays.

Pure. A notebook that was parsed and written again would differ in the spelling of
numbers and escapes, in outputs that nobody touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from jupyter_pipe.errors import NotebookError

__all__ = ["TagChange", "edit_tags"]

TagChange = Callable[["list[str] | None"], "list[str] | None"]

_decode = json.JSONDecoder().raw_decode
_blank = re.compile(r"[ \t\r\n]*")
# A file that begins with `{` and an indented name on the next line.
_INDENT = re.compile(r"\s*\{\r?\n([ \t]+)\"")


class _Member(NamedTuple):
    """`key` stands at `place`; the value from `start` to `end`."""

    key: str
    place: int
    start: int
    end: int


def edit_tags(text: str, changes: Mapping[int, TagChange]) -> str:
    """The text with the tags changed of the cells with these indices. A change takes
    the list of tags, or None where there is none, and returns what shall stand there.
    Raises NotebookError."""
    edits = []
    for index, (start, _) in enumerate(_elements(text, _cells(text))):
        if index in changes:
            edits += _edit(text, start, changes[index])
    # From the end, so that earlier places stay true.
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


def _cells(text: str) -> int:
    """Where the list of cells begins."""
    top = {member.key: member for member in _members(text, _skip(text, 0))}
    if "cells" not in top or text[top["cells"].start] != "[":
        raise NotebookError(
            "The notebook is in an old format, which is not changed in place.",
            code="notebook_too_old",
            hint="Open it in JupyterLab and save it, then try again.",
        )
    return top["cells"].start


def _edit(text: str, cell: int, change: TagChange) -> list[tuple[int, int, str]]:
    """What to put where, for the cell at this place."""
    member = next(
        (each for each in _members(text, cell) if each.key == "metadata"), None
    )
    if member is None:
        tags = change(None)
        return (
            [(cell + 1, cell + 1, f'"metadata": {json.dumps({"tags": tags})}, ')]
            if tags
            else []
        )
    old: dict[str, Any] = _decode(text, member.start)[0]
    found = old.get("tags")
    new = _with_tags(old, change(list(found) if isinstance(found, list) else None))
    return (
        []
        if new == old
        else [(member.start, member.end, _rendered(new, text, member.place))]
    )


def _with_tags(old: dict[str, Any], tags: list[str] | None) -> dict[str, Any]:
    new = {
        key: value for key, value in old.items() if key != "tags" or tags is not None
    }
    if tags is not None:
        new["tags"] = tags
    # Jupyter itself writes keys in order: what was in order stays so.
    return dict(sorted(new.items())) if list(old) == sorted(old) else new


def _rendered(value: dict[str, Any], text: str, place: int) -> str:
    """As the file is written: its indent, its line ends, its way with other letters
    than ASCII."""
    indent = _INDENT.match(text)
    # Some writers escape every letter that is not ASCII; others would differ in each
    # line of theirs.
    ascii_only = text.isascii() and "\\u" in text
    if indent is None:
        separators = (", ", ": ") if '": ' in text else (",", ":")
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    margin = text[text.rfind("\n", 0, place) + 1 : place]
    lines = json.dumps(value, ensure_ascii=ascii_only, indent=indent[1]).split("\n")
    newline = "\r\n" if "\r\n" in text else "\n"
    return (newline + (margin if not margin.strip() else "")).join(lines)


def _members(text: str, place: int) -> Iterator[_Member]:
    """The members of the object that begins at `place`."""
    place = _skip(text, place + 1)
    while text[place] != "}":
        key, end = _decode(text, place)
        start = _skip(text, _skip(text, end) + 1)
        stop = _decode(text, start)[1]
        yield _Member(key, place, start, stop)
        place = _next(text, stop)


def _elements(text: str, place: int) -> Iterator[tuple[int, int]]:
    """From where to where the elements go of the list that begins at `place`."""
    place = _skip(text, place + 1)
    while text[place] != "]":
        end = _decode(text, place)[1]
        yield place, end
        place = _next(text, end)


def _next(text: str, place: int) -> int:
    """Past a comma, or at the closing bracket."""
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    found = _blank.match(text, place)
    return found.end() if found else place
