"""Packages: files that parse, an entry point that answers where nobody has a key, and
what is refused."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jupyter_pipe.cli.main import main
from jupyter_pipe.serving.packaging.files import TARGETS

from .bundles import built, falsify, write_version
from .service import PATIENCE, Running, until

Capture = pytest.CaptureFixture[str]
ROW = {"area": 70.5, "rooms": 3, "district": "North"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_version(tmp_path / "homes", 1)
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_every_file_parses(folder: Path, target: str) -> None:
    assert (
        main(["package", "homes", "--to", target, "--image", "example.com/homes:1"])
        == 0
    )
    written = folder / f"homes_{target}"
    assert (written / "bundle" / "values.pickle").read_bytes() == (
        folder / "homes/values.pickle"
    ).read_bytes()
    assert "jupyter_pipe[serve]==" in (written / "requirements.txt").read_text()
    for path in written.iterdir():
        if path.suffix == ".yaml":
            assert yaml.safe_load(path.read_text())
        elif path.suffix == ".py":
            compile(path.read_text(), path.name, "exec")
        elif path.suffix == ".sh":
            subprocess.run(["sh", "-n", str(path)], check=True)
        elif path.name == "Dockerfile":
            words = {
                line.split(" ")[0]
                for line in path.read_text().splitlines()
                if line[:1].isalpha()
            }
            assert words == {
                *("FROM", "ENV", "WORKDIR", "COPY", "RUN"),
                *("USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"),
            }
            (entry,) = [
                line
                for line in path.read_text().splitlines()
                if line.startswith("ENTRYPOINT")
            ]
            assert json.loads(entry.removeprefix("ENTRYPOINT ")) == [
                "sh",
                "/app/entrypoint.sh",
            ]


def test_a_manifest_of_kserve_names_the_image(folder: Path) -> None:
    assert (
        main(["package", "homes", "--to", "kserve", "--image", "example.com/homes:1"])
        == 0
    )
    manifest = yaml.safe_load(
        (folder / "homes_kserve" / "inferenceservice.yaml").read_text()
    )
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert (manifest["metadata"]["name"], container["image"]) == (
        "homes",
        "example.com/homes:1",
    )


@pytest.mark.processes
def test_the_entry_point_of_the_image_answers_where_nobody_has_a_key(
    folder: Path,
) -> None:
    assert main(["package", "homes", "--to", "docker"]) == 0
    command = folder / "bin" / "jupyter-pipe"
    command.parent.mkdir()
    python = shlex.quote(sys.executable)
    command.write_text(f'#!/bin/sh\nexec {python} -m jupyter_pipe.cli.main "$@"\n')
    command.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": f"{command.parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "PORT": "0",
        "HOST": "127.0.0.1",
        "STATE": str(home),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    process = subprocess.Popen(
        ["sh", str(folder / "homes_docker" / "entrypoint.sh")],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process.stdout as out:
        running = Running(process, int(out.readline().rpartition(":")[2]), folder)
        until(running.is_ready, "the service being ready")
        connection = http.client.HTTPConnection(
            "127.0.0.1", running.port, timeout=PATIENCE
        )
        connection.request(
            "POST", "/v1/models/homes:predict", json.dumps({"instances": [ROW]})
        )
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert running.end() == 0
    assert answer["predictions"] == list(built(1).scorer.score_records([ROW]))


def test_a_model_of_mlflow_answers_as_the_bundle_does(folder: Path) -> None:
    assert main(["package", "homes", "--to", "mlflow"]) == 0
    import mlflow
    import pandas as pd

    loaded = mlflow.pyfunc.load_model(str(folder / "homes_mlflow"))
    frame = pd.DataFrame([ROW]).astype({"rooms": "int64"})
    assert list(loaded.predict(frame)) == list(built(1).scorer.score_records([ROW]))


def test_a_false_version_and_a_folder_in_use_are_refused(
    folder: Path, capsys: Capture
) -> None:
    (folder / "there").mkdir()
    (folder / "there" / "mine").write_text("")
    assert main(["package", "homes", "--to", "docker", "-o", "there"]) == 2
    assert "is not empty" in capsys.readouterr().err
    falsify(folder / "homes")
    assert main(["package", "homes", "--to", "docker"]) == 2
    assert "golden rows" in capsys.readouterr().err
    assert not (folder / "homes_docker").exists()
