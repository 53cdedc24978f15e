"""Submission to engines of which no server can be had here: against their published
APIs, as far as we use them. The stages really run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook, write_package
from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.engine.targets import open_several
from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit import Engine, SilentError, StageSeen, SubmitError
from jupyter_pipe.submit.engines.argo import sighting_of as argo_sighting
from jupyter_pipe.submit.engines.databricks import sighting_of as databricks_sighting
from jupyter_pipe.submit.engines.kfp import sighting_of as kfp_sighting
from jupyter_pipe.submit.following import Follower
from jupyter_pipe.submit.roots import store_of
from jupyter_pipe.submit.settings import Configuration, engine_of
from jupyter_pipe.submit.submission import Submission, find_submission, submit
from jupyter_pipe.trust.keys import new_key_text
from tests.cli.conftest import write_notebook
from tests.several.shop import TRAIN, write_shop
from tests.submit.fakes import FakeArgo, FakeDatabricks, FakeEngine, FakeKfp, serving

FAKES: dict[str, Callable[[dict[str, str]], FakeEngine]] = {
    "argo": FakeArgo,
    "databricks": FakeDatabricks,
    "kfp": FakeKfp,
}
# Two braces are what two of them would replace; those are refused.
HOSTILE = 'it\'s $(touch canary) {y} "é" \N{SNOWMAN}\n${HOME} \\n'
CELLS = [
    (
        "n: int = 1\nrate: float = 0.5\nloud: bool = False\nword: str = 'x'",
        ["parameters"],
    ),
    (
        "import os\nassert os.environ['TOKEN'] == 'sesame-open'\n"
        "if not os.path.exists('tried'):\n    open('tried', 'w').close()\n    raise OSError('once')\n"
        "x = (n, rate, loud, word)",
        ["stage:a", "secret:TOKEN", "retries:1"],
    ),
    (
        "y = len(x)\ntotal = n * rate * y",
        ["stage:b", "metric:total", "gate:total < 100"],
    ),
    ("z = [y, x]", ["stage:c"]),
]
# The file lets the stage end; without it the test decides.
WAITS = [
    (
        "import pathlib, time\nwhile not pathlib.Path(GO).exists():\n    time.sleep(0.1)\nx = 1",
        ["stage:first"],
    ),
    ("y = x", ["stage:second"]),
]
TITLES = {
    "argo": "Argo Workflows",
    "databricks": "Databricks",
    "kfp": "Kubeflow Pipelines 2",
}


class World:
    """A folder with notebooks, an engine, and a configuration `team` that names it."""

    def __init__(self, folder: Path, server: FakeEngine, url: str, engine: str) -> None:
        self.folder = folder
        self.server = server
        self.engine = engine
        self.configuration = Configuration(
            engine,
            url=url,
            token="TEAM_TOKEN",
            namespace="team",
            image="team/notebooks:1",
            machine="m5.large",
        )
        self.store = RunStore(folder)

    def submit(self, name: str = "quick.ipynb", **values: str) -> str:
        target = open_target(self.folder / name)
        given = resolve_parameters(target.pipeline.parameters, texts=values)
        return submit(RunRequest(target=target, parameters=given), "team").run_id

    def follower(self, run_id: str) -> Follower:
        found = find_submission(self.store, run_id)
        assert found is not None
        return Follower(self.store, run_id, found, engine_of(self.configuration))

    def followed(self, *run_ids: str) -> list[Run]:
        """The runs, followed until they are over."""
        going = {run_id: self.follower(run_id) for run_id in run_ids}
        until(lambda: all(follower.step(time.time()) for follower in going.values()))
        return [self.store.read(run_id) for run_id in run_ids]

    def handle(self, run_id: str) -> Submission:
        found = find_submission(self.store, run_id)
        assert found is not None
        return found


def until(holds: Callable[[], bool]) -> None:
    """The limit is for a machine that is very busy."""
    ends = time.monotonic() + 600
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.fixture(params=sorted(FAKES))
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    engine: str = request.param
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TEAM_TOKEN", "sesame")
    key = new_key_text()
    monkeypatch.setenv("JUPYTER_PIPE_KEY", key)
    write_notebook(tmp_path / "quick.ipynb", CELLS)
    server = FAKES[engine]({"TOKEN": "sesame-open", "JUPYTER_PIPE_KEY": key})
    settings = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    settings.parent.mkdir(parents=True)
    with serving(server) as url:
        found = World(tmp_path, server, url, engine)
        told = {
            name: getattr(found.configuration, name)
            for name in found.configuration.__struct_fields__
        }
        lines = [
            f'{name} = "{value}"'
            for name, value in told.items()
            if isinstance(value, str) and value
        ]
        settings.write_text("\n".join(["[team]", *lines, "seconds = 0.2", ""]))
        yield found


@pytest.mark.kernel
@pytest.mark.timeout(1200)
def test_notebooks_run_in_the_engine_and_their_state_comes_back(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    first = world.submit(n="3", rate="2", loud="true", word=HOSTILE)
    second = world.submit(n="1000")
    good, gated = world.followed(first, second)
    assert (good.state.value, good.engine) == ("succeeded", TITLES[world.engine])
    assert good.metrics == {"total": 3 * 2.0 * 4}
    assert [stage.state.value for stage in good.stages] == ["succeeded"] * 3
    assert {each.name: each.value for each in good.facts.parameters}["word"] == HOSTILE
    assert [run.stage("a").attempts for run in (good, gated)] == [2, 2]
    assert (gated.state.value, gated.exit_code, gated.stage("b").attempts) == (
        "failed",
        3,
        1,
    )
    assert gated.stage("c").state.value == "skipped"
    assert not list(world.folder.rglob("canary"))
    # Edited, and failing: the cell is shown.
    write_notebook(
        world.folder / "quick.ipynb", [*CELLS[:2], ("x = 1\n\nx / 0", ["stage:b"])]
    )
    (failed,) = world.followed(world.submit())
    assert (failed.state.value, failed.exit_code) == ("failed", 1)
    capfd.readouterr()
    assert main(["show", failed.run_id]) == 0
    assert "ZeroDivisionError" in (said := capfd.readouterr().out)
    assert "line 3" in said


@pytest.mark.kernel
@pytest.mark.timeout(1200)
def test_several_notebooks_run_in_the_engine_by_the_names_of_their_stages(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """The engine says `train__fit`, the run `train.fit`, also of what failed."""
    listed = write_shop(world.folder)
    target = open_several([listed])
    given = resolve_parameters(target.pipeline.parameters, texts={"train.depth": "4"})
    request = RunRequest(target=target, parameters=given)
    (good,) = world.followed(submit(request, "team").run_id)
    assert (good.state.value, good.engine) == ("succeeded", TITLES[world.engine])
    assert {stage.name: stage.state.value for stage in good.stages}[
        "train.fit"
    ] == "succeeded"
    assert good.metrics == {"scale": 10 * 20 / 12}
    # Neither in the first notebook nor at the end: each stage that runs costs a second.
    fails = ("rows = [1]\n1 / 0", ["stage:read"])
    write_shop(world.folder, train=[*TRAIN[:2], fails, *TRAIN[3:]])
    request = RunRequest(target=open_several([listed]))
    (failed,) = world.followed(submit(request, "team").run_id)
    assert (failed.state.value, failed.exit_code) == ("failed", 1)
    capfd.readouterr()
    assert main(["show", failed.run_id]) == 0
    assert "train.read failed in train.ipynb" in capfd.readouterr().out


@pytest.mark.kernel
@pytest.mark.timeout(1200)
def test_a_run_is_out_of_sight_catches_up_and_is_cancelled(world: World) -> None:
    go = world.folder / "go"
    write_notebook(
        world.folder / "waits.ipynb",
        [(WAITS[0][0].replace("GO", repr(str(go))), WAITS[0][1]), WAITS[1]],
    )
    ends, survives = world.submit("waits.ipynb"), world.submit("waits.ipynb")
    followers = [world.follower(ends), world.follower(survives)]
    names = list(world.server.carried)
    for run_id, follower in zip((ends, survives), followers, strict=True):
        until(lambda: follower.step(time.time()) or is_running(world, run_id))  # noqa: B023 - asked at once
    world.store.folder(ends).cancel.write_text("user\n")
    until(lambda: followers[0].step(time.time()))
    ended = world.store.read(ends)
    assert (ended.state.value, ended.exit_code) == ("cancelled", 130)
    assert world.server.carried[names[0]].state() == "cancelled"
    for status in (503, 429):
        world.server.status = status
        assert not followers[1].step(time.time())
        assert world.store.read(survives).silent_since is not None
    go.touch()
    until(lambda: world.server.carried[names[1]].state() == "succeeded")
    world.server.status = 200
    until(lambda: followers[1].step(time.time()))
    run = world.store.read(survives)
    assert (run.state.value, run.silent_since) == ("succeeded", None)
    # One that is over stays as it is.
    engine_of(world.configuration).cancel(world.handle(survives).started.handle)
    assert world.server.carried[names[1]].state() == "succeeded"


def is_running(world: World, run_id: str) -> bool:
    return world.store.read(run_id).stage("first").state.value == "running"


QUICK = [("n: int = 1\nword: str = 'x'", ["parameters"]), ("x = n", ["stage:a"])]


@pytest.mark.processes
def test_a_run_whose_beginning_was_not_answered_begins_once(world: World) -> None:
    write_notebook(world.folder / "quick.ipynb", QUICK)
    world.server.loses = 1
    run_id = world.submit()
    assert world.store.read(run_id).state.value == "queued"
    (run,) = world.followed(run_id)
    assert (run.state.value, len(world.server.runs)) == ("succeeded", 1)


@pytest.mark.processes
def test_a_run_that_is_cancelled_before_it_is_known_to_have_begun_ends(
    world: World,
) -> None:
    write_notebook(world.folder / "quick.ipynb", QUICK)
    world.server.loses = 1
    run_id = world.submit()
    world.store.folder(run_id).cancel.write_text("user\n")
    (run,) = world.followed(run_id)
    assert run.is_final
    assert len(world.server.runs) == 1


@pytest.mark.processes
def test_a_run_that_was_deleted_there_is_not_begun_again(world: World) -> None:
    write_notebook(world.folder / "quick.ipynb", QUICK)
    run_id = world.submit()
    world.server.close()
    world.server.runs.clear()
    world.store.folder(run_id).stage("a")
    (run,) = world.followed(run_id)
    assert run.is_final
    assert world.server.runs == {}


def test_who_may_not_is_told_which_variable_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token, code in (("of a guest", "403"), ("wrong", "401")):
        monkeypatch.setenv("TEAM_TOKEN", token)
        with pytest.raises(SubmitError, match=code) as refused:
            world.submit()
        assert "engines.toml" in refused.value.hint
    monkeypatch.delenv("TEAM_TOKEN")
    with pytest.raises(SubmitError, match=r"401|TEAM_TOKEN"):
        world.submit()
    assert world.server.runs == {}
    monkeypatch.setenv("TEAM_TOKEN", "sesame")
    world.server.status = 503
    with pytest.raises(SubmitError, match="does not answer"):
        world.submit()
    assert {run.state.value for run in world.store.list()} <= {"failed"}


def test_what_would_be_replaced_is_refused(world: World) -> None:
    braces = {"argo": "{{workflow.name}}", "databricks": "{{job.run_id}}"}.get(
        world.engine
    )
    write_notebook(world.folder / "quick.ipynb", QUICK)
    if braces is None:
        # A value is put where its mark stands, and is not looked at again; a default is
        # in the document.
        braces = "{{$.inputs.parameters['n']}}"
        write_notebook(
            world.folder / "quick.ipynb",
            [(f"word: str = {braces!r}", ["parameters"]), QUICK[1]],
        )
        write_notebook(
            world.folder / "quick.ipynb",
            [
                (f"n: int = 1\nword: str = {braces!r}", ["parameters"]),
                ("x = n", ["stage:a"]),
            ],
        )
        with pytest.raises(PipeError, match="would evaluate"):
            world.submit()
    else:
        with pytest.raises(PipeError, match="would evaluate"):
            world.submit(word=braces)
    assert world.server.runs == {}


@pytest.mark.processes
def test_a_package_is_taken_along_as_it_is(world: World) -> None:
    write_notebook(world.folder / "quick.ipynb", QUICK)
    package = world.folder / "elsewhere"
    write_package(
        compile_notebook(world.folder / "quick.ipynb", output=package), package
    )
    run_id = world.submit("elsewhere")
    assert (world.store.folder(run_id).package / "pipeline.json").exists()


@pytest.mark.kernel
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("world", ["argo", "kfp"], indirect=True)
def test_stages_that_share_nothing_but_a_url_leave_their_logs_and_notebooks_there(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each side keeps its copy of the root in another folder, as two machines do."""
    url = (world.folder / "bucket").as_uri()
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "here"))
    world.server.surroundings = {"XDG_CACHE_HOME": str(world.folder / "there")}
    cells = [
        ("n: int = 1", ["parameters"]),
        ("x = n", ["stage:a"]),
        ("y = 1 / (x - 2)", ["stage:b"]),
    ]
    write_notebook(world.folder / "quick.ipynb", cells)
    for value, code in (("3", 0), ("2", 1)):
        assert (
            main(
                [
                    "submit",
                    "team",
                    "quick.ipynb",
                    "-p",
                    f"n={value}",
                    "--root",
                    url,
                    "--follow",
                ]
            )
            == code
        )
    capfd.readouterr()
    assert main(["show", "latest", "--root", url]) == 0
    said = capfd.readouterr().out
    assert "ZeroDivisionError" in said
    assert TITLES[world.engine] in said
    store = store_of(url)
    assert store is not None
    for run in store.list():
        assert store.folder(run.run_id).executed("b").is_file()
    assert not (world.folder / ".jupyter_pipe").exists()


@pytest.mark.parametrize("world", ["databricks"], indirect=True)
def test_a_root_that_workers_could_not_use_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "here"))
    store = store_of((world.folder / "bucket").as_uri())
    with pytest.raises(SubmitError, match="need a root that is a folder"):
        submit(
            RunRequest(target=open_target(world.folder / "quick.ipynb", store)), "team"
        )


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("argo", "server of Argo"),
        ("databricks", "workspace of Databricks"),
        ("kfp", "Kubeflow Pipelines is"),
    ],
)
def test_what_is_missing_is_said_with_what_to_set(
    engine: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "ARGO_SERVER",
        "DATABRICKS_HOST",
        "KF_PIPELINES_ENDPOINT",
        "DATABRICKS_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SubmitError, match=words):
        engine_of(Configuration(engine))
    away: Engine = engine_of(Configuration(engine, url="http://127.0.0.1:1"))
    with pytest.raises(SilentError):
        away.look(
            {
                "namespace": "n",
                "name": "r",
                "templates": "{}",
                "tasks": "{}",
                "experiment": "e",
                "run": "1",
            }
        )


def test_databricks_needs_a_token_and_a_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABRICKS_TOKEN", raising=False)
    engine = engine_of(Configuration("databricks", url="team.example"))
    with pytest.raises(SubmitError, match="DATABRICKS_TOKEN"):
        engine.require_settings()
    monkeypatch.setenv("DATABRICKS_TOKEN", "x")
    with pytest.raises(SubmitError, match="which machines"):
        engine_of(Configuration("databricks", url="team.example")).require_settings()


def test_stages_without_an_image_are_named(world: World) -> None:
    if world.engine == "databricks":
        return
    settings = world.folder / "config" / "jupyter_pipe" / "engines.toml"
    settings.write_text(
        settings.read_text().replace('image = "team/notebooks:1"\n', "")
    )
    with pytest.raises(SubmitError, match="'a' has no container image"):
        world.submit()


def test_the_token_that_kubernetes_renews_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeKfp({})
    token = tmp_path / "token"
    token.write_text("sesame\n")
    monkeypatch.delenv("KF_PIPELINES_TOKEN", raising=False)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    with serving(server) as url:
        engine = engine_of(Configuration("kfp", url=url))
        folder = {
            "folder": str(tmp_path),
            "name": "r",
            "experiment": "e-0",
            "tasks": "{}",
        }
        (tmp_path / "begun").touch()
        assert engine.look(folder).state == "cancelled"
        server.token = "second"
        token.write_text("second\n")
        assert engine.look(folder).state == "cancelled"


def test_what_argo_describes() -> None:
    nodes = {
        "w": {"type": "DAG", "templateName": "all-stages", "phase": "Running"},
        "w-1": {
            "type": "Pod",
            "templateName": "a",
            "phase": "Failed",
            "message": "Error (exit code 1)",
        },
        "w-2": {"type": "Retry", "templateName": "a", "phase": "Running"},
        "w-3": {"type": "Pod", "templateName": "a", "phase": "Running"},
        "w-4": {
            "type": "Pod",
            "templateName": "b",
            "phase": "Pending",
            "message": "Unschedulable",
        },
        "w-5": {
            "type": "Skipped",
            "templateName": "c",
            "phase": "Omitted",
            "message": "omitted: depends",
        },
    }
    stages = {"a": "a", "b": "two words", "c": "c"}
    seen = argo_sighting(
        {"status": {"phase": "Running", "nodes": nodes}, "spec": {}}, stages
    )
    assert seen.state == "running"
    assert seen.stages == {
        "a": StageSeen("running", "Running"),
        "two words": StageSeen("waiting", "Pending: Unschedulable"),
        "c": StageSeen("cancelled", "Omitted: omitted: depends"),
    }
    assert argo_sighting({"spec": {}}, stages).state == "waiting"
    failed: dict[str, Any] = {"phase": "Failed", "nodes": {"w-1": nodes["w-1"]}}
    assert argo_sighting({"status": failed, "spec": {}}, stages).state == "failed"
    ended = argo_sighting({"status": failed, "spec": {"shutdown": "Terminate"}}, stages)
    assert (ended.state, ended.stages["a"].state) == ("cancelled", "cancelled")


def test_what_kubeflow_pipelines_describes() -> None:
    tasks = [
        {"display_name": "root", "state": "RUNNING"},
        {"display_name": "a", "state": "FAILED", "error": {"message": "exit code 1"}},
        {"display_name": "b"},
        {"display_name": "c", "state": "OF_A_LATER_VERSION"},
    ]
    run = {"state": "RUNNING", "run_details": {"task_details": tasks}}
    seen = kfp_sighting(run, {"a": "a", "b": "b", "c": "c"})
    assert seen.state == "running"
    assert seen.stages == {
        "a": StageSeen("failed", "FAILED: exit code 1"),
        "b": StageSeen("waiting", ""),
        "c": StageSeen("failed", "OF_A_LATER_VERSION"),
    }
    assert kfp_sighting({"state": "CANCELED"}, {}).state == "cancelled"


def test_what_databricks_describes() -> None:
    def task(
        name: str, life: str, result: str = "", attempt: int = 0, said: str = ""
    ) -> dict[str, Any]:
        state = {
            "life_cycle_state": life,
            "result_state": result,
            "state_message": said,
        }
        return {"task_key": name, "attempt_number": attempt, "state": state}

    tasks = [
        task("a", "RUNNING", attempt=1),
        task("a", "TERMINATED", "FAILED", said="Workload failed"),
        task("b", "BLOCKED"),
        task("c", "TERMINATED", "UPSTREAM_FAILED"),
        task("d", "INTERNAL_ERROR", "FAILED", said="no machine"),
        task("e", "TERMINATED", "TIMEDOUT"),
    ]
    seen = databricks_sighting(task("run", "RUNNING"), tasks)
    assert seen.state == "running"
    assert seen.stages == {
        "a": StageSeen("running", "RUNNING"),
        "b": StageSeen("waiting", "BLOCKED"),
        "c": StageSeen("cancelled", "UPSTREAM_FAILED"),
        "d": StageSeen("failed", "FAILED: no machine"),
        "e": StageSeen("failed", "TIMEDOUT"),
    }
