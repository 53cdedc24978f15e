"""Each proof against a scorer that is wrong in just the way that it looks for."""

from __future__ import annotations

import numpy
import pandas
import pytest

from jupyter_pipe.scoring.columns import describe_rows
from jupyter_pipe.scoring.proving import proofs
from jupyter_pipe.scoring.proving.proofs import ProofSubject, prove
from jupyter_pipe.scoring.scorer import Scorer

ROWS = pandas.DataFrame(
    {
        "a": numpy.arange(40) / 2,
        "b": [3.0, numpy.nan] * 20,
        "price": numpy.arange(40) * 1.5,
        "key": range(40),
    }
)
TRUTH = (ROWS["a"] * 2 + ROWS["b"].fillna(1)).to_numpy()
RIGHT = (
    "def score(rows):\n    return (rows['a'] * 2 + rows['b'].fillna(1)).to_numpy()\n"
)
WRONG = {
    "_replay": "def score(rows):\n    return (rows['a'] * 2.001 + rows['b'].fillna(1)).to_numpy()\n",
    "_order": "def score(rows):\n    return (rows['a'] * 2 + rows['b'].fillna(1)).sort_values().to_numpy()\n",
    "_twice": (
        "calls = []\ndef score(rows):\n    calls.append(1)\n"
        "    return (rows['a'] * 2 + rows['b'].fillna(1)).to_numpy() + (len(calls) == 4)\n"
    ),
    "_single": (
        "def score(rows):\n    gap = rows['b'].median() if len(rows) == 1 else 1\n"
        "    return (rows['a'] * 2 + rows['b'].fillna(gap)).to_numpy()\n"
    ),
    "_steps": (
        "def score(rows):\n    apart = rows['a'] - rows['a'].mean()\n    never = apart > 1000\n"
        "    return (rows['a'] * 2 + rows['b'].fillna(1) + never).to_numpy()\n"
    ),
    "_others": (
        "def score(rows):\n    a = rows['a'].fillna(len(rows))\n"
        "    return (a * 2 + rows['b'].fillna(1)).to_numpy()\n"
    ),
    "_absent": (
        "def score(rows):\n    wanted = rows['price'] * 0\n"
        "    return (rows['a'] * 2 + rows['b'].fillna(1) + wanted.fillna(0)).to_numpy()\n"
    ),
    "_json": (
        "def score(rows):\n    shift = 1 if rows.index[0] == 0 else 0\n"
        "    return (rows['a'] * 2 + rows['b'].fillna(1)).to_numpy() + shift\n"
    ),
}


NEXT = {
    "_replay": "_order",
    "_order": "_others",
    "_twice": "_single",
    "_single": "_others",
    "_steps": "",
    "_others": "",
    "_absent": "",
    "_json": "",
}
"""Which proof notices when the first is switched off; none, where that one stands
alone."""

# In sorted order, so that a scorer that sorts is right until the rows are shuffled.
SORTED = numpy.argsort(TRUTH, kind="stable")


def subject(source: str, rows: pandas.DataFrame = ROWS) -> ProofSubject:
    """A scorer against the notebook's predictions, all but the last three rows
    scored."""
    places = SORTED[:-3]
    return ProofSubject(
        scorer=Scorer(source, {}, describe_rows(rows)),
        rows=rows,
        positions=places,
        score=TRUTH[places],
        truth=TRUTH[places],
        absent=("price", "key"),
    )


def failing(source: str) -> str:
    """The name of the first proof that fails; empty if all hold."""
    found = prove(subject(source))
    return "" if found[-1].passed else found[-1].name


def name_of(proof: str) -> str:
    """What a proof is called for people."""
    return next(name for name, function in proofs._PROOFS if function.__name__ == proof)


def test_a_right_scorer_passes_all_proofs() -> None:
    assert failing(RIGHT) == ""
    assert len(prove(subject(RIGHT))) == len(proofs._PROOFS)


@pytest.mark.parametrize("proof", WRONG)
def test_each_proof_notices_what_it_looks_for(proof: str) -> None:
    assert failing(WRONG[proof]) == name_of(proof)


@pytest.mark.parametrize("proof", WRONG)
def test_without_its_proof_a_wrong_scorer_goes_further(
    proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every proof is switched off once: none is there in vain."""
    left = [
        (name, function)
        for name, function in proofs._PROOFS
        if function.__name__ != proof
    ]
    monkeypatch.setattr(proofs, "_PROOFS", left)
    assert failing(WRONG[proof]) == (name_of(NEXT[proof]) if NEXT[proof] else "")


def test_predictions_that_the_notebook_does_not_repeat_are_refused() -> None:
    right = subject(RIGHT)
    other = ProofSubject(
        right.scorer,
        right.rows,
        right.positions,
        right.score,
        right.truth + 1,
        right.absent,
        right.exact,
    )
    assert not prove(other)[0].passed


def test_a_line_that_looks_at_the_batch_is_named() -> None:
    source = "def score(rows):\n    gap = rows['b'].mean()\n    return (rows['a'] + gap).to_numpy()\n"
    found = prove(subject(source))[-1]
    assert not found.passed
