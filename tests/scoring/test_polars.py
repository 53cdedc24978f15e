"""Notebooks that make their features with polars."""

from __future__ import annotations

import pytest

from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.scoring.tracing.judging import look_around
from tests.scoring.harness import build
from tests.scoring.idioms import ROWS, Idiom
from tests.scoring.polars_idioms import POLARS, polars_text

polars = pytest.importorskip("polars")


@pytest.mark.parametrize("idiom", POLARS, ids=lambda idiom: idiom.name)
def test_a_row_alone_gets_what_the_notebook_would_have_given(idiom: Idiom) -> None:
    built, names = build(polars_text(idiom.code))
    assert built.passed, built.proofs
    for row in ROWS:
        wanted = names["model"].predict([list(idiom.truth(row, names).values())])
        assert agree(built.scorer.score_records([row]), list(wanted), exact=False)


def test_the_word_of_an_expression_that_looks_at_other_rows() -> None:
    column = polars.col("x")
    assert look_around(column - column.median()) == "median("
    assert look_around([column * 2, column.mean().over("group")]) == "over("
    assert look_around(column.shift(1)) == "shift("
    assert look_around(column.abs() + 1) == ""
