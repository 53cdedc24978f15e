"""The user's cells of an executed stage notebook, with their outputs as the kernel sent
them.

Reads JSON without nbformat. Cells that the compiler injected are left out. A notebook
that is not there (the stage never ran), or is damaged, has no cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.render.repeats import without_repeats
from jupyter_pipe.render.terminal_text import played_out, without_escapes
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["ExecutedCell", "printed_text", "read_executed", "text_outputs"]


class ExecutedCell(Struct, frozen=True):
    """`position` counts the stage's own code cells from 1; `outputs` are nbformat
    dicts."""

    id: str
    position: int
    number: int | None
    source: str
    outputs: tuple[dict[str, Any], ...]


class _Ours(Struct):
    role: str = "cell"


class _Metadata(Struct):
    jupyter_pipe: _Ours = msgspec.field(default_factory=_Ours)


class _Cell(Struct):
    cell_type: str
    id: str = ""
    source: str | list[str] = ""
    execution_count: int | None = None
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    outputs: tuple[dict[str, Any], ...] = ()


class _Notebook(Struct):
    cells: tuple[_Cell, ...]


_decoder = msgspec.json.Decoder(_Notebook)


def read_executed(path: Path) -> tuple[ExecutedCell, ...]:
    """The user's code cells, in order."""
    try:
        notebook = _decoder.decode(read_regular_file(path, follow=False))
    except UNREADABLE:
        return ()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    users = [cell for cell in code if cell.metadata.jupyter_pipe.role == "cell"]
    return tuple(
        ExecutedCell(
            cell.id,
            position,
            cell.execution_count,
            _joined(cell.source),
            tuple(map(_shortened, cell.outputs)),
        )
        for position, cell in enumerate(users, 1)
    )


def _shortened(output: dict[str, Any]) -> dict[str, Any]:
    """Of the traceback of a recursion, each frame once."""
    lines = output.get("traceback")
    if output.get("output_type") != "error" or not isinstance(lines, list):
        return output
    kept: list[str] = []
    for line, omitted in without_repeats(lines):
        kept += [line, f"… {omitted:,} more"] if omitted else [line]
    return {**output, "traceback": kept}


def text_outputs(cell: ExecutedCell) -> str:
    """What the cell printed and showed, as text without terminal codes."""
    return without_escapes(
        played_out("".join(_output_text(output) for output in cell.outputs))
    )


def printed_text(path: Path) -> str:
    """All that the user's cells printed so far, each under its number: "--- cell 2" and
    then its lines."""
    shown = [
        (cell.position, text_outputs(cell).rstrip()) for cell in read_executed(path)
    ]
    return "".join(f"--- cell {position}\n{text}\n" for position, text in shown if text)


def _output_text(output: dict[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text", ""))
    if kind == "error":
        said = _lines(output.get("traceback")) or [
            f"{output.get('ename')}: {output.get('evalue')}"
        ]
        return "\n".join(said) + "\n"
    data = output.get("data")
    return _joined(data.get("text/plain", "") if isinstance(data, dict) else "") + "\n"


def _joined(text: Any) -> str:
    return "".join(_lines(text)) if isinstance(text, list) else str(text)


def _lines(texts: Any) -> list[str]:
    return [str(text) for text in texts] if isinstance(texts, list) else []
