"""Packages of a model where nothing but what they ask for is installed: each answers as
its scorer does.

The environments are made anew from a package index, with the wheel of this tree in the
place of a release.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_pipe.cli.main import main
from tests.engines.image import Image, build, environment_of, make_environment
from tests.engines.trial import LIMIT_SECONDS, free_port
from tests.serving.bundles import built, write_version
from tests.serving.service import PATIENCE, Running, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(2 * LIMIT_SECONDS)]
# The Python of an environment that has KServe's client.
KSERVE = Path(os.environ["KSERVE_PYTHON"])
TREE = Path(__file__).parents[2]
ROWS = [
    {"area": 70.5, "rooms": 3, "district": "North"},
    {"area": None, "rooms": 5, "district": "South"},
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        str(folder),
        str(TREE),
    ]
    subprocess.run(command, check=True)
    (made,) = folder.glob("jupyter_pipe-*.whl")
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bundle, `homes`."""
    monkeypatch.chdir(tmp_path)
    write_version(tmp_path / "homes", 1)
    return tmp_path


def expected() -> list[Any]:
    return list(built(1).scorer.score_records(ROWS))


def asked(port: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def answers(port: str, path: str) -> bool:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}{path}", timeout=PATIENCE
        ) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is asked to end when the test does."""
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def installed(package: Path, wheel: Path, folder: Path) -> dict[str, str]:
    """The variables of an environment that has what the package's requirements say and
    nothing else."""
    commands = make_environment(folder / "environment")
    environment = environment_of(commands, folder / "home")
    more = ["--find-links", str(wheel.parent), "-r", str(package / "requirements.txt")]
    command = [
        str(commands / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        *more,
    ]
    subprocess.run(command, env=environment, check=True)
    return environment


def image_of(target: str, wheel: Path, folder: Path) -> Image:
    assert (
        main(["package", "homes", "--to", target, "--image", "example.com/homes:1"])
        == 0
    )
    shutil.copy(wheel, folder / f"homes_{target}")
    return build(folder / f"homes_{target}", folder / "image")


def test_the_image(folder: Path, wheel: Path) -> None:
    """Built step by step; KServe's manifest is understood by its own client, which then
    asks the image."""
    image = image_of("kserve", wheel, folder)
    # The image of the two targets is the same.
    assert main(["package", "homes", "--to", "docker"]) == 0
    for name in ("Dockerfile", "entrypoint.sh", "requirements.txt"):
        assert (folder / "homes_docker" / name).read_text() == (
            folder / "homes_kserve" / name
        ).read_text()
    assert image.user == "1000"
    assert image.written_down == [
        "useradd --create-home --uid 1000 serving",
        "chown serving state",
    ]

    manifest = yaml.safe_load(
        (folder / "homes_kserve" / "inferenceservice.yaml").read_text()
    )
    (container,) = manifest["spec"]["predictor"]["containers"]
    (port,) = [str(each["containerPort"]) for each in container["ports"]]
    assert port == image.environment["PORT"]
    given = {
        "HOST": "127.0.0.1",
        "PORT": free_port(),
        "JUPYTER_PIPE_SERVE_TOKEN": "sesame",
    }
    with ended(image.start(**given)) as process:
        assert process.stdout
        process.stdout.readline()
        running = Running(process, int(given["PORT"]), folder)
        until(running.is_ready, "the image being ready")
        for probe in ("readinessProbe", "livenessProbe"):
            assert running.get(container[probe]["httpGet"]["path"])[0] == 200
        assert (
            image.call([word.replace(port, given["PORT"]) for word in image.probe]) == 0
        )
        asks = [
            str(KSERVE),
            "-c",
            CLIENT,
            str(folder / "homes_kserve"),
            given["PORT"],
            json.dumps(ROWS),
        ]
        said = subprocess.run(
            asks, stdout=subprocess.PIPE, check=True, timeout=PATIENCE
        ).stdout
        assert running.end() == 0
    assert json.loads(said.splitlines()[-1]) == expected()


# KServe's own client reads the manifest, losing what it does not know, and asks by its
# protocol.
CLIENT = """
import asyncio, json, sys, yaml
import kubernetes.client.models
from kserve import InferenceRESTClient, RESTConfig, models
from kubernetes.client import ApiClient

folder, port, rows = sys.argv[1:]
manifest = yaml.safe_load(open(folder + "/inferenceservice.yaml"))
kinds = {name: getattr(models, name) for name in dir(models) if name.startswith("V1")}
vars(kubernetes.client.models).update(kinds)
response = type("Response", (), {"data": json.dumps(manifest)})
service = ApiClient().deserialize(response, "V1beta1InferenceService")
assert ApiClient().sanitize_for_serialization(service) == manifest, service

async def ask():
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    headers = {"Authorization": "Bearer sesame", "Content-Type": "application/json"}
    data = {"instances": json.loads(rows)}
    return await client.infer(f"http://127.0.0.1:{port}", data, headers=headers, model_name="homes")

print(json.dumps(asyncio.run(ask())["predictions"]))
"""


def test_bentoml(folder: Path, wheel: Path) -> None:
    """By `bentoml serve`, as the package's README says."""
    assert main(["package", "homes", "--to", "bentoml"]) == 0
    package = folder / "homes_bentoml"
    environment = installed(package, wheel, folder)
    port = free_port()
    serve = ["bentoml", "serve", "service:Model", "--host", "127.0.0.1", "--port", port]
    assert " ".join(serve[:3]) in (package / "README.md").read_text()
    quiet = {**environment, "BENTOML_DO_NOT_TRACK": "True"}
    serve[0] = str(Path(environment["PATH"].partition(":")[0]) / "bentoml")
    with ended(subprocess.Popen(serve, cwd=package, env=quiet, text=True)):
        until(lambda: answers(port, "/readyz"), "BentoML being ready")
        said = asked(port, "/score", {"rows": ROWS})
    assert (said["name"], said["version"], said["predictions"]) == (
        "homes",
        "run-1",
        expected(),
    )


def test_mlflow(folder: Path, wheel: Path) -> None:
    """By `mlflow models serve`, where nobody has the key that signed the bundle."""
    assert main(["package", "homes", "--to", "mlflow"]) == 0
    package = folder / "homes_mlflow"
    environment = installed(package, wheel, folder)
    port = free_port()
    serve = [
        str(Path(environment["PATH"].partition(":")[0]) / "mlflow"),
        "models",
        "serve",
    ]
    serve += [
        "-m",
        str(package),
        "--env-manager",
        "local",
        "--host",
        "127.0.0.1",
        "--port",
        port,
    ]
    with ended(subprocess.Popen(serve, cwd=folder, env=environment, text=True)):
        until(lambda: answers(port, "/ping"), "MLflow being ready")
        said = asked(port, "/invocations", {"dataframe_records": ROWS})
    assert said["predictions"] == expected()
