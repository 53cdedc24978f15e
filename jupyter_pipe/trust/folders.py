"""Whether a folder is what it seems: a link in it would let a stranger choose where our
files end up."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["find_link", "find_link_above", "remove_dangling_links"]

# Where files are made or removed. Below these, every name is a hash or an id of ours,
# and a file is replaced as a whole, so that a link in its place is replaced and not
# followed.
_WRITTEN = (
    "",
    "artifacts",
    "cache",
    "cache/compiled",
    "cache/entries",
    "cache/latest",
    "cache/locks",
    "cache/notebooks",
    "cache/versions",
    "files",
    "loops",
    "mlflow",
    "mlflow/runs",
    "mlflow/runs/models",
    "models",
    "runs",
    "scorers",
    "serving",
    "studies",
    "suggested",
    "work",
)
# Folders of these have the names of notebooks and models, and more folders in them.
_NAMED = ("loops", "serving")


def find_link_above(path: Path, folder: Path) -> Path | None:
    """The first symbolic link on the way from a folder down to a path in it, the path
    itself included."""
    steps = [path, *path.parents]
    below = steps[: steps.index(folder)] if folder in steps else steps
    return next((step for step in reversed(below) if step.is_symlink()), None)


def remove_dangling_links(state_folder: Path) -> Path | None:
    """Remove links among our files that lead nowhere, as a bad disk or an interrupted
    copy leaves them. Returns the first link that is left."""
    while (link := find_link(state_folder)) is not None and not os.path.exists(link):
        try:
            link.unlink()
        except OSError:
            break
    return link


def find_link(state_folder: Path) -> Path | None:
    """The first symbolic link among the folders below `.jupyter_pipe/`, or that
    itself."""
    if state_folder.is_symlink():
        return state_folder
    named = [
        str(path) for name in _NAMED for path in sorted(state_folder.glob(f"{name}/*"))
    ]
    for folder in (*(f"{state_folder}/{name}" for name in _WRITTEN), *named):
        try:
            with os.scandir(folder) as entries:
                found = next(
                    (entry.name for entry in entries if entry.is_symlink()), None
                )
        except OSError:
            continue
        if found is not None:
            return Path(folder, found)
    return None
