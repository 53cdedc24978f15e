"""Tells which installed distributions provide a module.

A program of its own, on the standard library alone: it also runs in interpreters that lack
jupyter_pipe. `importlib.metadata.packages_distributions` answers the same for every module there is,
and parses the metadata of everything that is installed to do so: half a second beside JupyterLab.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection
from importlib import metadata

__all__ = ["providers"]


def providers(modules: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Top-level module -> the distributions that provide it, as sorted (name, version) pairs."""
    if not modules:
        return {}
    # A line of RECORD begins with the file's path: `module/…`, `module.py` or `module.cpython-….so`.
    files = re.compile(rf"^({'|'.join(map(re.escape, modules))})(?:/|\.[^/,]*(?:py|so|pyd),)", re.MULTILINE)
    found: dict[str, set[tuple[str, str]]] = {}
    for distribution in metadata.distributions():
        declared = distribution.read_text("top_level.txt")
        provided = declared.split() if declared else files.findall(distribution.read_text("RECORD") or "")
        for module in {*modules}.intersection(provided):
            # Of two with one name, the first on the path is the one that counts.
            name = distribution.metadata["Name"]
            found.setdefault(module, set()).add((name, metadata.version(name)))
    return {module: sorted(pairs) for module, pairs in found.items()}


if __name__ == "__main__":
    json.dump(providers(json.load(sys.stdin)), sys.stdout)
