"""Replaces files as a whole: a reader sees the old bytes or the new ones, never a
mixture.

Raises OSError as the disk does; the old file is then as it was.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO

__all__ = ["rename_over", "replace_file", "write_named_file"]


def replace_file(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a file, and its folder if there is none. With `sync` it outlives a power
    cut."""
    # A name of 255 bytes, which disks take, has no room for more.
    temporary = path.with_name(
        f".{path.name[:40]}.{os.getpid()}-{threading.get_ident()}.tmp"
    )
    try:
        with _opened(temporary) as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        rename_over(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_named_file(path: Path, data: bytes) -> None:
    """Write the file that a user named: `report.html`, or `/dev/stdout`. A link or a
    pipe that lies in its place, as in a folder that somebody else made, is replaced and
    not written to."""
    if str(path).startswith(("/dev/", "/proc/self/fd/")):
        path.write_bytes(data)
    else:
        replace_file(path, data)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except (
        FileNotFoundError
    ):  # nearly always there is a folder, and asking takes as long as opening
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")


def rename_over(temporary: Path, path: Path) -> None:
    """Give a file that is whole its name, in the place of whatever has it."""
    try:
        os.replace(temporary, path)
    except IsADirectoryError:
        os.rmdir(
            path
        )  # an empty folder in the place of a file, as a repaired disk may have one
        os.replace(temporary, path)
