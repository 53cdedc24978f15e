"""From a request log to what is said of each version, and to the command's exit
code."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.scoring.bundle import read_manifest
from jupyter_pipe.serving.live.keeping import Keeper
from jupyter_pipe.serving.settings import LogSettings
from jupyter_pipe.serving.sources import FolderSource
from jupyter_pipe.serving.traffic.log import RequestLog
from jupyter_pipe.serving.traffic.reading import read_log
from jupyter_pipe.serving.traffic.records import Answered, Problem
from tests.serving.bundles import CONTRACT, built, write_version

Capture = pytest.CaptureFixture[str]


class Served:
    """A folder with the log of a service that answered requests."""

    def __init__(self, folder: Path) -> None:
        write_version(folder / "homes", 1)
        self.state = folder / ".jupyter_pipe" / "serving" / "homes"
        self.digest = (
            Keeper(self.state).keep(FolderSource(folder / "homes").current()).digest
        )
        self.numbers = itertools.count()
        self.manifest = read_manifest(folder / "homes")

    def write(self, answers: Iterable[Answered], **settings: Any) -> None:
        log = RequestLog(LogSettings(str(self.state / "log"), **settings))
        for answer in answers:
            log.add(answer)
        log.close()

    def answered(
        self, row: dict[str, Any], value: float, age: float = 60.0
    ) -> Answered:
        number = next(self.numbers)
        at = time.time() - age
        return Answered(
            f"i{number}",
            at,
            200,
            "run-1",
            self.digest,
            "champion",
            0.01,
            (row,),
            (value,),
        )

    def refused(self) -> Answered:
        problem = Problem("rows_invalid", "Row 1 …", 1, "rooms", "range")
        number = next(self.numbers)
        head = (
            f"i{number}",
            time.time() - 60,
            422,
            "run-1",
            self.digest,
            "champion",
            0.01,
        )
        return Answered(*head, problem=problem)

    def usual(self, count: int, **change: Any) -> list[Answered]:
        """Rows like those of the run, in another order, with their own predictions."""
        chance = random.Random(3)
        rows = [dict(chance.choice(self.manifest.golden)) for _ in range(count)]
        for number, row in enumerate(rows):
            row["name"] = f"N{number}"
            row.update(
                {
                    name: value(row) if callable(value) else value
                    for name, value in change.items()
                }
            )
        scored = built(1).scorer.score_records(rows)
        return [
            self.answered(row, float(value))
            for row, value in zip(rows, scored, strict=True)
        ]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.chdir(tmp_path)
    return Served(tmp_path)


def monitored(capsys: Capture, *options: str) -> tuple[int, dict[str, Any]]:
    code = main(["monitor", "homes", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def test_rows_like_those_of_the_run_are_fine(
    served: Served, capsys: Capture, tmp_path: Path
) -> None:
    served.write(served.usual(300))
    page = tmp_path / "monitor.html"
    code, said = monitored(capsys, "--html", str(page))
    assert (code, said["state"], said["versions"][0]["traffic"]["rows"]) == (
        0,
        "fine",
        300,
    )
    assert "As in the run" in page.read_text(
        encoding="utf-8"
    ) or "as in the run" in page.read_text(encoding="utf-8")


def test_a_shift_alarms_and_is_named(served: Served, capsys: Capture) -> None:
    served.write(
        served.usual(
            300, area=lambda row: None if row["area"] is None else row["area"] * 2
        )
    )
    code, said = monitored(capsys)
    assert (code, said["state"]) == (4, "alarm")
    assert "area" in {alarm["column"] for alarm in said["versions"][0]["alarms"]}
    assert main(["monitor", "homes"]) == 4
    assert "'area' moved" in capsys.readouterr().out


def test_what_began_yesterday_is_found_in_a_long_window(
    served: Served, capsys: Capture
) -> None:
    served.write(served.usual(3000))
    served.write(served.usual(100, district="North", rooms=5))
    code, said = monitored(capsys, "--batch", "100")
    assert code == 4
    batches = {
        (alarm["column"], alarm["batch"]) for alarm in said["versions"][0]["alarms"]
    }
    assert ("district", "newest 100 rows") in batches


def test_predictions_that_moved_alarm(served: Served, capsys: Capture) -> None:
    served.write(
        [
            served.answered(each.rows[0], each.predictions[0] + 3)
            for each in served.usual(300)
        ]
    )
    code, said = monitored(capsys)
    assert (code, [alarm["kind"] for alarm in said["versions"][0]["alarms"]]) == (
        4,
        ["predictions"],
    )


def test_refusals_alarm_and_name_the_column(served: Served, capsys: Capture) -> None:
    served.write([*served.usual(100), *(served.refused() for _ in range(9))])
    code, said = monitored(capsys)
    (alarm,) = said["versions"][0]["alarms"]
    assert (code, alarm["kind"], alarm["column"]) == (4, "refused", "rooms")


def test_too_few_rows_are_unknown_and_strict_says_so(
    served: Served, capsys: Capture
) -> None:
    served.write(served.usual(10))
    assert monitored(capsys)[1]["state"] == "unknown"
    assert monitored(capsys, "--strict")[0] == 4


def test_a_version_whose_bundle_is_not_here_is_unknown(
    served: Served, capsys: Capture
) -> None:
    served.digest = "0" * 64
    served.write(served.usual(100))
    code, said = monitored(capsys)
    assert (code, said["state"]) == (0, "unknown")
    assert "not on this machine" in said["versions"][0]["missing"]


def test_masked_columns_are_not_missed(served: Served, capsys: Capture) -> None:
    served.write(served.usual(100), drop=("area",), hash=("district",))
    code, said = monitored(capsys)
    assert (code, said["state"]) == (0, "fine")
    assert {column["name"] for column in said["versions"][0]["columns"]["columns"]} >= {
        "rooms"
    }


def test_what_goes_on_by_itself_can_be_left_out(
    served: Served, capsys: Capture
) -> None:
    served.write(served.usual(300, rooms=lambda row: 9))
    code, said = monitored(capsys)
    (alarm,) = [
        each for each in said["versions"][0]["alarms"] if each["column"] == "rooms"
    ]
    assert (code, "--ignore rooms" in alarm["message"]) == (4, True)
    code, said = monitored(capsys, "--ignore", "rooms")
    assert "rooms" not in {alarm["column"] for alarm in said["versions"][0]["alarms"]}
    assert said["versions"][0]["ignored"] == {"rooms": "as asked", "name": "a key"}
    main(["monitor", "homes", "--ignore", "rooms"])
    assert "not compared: rooms (as asked), name (a key)" in capsys.readouterr().out


def test_a_column_that_cannot_be_left_out_is_told(
    served: Served, capsys: Capture
) -> None:
    served.write(served.usual(100))
    assert main(["monitor", "homes", "--ignore", "room"]) == 0
    assert "No row has a column 'room'" in (said := capsys.readouterr().err)
    assert "Did you mean 'rooms'?" in said


def test_a_trend_of_the_contract_is_not_compared(
    served: Served, capsys: Capture, tmp_path: Path
) -> None:
    rules = (*CONTRACT.columns[:1], replace(CONTRACT.columns[1], trend=True))
    write_version(tmp_path / "homes", 1, contract=replace(CONTRACT, columns=rules))
    served.digest = (
        Keeper(served.state).keep(FolderSource(tmp_path / "homes").current()).digest
    )
    served.write(served.usual(300, rooms=lambda row: 9))
    _, said = monitored(capsys)
    assert said["versions"][0]["ignored"]["rooms"] == "a trend, says the contract"
    assert "rooms" not in {alarm["column"] for alarm in said["versions"][0]["alarms"]}


def test_labels_are_joined_and_limits_alarm(
    served: Served, capsys: Capture, tmp_path: Path
) -> None:
    answers = served.usual(100)
    served.write(
        [
            *answers,
            served.answered(
                {**answers[0].rows[0], "name": "OLD"}, 1.0, age=86_400.0 * 30
            ),
        ]
    )
    lines = [
        f"{each.rows[0]['name']},{each.predictions[0] + 0.5}" for each in answers[:40]
    ]
    table = tmp_path / "sold.csv"
    table.write_text(
        "\n".join(["name,price", *lines, lines[0], "OLD,1", "NEVER,1"]),
        encoding="utf-8",
    )
    code, said = monitored(capsys, "--labels", str(table), "--label", "price")
    quality = said["versions"][0]["quality"]
    assert code == 0
    assert [
        quality[name] for name in ("matched", "waiting", "late", "unknown", "double")
    ] == [
        40,
        60,
        1,
        1,
        1,
    ]
    assert quality["metrics"]["mae"] == pytest.approx(0.5)
    code, said = monitored(
        capsys, "--labels", str(table), "--label", "price", "--limit", "mae=0.4"
    )
    assert (code, [alarm["kind"] for alarm in said["versions"][0]["alarms"]]) == (
        4,
        ["quality"],
    )


def test_a_log_that_is_not_there_says_so(served: Served, capsys: Capture) -> None:
    assert main(["monitor", "houses"]) == 2
    assert "no request log" in capsys.readouterr().err


def test_a_damaged_file_of_the_log_is_left_out(served: Served) -> None:
    served.write(served.usual(5))
    (served.state / "log" / "requests-1.sqlite").write_bytes(
        b"no database, but long enough to be one" * 99
    )
    found = read_log(served.state / "log", 0.0, time.time())
    assert (len(found.answers), found.damaged) == (5, ("requests-1.sqlite",))
