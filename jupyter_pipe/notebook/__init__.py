"""Reads notebooks and their tags. Imports only the nouns; knows nothing of pipelines or runs."""

from __future__ import annotations

from jupyter_pipe.notebook.options import COLLECTED, StageOption
from jupyter_pipe.notebook.reader import read_content, read_notebook
from jupyter_pipe.notebook.tags import CellTags, TagReading, parse_default_options, parse_tags

__all__ = [
    "COLLECTED",
    "CellTags",
    "StageOption",
    "TagReading",
    "parse_default_options",
    "parse_tags",
    "read_content",
    "read_notebook",
]
