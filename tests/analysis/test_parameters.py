from __future__ import annotations

import pytest

from jupyter_pipe.model import Parameter
from tests.analysis.programs import analysed, flow, inputs


def parameter(line: str) -> Parameter:
    (found,) = analysed(f"| parameters:\n{line}\n| A: print(n)").parameters
    return found


@pytest.mark.parametrize(
    ("line", "type_", "default", "choices"),
    [
        ("n = 10", "int", 10, ()),
        ("n = -1.5", "float", -1.5, ()),
        ("n: float = 10", "float", 10, ()),
        ("n = 'a'", "str", "a", ()),
        ("n = True", "bool", True, ()),
        ("n = None", "none", None, ()),
        ("n: int | None = None", "int | None", None, ()),
        ("n: 'Optional[str]' = None", "str | None", None, ()),
        ("n: Literal['a', 'b'] = 'a'", "str", "a", ("a", "b")),
        ("n: typing.Literal[1, None] = 1", "int | None", 1, (1,)),
        ("n: list[int] = [1, 2]", "list", [1, 2], ()),
        ("n = {'a': (1, 2)}", "dict", {"a": [1, 2]}, ()),
        ("n = {1: 2}", "dict", None, ()),
        ("n = {1, 2}", "set", None, ()),
        ("n = b'x'", "bytes", None, ()),
        ("n: Path = 'x'", "any", "x", ()),
        ("n: int | str = 1", "any", 1, ()),
        ("n: Annotated[int, 'trees'] = 1", "int", 1, ()),
    ],
)
def test_types_and_choices(
    line: str, type_: str, default: object, choices: tuple[object, ...]
) -> None:
    found = parameter(line)
    assert (found.type_, found.default, found.choices) == (type_, default, choices)


def test_the_literal_is_kept_as_written() -> None:
    assert parameter("n = 1_000  # rows").literal == "1_000"


@pytest.mark.parametrize(
    "line",
    ["n = 1  # rows to read", "# rows to read\nn = 1", "# rows\n# to read\nn = 1"],
)
def test_descriptions_come_from_comments(line: str) -> None:
    assert parameter(line).description == "rows to read"


def test_a_hash_in_a_string_is_no_description() -> None:
    assert parameter("n = '#1'").description == ""


def test_a_stage_lists_the_parameters_that_it_reads() -> None:
    text = "| parameters:\nn = 1\nm = 2\n| leading:\ndef f(k=m): return k + n\n| A: f()\n| B: print(3)"
    assert flow(text, "A").parameters == ("m", "n")
    assert flow(text, "B").parameters == ()


def test_a_rebound_parameter_is_a_value_of_its_stage() -> None:
    text = "| parameters: n = 1\n| A: n = n + 1\n| B: print(n)"
    assert flow(text, "A").parameters == ("n",)
    assert flow(text, "B").parameters == ()
    assert inputs(text, "B") == {"n@A"}


def test_a_stage_that_may_rebind_a_parameter_has_it_to_pass_on() -> None:
    text = "| parameters:\nn = 1\nfast = True\n| A:\nif fast: n = 2\n| B: print(n)"
    assert flow(text, "A").parameters == ("fast", "n")
    assert inputs(text, "B") == {"n@A"}


def test_other_statements_of_a_parameters_cell_are_ordinary_code() -> None:
    text = "| parameters:\nn = 10\nm = n * 2\n| A: print(m)"
    assert inputs(text, "A") == {"m@setup"}
    assert flow(text, "setup").parameters == ("n",)
