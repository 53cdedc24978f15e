"""Folders in which stages run: copies of what they read, so that the notebook's own
folder stays as it is."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["changed_files", "file_contents", "inside", "lay_out"]


def lay_out(folder: Path, *sources: Path) -> None:
    """Copy what these folders hold, as far as they exist, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, folder, dirs_exist_ok=True)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in `folder`, with the global generators where they were the last time, and
    figures unseen."""
    before = Path.cwd()
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.chdir(folder)
    random.seed(0)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(0)
    try:
        yield
    finally:
        os.chdir(before)
        _close_figures()


def _close_figures() -> None:
    import sys

    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def file_contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def changed_files(
    before: dict[str, bytes], after: dict[str, bytes]
) -> dict[str, bytes]:
    """The files that are new or other ones, by name."""
    return {
        name: content for name, content in after.items() if before.get(name) != content
    }
