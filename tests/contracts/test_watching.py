"""Contracts in the state machine and beside the cache: what starts, what fails, with
which exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pandas as pd
import pytest
from msgspec.structs import replace

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.profile_record import SchemaResult
from jupyter_pipe.artifacts.protocol import StageResult
from jupyter_pipe.cache.demands import answer_demands
from jupyter_pipe.contracts import ColumnRule, Contract, Policy
from jupyter_pipe.contracts.watching import judge_stage
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.verdict import exit_code_of, judge
from jupyter_pipe.events import FailureKind, StageFailed
from jupyter_pipe.model import Pipeline, Stage
from tests.engine.machines import ERROR, Shell, pipeline, result, stage

from .weeks import profile_of

PRICES = profile_of(pd.DataFrame({"price": [1.0, 2.0, 900.0]}), keys=[["price"]])
CHEAP = Contract("x", columns=(ColumnRule("price", low=0, high=10),))
DEAR = Contract("x", columns=(ColumnRule("price", low=0, high=1000),))
MADE = replace(result("x"), profiles={"x": PRICES})


def watched() -> Pipeline:
    """load makes x, which both need; side needs nothing."""
    return pipeline(
        stage("load", binds="x", contracts=("x",)),
        stage("left", reads="x"),
        stage("right", reads="x"),
        stage("side", binds="s"),
        stage("after", reads="s"),
    )


def shell(
    contract: Contract | None, of: Pipeline | None = None, **options: Any
) -> Shell:
    contracts: Mapping[str, Contract] = {} if contract is None else {"x": contract}
    given = {"judge": lambda of, result: judge_stage(of, result, contracts), **options}
    return Shell(of or watched(), results={"load": MADE}, **given)


def failures(of: Shell) -> list[tuple[str, FailureKind]]:
    return [
        (event.stage, event.kind)
        for event in of.events
        if isinstance(event, StageFailed)
    ]


def test_what_keeps_its_contract_goes_on() -> None:
    run = shell(DEAR)
    run.end("load")
    assert set(run.running) == {"left", "right", "side"} or set(run.running) == {
        "left",
        "side",
    }
    (judged,) = run.of(ev.ContractJudged)
    assert (judged.value, judged.passed, judged.problems) == ("x", True, ())  # type: ignore[union-attr]


def test_nothing_starts_behind_broken_data() -> None:
    run = shell(CHEAP, workers=1)
    assert list(run.running) == ["load"]
    run.end("load")
    assert failures(run) == [("load", FailureKind.contract)]
    assert run.running == {}
    assert run.finish == ms.Finish(ev.RunState.failed, 4)
    (failed,) = run.of(StageFailed)
    assert "x, column 'price': expected 0 to 10; found 1 to 900" in failed.evalue  # type: ignore[union-attr]
    assert "contract accept p.ipynb latest x" in failed.hint  # type: ignore[union-attr]


def test_a_reused_result_is_judged_like_a_new_one() -> None:
    chain = pipeline(*watched().stages[:3])
    run = shell(CHEAP, of=chain, workers=1, reuse=["load"])
    assert failures(run) == [("load", FailureKind.contract)]
    assert run.finish == ms.Finish(ev.RunState.failed, 4)
    assert shell(DEAR, reuse=["load"]).states()["load"] == "cached"


def test_the_result_is_kept_so_that_another_contract_can_judge_it() -> None:
    run = shell(CHEAP, workers=1)
    run.end("load")
    kept = [each for each in run.instructions if isinstance(each, ms.Record)]
    assert [(each.stage, each.reused) for each in kept] == [("load", False)]


def test_it_is_not_tried_again() -> None:
    of = watched()
    stages = tuple(
        replace(each, options=replace(each.options, retries=3)) for each in of.stages
    )
    run = Shell(
        replace(of, stages=stages),
        workers=1,
        results={"load": MADE},
        judge=lambda of, result: judge_stage(of, result, {"x": CHEAP}),
    )
    run.end("load")
    assert run.of(ev.StageRetrying) == []


@pytest.mark.parametrize(
    ("policy", "states", "code"),
    [
        (
            "stop",
            {
                "load": "failed",
                "left": "skipped",
                "right": "skipped",
                "side": "skipped",
                "after": "skipped",
            },
            4,
        ),
        (
            "quarantine",
            {
                "load": "failed",
                "left": "skipped",
                "right": "skipped",
                "side": "succeeded",
                "after": "succeeded",
            },
            4,
        ),
        (
            "warn",
            dict.fromkeys(("load", "left", "right", "side", "after"), "succeeded"),
            0,
        ),
    ],
)
def test_policies(policy: Policy, states: dict[str, str], code: int) -> None:
    run = shell(replace(CHEAP, policy=policy), workers=1)
    while run.running:
        run.end(next(iter(run.running)))
    assert run.states() == states
    assert run.finish is not None
    assert run.finish.exit_code == code
    warnings = [event.code for event in run.of(ev.WarningRaised)]  # type: ignore[union-attr]
    assert warnings == (["contract"] if policy == "warn" else [])


def test_a_tag_without_a_file_is_told_and_strict_runs_fail() -> None:
    run = shell(None)
    run.end("load")
    assert failures(run) == []
    (warning,) = run.of(ev.WarningRaised)
    assert "jupyter pipe contract init" in warning.message  # type: ignore[union-attr]
    strict = shell(None, strict=True)
    strict.end("load")
    assert failures(strict) == [("load", FailureKind.contract)]


def test_what_cannot_be_judged_is_not_taken_for_fine() -> None:
    run = shell(replace(DEAR, by="week"))
    run.end("load")
    assert failures(run) == [("load", FailureKind.contract)]


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ({FailureKind.contract}, 4),
        ({FailureKind.gate}, 3),
        ({FailureKind.contract, FailureKind.gate}, 4),
        ({FailureKind.contract, FailureKind.error}, 1),
        ({FailureKind.gate, FailureKind.timeout}, 1),
    ],
)
def test_exit_codes_of_failures(kinds: set[FailureKind], code: int) -> None:
    assert exit_code_of(kinds) == code


def test_a_cancelled_run_is_cancelled() -> None:
    run = shell(CHEAP, keep_going=True)
    run.end("load")
    run.tell(ms.Cancel("user"))
    for name in list(run.stopping):
        run.stopped(name)
    assert run.finish == ms.Finish(ev.RunState.cancelled, 130)


def test_an_error_beside_broken_data_is_exit_1() -> None:
    run = shell(CHEAP)
    run.breaks("side", ERROR)
    run.end("load")
    assert run.finish == ms.Finish(ev.RunState.failed, 1)


def test_a_broken_contract_goes_before_a_false_gate() -> None:
    both = replace(MADE, gates=result(gate=False).gates)
    judged = judge_stage(watched().stage("load"), both, {"x": CHEAP})
    failure = judge(watched(), "load", both, strict=False, contracts=judged)
    assert failure is not None
    assert failure.kind is FailureKind.contract


def load(*contracts: str) -> Stage:
    return stage("load", binds="x", contracts=contracts)


@pytest.mark.parametrize(
    ("contract", "reason"),
    [
        (DEAR, ""),
        (CHEAP, ""),
        (replace(DEAR, key=("price",)), ""),
        (replace(DEAR, by="price"), "contract of x: it was not profiled by price"),
        (replace(DEAR, by="month"), "contract of x: it has no column 'month'"),
    ],
)
def test_a_contract_that_changed_is_answered_from_the_profile(
    contract: Contract, reason: str
) -> None:
    found = answer_demands(load("x"), MADE, {"x": contract})
    assert found == (reason or MADE)


def test_a_value_without_a_profile_makes_its_stage_run() -> None:
    found = answer_demands(load("x"), result("x"), {"x": DEAR})
    assert found == "contract of x: it was not stored, so it has no profile"
    assert isinstance(answer_demands(load("x"), result("x"), {}), StageResult)


def test_schemas_of_the_notebook_are_answered_by_the_run_that_asked_them() -> None:
    asked = replace(MADE, schemas=(SchemaResult("x", "schema"),))
    assert answer_demands(load("x=schema"), asked, {}) is asked
    assert answer_demands(load("x=other"), asked, {}) == "contract x=other is new"
    broken = replace(
        MADE, schemas=(SchemaResult("x", "schema", ("column 'a', row 3: no",)),)
    )
    (judged,) = judge_stage(load("x=schema"), broken, {})
    assert (judged.passed, judged.policy) == (False, "schema")
    assert judged.problems == ("x, column 'a', row 3: no (schema schema).",)


def test_records_survive_the_trip_through_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MADE), type=StageResult) == MADE
