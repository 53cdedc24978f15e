"""The cells of a notebook, for messages: what they hold, and where that stands in the
file if it is text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import Cell
from jupyter_pipe.notebook.file_kinds import is_text_notebook

__all__ = ["CellPlaces", "read_cells"]


class CellPlaces(Struct, frozen=True):
    """The cells of the notebook's `file` by id; empty where it cannot be read."""

    file: str = ""
    cells: Mapping[str, Cell] = {}

    def source(self, cell_id: str | None) -> str:
        """The cell's source; empty for a cell that is gone."""
        cell = self.cells.get(cell_id or "")
        return cell.source if cell else ""

    def line(self, cell_id: str | None, line: int | None) -> int | None:
        """The line of a text file where this line of the cell stands. The id of such a
        cell is made from its code: it is found as long as the code is the same,
        wherever it stands by now."""
        cell = self.cells.get(cell_id or "")
        if cell is None or cell.file_line is None:
            return None
        # Both count from 1.
        return cell.file_line + (line or 1) - 1

    def text(self, cell_id: str | None, line: int | None) -> str:
        """`home_value.py:47`, as editors understand it; empty where there is no such
        line."""
        found = self.line(cell_id, line)
        return f"{Path(self.file).name}:{found}" if found else ""


def read_cells(notebook: Path | str | None, *, only_text: bool = False) -> CellPlaces:
    """The cells as the file has them now; none with `only_text` if they have no lines
    in it."""
    from jupyter_pipe.notebook import read_notebook

    if not notebook or (only_text and not is_text_notebook(notebook)):
        return CellPlaces()
    try:
        return CellPlaces(
            str(notebook), {cell.id: cell for cell in read_notebook(notebook).cells}
        )
    except NotebookError:
        return CellPlaces()
