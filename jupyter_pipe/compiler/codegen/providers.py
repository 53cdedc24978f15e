"""Tells which installed distributions provide a module.

A program of its own, on the standard library alone: it also runs in interpreters that
lack jupyter_pipe. `importlib.metadata.packages_distributions` answers the same for
every module there is, and parses the metadata of everything that is installed to do so:
half a second beside JupyterLab. The import of `importlib.metadata` alone costs half of
what is done here.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterator

__all__ = ["providers"]


def providers(modules: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Top-level module -> the distributions that provide it, as sorted (name, version)
    pairs."""
    if not modules:
        return {}
    # A line of RECORD begins with the file's path: `module/…`, `module.py` or
    # `module.cpython-….so`.
    names = "|".join(map(re.escape, modules))
    files = re.compile(
        rf"^({names})(?:/|\.[^/,]*(?:py|so|pyd),)".encode(), re.MULTILINE
    )
    found: dict[str, set[tuple[str, str]]] = {}
    first: dict[str, str] = {}
    for distribution in _distributions():
        declared = _read(distribution, "top_level.txt").split()
        provided = declared or files.findall(_read(distribution, "RECORD"))
        for module in {*modules}.intersection(map(os.fsdecode, provided)):
            found.setdefault(module, set()).add(
                (_header(distribution, "Name"), distribution)
            )
        # Of two with one name, the first on the path is the one that counts.
        first.setdefault(_folder_name(distribution), distribution)
    return {
        module: sorted(
            {
                (name, _header(first.get(_key(name), place), "Version"))
                for name, place in pairs
            }
        )
        for module, pairs in found.items()
    }


def _distributions() -> Iterator[str]:
    """The folders of metadata, in the order of the path."""
    for folder in sys.path:
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        yield from (
            os.path.join(folder, name)
            for name in names
            if name.endswith((".dist-info", ".egg-info"))
        )


def _folder_name(distribution: str) -> str:
    """`listed` of `Listed-1.2.dist-info` and of `listed.egg-info`."""
    name, _ = os.path.splitext(os.path.basename(distribution))
    return _key(name.partition("-")[0])


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _header(distribution: str, name: str) -> str:
    metadata = _read(distribution, "METADATA") or _read(distribution, "PKG-INFO")
    found = re.search(rb"^%b: *(.*?)\s*$" % name.encode(), metadata, re.MULTILINE)
    return found[1].decode(errors="replace") if found else ""


def _read(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


if __name__ == "__main__":
    json.dump(providers(json.load(sys.stdin)), sys.stdout)
