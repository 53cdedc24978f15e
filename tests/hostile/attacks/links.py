"""Links and pipes in the place of our folders and files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.hostile.attacks import attack
from tests.hostile.repository import Repository


def _move_outside(repository: Repository, path: Path) -> None:
    """Leave a link where the folder or file was."""
    target = repository.outside / path.name
    shutil.move(path, target)
    path.symlink_to(target)


@attack(
    "the folder of runs is a link to a folder of the victim",
    runs="run promote rollback submit",
)
def runs_elsewhere(repository: Repository) -> None:
    _move_outside(repository, repository.state / "runs")


@attack(
    "everything of ours is a link to a folder of the victim",
    runs="run-stage promote rollback submit",
)
def state_elsewhere(repository: Repository) -> None:
    _move_outside(repository, repository.state)


@attack("folders of the cache are links to folders of the victim")
def cache_elsewhere(repository: Repository) -> None:
    for name in ("entries", "latest", "compiled", "versions", "locks", "notebooks"):
        path = repository.state / "cache" / name
        path.mkdir(exist_ok=True)
        _move_outside(repository, path)
        for each in (repository.outside / name).rglob("*"):
            os.utime(each, (0, 0))  # old enough to be removed


@attack("a shared run's stages are links to folders of the victim", runs="run-stage")
def stages_elsewhere(repository: Repository) -> None:
    add = repository.state / "runs" / "shared" / "stages" / "add"
    add.mkdir(exist_ok=True)
    _move_outside(repository, add)


@attack("files of runs are links to files of the victim", runs="resume debug")
def files_elsewhere(repository: Repository) -> None:
    private = repository.outside / "private.txt"
    for run in repository.state.glob("runs/*"):
        for name in (
            "events.jsonl",
            "cancel",
            "writer.lock",
            "report.html",
            "runner.log",
            "cells.json",
        ):
            (run / name).unlink(missing_ok=True)
            (run / name).symlink_to(private)
    for executed in repository.state.glob("runs/*/stages/*/executed.ipynb"):
        executed.unlink()
        executed.symlink_to(private)
        (executed.parent / "debug.ipy").symlink_to(private)


@attack(
    "names that documentation gives to answers are links to files of the victim",
    runs="run sweep debug promote rollback submit",
)
def answers_elsewhere(repository: Repository) -> None:
    (repository.folder / "merged.json").write_text('[{"a": 1, "label": "x"}]')
    private = repository.outside / "private.txt"
    pages = ("report.html", "drift.html", "monitor.html", "graph.svg", "junit.xml")
    for name in (
        *pages,
        "best.yaml",
        "tried.ipynb",
        "labels.csv",
        "test_flow.py",
        "flow.loop.yaml",
    ):
        (repository.folder / name).symlink_to(private)
    for name in ("flow_golden", "packaged"):
        (repository.outside / name).mkdir()
        (repository.folder / name).symlink_to(repository.outside / name)
