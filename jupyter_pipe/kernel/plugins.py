"""What installed distributions add to the kernel side, by entry point.

Read straight from the files of the interpreter's distributions: `importlib.metadata`
takes longer than a short stage.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["LIBRARY_FOLDERS", "find_plugins", "is_installed", "read_entry_points"]

LIBRARY_FOLDERS = ("site-packages", "dist-packages")


def is_installed(file: str | None) -> bool:
    """Whether a module's file lies where packages are installed."""
    return file is not None and any(folder in file for folder in LIBRARY_FOLDERS)


@functools.lru_cache(maxsize=8)
def find_plugins(group: str) -> tuple[Any, ...]:
    """The objects that the group's entry points name; classes and factories are
    called."""
    return tuple(_load(entry) for entry in dict.fromkeys(_entries(group)))


def _load(entry: str) -> Any:
    module, _, attribute = entry.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found() if callable(found) else found


def _entries(group: str) -> Iterator[str]:
    for folder in sys.path:
        for text in read_entry_points(os.path.abspath(folder)):
            yield from _entries_of(group, text)


@functools.cache
def read_entry_points(folder: str) -> tuple[str, ...]:
    """The texts of the distributions in a folder that have something for us."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    found = (name for name in names if name.endswith((".dist-info", ".egg-info")))
    paths = (os.path.join(folder, name, "entry_points.txt") for name in found)
    return tuple(text for text in map(_read, paths) if "[jupyter_pipe." in text)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="ignore") as file:
            return file.read()
    except OSError:
        return ""


def _entries_of(group: str, text: str) -> Iterator[str]:
    _, found, section = text.partition(f"[{group}]")
    for line in section.splitlines() if found else ():
        if line.startswith("["):
            return
        _, equals, value = line.partition("=")
        if equals:
            yield value.strip()
