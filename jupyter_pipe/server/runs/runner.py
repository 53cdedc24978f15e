"""The process of one run that the server starts.

Reads an `Order` from standard input, compiles the saved notebook, runs it, and ends with the run's
exit code. It is a session of its own: neither the server's end nor its terminal touches it. An error
before the run exists is printed as JSON on standard output, for the server to pass on; from then on
the output goes to the run's own log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.decoding import error_body
from jupyter_pipe.server.payloads import StartRequest
from jupyter_pipe.server.requests import make_request, resume_request

if TYPE_CHECKING:
    from jupyter_pipe.events import Event

__all__ = ["Order", "main"]


class Order(msgspec.Struct, frozen=True):
    """What to run. `root` is the absolute path of the folder that keeps the run.

    Either `request` asks for a new run of the saved notebook, or `resumed_from` is the run in the
    same folder that this one continues, as it ran.
    """

    root: str
    run_id: str
    notebook: str = ""
    request: StartRequest | None = None
    resumed_from: str = ""


def main() -> int:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        return run(order)
    except PipeError as error:
        sys.stdout.buffer.write(b"\n" + msgspec.json.encode(error_body(error)))
        return error.exit_code


def run(order: Order) -> int:
    """Compile and run. Raises PipeError."""
    from jupyter_pipe.engine import run_pipeline

    if order.request is not None:
        request = make_request(Path(order.notebook), order.request, run_id=order.run_id)
    else:
        request = resume_request(RunStore(order.root), order.resumed_from, new_run_id=order.run_id)
    return run_pipeline(request, observers=[_log_to(order)]).exit_code or 0


def _log_to(order: Order) -> Callable[[Event], None]:
    """An observer that sends this process's output to the run's log as soon as there is a run."""
    moved = False

    def observe(event: Event) -> None:
        nonlocal moved
        if moved:
            return
        moved = True
        folder = RunStore(order.root).folder(order.run_id)
        log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(log, stream)

    return observe
