"""Idioms of feature engineering: those with a right scorer get it, the others are
refused with a way out."""

from __future__ import annotations

import pandas
import pytest

from jupyter_pipe.scoring.model import ScoringRefusedError
from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.scoring.tracing.judging import judge_method
from tests.scoring.harness import build
from tests.scoring.idioms import IDIOMS, ROWS, Idiom, notebook_text
from tests.scoring.traps import TRAPS, Trap

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_a_scorer_gives_a_new_row_what_the_notebook_would_have_given(
    idiom: Idiom,
) -> None:
    """The truth is written by hand, for one row at a time."""
    built, names = build(notebook_text(idiom.code, idiom.model))
    assert built.passed, built.proofs
    for row in ROWS:
        features = pandas.DataFrame([idiom.truth(row, names)])
        wanted = (
            idiom.answer(features, names)
            if idiom.answer
            else names["model"].predict(features)
        )
        assert agree(built.scorer.score_records([row]), list(wanted), exact=False)


def refusal_of(trap: Trap) -> str:
    """Why the notebook is refused, with the text of the line; the empty text if it is
    accepted."""
    try:
        built, _ = build(notebook_text(trap.code, trap.model))
    except ScoringRefusedError as error:
        return " ".join(str(refusal) for refusal in error.refusals)
    failed = next((proof for proof in built.proofs if not proof.passed), None)
    return (
        ""
        if failed is None
        else f"{failed.name}: {failed.detail} {failed.place.text if failed.place else ''}"
    )


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_what_no_scorer_can_repeat_is_refused_with_its_line(trap: Trap) -> None:
    found = refusal_of(trap)
    assert found
    assert trap.line in found


@pytest.mark.parametrize("name", ["shift", "diff", "rank", "cumsum"])
def test_a_number_of_rows_is_not_taken_for_an_axis(name: str) -> None:
    """The proofs would notice; the table must know."""
    series = pandas.Series([1.0, 2.0])
    assert judge_method(series, name, (1,), {}) == "mixes"
    assert judge_method(pandas.DataFrame(), name, (), {"axis": 1}) == "row-wise"


def test_every_way_out_is_an_idiom_that_is_scored() -> None:
    assert {trap.instead for trap in TRAPS} <= {idiom.name for idiom in IDIOMS} | {
        "explicit"
    }
