"""The process of one run that the server starts: `python -m jupyter_pipe.server.runs.runner`.

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
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_pipe.errors import CompileError, PipeError
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.payloads import ErrorBody, StartRequest

if TYPE_CHECKING:
    from jupyter_pipe.engine.request import RunRequest
    from jupyter_pipe.events import Event

__all__ = ["Order", "main"]


class Order(msgspec.Struct, frozen=True):
    """What to run. `notebook` is absolute; `request.parameters` are the texts that the user typed;
    `resumed_from` is the run that this one continues, whose parameters hold."""

    notebook: str
    run_id: str
    request: StartRequest
    resumed_from: str | None = None


def main() -> int:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        return run(order)
    except PipeError as error:
        found = error.diagnostics if isinstance(error, CompileError) else ()
        body = ErrorBody(error.code, error.message, error.hint, error.cell_id, found)
        sys.stdout.buffer.write(b"\n" + msgspec.json.encode(body))
        return error.exit_code


def run(order: Order) -> int:
    """Compile and run. Raises PipeError."""
    from jupyter_pipe.engine import run_pipeline

    finished = run_pipeline(make_request(order), observers=[_log_to(order)])
    return finished.exit_code or 0


def make_request(order: Order) -> RunRequest:
    """The order in the engine's terms."""
    from jupyter_pipe.compiler import compile_notebook
    from jupyter_pipe.engine.request import RunRequest
    from jupyter_pipe.runs.parameters import resolve_parameters

    notebook = Path(order.notebook)
    compiled = compile_notebook(notebook)
    request = order.request
    return RunRequest(
        pipeline=compiled.pipeline,
        files=compiled.files,
        notebook=notebook,
        parameters=resolve_parameters(
            compiled.pipeline.parameters, texts=request.parameters, values=_values(order)
        ),
        targets=request.targets,
        from_=request.from_,
        force=request.force,
        use_cache=request.cache,
        keep_going=request.keep_going,
        trigger="jupyterlab",
        command=("jupyter", "pipe", "run", notebook.name),
        run_id=order.run_id,
        resumed_from=order.resumed_from,
    )


def _values(order: Order) -> dict[str, Any]:
    """The values that the run had which this one resumes, where they were not the notebook's."""
    if order.resumed_from is None:
        return {}
    before = RunStore(Path(order.notebook).parent).read(order.resumed_from)
    return {each.name: each.value for each in before.facts.parameters if each.changed}


def _log_to(order: Order) -> Callable[[Event], None]:
    """An observer that sends this process's output to the run's log as soon as there is a run."""
    moved = False

    def observe(event: Event) -> None:
        nonlocal moved
        if moved:
            return
        moved = True
        folder = RunStore(Path(order.notebook).parent).folder(order.run_id)
        log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(log, stream)

    return observe


if __name__ == "__main__":
    sys.exit(main())
