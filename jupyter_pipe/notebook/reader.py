"""Reads a notebook from disk into a `Notebook`: nbformat 4 with msgspec, older formats
upgraded in memory, notebooks that are kept as text by way of jupytext (`text`).

Never writes. Raises only NotebookError. Outputs are skipped while parsing, so that the
cost follows the code and not the pictures.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from msgspec import Struct

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import Cell, Notebook, NotebookSettings
from jupyter_pipe.notebook.file_kinds import (
    NOTEBOOK_SUFFIXES,
    is_text_notebook,
    notebook_name,
)
from jupyter_pipe.notebook.kernel_names import require_kernel_name
from jupyter_pipe.notebook.sound_names import file_name_problem
from jupyter_pipe.trust.records import read_regular_file

if TYPE_CHECKING:
    from jupyter_pipe.notebook.text import TextNotebook

__all__ = ["read_content", "read_notebook", "refuse_list"]

# What kernelspecs call Python: `ipython` is what old versions of IPython wrote.
_PYTHON_NAMES = frozenset(
    {"python", "python2", "python3", "ipython", "ipython3", "xpython", "xeus-python"}
)
_LANGUAGE_OF_KERNEL = {
    "ir": "R",
    "xr": "R",
    "bash": "Bash",
    "deno": "TypeScript",
    "octave": "Octave",
}


class _FileCell(Struct):
    cell_type: str
    source: str | list[str] = ""
    id: str | None = None
    metadata: dict[str, Any] = {}


class _File(Struct):
    nbformat: int
    cells: list[_FileCell] | None = None
    metadata: dict[str, Any] = {}


LARGEST_NOTEBOOK = 256 << 20
"""Bytes, outputs included."""

_decoder = msgspec.json.Decoder(_File)


def read_notebook(path: Path | str, content: bytes | None = None) -> Notebook:
    """Read the notebook at `path`, or `content`, which is nbformat's JSON as it would
    be saved there (an editor's unsaved document). Cells without an id get one made from
    position and source."""
    path = Path(path)
    _check_name(path)
    lines: tuple[int | None, ...] = ()
    if content is None and is_text_notebook(path):
        found = _read_text(path)
        file, lines = msgspec.convert(found.content, _File), found.lines
    else:
        file = _parse_file(path, read_content(path) if content is None else content)
    cells = _make_cells(path, file.cells or [], lines)
    _check_language(path, file.metadata)
    if not any(cell.kind == "code" and cell.source.strip() for cell in cells):
        raise NotebookError(
            f"'{path.name}' has no code cell.",
            code="notebook_without_code",
            hint="A pipeline is made of code cells: write one and tag it stage:NAME.",
        )
    kernel = _text(_section(file.metadata, "kernelspec").get("name")) or "python3"
    require_kernel_name(kernel, NotebookError)
    settings = _settings(file.metadata)
    return Notebook(
        path=str(path),
        name=notebook_name(path),
        digest=_digest(cells, kernel, settings),
        cells=cells,
        kernel=kernel,
        settings=settings,
        loses_tags=is_text_notebook(path)
        and _loses_tags(file.metadata, cells, is_saved=content is None),
        pair_formats=_text(_section(file.metadata, "jupytext").get("formats")),
    )


def read_content(path: Path) -> bytes:
    """What the notebook's file holds, as nbformat's JSON. Raises NotebookError."""
    if is_text_notebook(path):
        return msgspec.json.encode(_read_text(path).content)
    return _read_bytes(path, LARGEST_NOTEBOOK)


def _read_text(path: Path) -> "TextNotebook":
    from jupyter_pipe.notebook.text import read_text_notebook
    from jupyter_pipe.notebook.text.limits import LARGEST_TEXT

    return read_text_notebook(path.name, _read_bytes(path, LARGEST_TEXT))


def _read_bytes(path: Path, largest: int) -> bytes:
    if path.is_dir():
        raise NotebookError(
            f"'{path}' is a folder, not a notebook.",
            code="notebook_is_folder",
            hint="Name the notebook's file.",
        )
    try:
        return read_regular_file(path, largest)
    except FileNotFoundError:
        hint = _similar_file_hint(path)
        raise NotebookError(
            f"There is no notebook '{path}'.", code="notebook_missing", hint=hint
        ) from None
    except OSError as error:
        raise NotebookError(
            f"'{path}' cannot be read: {error.strerror or error}.",
            code="notebook_unreadable",
            hint=f"A notebook is a file that you may read, of at most {largest >> 20} MiB.",
        ) from None


def refuse_list(path: Path) -> NoReturn:
    """Say that a file which lists several notebooks is not one. Raises
    NotebookError."""
    raise NotebookError(
        f"'{path}' lists several notebooks, and this is for one.",
        code="several_notebooks",
        hint="Name one of its notebooks. `run`, `plan`, `check`, `graph`, `compile`, `verify`, `export` "
        "and `submit` take the list.",
    )


def _check_name(path: Path) -> None:
    if path.suffix == ".toml":
        refuse_list(path)
    problem = file_name_problem(path.name)
    if problem:
        raise NotebookError(
            f"The notebook's name {path.name!r} {problem}.",
            code="notebook_name_invalid",
            hint="Rename the file: its name goes into the files of the pipeline.",
        )


def _similar_file_hint(path: Path) -> str:
    import difflib

    try:
        others = sorted(
            each.name
            for each in path.parent.iterdir()
            if each.suffix in (".ipynb", path.suffix)
        )
    except OSError:
        others = []
    close = difflib.get_close_matches(path.name, others, n=1)
    return f"Did you mean '{path.with_name(close[0])}'?" if close else "Check the path."


def _parse_file(path: Path, data: bytes) -> _File:
    if not data.strip():
        raise NotebookError(
            f"'{path.name}' is empty.",
            code="notebook_empty",
            hint="Open it in JupyterLab and save it, or restore it from version control.",
        )
    try:
        file = _decoder.decode(data)
    except msgspec.ValidationError:
        raise _not_a_notebook(path) from None
    except (ValueError, RecursionError):
        _raise_malformed(path, data)
    if file.nbformat == 4 and file.cells is not None:
        return file
    if file.nbformat > 4:
        raise NotebookError(
            f"'{path.name}' is in notebook format {file.nbformat}, which is newer than format 4.",
            code="notebook_too_new",
            hint="Save it in format 4, or upgrade jupyter_pipe.",
        )
    return _upgraded(path, data)


def _not_a_notebook(path: Path) -> NotebookError:
    return NotebookError(
        f"'{path.name}' is JSON, but not a notebook.",
        code="not_a_notebook",
        hint="Name a file that JupyterLab opens as a notebook.",
    )


def _raise_malformed(path: Path, data: bytes) -> NoReturn:
    """Say where the JSON ends or breaks; msgspec itself gives no line."""
    text = data.decode("utf-8", errors="replace")
    hint = "Restore the file from version control or from a checkpoint."
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        raise NotebookError(
            f"'{path.name}' is not a notebook: it does not hold JSON.",
            code="not_a_notebook",
            hint=f"Name a file that JupyterLab opens as a notebook: {', '.join(NOTEBOOK_SUFFIXES)}.",
        )
    where, ends = "", False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f" at line {error.lineno}, column {error.colno}"
        ends = not text[error.pos :].strip() or "Unterminated" in error.msg
    except RecursionError:
        where = ": it is nested too deeply"
    problem = "is truncated: its JSON ends" if ends else "is not valid JSON: it breaks"
    raise NotebookError(
        f"'{path.name}' {problem}{where}.", code="notebook_malformed", hint=hint
    )


def _upgraded(path: Path, data: bytes) -> _File:
    # nbformat costs a second to import beside JupyterLab, so only old files pay for it.
    import nbformat

    try:
        upgraded = nbformat.reads(data.decode("utf-8"), as_version=4)
        # The ids that nbformat makes are random; ours follow from the cells.
        cells = [{**cell, "id": None} for cell in upgraded["cells"]]
        return _decoder.decode(json.dumps({**upgraded, "cells": cells}).encode())
    except Exception:  # nbformat raises what its converters happen to meet
        raise _not_a_notebook(path) from None


def _make_cells(
    path: Path, raw: list[_FileCell], lines: tuple[int | None, ...]
) -> tuple[Cell, ...]:
    """The cells with their numbers. `lines` are those of a text, if it is one."""
    cells: list[Cell] = []
    seen: dict[str, int] = {}
    number = 0
    for index, cell in enumerate(raw):
        source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
        runs = cell.cell_type == "code" and bool(source.strip())
        number += runs
        cell_id = cell.id or _made_id(index, source)
        if cell_id in seen:
            raise NotebookError(
                f"'{path.name}' has two cells with the id '{cell_id}' "
                f"(cells {seen[cell_id] + 1} and {index + 1} from the top).",
                code="notebook_duplicate_ids",
                hint="Open the notebook in JupyterLab and save it; that gives each cell an id of its own.",
                cell_id=cell_id,
            )
        seen[cell_id] = index
        tags = _tags(cell.metadata)
        line = lines[index] if lines else None
        cells.append(
            Cell(
                cell_id,
                index,
                cell.cell_type,
                source,
                tags,
                number if runs else None,
                line,
            )
        )
    return tuple(cells)


def _made_id(index: int, source: str) -> str:
    return hashlib.sha256(
        f"{index}\n{source}".encode("utf-8", "surrogatepass")
    ).hexdigest()[:12]


def _tags(metadata: dict[str, Any]) -> tuple[str, ...]:
    tags = metadata.get("tags")
    return (
        tuple(tag for tag in tags if isinstance(tag, str))
        if isinstance(tags, list)
        else ()
    )


def _section(metadata: dict[str, Any], key: str) -> dict[str, Any]:
    section = metadata.get(key)
    return section if isinstance(section, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _check_language(path: Path, metadata: dict[str, Any]) -> None:
    spec = _section(metadata, "kernelspec")
    name = _text(spec.get("name"))
    language = (
        _text(spec.get("language"))
        or _text(_section(metadata, "language_info").get("name"))
        or _LANGUAGE_OF_KERNEL.get(name, "")
        or ("julia" if name.startswith("julia") else "python")
    )
    if language.lower() not in _PYTHON_NAMES:
        shown = language if language[:1].isupper() else language.capitalize()
        raise NotebookError(
            f"Pipelines need a Python kernel; this one is {shown}.",
            code="kernel_not_python",
            hint=f"Open '{path.name}' with a Python kernel, or name another notebook.",
        )


def _loses_tags(
    metadata: dict[str, Any], cells: tuple[Cell, ...], *, is_saved: bool
) -> bool:
    """Whether jupytext leaves tags out where it writes the notebook.

    A saved file with such a filter may have lost its tags, unless some are there: then
    jupytext keeps them. In an editor, tags are lost only where there are any.
    """
    wanted = _section(metadata, "jupytext").get("cell_metadata_filter")
    if not isinstance(wanted, str):
        return wanted is False
    words = {word.strip().removeprefix("+") for word in wanted.split(",")}
    drops = "-tags" in words or ("-all" in words and not {"all", "tags"} & words)
    return drops and any(cell.tags for cell in cells) != is_saved


def _settings(metadata: dict[str, Any]) -> NotebookSettings:
    """What the metadata say of the pipeline; where we say nothing, what Kale says."""
    ours = _section(metadata, "jupyter_pipe")
    kale = _section(metadata, "kubeflow_notebook")
    options = ours.get("default_options", ours.get("options"))
    if isinstance(options, dict):
        options = [f"{key}:{value}" for key, value in options.items()]
    return NotebookSettings(
        name=_text(ours.get("name")) or _text(kale.get("pipeline_name")) or None,
        description=_text(ours.get("description"))
        or _text(kale.get("pipeline_description")),
        default_options=tuple(str(option) for option in options)
        if isinstance(options, list)
        else (),
        schedule=_text(ours.get("schedule")) or None,
    )


def _digest(cells: tuple[Cell, ...], kernel: str, settings: NotebookSettings) -> str:
    """Empty untagged cells do not count: JupyterLab appends one at the end as people
    work."""
    code = [
        (cell.id, cell.source, cell.tags)
        for cell in cells
        if cell.kind == "code" and (cell.source.strip() or cell.tags)
    ]
    return hashlib.sha256(
        msgspec.json.encode((code, kernel, settings), order="deterministic")
    ).hexdigest()
