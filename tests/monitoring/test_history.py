"""How far columns were from the run that made the model, batch by batch, and the page
that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_pipe.monitoring.bundles import kept_bundles
from jupyter_pipe.monitoring.history import MOST_MOMENTS, moments
from jupyter_pipe.server.operations.monitoring import monitoring_page
from jupyter_pipe.server.operations.payloads import PageRequest
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.server.paths import Root
from jupyter_pipe.serving.traffic.reading import read_log
from tests.monitoring.test_watching import Served


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Four hundred rows as in the run, then two hundred with larger homes."""
    monkeypatch.chdir(tmp_path)
    made = Served(tmp_path)
    larger = made.usual(200, area=lambda row: 500.0)
    answers = [*made.usual(400), *larger]
    made.write(
        replace(each, at=each.at - 600 + number) for number, each in enumerate(answers)
    )
    return made


def test_a_shift_is_seen_from_the_batch_in_which_it_began(served: Served) -> None:
    log = read_log(served.state / "log", 0.0, 1e12)
    found = moments(log, kept_bundles(served.state))
    assert 10 < len(found) <= MOST_MOMENTS + 1
    assert sum(moment.rows for moment in found) == 600
    assert [moment.since for moment in found] == sorted(
        moment.since for moment in found
    )
    first = next(
        number for number, moment in enumerate(found) if "area" in moment.moved
    )
    before = sum(moment.rows for moment in found[:first])
    assert 400 - found[first].rows <= before <= 400 + found[first].rows
    assert all("area" in moment.moved for moment in found[first + 1 :])
    assert all("name" not in moment.indices for moment in found)
    assert all(moment.middle is not None for moment in found)


def test_versions_are_not_mixed_and_what_cannot_be_compared_is_left_out(
    served: Served,
) -> None:
    log = read_log(served.state / "log", 0.0, 1e12)
    other = [replace(each, digest="0" * 64) for each in log.answers[:100]]
    found = moments(
        replace(log, answers=(*other, *log.answers[100:])), kept_bundles(served.state)
    )
    assert sum(moment.rows for moment in found) == 500
    assert (
        moments(replace(log, answers=log.answers[:20]), kept_bundles(served.state))
        == ()
    )


def test_the_page(served: Served, tmp_path: Path) -> None:
    page = monitoring_page(Place(Root(tmp_path), PageRequest()))
    (service,) = page.services
    assert (service.name, service.state, page.problem) == ("homes", "alarm", "")
    (version,) = service.versions
    assert any("'area' moved" in text for text in version.alarms)
    assert version.ignored == {"name": "a key"}
    area = next(each for each in service.series if each.name == "area")
    assert len(area.indices) == len(area.moved) == len(service.moments)
    assert service.series[0] == area, "what moved furthest is shown first"


def test_a_bundle_that_nobody_signed_is_a_sentence_on_the_page(
    served: Served, tmp_path: Path
) -> None:
    (manifest,) = served.state.glob("bundles/*/bundle.json")
    manifest.write_bytes(manifest.read_bytes().replace(b'"homes"', b'"house"'))
    page = monitoring_page(Place(Root(tmp_path), PageRequest()))
    assert page.services == ()
    assert "not signed by you" in page.problem
    assert str(tmp_path) not in page.problem


def test_of_many_answers_a_sample_of_the_whole_time_is_taken(served: Served) -> None:
    every = read_log(served.state / "log", 0.0, 1e12)
    log = read_log(served.state / "log", 0.0, 1e12, most=250)
    assert (every.every, log.every, len(log.answers)) == (1, 3, 200)
    assert log.answers[0].at - every.answers[0].at < 3
    assert every.answers[-1].at - log.answers[-1].at < 3
    found = moments(log, kept_bundles(served.state))
    assert ["area" in moment.moved for moment in found] == sorted(
        "area" in moment.moved for moment in found
    )
