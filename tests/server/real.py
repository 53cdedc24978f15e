"""A real `jupyter server` with our extension, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import requests

from jupyter_pipe import events as ev
from jupyter_pipe.model import Pipeline, Source, Stage
from jupyter_pipe.runs import RunFacts, RunStore

TOKEN = "server-tests"
SECONDS_TO_START = 180


class Server:
    """Its root is `folder`; `state` gets what Jupyter keeps. `base` is the base URL;
    with `memory_bytes` it may have no more of them."""

    def __init__(
        self,
        folder: Path,
        state: Path,
        *,
        base: str = "/",
        memory_bytes: int | None = None,
    ) -> None:
        self._memory_bytes = memory_bytes
        self.folder = folder
        self.log = state / "server.log"
        self.url = f"http://127.0.0.1:{_free_port()}{base}"
        self._state = state
        self._base = base
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self._limit(),
                    sys.executable,
                    "-m",
                    "jupyter_server",
                    *self._options(),
                ],
                env=self._environment(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = monotonic() + SECONDS_TO_START
        while not self._answers():
            if self.process.poll() is not None or monotonic() > deadline:
                raise AssertionError(self.log.read_text()[-2000:])
            sleep(0.1)
        return self

    def kill(self) -> None:
        """End it without asking."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ask(
        self, method: str, path: str, *, token: str | None = TOKEN, **options: Any
    ) -> requests.Response:
        """A request to one of our routes."""
        headers = {"Authorization": f"token {token}"} if token else {}
        address = f"{self.url}jupyter-pipe/{path}"
        return requests.request(
            method,
            address,
            headers={**headers, **options.pop("headers", {})},
            timeout=180,
            **options,
        )

    def _limit(self) -> list[str]:
        if self._memory_bytes is None:
            return []
        return [
            "/bin/sh",
            "-c",
            f'ulimit -v {self._memory_bytes >> 10}; exec "$@"',
            "sh",
        ]

    def _options(self) -> list[str]:
        port = self.url.split(":")[2].partition("/")[0]
        return [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.base_url={self._base}",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.jpserver_extensions=jupyter_pipe=True",
        ]

    def _environment(self) -> dict[str, str]:
        folders = {
            name: str(self._state / name.lower())
            for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        }
        return {
            **os.environ,
            **{f"JUPYTER_{name}": path for name, path in folders.items()},
        }

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}api", timeout=20).ok
        except requests.RequestException:
            return False


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_run(folder: Path) -> str:
    """Write the log of a run that is over. Returns its id."""
    stage = Stage(
        "fit", cells=("c0",), module="flow/fit.py", notebook="notebooks/fit.ipynb"
    )
    pipeline = Pipeline(
        1, "flow", "python3", Source("flow.ipynb", "x"), stages=(stage,)
    )
    writer = RunStore(folder).create(
        pipeline, RunFacts(notebook=str(folder / "flow.ipynb"))
    )
    writer.append(ev.RunQueued(writer.run_id, "flow", ("fit",)))
    writer.append(ev.RunFinished(ev.RunState.failed, exit_code=1, seconds=1.0))
    writer.close()
    return writer.run_id


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
