"""Reads a text with jupytext: the notebook as nbformat's JSON, and the line where each
cell begins."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook.text.limits import (
    SPELLING,
    checked_text,
    header_of,
    text_error,
)
from jupyter_pipe.notebook.text.places import find_places

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["TextNotebook", "made_ids", "read_text_notebook"]

_FORMATS = frozenset({"percent", "hydrogen", "light", "markdown", "myst"})
# What of a notebook's metadata says something to us: all else stays in the text.
_METADATA = ("kernelspec", "language_info", "jupyter_pipe", "kubeflow_notebook")
_CELL_MARKER = re.compile(
    r"#\s?(%%|\+(\s|$)|In\[[0-9 ]*\]|<codecell>|region\b|\{\{\{)", re.MULTILINE
)
_TAG_AS_TITLE = re.compile(r"(^|\s)(stage|step|block):\S")


class TextNotebook(Struct, frozen=True):
    """`content` is nbformat 4's JSON without outputs; `lines` count from 1, one for
    each of its cells, None where the text does not show the cell; `form` is jupytext's
    name of the format."""

    content: dict[str, Any]
    lines: tuple[int | None, ...]
    form: str


def read_text_notebook(name: str, data: bytes) -> TextNotebook:
    """What jupytext makes of a file with this name and these bytes. Raises
    NotebookError.

    The ids of cells are made from their code, so they hold as long as it does, wherever
    the cell moves.
    """
    jupytext = _import_jupytext(name)
    text = checked_text(name, data)
    lines = text.splitlines()
    form, read = _converted(jupytext, name, text)
    header = header_of(name, lines)
    if not header and name.endswith(".py") and not _CELL_MARKER.search(text):
        raise NotebookError(
            f"'{name}' is a program, not a notebook: it has neither cells nor jupytext's header.",
            code="not_a_notebook",
            hint='Begin each cell with a line such as `# %% tags=["stage:load"]`.',
        )
    places = find_places(lines, read["cells"])
    found = tuple(
        None if place is None else place + 1  # the text does not show the cell
        for place in places
    )
    cells = _cells(name, read["cells"], found)
    metadata = _metadata(read["metadata"], has_header=header is not None)
    return TextNotebook(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells},
        found,
        form,
    )


def made_ids(sources: Iterable[str]) -> list[str]:
    """Ids for cells with these sources, as a text has none. Needs no jupytext."""
    seen: Counter[str] = Counter()
    ids = []
    for source in sources:
        # An editor keeps empty lines around the code that a text does not.
        code = source.strip().encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(code).hexdigest()[:12]
        seen[digest] += 1
        # Cells with the same code are told apart by their order.
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids


def _import_jupytext(name: str) -> ModuleType:
    try:
        import jupytext
    except ImportError:
        raise NotebookError(
            f"Reading '{name}' as a notebook needs jupytext, which is not installed.",
            code="extra_missing",
            hint="Install it: pip install 'jupyter_pipe[jupytext]'",
        ) from None
    module: ModuleType = jupytext
    return module


def _converted(jupytext: ModuleType, name: str, text: str) -> tuple[str, Any]:
    """The format, and the notebook as jupytext's own records."""
    extension = name[name.rindex(".") :]
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            form = _form(text, extension)
            # Of other formats some are no notebooks, and pandoc's would start a
            # program.
            read = (
                jupytext.reads(text, fmt={"extension": extension})
                if form in _FORMATS
                else None
            )
    except Exception as error:  # jupytext raises what its parsers happen to meet
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise text_error(
            name, None, f"jupytext cannot read it: {what}", "Fix it, or write it anew."
        ) from None
    if read is None:
        hint = f"Convert it: jupytext --to {'py:percent' if extension == '.py' else 'md'} {name}"
        raise text_error(
            name, None, f"jupytext's format '{form}' is not read here", hint
        )
    mixed = [
        str(each.message) for each in warned if issubclass(each.category, UserWarning)
    ]
    if mixed:
        raise text_error(
            name, None, f"jupytext warns: {mixed[0][:200]}", "Fix what it names."
        )
    return form, read


def _form(text: str, extension: str) -> str:
    from jupytext.formats import guess_format, read_format_from_metadata

    return str(
        read_format_from_metadata(text, extension) or guess_format(text, extension)[0]
    )


def _cells(
    name: str, cells: Sequence[Any], lines: Sequence[int | None]
) -> list[dict[str, Any]]:
    """The cells as nbformat's JSON. Raises NotebookError for options that are not what
    they look like."""
    sources = [str(cell["source"]) for cell in cells]
    made = []
    for cell, source, cell_id, line in zip(
        cells, sources, made_ids(sources), lines, strict=True
    ):
        tags = _tags(name, cell["metadata"], line)
        metadata = {} if tags is None else {"tags": tags}
        made.append(
            {
                "cell_type": cell["cell_type"],
                "id": cell_id,
                "metadata": metadata,
                "source": source,
            }
        )
    return made


def _tags(name: str, metadata: Any, line: int | None) -> list[str] | None:
    """A cell's tags, None if it has no list. What was meant as one and is none is an
    error, not ignored."""
    wrong = metadata.get("incorrectly_encoded_metadata")
    if wrong is not None:
        raise text_error(
            name,
            line,
            f"the cell's options {str(wrong)[:80]!r} cannot be read",
            SPELLING,
        )
    title = str(metadata.get("title", ""))
    if _TAG_AS_TITLE.search(title):
        raise text_error(
            name, line, f"the cell's title {title[:80]!r} looks like a tag", SPELLING
        )
    tags = metadata.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise text_error(
            name, line, "the cell's tags are not a list of texts", SPELLING
        )
    return [str(tag) for tag in tags]


def _metadata(read: Any, *, has_header: bool) -> dict[str, Any]:
    """What of jupytext's metadata says something to us."""
    metadata = {key: read[key] for key in _METADATA if key in read}
    ours = read.get("jupytext", {})
    language = ours.get("main_language") or ours.get("default_lexer")
    if language and not {"kernelspec", "language_info"} & metadata.keys():
        metadata["language_info"] = {"name": language}
    # Where there is no header, jupytext makes a filter of what it found: that says
    # nothing of the file.
    names = ("formats", "cell_metadata_filter") if has_header else ("formats",)
    metadata["jupytext"] = {key: ours[key] for key in names if key in ours}
    return metadata
