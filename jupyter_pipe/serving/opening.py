"""Opens the source that a text on the command line means."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.serving.settings import Settings
from jupyter_pipe.serving.sources import FolderSource, Source

__all__ = ["open_source"]


def open_source(text: str, settings: Settings) -> Source:
    """The source of a bundle's folder. Raises PipeError."""
    folder = Path(text)
    if folder.is_dir():
        return FolderSource(folder.absolute(), trust=settings.trust)
    raise PipeError(
        f"'{text}' is neither a notebook nor the folder of a scorer.",
        code="scorer_missing",
        hint="Make one: jupyter pipe verify NOTEBOOK --score",
    )
