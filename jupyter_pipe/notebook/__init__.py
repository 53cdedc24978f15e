"""Reads notebooks and their tags. Imports only the nouns; knows nothing of pipelines or
runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_pipe.notebook.options import COLLECTED, StageOption
    from jupyter_pipe.notebook.reader import read_content, read_notebook
    from jupyter_pipe.notebook.tags import (
        CellTags,
        ScoringTags,
        TagReading,
        parse_default_options,
        parse_tags,
    )

__all__ = [
    "COLLECTED",
    "CellTags",
    "ScoringTags",
    "StageOption",
    "TagReading",
    "parse_default_options",
    "parse_tags",
    "read_content",
    "read_notebook",
]

_PLACES = {
    "COLLECTED": "options",
    "StageOption": "options",
    "read_content": "reader",
    "read_notebook": "reader",
}


def __getattr__(name: str) -> Any:
    # A run in which nothing changed asks for names of files only, and must not pay for
    # the tags.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(
        importlib.import_module(f"{__name__}.{_PLACES.get(name, 'tags')}"), name
    )
