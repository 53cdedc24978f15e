"""Pictures of a pipeline: layout, SVG, mermaid, dot, HTML, and the marks that stand for
states.

Pure functions of a pipeline and the states of its stages. No I/O; knows nothing of runs
on disk.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_pipe.render.html import pipeline_html
    from jupyter_pipe.render.marks import MARKS, Mark, mark_svg
    from jupyter_pipe.render.svg import to_svg
    from jupyter_pipe.render.text import to_dot, to_mermaid

__all__ = [
    "MARKS",
    "Mark",
    "mark_svg",
    "pipeline_html",
    "to_dot",
    "to_mermaid",
    "to_svg",
]

_PLACES = {
    "MARKS": "marks",
    "Mark": "marks",
    "mark_svg": "marks",
    "pipeline_html": "html",
    "to_dot": "text",
    "to_mermaid": "text",
    "to_svg": "svg",
}


def __getattr__(name: str) -> Any:
    # The command line wants the marks alone, and a layout costs what it imports.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
