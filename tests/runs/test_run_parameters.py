from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.errors import ParameterError
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs.parameters import resolve_parameters


def parameter(
    name: str, type_: str, literal: str, choices: tuple[Any, ...] = ()
) -> Parameter:
    import ast

    default = ast.literal_eval(literal) if literal != "set()" else None
    return Parameter(name, type_, default, literal, choices)


@pytest.mark.parametrize(
    ("type_", "text", "literal"),
    [
        ("int", "20", "20"),
        ("int", "1_000", "1000"),
        ("int", "0x10", "16"),
        ("float", "2", "2.0"),
        ("float", "1e-3", "0.001"),
        ("float", "inf", 'float("inf")'),
        ("str", "20", "'20'"),
        ("str", "it's", '"it\'s"'),
        ("bool", "no", "False"),
        ("bool", "True", "True"),
        ("int | None", "None", "None"),
        ("list", "[1, 2]", "[1, 2]"),
        ("list", "north,south", "['north', 'south']"),
        ("list", "5", "[5]"),
        ("dict", '{"a": true}', "{'a': True}"),
        ("tuple", "[1, 2]", "(1, 2)"),
        ("set", "[1]", "{1}"),
        ("set", "[]", "set()"),
        ("bytes", "ab", "b'ab'"),
        ("complex", "1+2j", "(1+2j)"),
        ("any", "ridge", "'ridge'"),
        ("any", "[1, 'a']", "[1, 'a']"),
    ],
)
def test_text_is_read_as_the_type_says(type_: str, text: str, literal: str) -> None:
    (value,) = resolve_parameters([parameter("n", type_, "None")], texts={"n": text})
    assert (value.literal, value.origin) == (literal, "command line")


@pytest.mark.parametrize(
    ("type_", "text"),
    [("int", "2.5"), ("int", "ten"), ("float", "x"), ("bool", "2"), ("dict", "[1]")],
)
def test_what_does_not_fit_is_refused(type_: str, text: str) -> None:
    with pytest.raises(ParameterError, match="Parameter 'n'"):
        resolve_parameters([parameter("n", type_, "1")], texts={"n": text})


@pytest.mark.parametrize(
    ("type_", "value"), [("int", True), ("int", 2.5), ("str", 3), ("any", object())]
)
def test_values_are_checked_as_well(type_: str, value: object) -> None:
    with pytest.raises(ParameterError):
        resolve_parameters([parameter("n", type_, "1")], values={"n": value})


def test_command_line_over_file_over_environment_over_notebook(tmp_path: Path) -> None:
    declared = [parameter(name, "int", "1") for name in "abcd"]
    path = tmp_path / "params.yaml"
    path.write_text("a: 30\nb: 30\n")
    found = resolve_parameters(
        declared,
        texts={"a": "40"},
        file=path,
        environment={
            "JUPYTER_PIPE_A": "20",
            "JUPYTER_PIPE_B": "20",
            "JUPYTER_PIPE_C": "20",
        },
    )
    assert [(value.value, value.origin) for value in found] == [
        (40, "command line"),
        (30, "file params.yaml"),
        (20, "environment JUPYTER_PIPE_C"),
        (1, "notebook"),
    ]
    assert [value.changed for value in found] == [True, True, True, False]


def test_unknown_names_come_with_a_suggestion() -> None:
    with pytest.raises(ParameterError, match="no parameter 'n_estimator'") as caught:
        resolve_parameters(
            [parameter("n_estimators", "int", "1")], texts={"n_estimator": "2"}
        )
    assert caught.value.hint == "Did you mean 'n_estimators'?"


def test_choices_are_named() -> None:
    model = parameter("model", "str", "'ridge'", choices=("ridge", "forest"))
    with pytest.raises(ParameterError, match="one of 'ridge', 'forest'"):
        resolve_parameters([model], texts={"model": "boost"})


@pytest.mark.parametrize(
    ("name", "text"), [("p.yaml", "- 1\n"), ("p.json", "{"), ("p.yaml", "a: [")]
)
def test_a_parameter_file_that_is_none(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ParameterError, match="parameter file"):
        resolve_parameters([], file=path)


def test_a_missing_parameter_file(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Cannot read"):
        resolve_parameters([], file=tmp_path / "none.yaml")
