"""A run in an engine that is not there: laid out, followed, out of sight, caught up,
cancelled."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.errors import UntrustedError
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit import (
    Order,
    Sighting,
    SilentError,
    StageSeen,
    Started,
    SubmitError,
)
from jupyter_pipe.submit.following import Follower
from jupyter_pipe.submit.settings import Configuration, find_configuration
from jupyter_pipe.submit.submission import find_submission, submit
from jupyter_pipe.submit.web import Web
from tests.cli.conftest import write_notebook


class Fake:
    """An engine that answers what it is told to; None is silence."""

    def __init__(self, *answers: Sighting | None) -> None:
        self.answers = list(answers)
        self.orders: list[Order] = []
        self.cancelled: list[Mapping[str, str]] = []
        self.refuses = False

    def require_settings(self) -> None:
        pass

    def start(self, order: Order) -> Started:
        if self.refuses:
            raise SubmitError("no such partition", code="engine_refused")
        self.orders.append(order)
        return Started({"a": "1"}, "http://engine/runs/1")

    def look(self, handle: Mapping[str, str]) -> Sighting:
        assert handle == {"a": "1"}
        answer = self.answers.pop(0)
        if answer is None:
            raise SilentError("connection refused")
        return answer

    def cancel(self, handle: Mapping[str, str]) -> None:
        self.cancelled.append(handle)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    engine = Fake()
    monkeypatch.setattr(
        "jupyter_pipe.submit.submission.engine_of", lambda configuration: engine
    )
    return engine


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    notebook = write_notebook(
        tmp_path / "two words.ipynb",
        [
            ("n: int = 1\nword: str = 'x'", ["parameters"]),
            ("x = n", ["stage:a"]),
            ("y = x", ["stage:b"]),
        ],
    )
    target = open_target(notebook)
    given = resolve_parameters(target.pipeline.parameters, texts={"word": "a\n'$(b)'"})
    return RunRequest(target=target, parameters=given)


def test_a_submitted_run_waits_and_is_shown_like_any_other(
    fake: Fake,
    request_: RunRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = submit(request_, "slurm")
    assert (run.state.value, run.engine, run.page) == (
        "queued",
        "SLURM",
        "http://engine/runs/1",
    )
    (order,) = fake.orders
    assert order.values == {"JUPYTER_PIPE_WORD": "a\n'$(b)'"}
    assert Path(order.plan.options.package, "pipeline.json").exists()
    monkeypatch.chdir(request_.target.store.root)
    capsys.readouterr()
    assert main(["show", run.run_id]) == 0
    assert "engine     SLURM http://engine/runs/1" in capsys.readouterr().out
    assert main(["logs", run.run_id]) == 0
    assert "in SLURM http://engine/runs/1" in capsys.readouterr().out


def test_an_engine_that_goes_away_is_out_of_sight_until_it_is_back(
    fake: Fake, request_: RunRequest
) -> None:
    store = request_.target.store
    run_id = submit(request_, "slurm").run_id
    submission = find_submission(store, run_id)
    assert submission is not None
    follower = Follower(store, run_id, submission, fake)
    waiting = Sighting("waiting", {"a": StageSeen("waiting", "PENDING (Resources)")})
    killed = Sighting(
        "cancelled", {"a": StageSeen("cancelled"), "b": StageSeen("cancelled")}
    )
    fake.answers = [waiting, None, None, waiting, killed]
    assert not follower.step(100.0)
    assert store.read(run_id).stage("a").reason == "SLURM: PENDING (Resources)"
    assert not follower.step(101.0)
    assert not follower.step(102.0)
    assert store.read(run_id).silent_since == 101.0
    assert not follower.step(103.0)
    back = store.read(run_id)
    assert (back.silent_since, back.page) == (None, "http://engine/runs/1")
    store.folder(run_id).cancel.write_text("user\n")
    assert follower.step(104.0)
    assert fake.cancelled == [{"a": "1"}]
    assert (store.read(run_id).state.value, store.read(run_id).exit_code) == (
        "cancelled",
        130,
    )


def test_a_stage_that_was_killed_from_outside_has_failed(
    fake: Fake, request_: RunRequest
) -> None:
    store = request_.target.store
    run_id = submit(request_, "slurm").run_id
    submission = find_submission(store, run_id)
    assert submission is not None
    follower = Follower(store, run_id, submission, fake)
    lost = Sighting(
        "failed", {"a": StageSeen("failed", "NODE_FAIL"), "b": StageSeen("cancelled")}
    )
    fake.answers = [lost] * 3
    # Its log may still be on the way.
    assert not follower.step(100.0)
    assert not follower.step(110.0)
    assert follower.step(130.0)
    run = store.read(run_id)
    assert run.exit_code == 1
    assert run.stage("a").failure is not None
    assert "NODE_FAIL" in run.stage("a").failure.evalue  # type: ignore[union-attr]
    assert run.stage("b").state.value == "skipped"


def test_what_an_engine_refuses_is_a_failed_run(
    fake: Fake, request_: RunRequest
) -> None:
    fake.refuses = True
    with pytest.raises(SubmitError, match="no such partition"):
        submit(request_, "slurm")
    (run,) = request_.target.store.list()
    assert (run.state.value, run.exit_code) == ("failed", 1)


def test_a_record_of_somebody_else_is_not_believed(
    fake: Fake, request_: RunRequest
) -> None:
    store: RunStore = request_.target.store
    run_id = submit(request_, "slurm").run_id
    path = store.folder(run_id).path / "submitted.json"
    path.write_text(path.read_text().replace('"slurm"', '"other"'))
    (store.folder(run_id).path / "run.json").write_text("{}")
    with pytest.raises((UntrustedError, SubmitError)):
        find_submission(store, run_id)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[cluster]\nengine = 'nobody'", "is not one of"),
        ("[cluster]\nengine = 'slurm'\npassword = 'x'", "password"),
        ("[cluster]\nengine = 'slurm'\nseconds = 0", "more than 0"),
        ("[cluster", "cannot be read"),
        ("[other]\nengine = 'slurm'", "There is no engine 'cluster'"),
    ],
)
def test_settings_that_cannot_be_used_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "jupyter_pipe").mkdir()
    (tmp_path / "jupyter_pipe" / "engines.toml").write_text(text)
    with pytest.raises(SubmitError, match=words):
        find_configuration("cluster")


def test_settings_name_an_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_configuration("slurm") == Configuration("slurm")
    (tmp_path / "jupyter_pipe").mkdir()
    url = "http://127.0.0.1:4200/api"
    text = f"[team]\nengine = 'prefect'\nurl = '{url}'\npool = 'local'\n"
    (tmp_path / "jupyter_pipe" / "engines.toml").write_text(text)
    assert find_configuration("team") == Configuration("prefect", url=url, pool="local")


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = int(self.path.strip("/"))
            body = json.dumps({"token": self.headers.get("Authorization")}).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_what_a_server_cannot_do_now_is_silence_and_what_it_will_not_do_is_refused(
    server: str,
) -> None:
    web = Web("Prefect", server, "secret")
    assert web.get("/200") == {"token": "Bearer secret"}
    for code in (429, 502, 503):
        with pytest.raises(SilentError, match=str(code)):
            web.get(f"/{code}")
    for code in (401, 404, 422):
        with pytest.raises(SubmitError, match=str(code)):
            web.get(f"/{code}")
    with pytest.raises(SilentError):
        Web("Prefect", "http://127.0.0.1:1").get("/200")
    with pytest.raises(SubmitError, match="http://"):
        Web("Prefect", "file:///etc/passwd")
