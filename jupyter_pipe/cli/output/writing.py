"""Files that the user named as the place of an answer."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.cache.replacing import write_named_file
from jupyter_pipe.errors import RunError

__all__ = ["write_output"]


def write_output(path: Path, data: bytes) -> None:
    """Write the file, and its folder if there is none. Raises RunError if that cannot
    be done."""
    try:
        write_named_file(path, data)
    except OSError as error:
        raise RunError(
            f"Cannot write {path}: {error.strerror}.",
            code="result_unwritable",
            hint="Name a file in a folder that you can write to.",
        ) from error
