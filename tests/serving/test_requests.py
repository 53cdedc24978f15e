"""What a service answers to what clients send: right answers, refusals that name the
place, never a 5xx."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from .bundles import built

ROW = {"area": 70.5, "rooms": 3, "district": "North"}


def score(client: TestClient, body: Any, **options: Any) -> Any:
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return client.post("/score", content=data, **options)


@pytest.mark.parametrize("body", [{"rows": [ROW]}, [ROW], ROW])
def test_rows_come_in_three_forms(client: TestClient, body: object) -> None:
    answer = score(client, body)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == list(built(1).scorer.score_records([ROW]))


def test_every_answer_says_which_version_made_it(client: TestClient) -> None:
    good, bad = score(client, ROW).json(), score(client, {"rows": [{}]}).json()
    for said in (good, bad):
        assert (said["name"], said["version"], len(said["digest"])) == (
            "homes",
            "run-1",
            64,
        )


@pytest.mark.parametrize(
    ("change", "row", "column", "rule"),
    [
        ({"area": "wide"}, 2, "area", "type"),
        ({"rooms": 2.5}, 2, "rooms", "type"),
        ({"rooms": 1e300}, 2, "rooms", "range"),
        ({"rooms": "inf"}, 2, "rooms", "type"),
        ({"rooms": "nan"}, 2, "rooms", "type"),
        ({"area": 10**400}, 2, "area", "range"),
        ({"rooms": 2**63}, 2, "rooms", "range"),
        ({"rooms": 12}, 2, "rooms", "range"),
        ({"rooms": None}, 2, "rooms", "nulls"),
        ({"area": [1]}, 2, "area", "type"),
        ({"area": True}, 2, "area", "type"),
        ({"district": "West"}, 2, "", "code"),
        ({"district": None}, 2, "", "code"),
    ],
)
def test_a_row_that_does_not_fit_is_named(
    client: TestClient, change: dict[str, Any], row: int, column: str, rule: str
) -> None:
    answer = score(client, {"rows": [ROW, {**ROW, **change}]})
    assert answer.status_code == 422, answer.json()
    error = answer.json()["error"]
    assert (error["row"], error.get("column", ""), error["rule"]) == (row, column, rule)
    assert f"Row {row}" in error["message"]


def test_a_missing_column_is_named_with_what_was_probably_meant(
    client: TestClient,
) -> None:
    error = score(
        client, {"rows": [{"area": 70.5, "room": 3, "district": "North"}]}
    ).json()["error"]
    assert (error["row"], error["column"], error["rule"]) == (1, "rooms", "missing")
    assert "'room'" in error["hint"]


def test_an_unusual_row_is_answered_with_a_remark(client: TestClient) -> None:
    said = score(client, {"rows": [ROW, {**ROW, "area": 4000.0}]}).json()
    assert len(said["predictions"]) == 2
    assert [
        (each["row"], each["column"], each["rule"]) for each in said["remarks"]
    ] == [(2, "area", "range")]


def test_many_unusual_rows_are_refused(client: TestClient) -> None:
    answer = score(client, {"rows": [ROW] * 20 + [{**ROW, "area": 4000.0}] * 20})
    assert answer.status_code == 422
    assert answer.json()["error"]["row"] == 21


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b'{"rows": [{"area": NaN}]}', {}, 400),
        (b"[" * 100_001, {}, 413),
        (b"[" * 90_000, {}, 400),
        ('{"rows": []}'.encode("utf-16"), {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"3", {}, 422),
        (b"null", {}, 422),
        (b"[[1, 2]]", {}, 422),
        (b'{"rows": []}', {}, 422),
        (b"{}", {}, 422),
        (json.dumps({"rows": [ROW] * 51}).encode(), {}, 413),
        (b" " * 200_000, {}, 413),
    ],
)
def test_what_is_no_request_is_refused(
    client: TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/score", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_body_that_lies_about_its_length_is_cut_off(client: TestClient) -> None:
    answer = client.post("/score", content=(b" " * 1000 for _ in range(200)))
    assert answer.status_code == 413


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys((*ROW, "name", "price", "other"), VALUES)
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.lists(ROWS, max_size=4)
    | ROWS
    | VALUES
    | st.builds(lambda rows: {"rows": rows}, VALUES)
)
def test_whatever_is_sent_is_answered_below_500(
    client: TestClient, body: object
) -> None:
    answer = score(client, body)
    assert answer.status_code < 500, answer.text
    if answer.status_code == 200:
        assert all(math.isfinite(each) for each in answer.json()["predictions"])


def test_bytes_that_were_changed_at_random_are_answered_below_500(
    client: TestClient,
) -> None:
    chance = random.Random(5)
    for _ in range(150):
        body = bytearray(
            json.dumps(
                {"rows": [ROW, {**ROW, "name": "Ä"}]}, ensure_ascii=False
            ).encode()
        )
        for _ in range(chance.randint(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        assert score(client, bytes(body)).status_code < 500


def test_the_schema_says_what_a_row_is(client: TestClient) -> None:
    said = client.get("/schema").json()
    assert said["row"]["required"] == ["area", "rooms", "district"]
    # A limit that a share of the rows may pass is none that a row must keep.
    assert "maximum" not in said["row"]["properties"]["area"]
    assert said["row"]["properties"]["rooms"] == {
        "type": ["integer"],
        "minimum": 1.0,
        "maximum": 9.0,
    }
    assert score(client, {"rows": said["examples"]}).status_code == 200
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/score",
        "/health",
        "/ready",
        "/schema",
        "/status",
        "/metrics",
    }


def test_counts_are_told_to_prometheus(client: TestClient) -> None:
    score(client, {"rows": [{**ROW, "rooms": 12}]})
    text = client.get("/metrics").text
    assert 'jupyter_pipe_refusals_total{column="rooms",rule="range"}' in text
    assert (
        'jupyter_pipe_answers_total{role="champion",status="422",version="run-1"}'
        in text
    )
    assert client.get("/status").json()["live"][0]["version"] == "run-1"


def test_pages_of_the_framework_that_load_scripts_from_elsewhere_are_not_there(
    client: TestClient,
) -> None:
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
