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

from tests.engines.standalone import kill
from tests.engines.trial import FLOWS
from tests.serving.service import PATIENCE, until

__all__ = ["Servers", "served"]


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
        return error.code != 404
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
