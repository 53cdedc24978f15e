"""What a contract refuses and what it lets pass, on the example's own weekly
batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from jupyter_pipe.contracts import (
    Breach,
    Contract,
    Judgement,
    Profile,
    infer_contract,
    judge,
    judgement_lines,
    judging,
)

from .weeks import FAULTS, KEY, STABLE_WEEKS, profile_of, profiled, stable_week

FAULTY_WEEK = 20


@pytest.fixture(scope="module")
def weeks() -> list[Profile]:
    return [profiled(stable_week(week)) for week in STABLE_WEEKS]


@pytest.fixture(scope="module")
def contract(weeks: list[Profile]) -> Contract:
    return infer_contract("raw", weeks[:8])


@pytest.mark.parametrize("count", [1, 4, 8, 12])
def test_no_stable_week_is_refused(weeks: list[Profile], count: int) -> None:
    made = infer_contract("raw", weeks[:count])
    refused = {
        week: judgement_lines(found)
        for week, found in _judged(made, weeks)
        if not found.passed
    }
    assert refused == {}


def _judged(
    contract: Contract, weeks: list[Profile]
) -> Iterator[tuple[int, Judgement]]:
    yield from (
        (week, judge(contract, profile))
        for week, profile in zip(STABLE_WEEKS, weeks, strict=True)
    )


def test_batches_of_a_pooled_frame_are_stable_too() -> None:
    pooled = pd.concat([stable_week(week) for week in range(1, 13)], ignore_index=True)
    made = infer_contract("raw", [profile_of(pooled)], by="week")
    assert [rule.name for rule in made.columns if rule.trend] == ["week"]
    later = pd.concat(
        [stable_week(week).assign(week=week) for week in range(13, 49)],
        ignore_index=True,
    )
    assert (
        judgement_lines(judge(made, profile_of(later, by="week", keys=[made.key])))
        == []
    )


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_caught(contract: Contract, name: str) -> None:
    change, column, cause = FAULTS[name]
    found = judge(contract, profiled(change(stable_week(FAULTY_WEEK))))
    about = [breach for breach in found.breaches if breach.column == column]
    assert about, judgement_lines(found)
    causes = [breach.guess.kind for breach in about if breach.guess]
    assert not cause or cause in causes, judgement_lines(found)
    lines = judgement_lines(found)
    assert all(
        line.startswith("raw") and "expected" in line and "found" in line
        for line in lines
    )
    assert not column or any(f"'{column}'" in line for line in lines)


def test_a_bad_batch_does_not_hide_in_a_pool(contract: Contract) -> None:
    frames = [stable_week(week).assign(week=week) for week in range(1, 41)]
    frames[30] = frames[30].assign(
        price=frames[30]["price"] * 1.0,
        built=frames[30]["built"].mask(frames[30].index < 40),
    )
    pooled = profile_of(pd.concat(frames, ignore_index=True), by="week", keys=[KEY])
    whole = replace(contract, rows=(None, None), key=())
    assert judge(whole, pooled).passed
    (breach,) = judge(replace(whole, by="week"), pooled).breaches
    assert (breach.column, breach.rule, breach.batch) == ("built", "nulls", "31")


def test_what_is_wrong_in_many_batches_is_told_once(contract: Contract) -> None:
    frames = [stable_week(week).assign(week=week, price=1.0) for week in range(1, 8)]
    pooled = profile_of(pd.concat(frames, ignore_index=True), by="week", keys=[KEY])
    lines = judgement_lines(judge(replace(contract, by="week"), pooled), "week")
    assert len(lines) == 1
    assert "week 1, 2, 3 and 4 more" in lines[0]


def test_an_honest_change_is_no_breach(contract: Contract) -> None:
    """Dearer homes further out are news for whoever trains a model, not a fault of the
    data."""
    week = stable_week(FAULTY_WEEK)
    moved = week.assign(
        price=week["price"] * 1.25, km_to_centre=week["km_to_centre"] * 1.3
    )
    assert judgement_lines(judge(contract, profiled(moved))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"by": "month"}, "it has no column 'month'"),
        ({"by": "week"}, "it was not profiled by week"),
        ({"key": ("sale_id", "week")}, "its key was not looked at"),
    ],
)
def test_what_a_profile_does_not_tell_is_not_taken_for_fine(
    contract: Contract, weeks: list[Profile], change: dict[str, Any], said: str
) -> None:
    found = judge(replace(contract, **change), weeks[0])
    assert (found.missing, found.passed) == (said, False)
    assert judge(contract, None).missing == "it was not stored, so it has no profile"


def test_columns_may_be_forbidden_and_optional(contract: Contract) -> None:
    week = stable_week(3)
    strict = replace(contract, extra=False)
    (breach,) = judge(strict, profiled(week.assign(agent="x"))).breaches
    assert (breach.column, breach.rule) == ("agent", "extra")
    rules = tuple(
        replace(rule, optional=rule.name == "built") for rule in contract.columns
    )
    assert judge(
        replace(contract, columns=rules), profiled(week.drop(columns="built"))
    ).passed


def _without(name: str) -> tuple[Any, ...]:
    return tuple(check for check in judging._CHECKS if check.__name__ != name)


def _nothing(*_: Any) -> Iterator[Breach]:
    return iter(())


MUTANTS: dict[str, tuple[str, Any]] = {
    "types are not looked at": ("_CHECKS", _without("_type")),
    "encodings are not looked at": ("_CHECKS", _without("_encoding")),
    "ranges are not looked at": ("_CHECKS", _without("_range")),
    "categories are not looked at": ("_CHECKS", _without("_categories")),
    "shapes are not looked at": ("_CHECKS", _without("_shapes")),
    "units are not looked at": ("_CHECKS", _without("_unit")),
    "drift is not looked at": ("_CHECKS", _without("_drift")),
    "missing values are fine": ("_nulls", lambda *_: None),
    "repeated rows are fine": ("_key", _nothing),
    "any number of rows is fine": ("_rows", _nothing),
    "everything below the range is fine": ("share_below", lambda column, value: 1.0),
    "nothing is ever outside": ("_share_beyond", lambda *_: 0.0),
    "every type fits": ("_fits", lambda *_: True),
    "no causes": ("guess_numbers", lambda *_: None),
    "no renamed columns": ("guess_missing_column", lambda *_: None),
    "chance is a hundred times larger": ("_CHANCE", 300.0),
}


@pytest.fixture(scope="module")
def verdicts(contract: Contract) -> Callable[[], dict[str, list[str]]]:
    """What is said of every fault, the profiles being made once."""
    faulty = {
        name: profiled(change(stable_week(FAULTY_WEEK)))
        for name, (change, _, _) in FAULTS.items()
    }
    return lambda: {
        name: judgement_lines(judge(contract, profile))
        for name, profile in faulty.items()
    }


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_judge_that_is_wrong_is_noticed(
    verdicts: Callable[[], dict[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    mutant: str,
) -> None:
    right = verdicts()
    monkeypatch.setattr(judging, *MUTANTS[mutant])
    assert verdicts() != right
