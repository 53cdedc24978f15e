"""Starts runners and finds out whether their runs came to be."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import msgspec

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.decoding import error_from
from jupyter_pipe.server.payloads import ErrorBody
from jupyter_pipe.server.runs.runner import Order

__all__ = ["start_run"]

_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN_LOOKS = 0.05


def start_run(order: Order) -> None:
    """Start a runner; returns when its run exists. Raises what the runner could not do."""
    events = RunStore(order.root).folder(order.run_id).events
    with tempfile.TemporaryFile() as output:
        runner = subprocess.Popen(
            own_module("jupyter_pipe.server.runs.runner"),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=order.root,
            # A session of its own: signals to the server's group do not reach it.
            start_new_session=True,
        )
        _send(runner, order)
        _wait(runner, events, output)


def _send(runner: subprocess.Popen[bytes], order: Order) -> None:
    if runner.stdin is not None:
        with runner.stdin as stdin:
            stdin.write(msgspec.json.encode(order))


def _has_begun(events: Path) -> bool:
    """Whether the run's first event is written: before that nobody can read the run."""
    try:
        return events.stat().st_size > 0
    except OSError:
        return False


def _wait(runner: subprocess.Popen[bytes], events: Path, output: IO[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while not _has_begun(events):
        if runner.poll() is not None and not _has_begun(events):
            raise _failure(output)
        if time.monotonic() > deadline:
            runner.kill()
            raise RunError("The runner did not start its run in time.", code="runner_slow")
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _failure(output: IO[bytes]) -> PipeError:
    """What the runner said before it ended."""
    output.seek(0)
    said = output.read()
    try:
        body = msgspec.json.decode(said[said.rfind(b"\n") :], type=ErrorBody)
    except msgspec.MsgspecError:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        return RunError(f"The runner ended: {' '.join(last) or 'it said nothing'}", code="runner_failed")
    return error_from(body)
