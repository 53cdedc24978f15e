"""Pages of the Operations tab: what they tell of records on disk, and what is
refused."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.artifacts.profile_record import PROBABILITIES, ColumnProfile, Profile
from jupyter_pipe.contracts import ColumnRule, Contract, Reference
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.labels import label_config
from jupyter_pipe.runs import RunFacts, RunStore
from jupyter_pipe.runs.data.profiles import ValueProfile
from jupyter_pipe.runs.model import Process
from jupyter_pipe.server.operations.data import value_shown
from jupyter_pipe.server.operations.payloads import (
    AnswerRequest,
    PageRequest,
    QuestionShown,
)
from jupyter_pipe.server.operations.service import AnswerOrder, OperationsService
from jupyter_pipe.server.paths import PathError, Root
from jupyter_pipe.serving.announcing import announced, running_services
from jupyter_pipe.serving.settings import LogSettings
from jupyter_pipe.serving.traffic.log import RequestLog
from jupyter_pipe.serving.traffic.records import Answered, Problem
from jupyter_pipe.serving.traffic.summary import summarise_log
from jupyter_pipe.sweeps.model import Dimension, Study, Trial
from jupyter_pipe.sweeps.studies import study_folder
from jupyter_pipe.trust.signatures import unsigned
from tests.server.conftest import notebook_json
from tests.server.test_handlers import Api, api

pytestmark = pytest.mark.server
__all__ = ["api"]

DIGEST = "ab" * 32
ASKED = ev.ApprovalChecked("fit", "Good enough?", DIGEST)
WAITED = (
    ev.RunStarted(pid=1, workers=1),
    ev.StageQueued("fit", cells=1),
    ev.StageStarted("fit"),
    ASKED,
    ev.StageFailed("fit", "", "Good enough?", kind=ev.FailureKind.approval),
    ev.RunFinished(ev.RunState.waiting, exit_code=5, seconds=2.0),
)
PAGES = (
    "waiting",
    "models",
    "data",
    "studies",
    "service",
    "loop",
    "monitoring",
    "labels",
)


@pytest.fixture
def service(jp_root_dir: Path) -> OperationsService:
    (jp_root_dir / "flow.ipynb").write_text(
        json.dumps(notebook_json(("x = 1", "stage:fit")))
    )
    return OperationsService(Root(jp_root_dir))


HERE = PageRequest("", "flow.ipynb")


async def test_every_page_of_an_empty_folder_is_empty(
    api: Api, service: OperationsService
) -> None:
    for page in PAGES:
        status, found = await api(
            "GET", f"operations/{page}", root="", notebook="flow.ipynb"
        )
        assert status == 200
        # Nothing is told, and nothing was wrong: the page teaches what fills it.
        assert not any(
            value
            for key, value in found.items()
            if key not in {"registry", "since", "file"}
        )


async def test_what_is_asked_wrongly_is_refused(
    api: Api, service: OperationsService
) -> None:
    assert (await api("GET", "operations/data", root="..", notebook=""))[0] == 400
    assert (await api("GET", "operations/data", root="", notebook="none.ipynb"))[
        0
    ] == 404
    assert (await api("POST", "operations/answer", body={"run_id": 1}))[0] == 400
    body = {"decision": "promote", "name": "flow", "number": 1}
    status, found = await api("POST", "operations/decision", body=body, root="")
    assert (status, found["code"]) == (404, "model_unknown")


def questions(service: OperationsService) -> list[QuestionShown]:
    return list(service.waiting(HERE).questions)


def test_a_question_waits_until_it_is_answered_and_the_run_went_on(
    service: OperationsService, make_run: Callable[..., str], jp_root_dir: Path
) -> None:
    run_id = make_run(*WAITED)
    assert [(each.run_id, each.stage, each.state) for each in questions(service)] == [
        (run_id, "fit", "waiting")
    ]
    order = AnswerOrder(HERE, AnswerRequest(run_id, "fit", approved=True, note="fine"))
    answered = service.answer(order).questions[0]
    assert (answered.state, answered.note) == ("approved", "fine")

    resumed = ev.RunQueued(
        "20990101-000000-abcd", "flow", ("fit",), resumed_from=run_id
    )
    append_run(jp_root_dir, resumed)
    assert questions(service) == []


def append_run(folder: Path, queued: ev.RunQueued) -> None:
    """A run that goes on from another one."""
    store = RunStore(folder)
    pipeline = store.read_pipeline(store.ids()[0])
    facts = RunFacts(notebook=str(folder / "flow.ipynb"))
    writer = store.create(pipeline, facts, run_id=queued.run_id)
    writer.append(queued)
    writer.close()


def test_only_the_newest_question_of_a_stage_waits(
    service: OperationsService, make_run: Callable[..., str]
) -> None:
    make_run(*WAITED)
    newest = make_run(*WAITED)
    found = questions(service)
    assert len(found) == 1
    assert found[0].run_id in {newest, RunStore(service._root.folder).ids()[0]}


@pytest.mark.parametrize("stage", ["other", "../fit"])
def test_a_stage_that_asks_nobody_cannot_be_answered(
    service: OperationsService, make_run: Callable[..., str], stage: str
) -> None:
    order = AnswerOrder(HERE, AnswerRequest(make_run(*WAITED), stage, approved=True))
    with pytest.raises(RunError, match="does not wait"):
        service.answer(order)


def test_a_run_of_somebody_else_is_not_answered(
    service: OperationsService, make_run: Callable[..., str], jp_root_dir: Path
) -> None:
    run_id = make_run(*WAITED)
    summary = RunStore(jp_root_dir).folder(run_id).summary
    summary.write_bytes(unsigned(summary.read_bytes()))
    with pytest.raises(PipeError, match="not"):
        service.answer(AnswerOrder(HERE, AnswerRequest(run_id, "fit", approved=True)))
    assert not (jp_root_dir / ".jupyter_pipe" / "approvals").exists()


@pytest.mark.parametrize(
    "name", ["studies", "serving", "mlflow.db", "loops", "approvals", "models"]
)
def test_links_to_other_folders_are_not_followed(
    service: OperationsService, jp_root_dir: Path, tmp_path: Path, name: str
) -> None:
    state = jp_root_dir / ".jupyter_pipe"
    state.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (state / name).symlink_to(tmp_path / "elsewhere")
    for page in PAGES:
        with pytest.raises(PathError):
            getattr(service, page)(HERE)


def test_a_pipe_in_the_place_of_a_database_is_no_database(
    service: OperationsService, jp_root_dir: Path
) -> None:
    logs = jp_root_dir / ".jupyter_pipe" / "serving" / "flow" / "log"
    logs.mkdir(parents=True)
    os.mkfifo(jp_root_dir / ".jupyter_pipe" / "mlflow.db")
    os.mkfifo(logs / "requests-1.sqlite")
    assert service.models(HERE).models == ()
    assert service.service(HERE).services[0].versions == ()


COLUMNS = "id, at, status, version, digest, role, seconds, rows, predictions, problem"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (
            f"VIEW answers({COLUMNS}) AS {ENDLESS} i, i, i, i, i, i, i, i, i, i FROM n",
            None,
        ),
        (
            f"TABLE answers ({COLUMNS})",
            ["a", 0, 200, "1", "d", "champion", "slow", "[]", "[]", None],
        ),
        (
            f"TABLE answers ({COLUMNS})",
            ["a", 0, 200, b"\xff", "d", None, 0.1, "[]", "[]", b"{"],
        ),
        (f"TABLE answers ({COLUMNS})", [None, 0, "x", 1.5, 7, 7, None, 7, 7, 7]),
        ("TABLE answers (at)", None),
    ],
)
def test_a_request_log_that_no_service_wrote_is_named(
    service: OperationsService, jp_root_dir: Path, table: str, line: list[object] | None
) -> None:
    folder = jp_root_dir / ".jupyter_pipe" / "serving" / "flow" / "log"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "requests-1.sqlite")) as database, database:
        database.execute(f"CREATE {table}")
        database.execute("CREATE TABLE masks (dropped, hashed)")
        if line:
            line[1] = time.time() - 60
            database.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", line
            )
    (shown,) = service.service(HERE).services
    (watched,) = service.monitoring(HERE).services
    assert (shown.versions, watched.versions) == ((), ())
    assert "requests-1.sqlite" in shown.problem
    assert "requests-1.sqlite" in watched.problem


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_request_log_elsewhere_is_not_shown(
    service: OperationsService, jp_root_dir: Path, tmp_path: Path, is_folder: bool
) -> None:
    elsewhere = tmp_path / "elsewhere"
    log = RequestLog(LogSettings(str(elsewhere)))
    log.add(Answered("a", time.time() - 60, 200, "private", "d", "champion", 0.1))
    log.close()
    folder = jp_root_dir / ".jupyter_pipe" / "serving" / "flow"
    folder.mkdir(parents=True)
    if is_folder:
        (folder / "log").symlink_to(elsewhere)
    else:
        (folder / "log").mkdir()
        (folder / "log" / "requests-1.sqlite").symlink_to(
            next(elsewhere.glob("*.sqlite"))
        )
    pages = [service.service(HERE), service.monitoring(HERE)]
    assert "private" not in str(pages)


def test_a_registry_that_is_damaged_is_a_sentence_on_the_page(
    service: OperationsService, make_run: Callable[..., str], jp_root_dir: Path
) -> None:
    make_run(*WAITED)
    (jp_root_dir / ".jupyter_pipe" / "mlflow.db").write_bytes(b"no database" * 100)
    problem = service.models(HERE).problem
    assert problem.startswith("The registry .jupyter_pipe/mlflow.db cannot be read")
    waiting = service.waiting(HERE)
    assert "cannot be read" in waiting.problem
    assert len(waiting.questions) == 1


# Data


def numbers(low: float, high: float, nulls: int = 0) -> ColumnProfile:
    """A column of 100 even numbers."""
    quantiles = tuple(low + (high - low) * share for share in PROBABILITIES)
    return ColumnProfile(
        "area", "float", nulls=nulls, filled=100, distinct=100, quantiles=quantiles
    )


def reference(low: float, high: float) -> Reference:
    shares = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
    return Reference(quantiles=tuple(low + (high - low) * share for share in shares))


RULE = ColumnRule(
    "area",
    "float",
    low=0.0,
    high=100.0,
    nulls=0.0,
    drift=0.5,
    reference=reference(0, 100),
)


def shown(
    column: ColumnProfile, contract: Contract | None, *, is_watched: bool = True
) -> Any:
    profile = Profile("DataFrame", rows=100, looked=100, columns=(column,))
    return value_shown(
        ValueProfile("ingest", "raw", profile), contract, is_watched=is_watched
    )


@pytest.mark.parametrize(
    ("column", "contract", "watched", "state"),
    [
        (numbers(0, 100), None, False, "none"),
        (numbers(0, 100), None, True, "missing"),
        (numbers(0, 100), Contract("raw", columns=(RULE,)), True, "kept"),
        (numbers(0, 1000), Contract("raw", columns=(RULE,)), True, "broken"),
        (
            numbers(0, 100),
            Contract("raw", by="week", columns=(RULE,)),
            True,
            "unjudged",
        ),
    ],
)
def test_the_state_of_a_contract(
    column: ColumnProfile, contract: Contract | None, watched: bool, state: str
) -> None:
    assert shown(column, contract, is_watched=watched).contract == state


def test_a_column_tells_its_drift_and_what_is_wrong() -> None:
    fine = shown(numbers(0, 100), Contract("raw", columns=(RULE,))).columns[0]
    assert fine.drift == pytest.approx(0, abs=0.02)
    assert fine.expected == "float, 0 to 100, no missing values"
    moved = shown(numbers(0, 1000), Contract("raw", columns=(RULE,))).columns[0]
    assert moved.drift is not None
    assert moved.drift > 1
    assert len(moved.problems) == 1
    assert "expected 0 to 100" in moved.problems[0]


def test_the_last_batch_is_told_apart() -> None:
    good = Profile("DataFrame", rows=50, columns=(numbers(0, 100),))
    bad = Profile("DataFrame", rows=40, columns=(numbers(0, 1000),))
    week = ColumnProfile("week", "int", filled=90)
    profile = Profile(
        "DataFrame",
        90,
        90,
        columns=(week, numbers(0, 500)),
        by="week",
        batches={"1": good, "2": bad},
    )
    contract = Contract("raw", by="week", columns=(RULE,))
    found = value_shown(
        ValueProfile("ingest", "raw", profile), contract, is_watched=True
    )
    assert found.last is not None
    assert (found.last.name, found.last.rows, len(found.last.problems)) == ("2", 40, 1)
    assert [text for text in found.columns[1].problems if text.startswith("week 2: ")]


# Studies


def test_a_study_is_told_with_its_best_trial_and_its_command(
    service: OperationsService, jp_root_dir: Path
) -> None:
    store = RunStore(jp_root_dir)
    folder = study_folder(store, "mae of trees")
    folder.create(
        Study(
            "mae of trees",
            "flow.ipynb",
            "mae",
            "minimize",
            (Dimension("n", low=1, high=9),),
        )
    )
    for number, value in enumerate((3.0, 1.0, 2.0)):
        folder.note(Trial(number, {"n": number}, f"run-{number}", "succeeded", value))
    folder.note(
        Trial(3, {"n": 3}, "run-3", "infeasible", 0.5, reason="the gate is false")
    )
    stranger = study_folder(store, "other")
    stranger.create(Study("other", "flow.ipynb", "mae", "minimize", ()))
    record = stranger.path / "study.json"
    record.write_bytes(unsigned(record.read_bytes()))
    page = service.studies(HERE)
    study = next(each for each in page.studies if each.name == "mae of trees")
    assert (study.best, len(study.trials)) == (1, 4)
    assert (
        study.command == "jupyter pipe sweep flow.ipynb --study 'mae of trees' --resume"
    )
    assert "'other'" in page.problem


# Service


def test_traffic_is_counted_by_version_time_and_cause(tmp_path: Path) -> None:
    log = RequestLog(LogSettings(str(tmp_path)))
    now = 1_000_000.0
    for number in range(100):
        log.add(
            Answered(
                f"a{number}",
                now + number,
                200,
                "1",
                "d",
                "champion",
                0.001 * (number + 1),
            )
        )
    problem = Problem("row_refused", "area is text", column="area", rule="type")
    log.add(Answered("b", now + 50, 422, "1", "d", "champion", 0.2, problem=problem))
    log.add(Answered("c", now + 51, 200, "2", "e", "challenger", 0.2))
    log.add(Answered("d", now + 500, 200, "2", "e", "champion", 9.0))
    log.close()
    (tmp_path / "requests-0.sqlite").write_bytes(b"nothing of ours")
    found = summarise_log(tmp_path, now, now + 100, buckets=4)
    assert [
        (each.version, each.role, each.answers, each.refused) for each in found.versions
    ] == [
        ("1", "champion", 101, 1),
        ("2", "challenger", 1, 0),
    ]
    assert [each.answers for each in found.buckets] == [25, 25, 27, 25]
    assert found.refusals == {"area: type": 1}
    assert found.looked == 102
    assert found.latency["p50"] == pytest.approx(0.052)
    assert found.damaged == ("requests-0.sqlite",)


def test_a_service_is_there_as_long_as_it_runs(tmp_path: Path) -> None:
    facts = ("http://127.0.0.1:8000", "flow@champion", 2, time.time(), "", 0.0)
    with announced(tmp_path, *facts):
        (running,) = running_services(tmp_path)
        assert (running.address, running.workers) == ("http://127.0.0.1:8000", 2)
        record = next(tmp_path.glob("service-*.json"))
        record.write_bytes(unsigned(record.read_bytes()))
        # An address that somebody else wrote down is one to lead astray.
        assert running_services(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_was_killed_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Process(pid=2**22 + 1, start="1", host=os.uname().nodename)
    monkeypatch.setattr("jupyter_pipe.serving.announcing.this_process", lambda: gone)
    with announced(tmp_path, "http://127.0.0.1:8000", "flow", 1, 0.0, "", 0.0):
        assert running_services(tmp_path) == ()


# Loop


def test_a_loop_file_with_a_mistake_is_named(
    service: OperationsService, jp_root_dir: Path
) -> None:
    (jp_root_dir / "flow.loop.yaml").write_text("fils: observed\n")
    page = service.loop(HERE)
    assert page.exists
    assert "files" in page.problem
    (jp_root_dir / "flow.loop.yaml").write_text("files: observed\npromote: ask\n")
    page = service.loop(HERE)
    assert (page.problem, page.promote, page.process) == ("", "ask", 0)
    assert page.next


async def test_a_row_is_labelled(
    api: Api, service: OperationsService, jp_root_dir: Path
) -> None:
    (jp_root_dir / "queue.tasks.json").write_text(
        '[{"data": {"ticket": "T1"}}, {"data": {"ticket": "T2"}}]'
    )
    (jp_root_dir / "queue.tasks.xml").write_text(label_config(["ticket"], ["a", "b"]))
    (queue,) = service.labels(HERE).queues
    assert [task.data for task in queue.tasks] == [{"ticket": "T1"}, {"ticket": "T2"}]
    asked = {"queue": "queue", "task": queue.tasks[0].id, "label": "b"}
    _, page = await api(
        "POST", "operations", "label", body=asked, notebook="flow.ipynb"
    )
    (queue,) = service.labels(HERE).queues
    assert page["queues"][0]["labelled"] == queue.labelled == 1
    assert [task.label for task in queue.recent] == ["b"]
    for wrong in ({"queue": "../queue"}, {"label": "c"}, {"task": "0"}):
        status, said = await api(
            "POST",
            "operations",
            "label",
            body={**asked, **wrong},
            notebook="flow.ipynb",
        )
        assert (status, said["code"]) == (400, "labels_unusable")
