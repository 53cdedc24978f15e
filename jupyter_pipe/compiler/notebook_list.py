"""Which notebooks are one pipeline: those that are named together, or that a
`pipeline.toml` lists.

Reads the file and asks where notebooks are; writes nothing. Raises NotebookError with
the line.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from msgspec import Struct

from jupyter_pipe.compiler.names import stage_name
from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook.file_kinds import (
    NOTEBOOK_SUFFIXES,
    PIPELINE_FILE,
    is_notebook_file,
    notebook_name,
)
from jupyter_pipe.notebook.sound_names import file_name_problem
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["ListedNotebook", "NotebookList", "list_notebooks"]

_LARGEST_FILE = 1 << 20
_TEXTS = ("name", "description", "schedule")
_EXAMPLE = 'For example: notebooks = ["ingest.ipynb", "train.ipynb"]'


class ListedNotebook(Struct, frozen=True):
    """`name` begins the names of its stages; `path` is absolute, `folder` its real
    folder."""

    name: str
    path: Path
    folder: Path


class NotebookList(Struct, frozen=True):
    """Notebooks in the order in which they would be run. `path` is the file that lists
    them, or the first of them: in its folder the runs are kept, and paths of the
    pipeline are relative to that."""

    path: Path
    name: str
    notebooks: tuple[ListedNotebook, ...]
    description: str = ""
    schedule: str | None = None

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def default_output(self) -> Path:
        """The folder that they compile to unless told otherwise."""
        return self.folder / f"{self.name}_pipeline"


def list_notebooks(paths: Sequence[Path]) -> NotebookList:
    """The notebooks that `paths` name: a `pipeline.toml`, the folder of one, or at
    least two notebooks."""
    if len(paths) == 1:
        path = paths[0] / PIPELINE_FILE if paths[0].is_dir() else paths[0]
        return _read_list(path)
    for path in paths:
        if path.is_dir() or path.suffix == ".toml":
            raise NotebookError(
                f"'{path}' cannot be named beside other notebooks.",
                code="pipeline_file_invalid",
                hint=f"Name notebooks, or one {PIPELINE_FILE} alone.",
            )
    first = _real(paths[0])
    listed = _named([_real(path) for path in paths])
    names = [each.name for each in listed]
    name = "+".join(names)
    if file_name_problem(name):
        # A joined name longer than a file's may be: "first+9".
        name = f"{names[0]}+{len(names) - 1}"
    return NotebookList(first, name, listed)


def _real(path: Path) -> Path:
    """The file in its real folder: two ways to one folder are one place."""
    return Path(os.path.realpath(path.absolute().parent), path.name)


def _named(paths: Sequence[Path]) -> tuple[ListedNotebook, ...]:
    """Each with its name: that of the file, after its folder where two files are called
    the same."""
    for _, path in _repeated([str(path) for path in paths], paths):
        raise NotebookError(
            f"'{path.name}' is named twice: a pipeline runs each of its notebooks once.",
            code="pipeline_file_invalid",
            hint="Name it once.",
        )
    names = [stage_name(notebook_name(path)) for path in paths]
    # Two notebooks called `train.ipynb` in two folders.
    same = {name for name, _ in _repeated(names, paths)}
    names = [
        stage_name(f"{path.parent.name}_{name}") if name in same else name
        for name, path in zip(names, paths, strict=True)
    ]
    for name, path in _repeated(names, paths):
        raise NotebookError(
            f"Of several notebooks, '{path}' is one, the stages would be called '{name}.…'.",
            code="pipeline_file_invalid",
            hint="Rename one of them.",
        )
    return tuple(
        ListedNotebook(name, path, path.parent)
        for name, path in zip(names, paths, strict=True)
    )


def _repeated(names: Sequence[str], paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Those whose name is not the only one of its kind, if case does not count: names
    become files."""
    counts = Counter(name.casefold() for name in names)
    return [
        (name, path)
        for name, path in zip(names, paths, strict=True)
        if counts[name.casefold()] > 1
    ]


def _read_list(path: Path) -> NotebookList:
    text, content = _parse(path)
    _check_settings(path, text, content)
    folder = Path(os.path.realpath(path.absolute().parent))
    name = content.get("name") or folder.name
    problem = file_name_problem(name)
    if problem:
        _refuse(path, text, "name", f"the name {name!r} {problem}")
    notebooks = [
        _listed_file(path, text, folder, entry) for entry in content["notebooks"]
    ]
    return NotebookList(
        Path(folder, path.name),
        name,
        _named(notebooks),
        content.get("description", ""),
        # An empty schedule is none.
        content.get("schedule") or None,
    )


def _check_settings(path: Path, text: str, content: dict[str, Any]) -> None:
    """Raises NotebookError for the first setting that is unknown, missing or of another
    type."""
    known = sorted({"notebooks", *_TEXTS})
    for key in content:
        if key not in known:
            _refuse(
                path,
                text,
                key,
                f"'{key}' is not a setting; there are: {', '.join(known)}",
            )
    for key in _TEXTS:
        if not isinstance(content.get(key, ""), str):
            _refuse(path, text, key, f"'{key}' has to be a text in quotes")
    entries = content.get("notebooks")
    if (
        not isinstance(entries, list)
        or not entries
        or not all(isinstance(each, str) for each in entries)
    ):
        _refuse(
            path,
            text,
            "notebooks",
            f"'notebooks' has to be a list of files. {_EXAMPLE}",
        )


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = read_regular_file(path, _LARGEST_FILE).decode("utf-8")
    except FileNotFoundError:
        raise NotebookError(
            f"There is no '{path}'.", code="notebook_missing", hint="Check the path."
        ) from None
    except UNREADABLE as error:
        raise NotebookError(
            f"'{path}' cannot be read: {error}.", code="notebook_unreadable"
        ) from None
    # Only who lists notebooks in a file pays for the parser; Python has one since 3.11.
    toml: Any = importlib.import_module(
        "tomllib" if sys.version_info >= (3, 11) else "tomli"
    )
    try:
        return text, toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise NotebookError(
            f"'{path}' is not TOML: {error}.",
            code="pipeline_file_invalid",
            hint=_EXAMPLE,
        ) from None


def _listed_file(path: Path, text: str, folder: Path, entry: str) -> Path:
    if not is_notebook_file(entry):
        suffixes = ", ".join(NOTEBOOK_SUFFIXES)
        _refuse(
            path,
            text,
            entry,
            f"'{entry}' is not the name of a notebook: those end in {suffixes}",
        )
    found = _real(folder / entry)
    if not found.is_file():
        _refuse(path, text, entry, f"there is no notebook '{entry}' in '{folder}'")
    return found


def _refuse(path: Path, text: str, word: str, problem: str) -> NoReturn:
    raise NotebookError(
        f"'{path.name}'{_line_of(text, word)}: {problem}.",
        code="pipeline_file_invalid",
        hint=f"See docs/notebooks-together.md for what {PIPELINE_FILE} may hold.",
    )


def _line_of(text: str, word: str) -> str:
    """`, line 3`: the first line, comments aside, on which the word stands as a key or
    a text."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
    # The word of a comment would point beside the mistake.
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and pattern.search(line):
            return f", line {number}"
    return ""
