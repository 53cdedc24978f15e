"""Loads a version in a process of its own first: one that crashes must not take the
worker with it.

The first worker that meets a version lets it be rehearsed; the others wait and read
what came of it. A verdict holds as long as the service that asked runs, so a version
that fell to a shortage of memory has another chance.
"""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.serving.live.models import RefusedError
from jupyter_pipe.serving.sources import Release

__all__ = ["Part", "Rehearsal", "Verdict"]

_PROCESS = "jupyter_pipe.serving.processes.rehearsing"
# The other workers wait meanwhile, so there is an end to it.
_SECONDS = 300.0


class Part(Struct, frozen=True):
    """What the process is told: the version, and whether whoever signed it is
    trusted."""

    name: str
    version: str
    folder: str
    digest: str
    trust: bool


class Verdict(Struct, frozen=True):
    """What came of it. `refused` says why the version must not be loaded; empty if it
    may."""

    refused: str = ""


class Rehearsal:
    """`folder` is where workers of one service find each other's verdicts; `seconds`
    how long loading may take."""

    def __init__(
        self, folder: Path, *, trust: bool = False, seconds: float = _SECONDS
    ) -> None:
        self._folder = folder
        self._trust = trust
        self._seconds = seconds

    def require(self, release: Release) -> None:
        """Return if the version can be loaded here. Raises RefusedError if that would
        end the process, or take for ever. That it fails in an orderly way is for
        whoever loads it to find."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{release.digest}.rehearsed"
        with _alone(self._folder / "rehearsing.lock"):
            if path.is_file():
                verdict = msgspec.json.decode(path.read_bytes(), type=Verdict)
            else:
                verdict = Verdict(self._play(release))
                path.write_bytes(msgspec.json.encode(verdict))
        if verdict.refused:
            raise RefusedError(
                f"Version {release.version} of {release.name} does not go live: {verdict.refused}.",
                code="bundle_refused",
                hint="Load it by hand to see why: jupyter pipe score BUNDLE ROWS",
            )

    def _play(self, release: Release) -> str:
        part = Part(
            release.name,
            release.version,
            str(release.folder),
            release.digest,
            self._trust,
        )
        command = [sys.executable, "-m", _PROCESS]
        try:
            done = subprocess.run(
                command,
                input=msgspec.json.encode(part),
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it was not loaded after {self._seconds:,.0f} seconds"
        except OSError as error:
            return f"it cannot be tried: {error.strerror or error}"
        return "" if done.returncode == 0 else _ending(done.returncode, done.stderr)


def _ending(code: int, said: bytes) -> str:
    """`loading it ends the process (SIGSEGV). It said: …`."""
    how = f"exit code {code}"
    # Popen's way to say that a signal ended the process.
    if code < 0:
        how = (
            signal.Signals(-code).name
            if -code in set(signal.Signals)
            else f"signal {-code}"
        )
    lines = said.decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1].strip()[:200]}" if lines else ""
    return f"loading it ends the process ({how}){last}"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else is between these lines. A process that dies lets the others in."""
    with path.open("w") as file:
        # The system frees it when the process ends, however that is.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
