"""Contract files: what is read is what was written, and what is wrong with one is told
with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_pipe.contracts import (
    ColumnRule,
    Contract,
    Reference,
    contract_path,
    contract_text,
    infer_contract,
    judge,
    judgement_lines,
    read_contract,
)
from jupyter_pipe.contracts.pandera_schema import pandera_module
from jupyter_pipe.contracts.reading import parse_contract
from jupyter_pipe.contracts.widening import widen_contract
from jupyter_pipe.errors import ContractError

from .weeks import FAULTS, profiled, stable_week

ODD = Contract(
    "odd",
    policy="quarantine",
    by="no",
    rows=(None, 7),
    key=("a b", "yes"),
    extra=False,
    columns=(
        ColumnRule("plain"),
        ColumnRule(
            "né: #1",
            type="text",
            categories=("on", "07", " x", 'q"', "1.0", "null"),
            unseen=0.001,
        ),
        ColumnRule("at", type="datetime", low=86400.0, high=86400.5),
        ColumnRule(
            "tiny",
            type="float",
            optional=True,
            nulls=1e-05,
            low=-1e300,
            high=None,
            outside=0.5,
        ),
        ColumnRule(
            "a",
            type="int",
            drift=0.5,
            reference=Reference(shares={"1": 0.25, "-3": 0.75}),
        ),
        ColumnRule(
            "b",
            type="float",
            reference=Reference(quantiles=tuple(float(n) for n in range(11))),
        ),
    ),
)


def contract() -> Contract:
    return infer_contract("raw", [profiled(stable_week(week)) for week in range(1, 9)])


@pytest.mark.parametrize(
    "made", [ODD, Contract("empty"), contract()], ids=lambda made: made.name
)
def test_what_is_written_is_read(made: Contract) -> None:
    assert parse_contract(made.name, contract_text(made, "run 1")) == made


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("polcy: stop", 1, "'polcy' is not known here"),
        ("policy: halt", 1, "'halt' is not known here"),
        ("rows: [1, 2]\nrows: [1, 2]", 2, "'rows' stands here twice"),
        ("rows: [5, 2]", 1, "the lower limit is larger"),
        ("rows: [5]", 1, "two limits"),
        ("rows: [1.5, 2]", 1, "not a whole number"),
        ("columns:\n  area: {rnage: [0, 1]}", 2, "'rnage' is not known here"),
        ("columns:\n  area:\n    nulls: 2", 3, "a share is between 0 and 1"),
        ("columns:\n  area: {nulls: none}", 2, "'none' is not a number"),
        ("columns:\n  area: {type: number}", 2, "'number' is not known here"),
        ("columns:\n  area: {optional: maybe}", 2, "true or false"),
        ("columns: [area]", 1, "names with values"),
        (
            "columns:\n  a: {}\nreference:\n  b: {x: 1}",
            1,
            "which 'columns' does not list",
        ),
        ("columns:\n  a: {}\nreference:\n  a: [1, 2]", 4, "11 numbers in order"),
        ("- 1", 1, "names with values"),
        ("policy: [", 1, "is not YAML"),
        ("columns:\n  at: {range: [2026-13-01, null]}", 2, "is not a value"),
        ("policy: !!python/object:os.system stop\nx: 1", 2, "'x' is not known here"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, line: int, said: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract("raw", text, "home.contracts/raw.yaml")
    assert said in caught.value.message
    assert f"home.contracts/raw.yaml, line {line}" in caught.value.message


def test_a_misspelt_key_is_guessed() -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract("raw", "columns:\n  area: {rnage: [0, 1]}")
    assert caught.value.hint == "Did you mean 'range'?"


def test_files_stand_beside_the_notebook(tmp_path: Path) -> None:
    notebook = tmp_path / "home.ipynb"
    assert read_contract(notebook, "raw") is None
    path = contract_path(notebook, "raw")
    assert path == tmp_path / "home.contracts" / "raw.yaml"
    path.parent.mkdir()
    path.write_text("")
    assert read_contract(notebook, "raw") == Contract("raw")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ContractError, match="not UTF-8"):
        read_contract(notebook, "raw")


@pytest.mark.parametrize("name", FAULTS)
def test_a_widened_contract_admits_what_broke_it(name: str) -> None:
    broken = profiled(FAULTS[name][0](stable_week(20)))
    widened = widen_contract(contract(), broken)
    assert judgement_lines(judge(widened, broken)) == []
    assert widen_contract(widened, broken) == widened
    assert (
        judge(widened, profiled(stable_week(30))).passed
        or name == "the batch twice"
        or widened != contract()
    )


def test_widening_leaves_other_columns_alone() -> None:
    made = contract()
    broken = profiled(FAULTS["square feet"][0](stable_week(20)))
    widened = widen_contract(made, broken)
    assert [rule for rule in widened.columns if rule.name != "area"] == [
        rule for rule in made.columns if rule.name != "area"
    ]


@pytest.mark.parametrize(
    "name",
    [
        None,
        "renamed",
        "square feet",
        "empty column",
        "new category",
        "duplicate key",
        "truncated file",
        "ids of digits",
    ],
)
def test_a_schema_of_pandera_says_the_same(name: str | None) -> None:
    pandera = pytest.importorskip("pandera.errors")
    source = pandera_module(replace(contract(), extra=False), "raw.yaml")
    space: dict[str, object] = {}
    exec(source, space)
    schema = space["schema"]
    week = stable_week(20)
    if name is None:
        schema.validate(week, lazy=True)  # type: ignore[attr-defined]
        return
    with pytest.raises(pandera.SchemaErrors):
        schema.validate(FAULTS[name][0](week), lazy=True)  # type: ignore[attr-defined]
