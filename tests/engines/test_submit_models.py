"""What is sent to engines of which no server can be had here, and what their stand-ins
answer: the engines' own models take both."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.submit.following import Follower
from jupyter_pipe.submit.settings import engine_of, find_configuration
from jupyter_pipe.submit.submission import find_submission, submit
from jupyter_pipe.trust.keys import new_key_text
from tests.engines.clouds import CLOUDS
from tests.engines.trial import ENGINES, LIMIT_SECONDS, NAME
from tests.submit.fakes import FakeDatabricks, FakeEngine, FakeKfp, serving

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]
# Protocol buffers and models refuse what they do not have.
KFP = """
import json, sys
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
import kfp_server_api as api

class Answer:
    def __init__(self, body):
        self.data = json.dumps(body)

def known(body, kind):
    model = getattr(api, kind)
    unknown = set(body) - set(model.attribute_map.values())
    assert not unknown, f"{kind} has no {sorted(unknown)}"
    return api.ApiClient().deserialize(Answer(body), kind)

told = json.load(open(sys.argv[1]))
for body in told["runs"]:
    known(body, "V2beta1Run")
    document = body["pipeline_spec"]
    spec = json_format.ParseDict(document["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    # There it is a structure without a form, which has one of its own.
    deployment = document["pipeline_spec"]["deploymentSpec"]
    json_format.ParseDict(deployment, pipeline_spec_pb2.PipelineDeploymentConfig())
    platform = json_format.ParseDict(document["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    executors = json_format.MessageToDict(platform)["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for each in executors.values():
        json_format.ParseDict(each, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    assert set(executors) == set(json_format.MessageToDict(spec)["deploymentSpec"]["executors"])
    known(body["runtime_config"], "V2beta1RuntimeConfig")
for body in told["experiments"]:
    known(body, "V2beta1Experiment")
for kind, body in told["answers"]:
    known(body, kind)
"""
DATABRICKS = """
import json, sys
from databricks.bundles.jobs import Job
told = json.load(open(sys.argv[1]))
assert told["jobs"]
for job in told["jobs"]:
    Job.from_dict(job)
"""


def taken(python: Path, code: str, told: dict[str, Any]) -> str:
    """What the models have against it; nothing if they take it."""
    Path("told.json").write_text(json.dumps(told))
    done = subprocess.run(
        [python, "-c", code, "told.json"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr or "it ended without a word"


@contextmanager
def carried_out(
    server: FakeEngine, monkeypatch: pytest.MonkeyPatch, **told: str
) -> Iterator[str]:
    """The notebook of all engines, with the engine `team`, followed to its end; the
    run's state."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path("config").absolute()))
    monkeypatch.setenv("TEAM_TOKEN", "sesame")
    key = new_key_text()
    monkeypatch.setenv("JUPYTER_PIPE_KEY", key)
    server.secrets = {"TOKEN": "sesame-open", "JUPYTER_PIPE_KEY": key}
    settings = Path("config", "jupyter_pipe", "engines.toml")
    settings.parent.mkdir(parents=True)
    with serving(server) as url:
        lines = [
            f'{name} = "{value}"'
            for name, value in {**told, "url": url, "token": "TEAM_TOKEN"}.items()
        ]
        settings.write_text("\n".join(["[team]", *lines, ""]))
        target = open_target(Path(f"{NAME}.ipynb"))
        run_id = submit(RunRequest(target=target), "team").run_id
        found = find_submission(target.store, run_id)
        assert found is not None
        follower = Follower(
            target.store, run_id, found, engine_of(find_configuration("team"))
        )
        while not follower.step(time.time()):
            time.sleep(0.3)
        yield target.store.read(run_id).state.value


def test_kubeflow_pipelines_own_models_take_what_is_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeKfp({})
    told = {
        "engine": "kfp",
        "namespace": "team",
        "image": "team/notebooks:1",
        "claim": "runs",
    }
    with carried_out(server, monkeypatch, **told) as state:
        assert state == "succeeded"
        sent: dict[str, Any] = {
            kind: [
                call.body
                for call in server.sent
                if call.method == "POST" and call.path.endswith(kind)
            ]
            for kind in ("runs", "experiments")
        }
        kinds = {
            "GET /apis/v2beta1/runs": "V2beta1ListRunsResponse",
            "GET /apis/v2beta1/experiments": "V2beta1ListExperimentsResponse",
            "POST /apis/v2beta1/experiments": "V2beta1Experiment",
        }
        sent["answers"] = [
            (kinds.get(path, "V2beta1Run"), body) for path, body in server.answered
        ]
    assert sent["runs"]
    assert taken(ENGINES, KFP, sent) == ""
    executors = sent["runs"][0]["pipeline_spec"]["pipeline_spec"]["deploymentSpec"][
        "executors"
    ]
    executors["exec-make"]["container"]["imagee"] = "x"
    assert "imagee" in taken(ENGINES, KFP, sent)


def test_databricks_own_models_take_the_job(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeDatabricks({})
    with carried_out(
        server, monkeypatch, engine="databricks", machine="m5.large"
    ) as state:
        assert state == "succeeded"
        jobs = [call.body for call in server.sent if call.path.endswith("/create")]
    assert taken(CLOUDS, DATABRICKS, {"jobs": jobs}) == ""
    jobs[0]["tasks"][0]["max_tries"] = 1
    assert "max_tries" in taken(CLOUDS, DATABRICKS, {"jobs": jobs})
