"""Opens the source that a text on the command line means."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.serving.settings import Settings
from jupyter_pipe.serving.sources import FolderSource, Source

__all__ = ["open_source"]


def open_source(text: str, settings: Settings) -> Source:
    """The source of a bundle's folder, or of a model of the registry. Raises
    PipeError."""
    folder = Path(text)
    if folder.is_dir():
        return FolderSource(folder.absolute(), trust=settings.trust)
    # A path that leads nowhere must not be looked for as a model.
    if text and not text.startswith((".", "/", "~", "@")) and os.sep not in text:
        from jupyter_pipe.serving.registered import RegistrySource

        return RegistrySource(text, Path(settings.root))
    raise PipeError(
        f"'{text}' is neither a notebook, nor the folder of a scorer, nor a model's name.",
        code="scorer_missing",
        hint="Make one: jupyter pipe verify NOTEBOOK --score",
    )
