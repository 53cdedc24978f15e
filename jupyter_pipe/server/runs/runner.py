"""The process of one run that the server starts, here or in another engine.

Reads an `Order` from standard input, compiles the saved notebook, runs it, and ends
with the run's exit code. It is a session of its own: neither the server's end nor its
terminal touches it. An error before the run exists is printed as JSON on standard
output, for the server to pass on; from then on the output goes to the run's own log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs import RunStore
from jupyter_pipe.server.decoding import error_body
from jupyter_pipe.server.payloads import StartRequest
from jupyter_pipe.server.requests import make_request, resume_request

__all__ = ["Order", "main"]


class Order(msgspec.Struct, frozen=True):
    """What to run. `root` is the absolute path of the folder that keeps the run.

    Either `request` asks for a new run of the saved notebook, or `resumed_from` is the
    run in the same folder that this one continues, as it ran. With `engine` a new run
    is submitted there, and the process ends as soon as the engine has it.
    """

    root: str
    run_id: str
    notebook: str = ""
    request: StartRequest | None = None
    resumed_from: str = ""
    engine: str = ""


def main() -> int:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    # The order has been read; a notebook that asks for input must not wait for more of
    # it.
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - lives as long as the process
    try:
        return run(order)
    except PipeError as error:
        # On a line of its own, behind whatever was printed.
        sys.stdout.buffer.write(b"\n" + msgspec.json.encode(error_body(error)))
        return error.exit_code


def run(order: Order) -> int:
    """Compile and run. Raises PipeError."""
    from jupyter_pipe.engine import run_pipeline
    from jupyter_pipe.engine.detached import log_to

    store = RunStore(order.root)
    if order.request is not None and order.engine:
        return _submit(store, order, order.request)
    if order.request is not None:
        request = make_request(Path(order.notebook), order.request, run_id=order.run_id)
    else:
        request = resume_request(store, order.resumed_from, new_run_id=order.run_id)
    return (
        run_pipeline(
            request, observers=[log_to(store.folder(order.run_id).log)]
        ).exit_code
        or 0
    )


def _submit(store: RunStore, order: Order, asked: StartRequest) -> int:
    """Have the engine run it, and leave behind the process that follows it there."""
    from jupyter_pipe.submit.following import start_following
    from jupyter_pipe.submit.submission import is_submitted, submit

    request = make_request(Path(order.notebook), asked, run_id=order.run_id)
    command = ("jupyter", "pipe", "submit", order.engine, Path(order.notebook).name)
    submit(replace(request, command=command), order.engine)
    if is_submitted(store.folder(order.run_id)):
        start_following(store, order.run_id)
    return 0
