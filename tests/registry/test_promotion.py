"""Who may answer: gates, proofs, and the comparison on rows that neither version has
seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.notebook.grammar import PROMOTION_METRICS
from jupyter_pipe.registry import Registry
from jupyter_pipe.registry.comparing import METRICS, compare, default_metric
from jupyter_pipe.registry.identity import RowIdentity, pack, unpack
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.registry.mlflow_names import EVALUATION, SEEN
from jupyter_pipe.registry.promotion import promote
from tests.registry.models import register


def test_the_first_version_is_promoted_and_a_better_one_after_it(
    filled: Registry,
) -> None:
    first, _ = promote(filled, "homes", 1)
    assert first.outcome == "promoted"
    verdict, version = promote(filled, "homes", "challenger")
    assert verdict.outcome == "promoted", verdict
    assert verdict.comparison is not None
    assert (verdict.comparison.metric, verdict.comparison.rows) == ("mae", 60)
    assert version.aliases == ("champion",)
    assert "60 rows that neither has seen" in version.verdict


@pytest.mark.parametrize("kind", ["worse", "same"])
def test_one_that_is_not_better_is_rejected_with_the_figures(
    filled: Registry, subjects: dict[str, Subject], kind: str
) -> None:
    promote(filled, "homes", 2)
    made = register(filled, subjects[kind])
    verdict, version = promote(filled, "homes", made.number)
    assert verdict.outcome == "rejected"
    assert version.rejected == verdict.reason
    assert ("Worse" if kind == "worse" else "Not better") in version.rejected
    assert filled.aliases("homes") == {"champion": 2}
    assert promote(filled, "homes", made.number, force=True)[0].outcome == "promoted"
    assert filled.find("homes", made.number).rejected == ""


def test_without_the_tag_rows_that_the_notebook_scored_count_as_seen(
    filled: Registry, subjects: dict[str, Subject]
) -> None:
    promote(filled, "homes", 2)
    made = register(filled, subjects["undeclared"])
    verdict, version = promote(filled, "homes", made.number)
    assert verdict.outcome == "undecided"
    assert "promote:METRIC" in verdict.hint
    assert version.rejected == ""
    assert filled.aliases("homes")["champion"] == 2


def test_given_rows_are_used_but_those_that_were_learned_from(filled: Registry) -> None:
    promote(filled, "homes", 1)
    rng = np.random.default_rng(9)
    fresh = [_row(rng, f"new-{number}") for number in range(40)]
    learned = [_row(rng, f"4-{number}") for number in range(60)]
    verdict, _ = promote(filled, "homes", 2, rows=[*fresh, *fresh, *learned])
    assert verdict.comparison is not None
    assert verdict.comparison.rows == 40


def test_too_few_rows_decide_nothing(filled: Registry) -> None:
    promote(filled, "homes", 1)
    rng = np.random.default_rng(9)
    verdict, _ = promote(
        filled, "homes", 2, rows=[_row(rng, f"new-{number}") for number in range(29)]
    )
    assert verdict.outcome == "undecided"
    assert "29 labelled rows" in verdict.reason


def _row(rng: np.random.Generator, sale: str) -> dict[str, Any]:
    area, rooms = float(rng.normal(80, 20)), int(rng.integers(1, 6))
    return {"area": area, "rooms": rooms, "price": area * 3 + rooms, "sale": sale}


def test_rows_that_were_altered_are_not_compared_on(filled: Registry) -> None:
    promote(filled, "homes", 1)
    bundle = filled.resolve("homes", 2).bundle
    assert bundle is not None
    (bundle.parent / EVALUATION).write_text("", encoding="utf-8")
    with pytest.raises(UntrustedError, match="not what was signed"):
        promote(filled, "homes", 2)
    (bundle.parent / SEEN).unlink()
    with pytest.raises(RegistryError, match="cannot be read"):
        promote(filled, "homes", 2, rows=[])


def test_golden_rows_must_be_repeated(
    registry: Registry, subjects: dict[str, Subject]
) -> None:
    import msgspec

    good = subjects["good"]
    false = msgspec.structs.replace(
        good.manifest, predictions=tuple(p + 1 for p in good.manifest.predictions)
    )
    with pytest.raises(RegistryError, match="answers otherwise"):
        register(registry, Subject(good.target, good.run, good.built, false))


def test_the_commands_tell_what_happens(
    filled: Registry, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = ["--root", str(filled.address.root)]
    assert main(["promote", "homes@1", *root]) == 0
    out = capsys.readouterr().out
    assert "first champion" in out
    assert "to go back" not in out, "there is nothing before the first"
    assert main(["promote", "homes@challenger", "--metric", "rmse", *root]) == 0
    out = capsys.readouterr().out
    assert "rmse" in out
    assert "to go back: jupyter pipe rollback homes" in out
    assert main(["promote", "homes@1", *root]) == 3
    assert "is rejected. Worse" in capsys.readouterr().out
    assert main(["models", "homes", *root]) == 0
    assert "homes@1 was rejected" in capsys.readouterr().out
    assert main(["rollback", "homes", *root]) == 0
    assert main(["lineage", "homes", "--json", *root]) == 0
    told = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert told["lineage"]["run_id"] == "r-bad"
    assert {place["cell"] for place in told["lineage"]["cells"]} >= {3}
    table = tmp_path / "new.csv"
    table.write_text("area,rooms,price\n70,2,1\n", encoding="utf-8")
    assert main(["promote", "homes@2", "--on", str(table), *root]) == 3
    assert "1 labelled rows" in capsys.readouterr().out


# Values


def test_every_metric_of_the_tag_can_be_computed() -> None:
    assert set(METRICS) == set(PROMOTION_METRICS)


TRUTH = [float(number % 2) for number in range(60)]


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_right_answers_beat_wrong_ones_by_every_metric(metric: str) -> None:
    right = (
        [0.9 if each else 0.1 for each in TRUTH] if METRICS[metric].numbers else TRUTH
    )
    wrong = [1 - each for each in right]
    assert compare(metric, TRUTH, wrong, right).outcome == "better"
    assert compare(metric, TRUTH, right, wrong).outcome == "worse"
    assert compare(metric, TRUTH, right, right).outcome == "no better"


def test_chance_does_not_promote() -> None:
    """Of 40 pairs of models that are equally good, about two win by chance."""
    wins = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        truth = draw.normal(size=80)
        one, other = (truth + draw.normal(size=80) for _ in range(2))
        wins += (
            compare("mae", truth.tolist(), one.tolist(), other.tolist()).outcome
            == "better"
        )
    assert wins <= 6


def test_metrics_of_sklearn_agree() -> None:
    from sklearn import metrics

    draw = np.random.default_rng(1)
    truth, found = draw.integers(0, 2, 50), draw.random(50).round(1)
    assert METRICS["auc"].value(truth, found) == pytest.approx(
        metrics.roc_auc_score(truth, found)
    )
    assert METRICS["log_loss"].value(truth, found.clip(0.01, 0.99)) == pytest.approx(
        metrics.log_loss(truth, found.clip(0.01, 0.99))
    )
    assert METRICS["r2"].value(truth, found) == pytest.approx(
        metrics.r2_score(truth, found)
    )
    labels = draw.integers(0, 3, 50)
    assert METRICS["f1"].value(labels, truth) == pytest.approx(
        metrics.f1_score(labels, truth, average="macro", zero_division=0)
    )


def test_the_metric_of_a_notebook_that_names_none_fits_its_target() -> None:
    assert [
        default_metric([1.5, 2.0, 3.0]),
        default_metric(["a", "b"]),
        default_metric([0, 1, 1]),
    ] == [
        "mae",
        "accuracy",
        "accuracy",
    ]
    with pytest.raises(RegistryError, match="compares numbers"):
        compare("mae", ["a"] * 40, ["a"] * 40, ["b"] * 40)


def test_a_row_is_the_same_whatever_its_label_and_kind_of_number() -> None:
    without_key = RowIdentity((), ("price",))
    row = {"area": 80, "rooms": None, "price": 3.0}
    assert without_key.digest(row) == without_key.digest(
        {"rooms": float("nan"), "area": 80.0, "price": 4}
    )
    assert without_key.digest(row) != without_key.digest({**row, "area": 81})
    keyed = RowIdentity(("sale",), ("price",))
    assert keyed.digest({"sale": "A", "area": 1}) == keyed.digest(
        {"sale": "A", "area": 2}
    )
    digests = {keyed.digest({"sale": name}) for name in "ABC"}
    assert unpack(pack([*digests, *digests])) == digests
