from __future__ import annotations

import pytest

from jupyter_pipe.notebook.parameters import parameter_names, set_parameters


@pytest.mark.parametrize(
    ("source", "literals", "edited"),
    [
        ("n = 10", {"n": "20"}, "n = 20"),
        ("n: int = 10  # trees", {"n": "20"}, "n: int = 20  # trees"),
        ("n = 10; m = n * 2", {"n": "20", "m": "1"}, "n = 20; m = n * 2"),
        ("ü = 'é'; n = 1", {"n": "2", "ü": "'x'"}, "ü = 'x'; n = 2"),
        ("n = -1", {"n": "5"}, "n = 5"),
        ("n = 1\nn = 2", {"n": "3"}, "n = 3\nn = 3"),
        ("s = set()", {"s": "{1}"}, "s = {1}"),
        ("if x:\n    n = 1", {"n": "3"}, "if x:\n    n = 1"),
        ("n = f()", {"n": "3"}, "n = f()"),
        ("n = m = 1", {"n": "3"}, "n = m = 1"),
        ("%matplotlib inline\nn = 1", {"n": "3"}, "%matplotlib inline\nn = 3"),
        ("this is no Python", {"n": "3"}, "this is no Python"),
        ("n = (\n    1\n)", {"n": "3"}, "n = (\n    3\n)"),
    ],
)
def test_only_the_literal_changes(
    source: str, literals: dict[str, str], edited: str
) -> None:
    assert set_parameters(source, literals) == edited


def test_lines_keep_their_numbers() -> None:
    source = "d = {\n    'a': 1,\n}  # the sizes\nprint(d)"
    edited = set_parameters(source, {"d": "{'b': 2}"})
    assert edited == "d = {'b': 2}  # the sizes\n\n\nprint(d)"


def test_which_parameters_a_cell_has() -> None:
    assert parameter_names("n = 1\nm = n * 2\ns: str = 'x'") == ("n", "s")
