"""With `--tls-ca`, only clients whose certificate that authority has signed are
answered."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from .bundles import built, write_version
from .service import PATIENCE, until

pytestmark = pytest.mark.processes

ROW = {"area": 70.5, "rooms": 3, "district": "North", "name": "H1"}


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)


def make_certificates(folder: Path) -> None:
    """An authority, a certificate of the service and one of a client; and a
    stranger's."""
    for name in ("authority", "stranger"):
        command = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {name}.key -out {name}.pem -subj /CN={name}"
        openssl(folder, *command.split())
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("service", "client"):
        openssl(
            folder,
            *f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}".split(),
        )
        sign = f"x509 -req -in {name}.csr -CA authority.pem -CAkey authority.key -out {name}.pem"
        openssl(
            folder, *sign.split(), "-CAcreateserial", "-days", "2", "-extfile", "names"
        )


def ask(folder: Path, port: int, client: str = "") -> list[float]:
    """The predictions for a row; `client` names the certificate that is shown."""
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if client:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=PATIENCE, context=context
    )
    with closing(connection):
        connection.request("POST", "/score", json.dumps({"rows": [ROW]}))
        found: list[float] = json.loads(connection.getresponse().read())["predictions"]
    return found


def test_only_clients_of_the_authority_are_answered(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    write_version(tmp_path / "homes", 1)
    command = [
        sys.executable,
        "-m",
        "jupyter_pipe.cli.main",
        "serve",
        "homes",
        "--port",
        "0",
    ]
    command += [
        "--tls-cert",
        "service.pem",
        "--tls-key",
        "service.key",
        "--tls-ca",
        "authority.pem",
    ]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("https://"), address
        port = int(address.rpartition(":")[2])

        def answers() -> bool:
            try:
                return bool(ask(tmp_path, port, "client"))
            except (OSError, http.client.HTTPException, KeyError):
                return False

        until(answers, "an answer for a client of the authority")
        assert ask(tmp_path, port, "client") == list(
            built(1).scorer.score_records([ROW])
        )
        for stranger in ("", "stranger"):
            with pytest.raises(
                (ssl.SSLError, http.client.HTTPException, ConnectionError)
            ):
                ask(tmp_path, port, stranger)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        assert process.stdout
        process.stdout.close()
