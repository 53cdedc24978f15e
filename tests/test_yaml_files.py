"""YAML that strangers wrote: every text is a value or one error, soon."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml

from jupyter_pipe.contracts.reading import parse_contract
from jupyter_pipe.errors import ContractError
from jupyter_pipe.yaml_files import load_yaml, yaml_problem

BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]\n"
    for depth in range(1, 9)
)
REFUSED = {
    "bomb": BOMB,
    "bomb of mappings": BOMB.replace("[", "{x: ")
    .replace(", ", ", ? ")
    .replace("]", "}"),
    "merged bomb": "a: &a ["
    + "x, " * 400
    + "x]\nb: &b {c: *a}\nd: {<<: ["
    + "*b, " * 600
    + "*b]}\n",
    "nested lists": "[" * 500 + "]" * 500,
    "nested mappings": "".join(f"{' ' * depth}a:\n" for depth in range(150))
    + " " * 150
    + "b: 1",
    "nested by aliases": "a0: &a0 []\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)),
    "holds itself": "a: &a [*a]",
    "holds itself further below": "a: &a {b: [{c: *a}]}",
    "base 60": "a: " + "59:" * 2_000 + "59",
    "base 60 with a point": "a: " + "59:" * 2_000 + "59.5",
    "long number": "a: " + "9" * 5_000,
    "long binary number": "a: 0b" + "1" * 5_000,
    "no bool": "a: !!bool x",
    "no time": "a: !!timestamp x",
    "no number": "a: !!int x",
    "no float": "a: !!float x",
    "no date": "a: 2026-99-99",
    "code": "a: !!python/object/apply:os.system [x]",
    "a class": "a: !!python/name:os.system",
    "a list as a key": "? [a, b]\n: 1",
    "a mapping as a key": "? {a: b}\n: 1",
    "no base 64": "a: !!binary 'x'",
    "no pairs": "a: !!omap [x]",
    "unknown alias": "a: *b",
    "control": "a: \0",
    "two documents": "a: 1\n---\nb: 2",
}
READ: dict[str, tuple[str, Any]] = {
    "nothing": ("", None),
    "values": (
        "a: [1, 2.5, yes, null, 2026-11-29, x]",
        [1, 2.5, True, None, datetime.date(2026, 11, 29), "x"],
    ),
    "an alias": ("a: &a {b: 1}\nc: *a", {"b": 1}),
    "merged": ("c: &c {d: 1}\na: {<<: *c, e: 2}", {"d": 1, "e": 2}),
    "a long text": (f"a: {'x' * 10_000}", "x" * 10_000),
    "a long text of digits": (f"a: '{'9' * 10_000}'", "9" * 10_000),
    "base 60": ("a: 1:30", 90),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        load_yaml(REFUSED[name])
    said = yaml_problem(caught.value)
    assert said
    assert len(said) < 250
    assert "\n" not in said


@pytest.mark.parametrize("name", READ)
def test_it_is_read(name: str) -> None:
    text, expected = READ[name]
    found = load_yaml(text)
    assert (found["a"] if found else found) == expected


RULES = {
    "a number that is no float": f"rows: [{'9' * 399}, null]",
    "a limit that is no float": f"columns: {{a: {{range: [0, {'9' * 399}]}}}}",
    "not a number": "columns: {a: {nulls: .nan}}",
    "infinite": "columns: {a: {range: [-.inf, .inf]}}",
    "a share that is a time": "columns: {a: {nulls: 2026-11-29}}",
    "a time that has no number": "columns: {a: {range: [!!timestamp x, null]}}",
    "a list as a name": "? [a]\n: 1",
    "a long word": f"policy: {'x' * 10_000}",
    "a long key": f"{'x' * 1_000}: 1",
}


@pytest.mark.parametrize(
    "text", [*RULES.values(), *REFUSED.values()], ids=[*RULES, *REFUSED]
)
def test_a_contract_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract("a", text, "a.yaml")
    assert caught.value.message.startswith("a.yaml")
    assert len(caught.value.message) < 400
