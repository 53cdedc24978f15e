"""The user's cells of an executed stage notebook, with their outputs as the kernel sent them.

Reads JSON without nbformat. Cells that the compiler injected are left out. A notebook that is not
there (the stage never ran) has no cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.render.terminal_text import played_out, without_escapes

__all__ = ["ExecutedCell", "read_executed", "text_outputs"]


class ExecutedCell(Struct, frozen=True):
    """`position` counts the stage's own code cells from 1; `outputs` are nbformat dicts."""

    id: str
    position: int
    number: int | None
    source: str
    outputs: tuple[dict[str, Any], ...]


def read_executed(path: Path) -> tuple[ExecutedCell, ...]:
    """The user's code cells, in order."""
    try:
        notebook = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return ()
    cells: list[ExecutedCell] = []
    for cell in notebook.get("cells", ()):
        role = (cell.get("metadata") or {}).get("jupyter_pipe", {}).get("role", "cell")
        if cell.get("cell_type") == "code" and role == "cell":
            cells.append(
                ExecutedCell(
                    id=str(cell.get("id", "")),
                    position=len(cells) + 1,
                    number=cell.get("execution_count"),
                    source=_joined(cell.get("source", "")),
                    outputs=tuple(cell.get("outputs") or ()),
                )
            )
    return tuple(cells)


def text_outputs(cell: ExecutedCell) -> str:
    """What the cell printed and showed, as text without terminal codes."""
    return without_escapes(played_out("".join(_output_text(output) for output in cell.outputs)))


def _output_text(output: dict[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text", ""))
    if kind == "error":
        return "\n".join(output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]) + "\n"
    return _joined((output.get("data") or {}).get("text/plain", "")) + "\n"


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)
