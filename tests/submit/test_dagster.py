"""Submission to Dagster: what a server answers that is not there, refuses, loses an
answer or has changed. The server itself is tested in tests/engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.parameters import resolve_parameters
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit import Sighting, SilentError, StageSeen, SubmitError
from jupyter_pipe.submit.engines.dagster import LOCATION, Dagster, sighting_of
from jupyter_pipe.submit.following import Follower
from jupyter_pipe.submit.settings import Configuration, engine_of
from jupyter_pipe.submit.submission import find_submission, submit
from tests.cli.conftest import write_notebook
from tests.submit.answering import Call, answering

CELLS = [
    (
        "n: int = 1\nrate: float = 0.5\nloud: bool = False\nword: str = 'x'",
        ["parameters"],
    ),
    ("x = (n, rate, loud, word)", ["stage:a"]),
    ("y = x", ["stage:b_2"]),
]


class FakeDagster:
    """Answers GraphQL requests by what they ask for. `refusals` are errors for some of
    them, by word."""

    def __init__(self, definitions: Path) -> None:
        self.definitions = definitions
        self.status = 200
        self.loses = 0
        self.loaded: list[str] = []
        self.launched: list[dict[str, Any]] = []
        self.ended: list[str] = []
        self.refusals: dict[str, dict[str, Any]] = {}
        self.state = "STARTED"
        self.steps: dict[str, str] = {}
        self.reasons = [["step failed"]]

    def answer(self, call: Call) -> tuple[int, Any]:
        assert (call.method, call.path) == ("POST", "/graphql")
        if self.status != 200:
            return self.status, None
        query, given = call.body["query"], call.body["variables"]
        for word, refusal in self.refusals.items():
            if word in query:
                return 200, {"data": {"told": refusal}}
        answers = {
            "reloadRepositoryLocation": self.reload,
            "workspaceLocationEntryOrError": self.entry,
            "launchRun": self.launch,
            "terminateRun": self.terminate,
            "runsOrError": self.find,
            "logsForRun": self.logs,
        }
        for word, told in answers.items():
            if word in query:
                return told(given)
        return 200, {"data": {"version": "1.13.28"}}

    def reload(self, given: Any) -> tuple[int, Any]:
        assert given == {"location": "team's"}
        self.loaded = [path.stem for path in self.definitions.glob("pipeline_*.py")]
        return 200, {"data": {"told": {"__typename": "WorkspaceLocationEntry"}}}

    def entry(self, given: Any) -> tuple[int, Any]:
        assert given == {"location": "team's"}
        pipelines = [{"name": name} for name in self.loaded]
        loaded = {"repositories": [{"name": "__repository__", "pipelines": pipelines}]}
        return 200, {
            "data": {"told": {"__typename": "Entry", "locationOrLoadError": loaded}}
        }

    def launch(self, given: Any) -> tuple[int, Any]:
        self.launched.append(given["wanted"])
        if self.loses:
            self.loses -= 1
            return 502, None
        return 200, {
            "data": {
                "told": {"__typename": "LaunchRunSuccess", "run": {"runId": "r-1"}}
            }
        }

    def terminate(self, given: Any) -> tuple[int, Any]:
        self.ended.append(given["run"])
        self.state = "CANCELED"
        return 200, {"data": {"told": {"__typename": "TerminateRunSuccess"}}}

    def find(self, given: Any) -> tuple[int, Any]:
        steps = [{"stepKey": key, "status": state} for key, state in self.steps.items()]
        run = {"runId": "r-1", "status": self.state, "stepStats": steps}
        tags = [each["executionMetadata"]["tags"] for each in self.launched]
        jobs = [each["selector"]["jobName"] for each in self.launched]
        found = [given["tag"]] in tags if "tag" in given else given["job"] in jobs
        return 200, {
            "data": {"told": {"__typename": "Runs", "results": [run] if found else []}}
        }

    def logs(self, given: Any) -> tuple[int, Any]:
        """A page of events after another."""
        page = int(given["cursor"] or 0)
        events = [
            {"__typename": "RunFailureEvent", "message": it}
            for it in self.reasons[page]
        ]
        more = page + 1 < len(self.reasons)
        told = {
            "__typename": "EventConnection",
            "events": events,
            "cursor": str(page + 1),
            "hasMore": more,
        }
        return 200, {"data": {"told": told}}


class World:
    """A folder with a notebook, Dagster, and a configuration `team` that names it."""

    def __init__(self, folder: Path, server: FakeDagster, url: str) -> None:
        self.folder = folder
        self.server = server
        self.configuration = Configuration(
            "dagster", url=url, definitions=str(server.definitions), location="team's"
        )
        self.store = RunStore(folder)

    def submit(self, **values: str) -> str:
        target = open_target(self.folder / "two words.ipynb")
        given = resolve_parameters(target.pipeline.parameters, texts=values)
        return submit(RunRequest(target=target, parameters=given), "team").run_id

    def follower(self, run_id: str) -> Follower:
        found = find_submission(self.store, run_id)
        assert found is not None
        return Follower(self.store, run_id, found, engine_of(self.configuration))

    def files(self) -> list[str]:
        return sorted(
            path.stem for path in self.server.definitions.glob("pipeline_*.py")
        )

    def ended(self, run_id: str) -> Run:
        self.store.folder(run_id).cancel.write_text("user\n")
        assert self.follower(run_id).step(3.0)
        return self.store.read(run_id)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "definitions").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_notebook(tmp_path / "two words.ipynb", CELLS)
    settings = tmp_path / "config" / "jupyter_pipe" / "engines.toml"
    settings.parent.mkdir(parents=True)
    server = FakeDagster(tmp_path / "definitions")
    with answering(server.answer) as url:
        settings.write_text(
            f"[team]\nengine = 'dagster'\nurl = '{url}'\ndefinitions = '{server.definitions}'\n"
            'location = "team\'s"\n'
        )
        yield World(tmp_path, server, url)


def test_a_run_is_launched_with_typed_configuration_and_found_by_its_tag(
    world: World,
) -> None:
    run_id = world.submit(n="2", rate="1", loud="true", word="it's {{ x }}\n$(y)")
    (wanted,) = world.server.launched
    (job,) = world.files()
    assert wanted["selector"] == {
        "jobName": job,
        "repositoryName": "__repository__",
        "repositoryLocationName": "team's",
    }
    values = {"n": 2, "rate": 1.0, "loud": True, "word": "it's {{ x }}\n$(y)"}
    assert wanted["runConfigData"] == {"resources": {job: {"config": values}}}
    assert wanted["executionMetadata"] == {
        "tags": [{"key": "jupyter_pipe/run", "value": run_id}]
    }
    assert world.store.read(run_id).page == f"{world.configuration.url}/runs/r-1"
    world.server.steps = {f"{job}__a": "IN_PROGRESS"}
    follower = world.follower(run_id)
    assert not follower.step(1.0)
    assert world.store.read(run_id).stage("a").reason == "Dagster: IN_PROGRESS"
    assert (world.server.definitions / LOCATION).exists()


def test_edited_notebooks_share_a_job_and_another_graph_has_its_own(
    world: World,
) -> None:
    world.submit()
    write_notebook(
        world.folder / "two words.ipynb", [*CELLS[:2], ("y = x[0]", ["stage:b_2"])]
    )
    world.submit()
    assert len(world.files()) == 1
    write_notebook(world.folder / "two words.ipynb", [*CELLS, ("z = y", ["stage:c"])])
    world.submit()
    assert len(world.files()) == 2


def test_a_run_whose_launch_was_not_answered_is_launched_once(world: World) -> None:
    world.server.loses = 1
    run_id = world.submit()
    assert world.store.read(run_id).page.endswith(
        f"/runs?q=tag:jupyter_pipe/run={run_id}"
    )
    assert not world.follower(run_id).step(1.0)
    assert len(world.server.launched) == 1
    # Here it is the request that was lost.
    world.server.loses = 1
    run_id = world.submit()
    world.server.launched.pop()
    assert not world.follower(run_id).step(1.0)
    assert len(world.server.launched) == 2


def test_a_run_is_cancelled_before_and_after_it_is_known_to_run(world: World) -> None:
    run = world.ended(world.submit())
    assert (run.state.value, run.exit_code, world.server.ended) == (
        "cancelled",
        130,
        ["r-1"],
    )
    world.server.loses = 1
    run_id = world.submit()
    world.server.launched.clear()
    assert world.ended(run_id).state.value == "cancelled"
    assert (world.server.ended, world.server.launched) == (["r-1"], [])


def test_a_run_that_was_deleted_there_is_not_launched_again(world: World) -> None:
    run_id = world.submit()
    world.server.launched.clear()
    assert world.follower(run_id).step(1.0)
    assert (world.server.launched, world.store.read(run_id).state.value) == (
        [],
        "cancelled",
    )


def test_a_run_that_failed_before_its_steps_ends_with_dagster_s_reason(
    world: World,
) -> None:
    run_id = world.submit()
    world.server.state = "FAILURE"
    world.server.reasons = [[], ["Could not load the job.\nTraceback"]]
    assert world.follower(run_id).step(1.0)
    run = world.store.read(run_id)
    assert (run.state.value, run.exit_code) == ("failed", 1)
    assert run.stage("a").reason == "Dagster: FAILURE: Could not load the job."


def test_what_dagster_refuses_is_said(world: World) -> None:
    refusals = world.server.refusals
    for word, refusal, said in (
        (
            "reload",
            {"__typename": "RepositoryLocationNotFound", "message": "-"},
            "no code location",
        ),
        (
            "reload",
            {"__typename": "UnauthorizedError", "message": "read only"},
            "read only",
        ),
        (
            "workspaceLocation",
            {
                "__typename": "Entry",
                "locationOrLoadError": {"__typename": "PythonError", "message": "bad"},
            },
            "bad",
        ),
        (
            "workspaceLocation",
            {"__typename": "Entry", "locationOrLoadError": {"repositories": []}},
            "does not find pipeline_two_words_",
        ),
        (
            "launch",
            {
                "__typename": "RunConfigValidationInvalid",
                "errors": [{"message": "no such field"}],
            },
            "no such field",
        ),
    ):
        refusals.clear()
        refusals[word] = refusal
        with pytest.raises(SubmitError, match=said):
            world.submit()
    assert world.server.launched == []
    refusals.clear()
    with pytest.raises(SubmitError, match="rate cannot be passed"):
        world.submit(rate="inf")
    world.server.status = 503
    with pytest.raises(SubmitError, match="does not answer"):
        world.submit()
    assert {run.state.value for run in world.store.list()} == {"failed"}


def test_what_is_missing_is_said_with_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_URL", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(SubmitError, match="where Dagster is"):
        Dagster(Configuration("dagster"))
    engine = Dagster(Configuration("dagster", url="http://127.0.0.1:1/graphql"))
    with pytest.raises(SubmitError, match="in which folder"):
        engine.require_settings()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(SubmitError, match="is not there"):
        engine.require_settings()
    handle = {
        "run": "r",
        "job": "j",
        "config": "{}",
        "steps": "{}",
        "folder": str(tmp_path),
    }
    with pytest.raises(SilentError):
        engine.look(handle)
    told = {"errors": [{"message": "Cannot query field"}]}
    with (
        answering(lambda call: (200, told)) as url,
        pytest.raises(SubmitError, match="is not Dagster's"),
    ):
        Dagster(Configuration("dagster", url=url)).look(handle)


def test_what_dagster_describes() -> None:
    steps = [
        {"stepKey": "p__a", "status": "FAILURE"},
        {"stepKey": "p__b", "status": "SKIPPED"},
        {"stepKey": "p__c", "status": None},
        {"stepKey": "p__d", "status": "OF_A_LATER_VERSION"},
        {"stepKey": "somebody's", "status": "SUCCESS"},
    ]
    names = {f"p__{each}": each for each in "abcd"}
    seen = sighting_of({"status": "STARTED", "stepStats": steps}, names)
    assert seen.state == "running"
    assert seen.stages == {
        "a": StageSeen("failed", "FAILURE"),
        "b": StageSeen("cancelled", "SKIPPED"),
        "c": StageSeen("waiting", ""),
        "d": StageSeen("failed", "OF_A_LATER_VERSION"),
    }
    ended = sighting_of({"status": "CANCELED", "stepStats": steps[:1]}, names)
    assert ended == Sighting(
        "cancelled", {"a": StageSeen("cancelled", "FAILURE")}, "CANCELED"
    )
    assert (
        sighting_of({"status": "SUSPENDED", "stepStats": []}, names).state == "waiting"
    )
