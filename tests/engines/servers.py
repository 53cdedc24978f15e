"""Servers of an engine on this machine, which are started, killed and started again
together."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from jupyter_pipe.submit.engines.dagster import LOCATION
from tests.engines.standalone import kill
from tests.engines.trial import FLOWS, free_port
from tests.serving.service import PATIENCE, until

__all__ = ["POOL", "Servers", "dagster_servers", "prefect_servers", "served"]

POOL = "machines"
"""The work pool of Prefect whose worker `prefect_servers` starts."""
_DAGSTER = """\
telemetry: {enabled: false}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {max_concurrent_runs: 4, dequeue_interval_seconds: 1}
"""


class Servers:
    """`commands` are programs of the environment that has the engines; `address`
    answers when they are up."""

    def __init__(
        self,
        folder: Path,
        address: str,
        commands: Sequence[Sequence[str]],
        environment: dict[str, str],
    ) -> None:
        self.address = address
        self._folder = folder
        self._commands = commands
        self._environment = {**os.environ, **environment}
        # Dozens of processes import the same modules.
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._running: list[subprocess.Popen[bytes]] = []
        self._orphans: list[psutil.Process] = []

    def start(self) -> None:
        """Start them, with what they had when they ended, and wait until they
        answer."""
        for number, command in enumerate(self._commands):
            with (self._folder / f"server-{number}.log").open("ab") as log:
                self._running.append(
                    subprocess.Popen(
                        [str(FLOWS.parent / command[0]), *command[1:]],
                        cwd=self._folder,
                        env=self._environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        until(lambda: _answers(self.address), f"{self.address} being up")

    def die(self) -> None:
        """Kill the servers, and nothing that they have started: that goes on without
        them."""
        for each in self._running:
            self._orphans += psutil.Process(each.pid).children(recursive=True)
        for each in self._running:
            each.kill()
        for each in self._running:
            each.wait()
        self._running = []

    def stop(self) -> None:
        """End them, and whatever they have ever started."""
        family = list(self._orphans)
        for each in self._running:
            with contextlib.suppress(psutil.Error):
                family += psutil.Process(each.pid).children(recursive=True)
            each.terminate()
        psutil.wait_procs(family, timeout=20)
        kill([each for each in family if each.is_running()])
        for each in self._running:
            each.kill()
            each.wait()


def _answers(address: str) -> bool:
    """Whether what is asked for is there, be it that nobody may see it."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE):
            return True
    except urllib.error.HTTPError as error:
        # 503: it has begun to listen, and its database is not ready.
        return error.code not in {404, 503}
    except OSError:
        return False


@contextmanager
def served(servers: Servers) -> Iterator[Servers]:
    """The servers, for as long as the test lasts."""
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


def prefect_servers(home: Path, **environment: str) -> tuple[Servers, Servers]:
    """A server of Prefect and a worker, which keep what they know in `home`; not started
    yet."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    told = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": address,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **environment,
    }
    start = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    # It makes the pool, asks for work every few seconds, and goes on asking while there
    # is no server.
    work = ["prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    return (
        Servers(home, f"{address}/health", [start], told),
        Servers(home, f"{address}/work_pools/{POOL}", [work], told),
    )


def dagster_servers(home: Path, **environment: str) -> Servers:
    """A web server and a daemon of Dagster, which serve `home/definitions`; not started
    yet."""
    (home / "dagster.yaml").write_text(_DAGSTER)
    served_file = home / "definitions" / LOCATION
    (home / "workspace.yaml").write_text(f"load_from:\n- python_file: {served_file}\n")
    port = free_port()
    web = ["dagster-webserver", "-h", "127.0.0.1", "-p", port, "-w", "workspace.yaml"]
    daemon = ["dagster-daemon", "run", "-w", "workspace.yaml"]
    told = {"DAGSTER_HOME": str(home), **environment}
    return Servers(home, f"http://127.0.0.1:{port}", [web, daemon], told)
