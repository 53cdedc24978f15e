"""Tells the engine where the last exception came from, in terms of the notebook's
cells.

Frames of IPython and of libraries are left out; what stays are frames in cells and in
modules under the stage's folder.
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

from .definitions import CELLS_OF_FILES
from .plugins import LIBRARY_FOLDERS
from .shell import find_shell

__all__ = ["describe", "write_failure"]

# (cell index, lines to add): a cell magic's body starts on the second line of its cell.
Places = Mapping[str, "tuple[int, int]"]


def write_failure(path: str, cells: Iterable[tuple[int, str]], folder: str) -> None:
    """Writes the JSON of `describe` for the exception that ended the last cell, and
    what was touched."""
    from . import masker

    found = describe(getattr(sys, "last_value", None), _places(cells), folder)
    found["observed"] = _observations()
    with open(path, "w", encoding="utf-8") as file:
        json.dump(masker().value(found), file)


def _observations() -> dict[str, Any]:
    """What the stage had touched when it broke, as far as it was watched."""
    sessions = getattr(sys.modules.get(__package__ or ""), "_sessions", [])
    return sessions[0].observations() if sessions else {}


def describe(
    error: BaseException | None, places: Places, folder: str
) -> dict[str, Any]:
    """The user's frames, outermost first, and what the exception was raised from.

    A frame has `line`, `function`, `source`, and either `cell` (its index) or `path`.
    """
    if error is None:
        return {"frames": [], "causes": []}
    return {
        "frames": list(_frames(error, places, folder)),
        "causes": [
            traceback.format_exception_only(type(cause), cause)[-1].strip()
            for cause in _causes(error)
        ],
    }


def _places(cells: Iterable[tuple[int, str]]) -> dict[str, tuple[int, int]]:
    """Which cell each compiled file name stands for."""
    shell = find_shell()
    found: dict[str, tuple[int, int]] = {}
    for index, source in cells:
        if shell is None:
            break
        found[_file_name(shell, source)] = (index, 0)
        if source.startswith("%%"):
            found["<timed exec>"] = (index, 1)
    return found


def _file_name(shell: Any, source: str) -> str:
    transformed = shell.transform_cell(source)
    return str(shell.compile.get_code_name(source, transformed, shell.execution_count))


def _frames(
    error: BaseException, places: Places, folder: str
) -> Iterator[dict[str, Any]]:
    """The frames of the traceback that are worth showing; a syntax error adds the line
    that Python could not read, which no frame holds."""
    for name, line, function in _positions(error.__traceback__):
        frame = _frame(name, line, function, places, folder)
        if frame is not None:
            yield frame
    if isinstance(error, SyntaxError) and error.filename:
        frame = _frame(error.filename, error.lineno or 1, "<module>", places, folder)
        if frame is not None:
            yield {**frame, "source": (error.text or "").strip()}


def _positions(trace: TracebackType | None) -> Iterator[tuple[str, int, str]]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield code.co_filename, trace.tb_lineno, code.co_name
        trace = trace.tb_next


def _frame(
    name: str, line: int, function: str, places: Places, folder: str
) -> dict[str, Any] | None:
    found: dict[str, Any] = {
        "line": line,
        "function": function,
        "source": linecache.getline(name, line).strip(),
    }
    if name in places:
        index, more = places[name]
        return {**found, "cell": index, "line": line + more}
    if name in CELLS_OF_FILES:
        return {**found, "cell_id": CELLS_OF_FILES[name]}
    path = os.path.abspath(name)
    inside = path.startswith(folder + os.sep) and os.path.exists(path)
    if not inside or any(part in LIBRARY_FOLDERS for part in path.split(os.sep)):
        return None
    return {**found, "path": os.path.relpath(path, folder)}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    cause = error.__cause__ or (
        None if error.__suppress_context__ else error.__context__
    )
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (
            None if cause.__suppress_context__ else cause.__context__
        )
