"""The process of one run that the loop starts.

Reads an `Order` from standard input, compiles the saved notebook, runs it, and ends
with the run's exit code. What is wrong before the run exists is printed, message and
hint, for the loop to pass on; from then on the output goes to the run's own log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.store import RunStore

__all__ = ["Order", "main"]


class Order(msgspec.Struct, frozen=True):
    """What to run: the notebook's absolute path, the folder that keeps the run,
    parameters as values."""

    notebook: str
    root: str
    run_id: str
    parameters: dict[str, Any] = {}


def main() -> int:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        return run(order)
    except PipeError as error:
        sys.stdout.write(
            "\n" + msgspec.json.encode([error.message, error.hint]).decode()
        )
        return error.exit_code


def run(order: Order) -> int:
    """Compile and run. Raises PipeError."""
    from jupyter_pipe.engine import RunRequest, open_target, run_pipeline
    from jupyter_pipe.engine.detached import log_to
    from jupyter_pipe.runs.parameters import resolve_parameters

    store = RunStore(order.root)
    target = open_target(order.notebook, store)
    request = RunRequest(
        target=target,
        parameters=resolve_parameters(
            target.pipeline.parameters,
            values=order.parameters,
            environment=dict(os.environ),
        ),
        trigger="loop",
        command=("jupyter", "pipe", "loop", "once", Path(order.notebook).name),
        run_id=order.run_id,
    )
    observers = [log_to(store.folder(order.run_id).log)]
    return run_pipeline(request, observers=observers).exit_code or 0
