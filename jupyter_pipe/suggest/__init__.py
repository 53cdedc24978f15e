"""Proposes stages for a notebook that has none, from its headings and its data flow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jupyter_pipe.suggest.model import SuggestedStage, Suggestion

if TYPE_CHECKING:
    from jupyter_pipe.suggest.propose import suggest, suggest_stages

__all__ = ["SuggestedStage", "Suggestion", "suggest", "suggest_stages"]


def __getattr__(name: str) -> Any:
    # The server's records name the answer; the analyzer is loaded when somebody asks.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.propose"), name)
