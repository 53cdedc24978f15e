"""Random notebooks that read and write what no variable holds.

A `Scene` is a notebook and what it finds around it: files, modules, environment
variables, the day. Pure but for `Scene.lay_out`, which writes below a folder.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.property.outside_idioms import (
    FILES,
    IMPORTS,
    MADE,
    READERS,
    VARIABLES,
    WRITERS,
)

__all__ = ["Scene", "fill", "random_scene", "write_archive", "write_database"]


@dataclass
class Scene:
    """`cells` are (stage, source); `day` counts from today."""

    cells: list[tuple[str, str]]
    kinds: list[str]
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    day: int = 0

    def lay_out(self, folder: Path) -> Path:
        """Write the notebook and all that is around it."""
        for name in ("inputs/deep", "out", "pack"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for number, (name, text) in enumerate(self.files.items()):
            (folder / name).write_text(text)
            # Which is newer is the same in every folder.
            os.utime(folder / name, (time.time(), time.time() - 100 + number))
        os.symlink("inputs/a.txt", folder / "link.txt")
        os.symlink("inputs", folder / "linked")
        write_database(folder, 1)
        write_archive(folder, 1)
        return self.write_notebook(folder)

    def write_notebook(self, folder: Path) -> Path:
        """The notebook alone."""
        path = folder / "scene.ipynb"
        cells = [
            ("", IMPORTS),
            *((f"stage:{stage}", source) for stage, source in self.cells),
        ]
        content = {
            "cells": [
                {
                    "id": f"cell{number}",
                    "cell_type": "code",
                    "source": source,
                    "metadata": {"tags": [tag] if tag else []},
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (tag, source) in enumerate(cells)
            ],
            "metadata": {
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python",
                    "language": "python",
                }
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path.write_text(json.dumps(content))
        return path


def random_scene(
    chance: random.Random, kinds: frozenset[str] = frozenset(READERS)
) -> Scene:
    """Two to five stages of one or two statements each; every other scene writes as
    well."""
    writes = chance.random() < 0.5
    cells, chosen = [], []
    for number in range(chance.randint(2, 5)):
        parts = []
        for _ in range(chance.randint(1, 2)):
            writer = writes and chance.random() < 0.4
            kind = chance.choice(sorted(WRITERS) if writer else sorted(kinds))
            parts.append(
                fill(chance.choice((WRITERS if writer else READERS)[kind]), chance)
            )
            chosen.append(kind)
        cells.append((f"s{number}", "\n".join(parts)))
    if any("chain.txt" in source for _, source in cells):
        # Who goes on from a file that nobody begins makes it longer with every run of
        # the notebook.
        cells.insert(0, ("begin", 'open("chain.txt", "w").write("begin\\n")'))
    files = {name: str(chance.randint(10, 99)) for name in FILES}
    files |= {name: text.format(value=1) for name, text in CODE.items()}
    files["pack/data.txt"] = "1"
    return Scene(cells, chosen, files)


CODE = {
    "plug.py": "VALUE = {value}\n\ndef day():\n    from datetime import date\n\n    return date.today()\n",
    "script.py": "RESULT = {value}\nprint('script', RESULT)\n",
    "tool.py": "print('tool', {value})\n",
    "pack/__init__.py": "LEVEL = {value}\n",
    "pack/part.py": "VALUE = {value}\n",
}
"""Modules and scripts of the user; an edit is another value."""


def fill(text: str, chance: random.Random) -> str:
    """A statement of the tables with all its blanks filled in."""
    path = Path(chance.choice((*FILES, *FILES, *MADE)))
    made = Path(chance.choice(MADE))
    return text.format(
        file=path.as_posix(),
        folder=path.parent.as_posix(),
        stem=path.stem,
        input=chance.choice(FILES),
        made=made.as_posix(),
        made_folder=made.parent.as_posix(),
        made_stem=made.stem,
        name=chance.choice(VARIABLES),
        number=chance.randint(100, 999),
    )


def write_database(folder: Path, value: int) -> None:
    """A database of one table with two rows."""
    connection = sqlite3.connect(folder / "data.db")
    with connection:
        connection.execute("drop table if exists t")
        connection.execute("create table t (x integer)")
        connection.executemany("insert into t values (?)", [(value,), (value + 1,)])
    connection.close()


def write_archive(folder: Path, value: int) -> None:
    """An archive with one file."""
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("x.txt"), str(value))
