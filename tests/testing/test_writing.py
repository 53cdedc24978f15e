"""The text of a file of tests: it is written to be read, and stays as it is."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.testing.trying import Behaviour, Outcome, TableBehaviour
from jupyter_pipe.testing.writing import Subject, text_of_tests

WRITTEN = Path(__file__).with_name("written.txt")


class UnreachableError(KeyError):
    """Of a library that keeps it for itself."""


UnreachableError.__module__ = "somewhere"


def failed(error: type[BaseException], message: str = "") -> Outcome:
    return Outcome(error, message)


def subject() -> Subject:
    """Everything that a file can say, once."""
    sales = TableBehaviour(
        "sales",
        is_polars=False,
        empty=failed(ValueError, "Found array with 0 sample(s)"),
        gaps=Outcome(unsteady=("seconds",)),
        columns={
            "area": failed(KeyError),
            "rooms": failed(UnreachableError),
            "name": Outcome(same=True),
            "week": Outcome(),
            'odd "one"': failed(json.JSONDecodeError),
        },
    )
    other = TableBehaviour(
        "other",
        is_polars=True,
        empty=Outcome(),
        gaps=Outcome(),
        columns={"a": failed(KeyError)},
    )
    many = TableBehaviour(
        "many",
        is_polars=False,
        empty=Outcome(),
        gaps=failed(ValueError, "two\nlines"),
        columns={f"column {number}": failed(KeyError) for number in range(12)},
    )
    return Subject(
        notebook="homes.ipynb",
        run_id="20261130-060002-597c",
        golden="homes_golden",
        stages={
            "ingest": Behaviour(Outcome(unsteady=("seconds",))),
            "model": Behaviour(Outcome(), tables=[sales, other]),
            "wide_one": Behaviour(Outcome(), tables=[many]),
        },
        untested={
            "plot": "called as a function it stops. NameError: name 'get_ipython' is not defined"
        },
        takes={
            "ingest": [],
            "model": ["sales", "other"],
            "wide_one": [f"value_{number}" for number in range(20)],
        },
        gives={"ingest": ["sales", "seconds"], "model": ["fitted"], "wide_one": []},
        has_metrics=True,
        has_gates=True,
        has_model=True,
    )


def test_the_text_is_golden() -> None:
    assert text_of_tests(subject()) == WRITTEN.read_text(encoding="utf-8")


def test_each_test_has_a_name_of_its_own() -> None:
    tree = ast.parse(text_of_tests(subject()))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len({each.name for each in classes}) == len(classes)
    for each in classes:
        names = [node.name for node in each.body if isinstance(node, ast.FunctionDef)]
        assert len(set(names)) == len(names)


def test_ruff_finds_nothing_to_format(tmp_path: Path) -> None:
    file = tmp_path / "test_homes.py"
    file.write_text(text_of_tests(subject()), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--line-length",
        "110",
        "--diff",
        "--isolated",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("part", ["metrics", "gates", "model"])
def test_what_a_notebook_has_not_is_not_tested(part: str) -> None:
    text = text_of_tests(dataclasses.replace(subject(), **{f"has_{part}": False}))
    assert {
        "metrics": "test_metrics",
        "gates": "test_gates",
        "model": "class TestModel:",
    }[part] not in text
