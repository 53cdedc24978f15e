"""What runs a service, and where it listens: a signed record beside the request log,
while it runs.

JupyterLab links to the address, so a record that others wrote counts for nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.model import Process
from jupyter_pipe.runs.processes import Heart, is_alive, this_process
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Running", "announced", "running_services"]

_PURPOSE = "service"


class Running(Struct, frozen=True):
    """A service: where it listens, what it was told to serve, since when (UTC seconds
    since 1970)."""

    address: str
    target: str
    workers: int
    started: float
    process: Process
    mode: str = ""
    share: float = 0.0


@contextlib.contextmanager
def announced(
    folder: Path,
    address: str,
    target: str,
    workers: int,
    started: float,
    mode: str,
    share: float,
) -> Iterator[None]:
    """Say in the model's folder that this process serves it, for as long as the context
    lasts. A folder that cannot be written is no reason not to serve."""
    # Several services may serve one model, such as one for each of two ports.
    path = folder / f"service-{os.getpid()}.json"
    running = Running(address, target, workers, started, this_process(), mode, share)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, sign(_PURPOSE, path.name, to_json(running)))
    except OSError:
        yield
        return
    # Who looks from another host cannot ask for our pid; it looks at the time of the
    # file.
    heart = Heart(path)
    try:
        yield
    finally:
        heart.stop()
        path.unlink(missing_ok=True)


def running_services(folder: Path) -> tuple[Running, ...]:
    """The services of a model that run now, the newest first."""
    found = []
    for path in folder.glob("service-*.json"):
        try:
            running = msgspec.json.decode(
                read_record(path, _PURPOSE, path.name), type=Running
            )
        except UNREADABLE:
            continue
        if is_alive(running.process, path):
            found.append(running)
    return tuple(sorted(found, key=lambda each: each.started, reverse=True))
