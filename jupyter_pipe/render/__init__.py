"""Pictures of a pipeline: layout, SVG, mermaid, dot, HTML, and the marks that stand for states.

Pure functions of a pipeline and the states of its stages. No I/O; knows nothing of runs on disk.
"""

from __future__ import annotations

from jupyter_pipe.render.html import pipeline_html
from jupyter_pipe.render.layout import Layout, layout
from jupyter_pipe.render.marks import MARKS, Mark, mark_svg
from jupyter_pipe.render.svg import to_svg
from jupyter_pipe.render.text import to_dot, to_mermaid

__all__ = [
    "MARKS",
    "Layout",
    "Mark",
    "layout",
    "mark_svg",
    "pipeline_html",
    "to_dot",
    "to_mermaid",
    "to_svg",
]
