"""The code that a stage runs, normalised: comments, blank lines and layout do not
count.

Reads stage notebooks; everything else is pure. Magics are transformed only where a cell
is not plain Python, so that the common path never imports IPython.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.fingerprint import digest_of
from jupyter_pipe.errors import PackageError
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_pipe.model import Stage

__all__ = ["code_digest", "read_stage_code", "stage_sources"]

# What IPython binds to its numbered inputs and outputs: `Out[3]`, `_oh[3]`.
_HISTORY_NAMES = frozenset({"In", "Out", "_ih", "_oh", "_dh"})


class _Cell(Struct):
    id: str
    source: str | list[str]
    metadata: dict[str, Any] = {}


class _StageNotebook(Struct):
    cells: list[_Cell]


_decoder = msgspec.json.Decoder(_StageNotebook)


def stage_sources(package: Path, stage: Stage) -> dict[str, str]:
    """Cell id -> source of the user's cells in the stage's notebook, in order.

    Raises PackageError if the notebook is missing or damaged.
    """
    path = package / stage.notebook
    try:
        notebook = _decoder.decode(read_regular_file(path))
    except UNREADABLE as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise PackageError(
            f"The notebook of stage {stage.name!r}, '{path}', cannot be read: {said}.",
            code="package_unreadable",
            hint="Compile the notebook again.",
        ) from None
    return {
        cell.id: cell.source if isinstance(cell.source, str) else "".join(cell.source)
        for cell in notebook.cells
        # The others are ours: they load inputs and replay definitions, and count by
        # their own components.
        if cell.metadata.get("jupyter_pipe", {}).get("role") == "cell"
    }


def read_stage_code(
    package: Path, stage: Stage, numbers: Mapping[str, int | None]
) -> dict[str, str]:
    """The `code` component of a fingerprint: what the stage replays, then its cells, by
    digest.

    `numbers` gives the cells' numbers; they count only where the code looks at
    IPython's history.
    """
    code = {
        "replay:"
        + ", ".join(replay.names or (f"{replay.kind.value} {position}",)): replay.digest
        for position, replay in enumerate(stage.replays)
        if replay.needed
    }
    for cell_id, source in stage_sources(package, stage).items():
        digest = code_digest(source)
        code[cell_id] = (
            f"{digest}@{numbers.get(cell_id)}" if _reads_history(source) else digest
        )
    return code


@lru_cache(maxsize=8192)
def code_digest(source: str) -> str:
    """The sha256 of a cell's source without comments and layout.

    A cell that is no Python even after IPython's transformation counts to the letter.
    """
    tree = _parse(source)
    if tree is None:
        # The prefix keeps such a cell apart from one whose tree happens to dump as its
        # text.
        return digest_of("text:" + source)
    return digest_of(ast.dump(tree) + _silenced(source))


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        from jupyter_pipe.analysis.source.magics import transform

    try:
        return ast.parse(transform(source).python)
    except (SyntaxError, ValueError):
        return None


def _silenced(source: str) -> str:
    # A trailing semicolon keeps IPython from displaying the last expression.
    return ";" if source.rstrip().endswith(";") else ""


def _reads_history(source: str) -> bool:
    """Whether the code names IPython's history: `In`, `Out`, `_3`, `_i3`."""
    # Nearly no cell does. Looking at text is cheaper than parsing it.
    if "_" not in source and "In" not in source and "Out" not in source:
        return False
    tree = _parse(source)
    if not tree:
        return False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name):
            continue
        # Of `_3` and `_i3` digits remain once `_` and `i` are stripped.
        if node.id in _HISTORY_NAMES or node.id.lstrip("_i").isdigit():
            return True
    return False
