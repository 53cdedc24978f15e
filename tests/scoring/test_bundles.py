"""Bundles on disk, and rows that come from files: what is refused, and what the
messages name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import PipeError, UntrustedError
from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import (
    Manifest,
    load_bundle,
    make_manifest,
    require_no_secret,
    write_bundle,
)
from jupyter_pipe.scoring.columns import RowsError
from jupyter_pipe.scoring.proving.fresh import prove_fresh
from tests.scoring.harness import build
from tests.scoring.test_first import SMALL

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made() -> tuple[Built, Manifest]:
    named = SMALL.replace("rows:raw", "rows:raw key:name").replace(
        'raw["price"]', 'raw["name"] = [f"H{n}" for n in range(60)]\nraw["price"]', 1
    )
    built, _ = build(
        named.replace('sales.drop(columns="price")', 'sales[["area", "rooms"]]')
    )
    assert built.passed, built.proofs
    return built, make_manifest(
        built, name="homes", rows="raw", score="predicted", digest="d", run_id="r"
    )


@pytest.fixture
def folder(made: tuple[Built, Manifest], tmp_path: Path) -> Path:
    write_bundle(tmp_path / "homes", *made)
    return tmp_path / "homes"


def test_a_bundle_scores_as_its_scorer_does(
    made: tuple[Built, Manifest], folder: Path
) -> None:
    bundle = load_bundle(folder)
    found = bundle.scorer.score_records(bundle.manifest.golden)
    assert list(found) == list(bundle.manifest.predictions)
    assert [
        column.name for column in bundle.manifest.form.columns if not column.optional
    ] == [
        "area",
        "rooms",
    ]
    assert bundle.manifest.keys == ("name",)
    assert any(
        line.startswith("scikit-learn==") for line in bundle.manifest.requirements
    )


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("area", "its module would hold the value of the secret TOKEN"),
        ("squared_error", "its constants would hold"),
        ("homes", "its golden rows would hold"),
        ("Zq7xWv2kLp9sTd4mRb6n", ""),
        ("is", ""),
    ],
)
def test_a_scorer_that_holds_a_secret_is_none(
    made: tuple[Built, Manifest], secret: str, said: str
) -> None:
    if not said:
        require_no_secret(*made, Masker({"TOKEN": secret}))
        return
    with pytest.raises(PipeError, match=said):
        require_no_secret(*made, Masker({"TOKEN": secret}))


@pytest.mark.processes
def test_a_fresh_process_gives_the_same(made: tuple[Built, Manifest]) -> None:
    done: list[str] = []
    assert prove_fresh(*made, meanwhile=lambda: done.append("imported")).passed
    assert done == ["imported"]


def test_what_fails_beside_the_fresh_process_is_raised(
    made: tuple[Built, Manifest],
) -> None:
    def fail() -> None:
        raise PipeError("away", code="registry_away")

    with pytest.raises(PipeError, match="away"):
        prove_fresh(*made, meanwhile=fail)


def test_what_nobody_signed_is_not_loaded(folder: Path) -> None:
    manifest = folder / "bundle.json"
    data = manifest.read_bytes()
    manifest.write_bytes(data[:-20] + b"0" * 15 + data[-5:])
    with pytest.raises(UntrustedError, match="not signed"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["scorer.py", "values.pickle"])
def test_a_file_that_was_altered_is_not_loaded(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(UntrustedError, match="altered"):
        load_bundle(folder, trust=True)


def test_a_folder_without_a_scorer_says_so(tmp_path: Path) -> None:
    with pytest.raises(PipeError, match="holds no scorer"):
        load_bundle(tmp_path)


def test_a_table_is_scored_into_another(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    table = tmp_path / "new.csv"
    table.write_text("name,area,rooms\nA,80.5,2\nB,,3\n", encoding="utf-8")
    answers = tmp_path / "answers.csv"
    assert main(["score", str(folder), str(table), "-o", str(answers)]) == 0
    lines = answers.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "name,predicted"
    assert [line.split(",")[0] for line in lines[1:]] == ["A", "B"]
    assert "2 rows scored" in capsys.readouterr().err


def test_json_lines_are_scored_as_they_come(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    rows = tmp_path / "new.jsonl"
    rows.write_text(
        '{"area": 70, "rooms": 2, "name": "A"}\n\n{"area": null, "rooms": 1}\n',
        encoding="utf-8",
    )
    assert main(["score", str(folder), str(rows)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(answer) for answer in answers] == [
        ["name", "predicted"],
        ["predicted"],
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            '{"area": 70, "rooms": 2}\n{"area": "wide", "rooms": 2}',
            "Row 2, column 'area': 'wide' is not a number.",
        ),
        (
            '{"area": 70, "rooms": 2.5}',
            "Row 1, column 'rooms': 2.5 is not a whole number.",
        ),
        ('{"area": 70}', "Row 1 has no column 'rooms'."),
        ('{"area": 70, "room": 2}', "there as"),
        ("[1, 2]", "Row 1 is not an object"),
        ("{", "Row 1 is not JSON"),
    ],
)
def test_a_row_that_cannot_be_scored_is_named(
    folder: Path, tmp_path: Path, capsys: Capture, rows: str, message: str
) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text(rows + "\n", encoding="utf-8")
    assert main(["score", str(folder), str(path)]) == 2
    assert message in capsys.readouterr().err


def test_a_row_is_counted_from_the_beginning_of_the_file(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text(
        '{"area": 70, "rooms": 2}\n' * 5 + '{"area": 70, "rooms": "x"}\n',
        encoding="utf-8",
    )
    assert main(["score", str(folder), str(path), "--batch", "2"]) == 2
    assert "Row 6, column 'rooms'" in capsys.readouterr().err


def test_a_file_of_an_unknown_kind_is_refused(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["score", str(folder), str(tmp_path / "new.xlsx")]) == 2
    assert ".parquet" in capsys.readouterr().err


def test_gaps_in_whole_numbers_are_what_pandas_reads(
    made: tuple[Built, Manifest],
) -> None:
    rows = made[0].scorer.score_records([{"area": 50.0, "rooms": None}])
    assert len(rows) == 1
    with pytest.raises(RowsError, match="has no column"):
        made[0].scorer.score_records([{}])
