"""Requests that are scored together get what each gets alone; keys decide who
answers."""

from __future__ import annotations

import pytest

from jupyter_pipe.serving.live.batching import Job, score_jobs
from jupyter_pipe.serving.live.models import Model, load_model
from jupyter_pipe.serving.live.routing import Routing, key_of_rows
from jupyter_pipe.serving.sources import FolderSource

from .bundles import write_version

ROW = {"area": 70.5, "rooms": 3, "district": "North"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Model]:
    place = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        write_version(place / str(version), version)
    first, second = (
        load_model(FolderSource(place / str(version)).current()) for version in (1, 2)
    )
    return first, second


def told(job: Job) -> tuple[object, ...]:
    assert job.scored
    return job.scored.predictions, job.scored.remarks, str(job.scored.error or "")


def test_requests_of_two_versions_and_bad_ones_do_not_mix(
    models: tuple[Model, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [
        [ROW],
        [{**ROW, "area": None}, {**ROW, "rooms": 5, "district": "South"}],
        [{**ROW, "district": "West"}],
        [{**ROW, "rooms": "many"}],
        [{**ROW, "price": 3.0}],
    ]
    jobs = [Job(model, rows) for rows in requests for model in models]
    alone = [Job(job.model, job.rows) for job in jobs]
    for job in alone:
        score_jobs([job])
    sizes: list[int] = []
    inner = type(models[0].scorer).score
    monkeypatch.setattr(
        type(models[0].scorer),
        "score",
        lambda self, rows: (sizes.append(len(rows)), inner(self, rows))[1],
    )
    score_jobs(jobs)
    assert [told(job) for job in jobs] == [told(job) for job in alone]
    rules = [
        job.scored.error.rule if job.scored and job.scored.error else ""
        for job in jobs[::2]
    ]
    assert rules == ["", "", "code", "type", ""]
    score_jobs([Job(models[0], [ROW]) for _ in range(20)])
    assert sizes[-1] == 20


def test_a_model_that_rounds_scores_each_request_alone(
    models: tuple[Model, Model],
) -> None:
    import msgspec

    model = models[0]
    rounded = Model(
        model.release,
        msgspec.structs.replace(model.manifest, exact=False),
        model.scorer,
    )
    assert (model.joins, rounded.joins) == (True, False)


def test_the_row_that_fails_is_found_among_many(models: tuple[Model, Model]) -> None:
    rows = [ROW] * 40
    rows[29] = {**ROW, "district": "West"}
    job = Job(models[0], rows)
    score_jobs([job])
    assert job.scored
    assert job.scored.error
    assert job.scored.error.row == 30


def test_keys_are_divided_by_the_share_and_stay_where_they_are(
    models: tuple[Model, Model],
) -> None:
    champion, challenger = models
    routing = Routing(champion, challenger, "canary", 0.1)
    keys = [f"key {number}" for number in range(5000)]
    chosen = [key for key in keys if routing.choose(key)[1] == "challenger"]
    assert 400 < len(chosen) < 600
    wider = Routing(champion, challenger, "ab", 0.5)
    assert all(wider.choose(key)[1] == "challenger" for key in chosen)
    assert {Routing(champion, None, "ab", 0.5).choose(key) for key in keys[:50]} == {
        (champion, "champion")
    }
    assert {
        Routing(champion, challenger, "shadow").choose(key)[1] for key in keys[:50]
    } == {"champion"}


def test_the_key_is_that_of_the_first_row_whatever_order_its_columns_have() -> None:
    assert key_of_rows([{"a": 1, "k": 2}], ("k",)) == key_of_rows(
        [{"k": 2, "a": 9}, {"k": 3}], ("k",)
    )
    assert key_of_rows([{"a": 1, "b": 2}], ("k",)) == key_of_rows(
        [{"b": 2, "a": 1}], ("k",)
    )
    assert key_of_rows([{"k": 1}], ("k",)) != key_of_rows([{"k": "1"}], ("k",))
