"""Rows to label and labels, there and back through Label Studio's own SDK."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.labels import (
    Vote,
    label_config,
    tasks_from_rows,
    votes_from_export,
    votes_to_export,
)

pytestmark = pytest.mark.processes
# The Python of an environment that has the SDK.
LABEL_STUDIO = os.environ["LABEL_STUDIO_PYTHON"]
LABELS = ("billing", 'net & "work"', "größer <neu>")
ROWS: list[dict[str, Any]] = [
    {"ticket": "T1", "text": "invoice is wrong", "years": 3, "guess": "billing"},
    {"ticket": "T2", "text": 'x & <y> "q", ü', "years": 0.5, "guess": None},
    {"ticket": "T3", "text": "two\nlines", "years": None, "guess": LABELS[2]},
    {"ticket": "T4", "text": None, "years": True, "guess": LABELS[1]},
    {"ticket": "T5", "text": ["a", "b"], "years": {"from": 1}, "guess": None},
]
VOTES = [
    Vote(("T1",), "ann@example.org", LABELS[0]),
    Vote(("T1",), "bob@example.org", LABELS[0]),
    Vote(("T2",), "ann@example.org", LABELS[1]),
    Vote(("T3",), "bob@example.org", LABELS[2]),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was asked for, what was answered, and what the SDK made of it."""
    folder = tmp_path_factory.mktemp("labels")
    tasks = tasks_from_rows(ROWS, ["ticket"], suggested="guess", version="r1")
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    form = label_config(["ticket", "text", "years"], list(LABELS))
    (folder / "form.xml").write_text(form, encoding="utf-8")
    answers = json.dumps(votes_to_export(tasks, VOTES, ["ticket"]))
    (folder / "answers.json").write_text(answers, encoding="utf-8")
    script = Path(__file__).with_name("label_studio.py")
    done = subprocess.run(
        [LABEL_STUDIO, str(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", ["JSON", "JSON_MIN"])
def test_answers_come_back_from_its_converter_as_they_were(
    folder: Path, tmp_path: Path, name: str
) -> None:
    exported = folder / f"{name}.json"
    assert (
        votes_from_export(json.loads(exported.read_text(encoding="utf-8")), ["ticket"])
        == VOTES
    )
    table = tmp_path / "labels.csv"
    merge = [
        "labels",
        "merge",
        str(exported),
        "--key",
        "ticket",
        "--column",
        "team",
        "-o",
        str(table),
    ]
    assert main(merge) == 0
    with table.open(encoding="utf-8", newline="") as file:
        found = {row["ticket"]: row["team"] for row in csv.DictReader(file)}
    assert found == {"T1": LABELS[0], "T2": LABELS[1], "T3": LABELS[2]}
