"""Notebooks that jupytext keeps as text: `.py` (percent, light) and `.md` (markdown,
MyST).

Text in; nbformat's JSON out, with the line where each cell's code begins. Tags can be
changed in the text, and every other byte stays. jupytext comes with the extra
`jupyter_pipe[jupytext]` and is imported for such files only; its configuration files
are not read, since they may be programs. What a stranger wrote is bounded before
jupytext sees it. Nothing is executed. Raises only NotebookError.
"""

from jupyter_pipe.notebook.text.markers import TagChange, edit_text_tags
from jupyter_pipe.notebook.text.reading import (
    TextNotebook,
    made_ids,
    read_text_notebook,
)

__all__ = [
    "TagChange",
    "TextNotebook",
    "edit_text_tags",
    "made_ids",
    "read_text_notebook",
]
