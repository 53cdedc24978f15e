"""A second version beside the one that answers: it scores after the answer, or answers
its share of keys."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from jupyter_pipe.serving.service import Service
from jupyter_pipe.serving.settings import LogSettings, Mode, Settings
from jupyter_pipe.serving.web.app import make_app

from .bundles import built, write_version
from .service import until

ROW = {"area": 70.5, "rooms": 3, "district": "North"}
ROWS = [
    {**ROW, "area": 40.0 + 4 * number, "name": f"H{number}"} for number in range(30)
]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two")
    for version in (1, 2):
        write_version(place / f"homes-{version}", version)
    return place


@contextmanager
def served(
    versions: Path, folder: Path, mode: Mode, share: float = 0.0
) -> Iterator[tuple[Service, TestClient]]:
    settings = Settings(
        str(versions / "homes-1"),
        challenger=str(versions / "homes-2"),
        mode=mode,
        share=share,
        root=str(folder),
        log=LogSettings(str(folder / "log")),
    )
    service = Service(settings)
    with TestClient(make_app(service)) as client:
        yield service, client


def ask(client: TestClient, *rows: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/score", json={"rows": list(rows)}).json()
    return found


def predictions(version: int, rows: list[dict[str, Any]]) -> list[float]:
    return list(built(version).scorer.score_records(rows))


def counted(client: TestClient, name: str) -> int:
    """The sum of one of the service's counts."""
    lines = client.get("/metrics").text.splitlines()
    return sum(
        int(float(each.split()[-1]))
        for each in lines
        if each.startswith(f"jupyter_pipe_{name}_total")
    )


def test_a_shadow_scores_after_the_answer_and_is_counted_and_written_down(
    versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    with served(versions, tmp_path, "shadow") as (service, client):
        before = counted(client, "shadow_differences")
        assert service._shadowing
        own = service._shadowing.score

        async def held(*arguments: Any) -> Any:
            await asyncio.to_thread(free.wait, 60)
            return await own(*arguments)

        monkeypatch.setattr(service._shadowing, "score", held)
        answer = ask(client, *ROWS)
        # The shadow has not scored yet, and could not have.
        assert (answer["version"], answer["predictions"]) == (
            "run-1",
            predictions(1, ROWS),
        )
        free.set()
        different = sum(
            one != other
            for one, other in zip(
                answer["predictions"], predictions(2, ROWS), strict=True
            )
        )
        assert different > 0
        until(
            lambda: counted(client, "shadow_differences") == before + different,
            "the shadow's count",
        )
    (path,) = (tmp_path / "log").glob("*.sqlite")
    ((written,),) = (
        sqlite3.connect(path).execute("SELECT predictions FROM shadows").fetchall()
    )
    assert json.loads(written) == predictions(2, ROWS)


def test_of_two_versions_each_answers_its_share_of_the_keys_and_always_the_same(
    versions: Path, tmp_path: Path
) -> None:
    with served(versions, tmp_path, "ab", 0.5) as (service, client):
        first = [ask(client, row) for row in ROWS]
        again = [ask(client, {**row, "area": 55.0}) for row in ROWS]
        expected = [
            service.routing.choose(f'{{"name":"{row["name"]}"}}')[1] for row in ROWS
        ]
    roles = {"run-1": "champion", "run-2": "challenger"}
    assert [roles[each["version"]] for each in first] == expected
    assert [each["version"] for each in again] == [each["version"] for each in first]
    assert {*expected} == {"champion", "challenger"}
    for row, answer in zip(ROWS, first, strict=True):
        assert answer["predictions"] == predictions(int(answer["version"][-1]), [row])
