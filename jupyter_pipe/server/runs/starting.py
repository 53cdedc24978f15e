"""Starts runners and finds out whether their runs came to be."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_pipe.engine.detached import start_detached
from jupyter_pipe.errors import PipeError, RunError
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.decoding import error_from
from jupyter_pipe.server.payloads import ErrorBody
from jupyter_pipe.server.runs.runner import Order
from jupyter_pipe.submit.settings import find_configuration, has_own_runner

__all__ = ["start_run"]


def start_run(order: Order) -> None:
    """Start a runner; returns when its run exists, or the engine has it. Raises what
    could not be done."""
    folder = RunStore(order.root).folder(order.run_id)
    is_elsewhere = order.engine and not has_own_runner(find_configuration(order.engine))
    # The first file that shows that somebody has taken the order on.
    begun = folder.submitted if is_elsewhere else folder.events
    said = start_detached(
        "jupyter_pipe.server.runs.runner",
        msgspec.json.encode(order),
        begun,
        Path(order.root),
    )
    if said is not None:
        raise _failure(said)


def _failure(said: bytes) -> PipeError:
    """What the runner said before it ended."""
    try:
        body = msgspec.json.decode(said[said.rfind(b"\n") :], type=ErrorBody)
    except msgspec.MsgspecError:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        return RunError(
            f"The runner ended: {' '.join(last) or 'it said nothing'}",
            code="runner_failed",
        )
    return error_from(body)
