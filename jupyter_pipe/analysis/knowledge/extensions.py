"""Knowledge that a project or an installed package adds to what we ship.

A project writes `[tool.jupyter_pipe.knowledge]` in the `pyproject.toml` of the
notebook's folder or one above it; a package names an object of the same shape in the
entry-point group `jupyter_pipe.knowledge`. A project's answer stands before a
package's, and both before ours.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.analysis.knowledge.effects import Knowledge
from jupyter_pipe.analysis.knowledge.tables import (
    Library,
    TableError,
    Tables,
    parse_library,
    tomllib,
)
from jupyter_pipe.analysis.source.reading import LARGEST_SOURCE
from jupyter_pipe.errors import PipeError
from jupyter_pipe.trust.records import read_regular_file

__all__ = ["ENTRY_POINTS", "read_knowledge"]

ENTRY_POINTS = "jupyter_pipe.knowledge"
FILE = "pyproject.toml"


def read_knowledge(folder: Path | None = None) -> Knowledge:
    """What we ship, extended for the notebook in `folder`. Raises PipeError for a bad
    table."""
    extensions = dict(_from_packages())
    file = _find_project_file(folder) if folder else None
    if file is not None:
        extensions.update(_from_project(file))
    return Tables(extensions)


def _find_project_file(folder: Path) -> Path | None:
    here = folder.resolve()
    return next(
        (file for parent in (here, *here.parents) if (file := parent / FILE).is_file()),
        None,
    )


def _from_project(file: Path) -> dict[str, Library]:
    try:
        content = tomllib.loads(read_regular_file(file, LARGEST_SOURCE).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PipeError(
            f"{file} cannot be read: {error}.",
            code="knowledge_invalid",
            hint="Fix the file, or move the notebook out of that project.",
        ) from error
    tool = content.get("tool", {}).get("jupyter_pipe", {})
    return _parse(tool.get("knowledge", {}), f"{file}, [tool.jupyter_pipe.knowledge]")


@functools.lru_cache(maxsize=1)
def _from_packages() -> Mapping[str, Library]:
    found: dict[str, Library] = {}
    if not _is_declared():
        return found
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        try:
            table = point.load()
        except Exception as error:
            raise PipeError(
                f"The entry point {point.name!r} of {ENTRY_POINTS} cannot be loaded: {error}",
                code="knowledge_invalid",
                hint="Repair or uninstall the package that declares it.",
            ) from error
        found.update(_parse(table, f"entry point {point.name!r} of {ENTRY_POINTS}"))
    return found


def _is_declared() -> bool:
    """Whether any installed package mentions the group. `importlib.metadata` reads the
    metadata of every distribution to find that out, which takes longer than compiling a
    notebook."""
    files = (
        file
        for folder in sys.path
        for file in Path(folder).glob("*.*-info/entry_points.txt")
    )
    return any(
        ENTRY_POINTS in file.read_text(encoding="utf-8", errors="ignore")
        for file in files
    )


def _parse(table: Any, origin: str) -> dict[str, Library]:
    try:
        if not isinstance(table, Mapping):
            raise TableError(f"must be a table of libraries, not {table!r}")
        return {name: parse_library(name, library) for name, library in table.items()}
    except TableError as error:
        raise PipeError(
            f"{origin}: {error}",
            code="knowledge_invalid",
            hint="The format of these tables is described in docs/knowledge.md.",
        ) from error
