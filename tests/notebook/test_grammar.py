"""The vocabulary of tags: cases that the front end reads as well
(`labextension/tests/grammar.test.ts`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_pipe.model import Cell, Notebook, Severity
from jupyter_pipe.notebook.grammar import (
    LIST_TAGS,
    OPTION_TAGS,
    PREFIXES,
    ROLE_TAGS,
    SYNONYMS,
    normalise_name,
    stage_name_problem,
)
from jupyter_pipe.notebook.options import OPTION_FIELDS, parse_option
from jupyter_pipe.notebook.tags import TagReading, parse_tags

SHARED = json.loads(
    (Path(__file__).parents[1] / "shared" / "tags.json").read_text(encoding="utf-8")
)
LISTS = {
    "after": "after",
    "metrics": "metrics",
    "mutates": "mutates",
    "pure": "pure",
    "shares": "shares",
}


def read(tags: list[str]) -> TagReading:
    cell = Cell(
        id="a", index=0, kind="code", source="x = 1", tags=tuple(tags), number=1
    )
    return parse_tags(Notebook(path="n.ipynb", name="n", digest="", cells=(cell,)))


@pytest.mark.parametrize(
    "case", SHARED["tags"], ids=lambda case: " ".join(case["tags"]) or "none"
)
def test_tags_are_read_alike(case: dict[str, Any]) -> None:
    found = read(case["tags"]).cells[0]
    options = {
        option.tag.partition(":")[0].strip(): option.tag.partition(":")[2].strip()
        for option in found.options
    }
    assert {field: list(getattr(found, field)) for field in LISTS} == {
        field: case.get(field, []) for field in LISTS
    }
    assert (found.stage, found.role) == (case.get("stage"), case.get("role"))
    assert [gate.expression for gate in found.gates] == case.get("gates", [])
    assert options == case.get("options", {})
    scoring = {
        name: list(names)
        for name, names in msgspec.structs.asdict(found.scoring).items()
        if names
    }
    assert scoring == case.get("scoring", {})


@pytest.mark.parametrize(("text", "problem"), SHARED["names"])
def test_names_of_stages_are_judged_alike(text: str, problem: str | None) -> None:
    found = stage_name_problem(normalise_name(text))
    assert (found and found[0]) == problem


@pytest.mark.parametrize(("name", "text", "valid"), SHARED["options"])
def test_values_of_options_are_judged_alike(name: str, text: str, valid: bool) -> None:
    errors = [
        each
        for each in read(["stage:a", f"{name}:{text}"]).diagnostics
        if each.severity is Severity.error
    ]
    assert (errors == []) is valid


def test_every_option_has_a_form_and_a_field() -> None:
    assert [option.name for option in OPTION_TAGS] == list(OPTION_FIELDS)


def test_every_prefix_has_a_case() -> None:
    """A tag that is added to the vocabulary is added to the cases of both sides."""
    cases = [tag for case in SHARED["tags"] for tag in case["tags"]]
    written = {tag.partition(":")[0].strip() for tag in cases if ":" in tag}
    tried = {name for name, _, _ in SHARED["options"]}
    assert {*PREFIXES} - written - tried == set()
    assert {*ROLE_TAGS} <= set(cases)
    assert {*LIST_TAGS} <= {*PREFIXES}


@pytest.mark.parametrize("word", [*PREFIXES, *SYNONYMS, *ROLE_TAGS])
def test_every_tag_is_explained(word: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "tags.md").read_text(encoding="utf-8")
    assert f"`{word}:" in text or f"`{word}`" in text


@pytest.mark.parametrize("name", ["cpus", "memory", "timeout", "retries"])
def test_no_amount_overflows(name: str) -> None:
    with pytest.raises(ValueError, match="a "):
        parse_option(name, "9" * 400)
