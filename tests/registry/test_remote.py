"""A registry that is a server of MLflow's: versions go there, and come back to machines
with nothing else.

One server on the loopback interface serves all of this file; what happens when it is
away comes last.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.registry import Registry, open_registry
from jupyter_pipe.registry.lineage import read_lineage
from jupyter_pipe.registry.making import Subject
from jupyter_pipe.registry.promotion import promote
from jupyter_pipe.scoring.bundle import load_bundle
from jupyter_pipe.scoring.scorer import plain_predictions
from jupyter_pipe.tracking.address import find_address
from jupyter_pipe.tracking.mlflow_client import reported
from tests.registry.models import register

PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of MLflow's that has no models yet."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(template, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--serve-artifacts", "--artifacts-destination", str(folder / "files")]
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**os.environ, **quiet},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", process, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


def predictions(registry: Registry, which: str | int) -> bytes:
    found = registry.resolve("homes", which)
    assert found.bundle is not None
    read_lineage(found.bundle, "homes")
    bundle = load_bundle(found.bundle)
    return json.dumps(
        plain_predictions(bundle.scorer.score_records(bundle.manifest.golden))
    ).encode()


@pytest.mark.thorough
def test_versions_go_to_a_server_and_come_back(
    server: str,
    subjects: dict[str, Subject],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = open_registry(server, root=tmp_path / "here")
    assert here.names() == ()
    bad, good = (register(here, subjects[kind]) for kind in ("bad", "good"))
    assert (bad.number, good.number) == (1, 2)
    assert promote(here, "homes", 1)[0].outcome == "promoted"
    before = predictions(here, "champion")
    verdict, _ = promote(here, "homes", "challenger")
    assert verdict.outcome == "promoted", verdict

    # Another machine has the address and nothing else.
    there = open_registry(server, root=tmp_path / "there")
    assert predictions(there, "champion") == predictions(here, 2) != before
    there.rollback("homes")
    assert predictions(there, "champion") == before
    assert here.aliases("homes") == {"champion": 1, "previous": 2}

    # By the environment, as the command line takes it.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert main(["models", "homes"]) == 0
    assert "champion" in capsys.readouterr().out
    assert main(["rollback", "homes"]) == 0
    assert here.aliases("homes")["champion"] == 2

    # What was fetched is loaded under the rules of trust, wherever it comes from.
    monkeypatch.setenv("JUPYTER_PIPE_KEY", "key-of-somebody-else-" + "1" * 32)
    stranger = open_registry(server, root=tmp_path / "stranger").resolve("homes")
    assert stranger.bundle is not None
    with pytest.raises(UntrustedError):
        read_lineage(stranger.bundle, "homes")
    with pytest.raises(UntrustedError):
        load_bundle(stranger.bundle)


def test_a_server_that_is_away_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody:
        # Bound and not listening: nobody else gets the port, and nobody answers.
        nobody.bind(("127.0.0.1", 0))
        address = f"http://me:secret@127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(RegistryError, match="does not answer") as caught:
            open_registry(address, root=tmp_path).names()
        assert caught.value.code == "registry_away"
        assert "secret" not in caught.value.message
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert main(["promote", "homes@2"]) == 2
        said = capsys.readouterr().err
        assert "MLflow at http://127.0.0.1" in said
        assert "Check that it runs" in said


def test_what_a_library_says_holds_no_password() -> None:
    address = find_address(Path("project"), "http://me:secret@127.0.0.1:9")
    error = OSError(
        "API request to http://me:secret@127.0.0.1:9/api failed with 503.\nDetails: secret"
    )
    with pytest.raises(RegistryError) as caught, reported(address):
        raise error
    assert (
        "API request to http://127.0.0.1:9/api failed with 503" in caught.value.message
    )
    assert "secret" not in caught.value.message


@pytest.mark.processes
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("(sqlite3.OperationalError) database is locked", "registry_away"),
        ("(sqlite3.OperationalError) disk I/O error", "registry_away"),
        (
            "(sqlite3.OperationalError) table registered_models already exists",
            "registry_unusable",
        ),
        (
            "(sqlite3.DatabaseError) database disk image is malformed",
            "registry_unusable",
        ),
        ("Can't locate revision identified by 'x'", "registry_unusable"),
    ],
)
def test_a_database_that_is_not_mlflows_is_not_away(
    tmp_path: Path, said: str, code: str
) -> None:
    with pytest.raises(RegistryError) as caught, reported(find_address(tmp_path)):
        raise OSError(said)
    assert caught.value.code == code
