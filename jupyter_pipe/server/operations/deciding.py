"""A process that decides about a version of a model: promotes it if it is good enough,
or rolls back.

Deciding loads bundles, which runs their code, so it happens neither in the server nor
in its workers. Reads an `Order` from standard input, and prints an answer or an error
as JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.decoding import error_body, error_from
from jupyter_pipe.server.operations.payloads import DecisionAnswer, DecisionRequest
from jupyter_pipe.server.payloads import ErrorBody

__all__ = ["Order", "decide", "main"]

SECONDS = 300.0
_WAS_SLOW = "Deciding about version {} of '{}' took longer than {:.0f} seconds, and was stopped."


class Order(msgspec.Struct, frozen=True):
    """`root` is the absolute path of the folder whose registry it is about."""

    root: str
    request: DecisionRequest


class _Said(msgspec.Struct, frozen=True):
    """What the process prints: one of the two."""

    answer: DecisionAnswer | None = None
    error: ErrorBody | None = None


def decide(root: Path, request: DecisionRequest) -> DecisionAnswer:
    """Decide in a process of its own; blocks. A decision that is cut off is finished by
    whoever writes next. Raises PipeError."""
    order = msgspec.json.encode(Order(str(root), request))
    try:
        done = subprocess.run(
            own_module("jupyter_pipe.server.operations.deciding"),
            input=order,
            stdout=subprocess.PIPE,
            cwd=root,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = _WAS_SLOW.format(request.number, request.name, SECONDS)
        raise PipeError(
            message, code="operations_slow", hint="Try it in a terminal."
        ) from None
    try:
        said = msgspec.json.decode(
            # Only the last line: a library may print when it is imported.
            done.stdout[done.stdout.rfind(b"\n") + 1 :],
            type=_Said,
        )
    except (msgspec.MsgspecError, ValueError):
        said = _Said()
    if said.answer is None:
        raise error_from(said.error) if said.error else _died(request)
    return said.answer


def _died(request: DecisionRequest) -> PipeError:
    command = "rollback" if request.decision == "rollback" else "promote"
    which = "" if request.decision == "rollback" else f"@{request.number}"
    return PipeError(
        "The process that decides about the version ended without an answer.",
        code="operations_unavailable",
        hint=f"See why in a terminal: jupyter pipe {command} {request.name}{which}",
    )


def main() -> int:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    # What a model prints while it scores must not end up among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        said = _Said(answer=carry_out(order))
    except PipeError as error:
        said = _Said(error=error_body(error))
    with answers:
        answers.write(msgspec.json.encode(said))
    return 0


def carry_out(order: Order) -> DecisionAnswer:
    """Decide here. Raises PipeError."""
    from jupyter_pipe.registry import open_registry
    from jupyter_pipe.registry.promotion import promote

    asked = order.request
    registry = open_registry(root=Path(order.root))
    if asked.decision == "rollback":
        before = registry.find(asked.name)
        version = registry.rollback(asked.name)
        reason = f"It answers again, in place of version {before.number}."
        return DecisionAnswer("rolled_back", asked.name, version.number, reason)
    verdict, version = promote(registry, asked.name, asked.number, force=asked.force)
    return DecisionAnswer(
        verdict.outcome, asked.name, version.number, verdict.reason, verdict.hint
    )
