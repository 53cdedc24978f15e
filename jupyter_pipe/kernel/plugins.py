"""What installed distributions add to the kernel side, by entry point.

Read straight from the files of the interpreter's distributions: `importlib.metadata` takes longer
than a short stage.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["find_plugins"]


@functools.lru_cache(maxsize=8)
def find_plugins(group: str) -> tuple[Any, ...]:
    """The objects that the group's entry points name; classes and factories are called."""
    return tuple(_load(entry) for entry in dict.fromkeys(_entries(group)))


def _load(entry: str) -> Any:
    module, _, attribute = entry.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found() if callable(found) else found


def _entries(group: str) -> Iterator[str]:
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                yield from _entries_in(os.path.join(folder, name, "entry_points.txt"), group)


def _entries_in(path: str, group: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    _, found, section = text.partition(f"[{group}]")
    for line in section.splitlines() if found else ():
        if line.startswith("["):
            return
        _, equals, value = line.partition("=")
        if equals:
            yield value.strip()
