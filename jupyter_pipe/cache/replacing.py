"""Replaces files as a whole: a reader sees the old bytes or the new ones, never a mixture.

Raises OSError as the disk does; the old file is then as it was.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["rename_over", "replace_file"]


def replace_file(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a file, and its folder if there is none. With `sync` it outlives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        rename_over(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def rename_over(temporary: Path, path: Path) -> None:
    """Give a file that is whole its name, in the place of whatever has it."""
    try:
        os.replace(temporary, path)
    except IsADirectoryError:
        os.rmdir(path)  # an empty folder in the place of a file, as a repaired disk may have one
        os.replace(temporary, path)
