"""A server that is told to stop stops soon, and the runs that it started go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import websocket

from jupyter_pipe.runs import RunStore
from tests.server.conftest import notebook_json
from tests.server.real import TOKEN, Server, write_json

pytestmark = pytest.mark.server
SECONDS_TO_STOP = 60
BUSY = """
import time
from jupyter_pipe.server.threads import DaemonExecutor
executor = DaemonExecutor(2, "test")
executor.submit(time.sleep, 600)
print(executor.submit(lambda: "done").result())
"""


def test_a_call_that_does_not_end_holds_nobody_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        timeout=180,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "done\n"


@pytest.mark.kernel
def test_a_server_ends_in_mid_run_and_another_takes_over(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    cells = [("import time\nprint('begun', flush=True)\ntime.sleep(600)", "stage:wait")]
    write_json(folder / "flow.ipynb", notebook_json(*cells))
    servers = [Server(folder, tmp_path / name) for name in ("one", "two")]
    for server in servers:
        server.log.parent.mkdir()
    first, second = servers
    try:
        first.start()
        listener = websocket.create_connection(
            f"ws{first.url.removeprefix('http')}api/events/subscribe",
            header=[f"Authorization: token {TOKEN}"],
            timeout=180,
        )
        run_id = first.ask("POST", "runs", json={"notebook": "flow.ipynb"}).json()[
            "run_id"
        ]
        told = json.loads(listener.recv())
        assert told["run_id"] == run_id
        wait_until_running(first, run_id)

        assert first.process is not None
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(SECONDS_TO_STOP) is not None
        listener.close()

        second.start()
        assert second.ask("GET", f"runs/{run_id}").json()["state"] == "running"
        assert second.ask("POST", f"runs/{run_id}/cancel").status_code == 202
        assert wait_for_end(second, run_id)["state"] == "cancelled"
        assert RunStore(folder).read(run_id).exit_code == 130
    finally:
        for server in servers:
            server.kill()


def wait_until_running(server: Server, run_id: str) -> None:
    wait(
        lambda: (
            [
                each["state"]
                for each in server.ask("GET", f"runs/{run_id}").json()["stages"]
            ]
            == ["running"]
        )
    )


def wait_for_end(server: Server, run_id: str) -> Any:
    wait(lambda: server.ask("GET", f"runs/{run_id}").json()["exit_code"] is not None)
    return server.ask("GET", f"runs/{run_id}").json()


def wait(is_so: Any) -> None:
    deadline = monotonic() + 180
    while not is_so():
        assert monotonic() < deadline
        sleep(0.1)
