"""An honest repository, with a store as its author's runs left it, for attacks to
change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.watching import run_command

__all__ = ["STRANGER", "Repository", "build_honest", "notebook_json"]

STRANGER = "key-of-a-stranger-" + "1" * 32

FLOW = (
    ("n = 3  # how many", "parameters"),
    (
        "rows = [[number] for number in range(n)]\nprint('made', len(rows))",
        "stage:make",
    ),
    (
        "total = sum(row[0] for row in rows)",
        "stage:add",
        "metric:total",
        "gate:total < 100",
    ),
)
FAILS = (("rows = [1, 2]", "stage:make"), ("rows[7]", "stage:look"))

NOTES = (("open('published.txt', 'w').close()", "stage:publish"),)


@dataclass(frozen=True)
class Repository:
    """`folder` is what was cloned; `outside` lies beside it and belongs to the victim,
    who finds in `canaries` whatever ran that should not have. `address` is a URL on
    which nobody may call."""

    folder: Path
    outside: Path
    canaries: Path
    address: str

    @property
    def flow(self) -> Path:
        """A notebook of two stages, `make` and `add`, with a parameter `n`; `package`
        is compiled from it."""
        return self.folder / "flow.ipynb"

    @property
    def package(self) -> Path:
        return self.folder / "flow_pipeline"

    @property
    def fails(self) -> Path:
        """A notebook whose second stage, `look`, fails."""
        return self.folder / "fails.ipynb"

    @property
    def state(self) -> Path:
        return self.folder / ".jupyter_pipe"

    def run_id(self, notebook: str) -> str | None:
        """The newest run of `flow` or `fails` by a runner; None if that cannot be
        known."""
        for path in sorted(self.state.glob("runs/2*/pipeline.json"), reverse=True):
            if f'"name": "{notebook}"' in path.read_text(errors="replace"):
                return path.parent.name
        return None

    def python_canary(self, label: str) -> str:
        """An expression that leaves a file if anybody evaluates it."""
        return f"open({str(self.canaries / label)!r}, 'w').close()"

    def shell_canary(self, label: str) -> str:
        """The same for a shell."""
        return f"touch '{self.canaries / label}'"

    def program(self, name: str, label: str) -> Path:
        """An executable in the repository that leaves a file if anybody starts it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{self.shell_canary(label)}\n")
        path.chmod(0o755)
        return path

    def edit(self, path: Path, *changes: tuple[str, str]) -> None:
        """Replace texts of a file; each must be there."""
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{path} does not hold {old!r}"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def copy(self, folder: Path, *, clone: Path | None = None) -> Repository:
        """The same once more, in `clone` (default: `folder/repo`), where nothing has
        happened yet. What the victim has besides lies in `folder`."""
        made = Repository(
            clone or folder / "repo",
            folder / "outside",
            folder / "canaries",
            self.address,
        )
        shutil.copytree(self.folder, made.folder, symlinks=True)
        made.canaries.mkdir(parents=True)
        made.outside.mkdir()
        (made.outside / "private.txt").write_text("the victim's own\n")
        (made.outside / "notes.ipynb").write_text(json.dumps(notebook_json(NOTES)))
        return made


def build_honest(folder: Path, address: str, *, key: str = STRANGER) -> Repository:
    """The repository before anything was done to it. What lies in its store is signed
    by a stranger."""
    honest = Repository(folder, folder, folder, address)
    folder.mkdir(parents=True)
    honest.flow.write_text(json.dumps(notebook_json(FLOW)))
    honest.fails.write_text(json.dumps(notebook_json(FAILS)))
    for argv in (
        ["compile", "flow.ipynb"],
        ["run", "flow.ipynb", "-q"],
        ["run", "fails.ipynb", "-q"],
        ["run-stage", "flow_pipeline", "make", "--run-root", ".", "--run-id", "shared"],
    ):
        done = run_command(argv, folder, environment={"JUPYTER_PIPE_KEY": key})
        assert done.code == (1 if "fails.ipynb" in argv else 0), done.output
    return honest


def notebook_json(
    cells: Sequence[tuple[str, ...]], kernel: str = "python3"
) -> dict[str, object]:
    """A notebook of cells `(source, *tags)`."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": kernel,
                "display_name": "Python 3",
                "language": "python",
            }
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, *tags) in enumerate(cells, 1)
        ],
    }
