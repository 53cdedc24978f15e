"""Whether the files that jupytext keeps as one notebook say the same: `formats:
ipynb,py:percent`.

The file that is named is the specification; the others are only looked at. Writes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import Cell, Diagnostic, Notebook, Severity
from jupyter_pipe.notebook.reader import read_notebook

__all__ = ["compare_with_pair"]


def compare_with_pair(notebook: Notebook) -> Iterator[Diagnostic]:
    """A warning for each file of the pair that is there and has other code or other
    tags."""
    path = Path(notebook.path)
    for other in _others(path, notebook.pair_formats):
        try:
            what, cell = _first_difference(notebook, read_notebook(other))
        except NotebookError as error:
            what, cell = f"cannot be read: {error.message}", None
        if what:
            yield _warning(path, other, what, cell)


def _first_difference(notebook: Notebook, other: Notebook) -> tuple[str, Cell | None]:
    """What the other one has, and the cell where that begins."""
    own, beside = (
        [cell for cell in each.code_cells if cell.source.strip()]
        for each in (notebook, other)
    )
    for cell, found in zip_longest(own, beside):
        what = _difference(cell, found)
        if what:
            return what, cell
    # By default jupytext writes the kernel into a text, and no settings of others.
    if notebook.settings != other.settings or notebook.kernel != other.kernel:
        return "has other settings in its metadata", None
    return "", None


def _others(path: Path, formats: str) -> list[Path]:
    """The files of the pair that exist, but for this one."""
    if not formats:
        return []
    try:
        from jupytext.paired_paths import paired_paths

        found = paired_paths(str(path), {"extension": path.suffix}, formats)
    # without jupytext, or with formats that lead nowhere, nothing is known of others
    except Exception:
        return []
    others = {Path(each): None for each, _ in found}
    others.pop(path, None)
    return [*filter(Path.is_file, others)]


def _difference(cell: Cell | None, beside: Cell | None) -> str:
    if cell is None or beside is None:
        return "has other cells"
    if cell.source.strip() != beside.source.strip():
        return "has other code"
    return "has other tags" if set(cell.tags) != set(beside.tags) else ""


def _warning(path: Path, other: Path, what: str, cell: Cell | None) -> Diagnostic:
    return Diagnostic(
        "PIPE122",
        Severity.warning,
        f"'{path.name}' is what runs. '{other.name}', which jupytext keeps as its pair, {what}.",
        f"Bring them together: jupytext --sync {path.name}",
        cell_id=cell.id if cell else None,
        cell=cell.number if cell else None,
    )
