"""What pandas learns from all rows and applies at once, as the scorer keeps it."""

from __future__ import annotations

from typing import Any

import numpy
import pandas
import pytest

from jupyter_pipe.scoring.learned import Bins, Categories, Codes, Dummies, UnseenError
from jupyter_pipe.scoring.proving.comparison import agree
from tests.scoring.harness import build
from tests.scoring.idioms import ROWS, Idiom, notebook_text
from tests.scoring.learned_idioms import LEARNED

SEEN = pandas.Series(["b", "a", None, "c", "a"], name="town")
FRAME = pandas.DataFrame(
    {"n": [1, 2, 3, 4, 5], "town": SEEN, "kind": ["x", "y", "x", "x", "y"]}
)


@pytest.mark.thorough
@pytest.mark.parametrize("idiom", LEARNED, ids=lambda idiom: idiom.name)
def test_a_new_row_gets_what_the_notebook_has_learned(idiom: Idiom) -> None:
    built, names = build(notebook_text(idiom.code, idiom.model))
    assert built.passed, built.proofs
    for row in ROWS:
        features = pandas.DataFrame([idiom.truth(row, names)])
        wanted = names["model"].predict(features)
        assert agree(built.scorer.score_records([row]), list(wanted), exact=False)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"drop_first": True},
        {"dummy_na": True},
        {"columns": ["kind"]},
        {"columns": ["kind", "town"], "prefix": ["k", "t"], "prefix_sep": "-"},
        {"prefix": {"town": "t", "kind": "k"}, "dtype": float},
    ],
    ids=str,
)
def test_dummies_of_a_row_alone_are_those_of_the_batch(
    kwargs: dict[str, Any], place: int
) -> None:
    whole = pandas.get_dummies(FRAME, **kwargs)
    alone = Dummies(FRAME, kwargs).apply(FRAME.iloc[[place]])
    pandas.testing.assert_frame_equal(alone, whole.iloc[[place]])


@pytest.mark.parametrize(
    "values",
    [SEEN, SEEN.astype("category"), SEEN.to_numpy(), pandas.Series([3, 1, 2, 3, 1])],
)
def test_dummies_of_a_column_are_those_of_the_batch(values: Any) -> None:
    whole = pandas.get_dummies(values, prefix="p")
    alone = Dummies(values, {"prefix": "p"}).apply(values[3:4])
    assert list(alone.columns) == list(whole.columns)
    assert alone.to_numpy().tolist() == whole.iloc[3:4].to_numpy().tolist()


def test_a_column_that_is_absent_has_no_dummies() -> None:
    dummies = Dummies(FRAME, {"drop_first": True})
    assert list(dummies.apply(FRAME[["n", "kind"]]).columns) == ["n", "kind_y"]
    assert ("town_b", "town") in dummies.sources(FRAME)


def test_codes_and_bins_of_a_row_alone_are_those_of_the_batch() -> None:
    codes = Codes(*pandas.factorize(SEEN))
    assert (
        codes.apply(SEEN.iloc[3:])[0].tolist() == pandas.factorize(SEEN)[0][3:].tolist()
    )
    values = pandas.Series([1.0, 2.0, 7.0, numpy.nan, 4.0])
    whole, edges = pandas.qcut(values, 3, labels=False, retbins=True)
    bins = Bins(edges, {"labels": False, "include_lowest": True})
    assert agree(bins.apply(values.iloc[[0]]), whole.iloc[[0]], exact=True)
    assert agree(bins.apply(values.iloc[3:]), whole.iloc[3:], exact=True)


NEW = pandas.Series(["lilac"], name="town")


@pytest.mark.parametrize(
    ("learned", "values"),
    [
        (Dummies(SEEN, {}), NEW),
        (Dummies(FRAME, {}), FRAME.iloc[:1].assign(town="lilac")),
        (Categories(SEEN), NEW),
        (Codes(*pandas.factorize(SEEN)), NEW),
        (Bins(numpy.array([1.0, 4.0, 7.0]), {}), pandas.Series([8.0])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_notebook_has_not_seen_is_refused(learned: Any, values: Any) -> None:
    """It would have had a column or a code of its own there, so no answer is the
    notebook's."""
    with pytest.raises(UnseenError, match="nothing that the notebook has seen"):
        learned.apply(values)
