"""Rows of all types through JSON, and tags that say what stays and what moves on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas
import pytest

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.bundle import Bundle, make_manifest
from jupyter_pipe.scoring.columns import (
    RowsError,
    describe_rows,
    rows_from_records,
    to_records,
)
from jupyter_pipe.scoring.files import score_file
from jupyter_pipe.scoring.model import ScoringRefusedError
from tests.scoring.harness import build
from tests.scoring.idioms import ROWS, notebook_text
from tests.scoring.test_first import SMALL

COLUMNS: dict[str, Any] = {
    "whole": pandas.Series([1, 2, 3]),
    "whole with gaps": pandas.Series([1, None, 3], dtype="Int64"),
    "yes or no": pandas.Series([True, False, True]),
    "yes, no or unknown": pandas.Series([True, None, False], dtype="boolean"),
    "number": pandas.Series([1.5, None, -3.25]),
    "small number": pandas.Series([1.5, None, -3.25], dtype="float32"),
    "nullable number": pandas.Series([1.5, None, -3.25], dtype="Float64"),
    "text": pandas.Series(["a", None, "ü"]),
    "old text": pandas.Series(["a", None, "ü"], dtype="object"),
    "category": pandas.Series(["low", None, "high"], dtype="category"),
    "category of numbers": pandas.Series([1, 2, 1], dtype="category"),
    "date": pandas.Series(pandas.to_datetime(["2026-01-31", None, "1999-12-31"])),
    "time with zone": pandas.Series(
        pandas.to_datetime(["2026-03-29 01:30", None, "2026-10-25 02:30"])
    )
    .dt.tz_localize("UTC")
    .dt.tz_convert("Europe/Berlin"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_is_the_same_after_json(kind: str) -> None:
    frame = pandas.DataFrame({"x": COLUMNS[kind], "other": [0.5, 1.5, 2.5]})
    form = describe_rows(frame)
    records = json.loads(json.dumps(to_records(frame, form)))
    pandas.testing.assert_frame_equal(rows_from_records(records, form), frame)
    for number in range(3):
        alone = rows_from_records(records[number : number + 1], form)
        wanted = frame.iloc[[number]].reset_index(drop=True)
        pandas.testing.assert_frame_equal(alone, wanted, check_categorical=True)


def test_a_value_of_no_category_is_refused() -> None:
    form = describe_rows(pandas.DataFrame({"x": COLUMNS["category"]}))
    with pytest.raises(
        RowsError, match="Row 1, column 'x': 'middle' is not one of high, low"
    ):
        rows_from_records([{"x": "middle"}], form)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("date", "2026-01-31T12:00+01:00"), ("time with zone", "2026-01-31T12:00")],
)
def test_a_time_that_nobody_can_place_is_refused(kind: str, value: str) -> None:
    form = describe_rows(pandas.DataFrame({"x": COLUMNS[kind]}))
    with pytest.raises(
        RowsError, match=r"Row 1, column 'x': .* is not a (date|time with its zone)"
    ):
        rows_from_records([{"x": value}], form)


DAYS = """
homes = raw.fillna({"area": 50})
homes["x"] = (now - pd.to_datetime(homes["sold"])).dt.days
FEATURES = ["x", "rooms"]
"""


def days_text(tag: str) -> str:
    """A feature that depends on today's date, which a cell of its own gives a name."""
    return notebook_text(f"# %% {tag}\nnow = pd.Timestamp.today()\n# %%\n{DAYS}")


def test_today_is_refused_until_a_tag_says_what_it_means() -> None:
    with pytest.raises(ScoringRefusedError, match="today's date") as caught:
        build(days_text(""))
    assert "frozen:NAME" in caught.value.refusals[0].way_out
    assert caught.value.refusals[0].place.text == "now = pd.Timestamp.today()"


def test_a_frozen_date_stays_and_a_live_one_moves_on() -> None:
    frozen, _ = build(days_text("frozen:now"))
    assert "today()" not in frozen.scorer.source
    live, _ = build(days_text("live:now"))
    assert "pd.Timestamp.today()" in live.scorer.source
    line = next(line for line in live.scorer.source.splitlines() if "today()" in line)
    assert "cell 3, line 1" in line


def test_an_inner_join_keeps_the_rows_that_have_no_match() -> None:
    """In the notebook they are dropped; a row that is scored gets a gap instead."""
    code = (
        'facts = pd.DataFrame({"district": ["north", "South", "east "], "schools": [1.0, 2.0, 3.0]})\n'
        'homes = raw.merge(facts, on="district")\nFEATURES = ["schools", "rooms"]'
    )
    built, names = build(notebook_text(code))
    assert built.passed, built.proofs
    assert len(names["homes"]) < len(names["raw"])
    schools = {"north": 1.0, "South": 2.0, "east ": 3.0}
    for row in ROWS:
        frame = pandas.DataFrame(
            [{"schools": schools.get(row["district"]), "rooms": row["rooms"]}],
            dtype=float,
        )
        assert built.scorer.score_records([row])[0] == names["model"].predict(frame)[0]


def test_parquet_without_its_library_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, _ = build(SMALL)
    manifest = make_manifest(
        built, name="homes", rows="raw", score="predicted", digest="d", run_id="r"
    )
    bundle = Bundle(manifest, built.scorer)
    rows = tmp_path / "new.csv"
    rows.write_text("area,rooms\n70,2\n", encoding="utf-8")

    def missing(*_: object, **__: object) -> None:
        raise ImportError

    monkeypatch.setattr(pandas, "read_parquet", missing)
    monkeypatch.setattr(pandas.DataFrame, "to_parquet", missing)
    with pytest.raises(PipeError, match="Writing Parquet needs pyarrow"):
        score_file(bundle, str(rows), str(tmp_path / "answers.parquet"))
    with pytest.raises(PipeError, match="Reading Parquet needs pyarrow"):
        score_file(bundle, str(tmp_path / "new.parquet"), str(tmp_path / "answers.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_parquet_comes_in_and_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is stood in for: what counts is which table is read, and that no part
    of a file is left."""
    built, _ = build(SMALL)
    manifest = make_manifest(
        built, name="homes", rows="raw", score="predicted", digest="d", run_id="r"
    )
    monkeypatch.setattr(pandas, "read_parquet", pandas.read_json)
    monkeypatch.setattr(
        pandas.DataFrame,
        "to_parquet",
        lambda frame, path, index: frame.to_json(path, index=index),
    )
    pandas.DataFrame({"area": [70.0, None], "rooms": [2, 3]}).to_json(
        tmp_path / "new.parquet"
    )
    target = tmp_path / "answers.parquet"
    assert (
        score_file(
            Bundle(manifest, built.scorer), str(tmp_path / "new.parquet"), str(target)
        )
        == 2
    )
    wanted = built.scorer.score_records(
        [{"area": 70.0, "rooms": 2}, {"area": None, "rooms": 3}]
    )
    assert pandas.read_json(target)["predicted"].tolist() == pytest.approx(list(wanted))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "answers.parquet",
        "new.parquet",
    ]
