"""One request for predictions, from its body to its answer.

The routing is taken once, so a request is answered by one version from its beginning to
its end, whatever takes over meanwhile.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.columns import RowsError
from jupyter_pipe.serving.judging import Remark
from jupyter_pipe.serving.live.batching import Batcher, Scored
from jupyter_pipe.serving.live.models import Model
from jupyter_pipe.serving.live.routing import Role, Routing, key_of_rows
from jupyter_pipe.serving.traffic.records import Answered, Problem
from jupyter_pipe.serving.web.reading import read_rows

__all__ = ["Answer", "answer_rows", "failed", "refused"]


@dataclass
class Answer:
    """What is sent, and what is counted and written down of it."""

    status: int
    body: bytes
    model: Model | None = None
    role: Role = "champion"
    rows: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    remarks: tuple[Remark, ...] = ()
    problem: Problem | None = None
    fallback: Model | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def logged(self, at: float, seconds: float) -> Answered:
        """Its line in the request log."""
        version = self.model.release.version if self.model else ""
        digest = self.model.release.digest if self.model else ""
        rows, predictions = tuple(self.rows), tuple(self.predictions)
        head = (self.id, at, self.status, version, digest, self.role, seconds)
        return Answered(*head, rows, predictions, self.problem)


async def answer_rows(
    body: bytes, routing: Routing, batcher: Batcher, most_rows: int
) -> Answer:
    """The answer to a body, whatever is in it."""
    if routing.champion is None:
        return _not_ready()
    model = routing.champion
    role: Role = "champion"
    rows: list[dict[str, Any]] = []
    try:
        rows = read_rows(body, model.form, most_rows)
        chosen, role = routing.choose(key_of_rows(rows, model.manifest.keys))
        model = chosen or model
        scored = await batcher.score(model, rows)
    except PipeError as error:
        return refused(error, model, role, rows)
    if scored.error is not None and role == "challenger":
        # A client need not know that the challenger cannot answer what the champion
        # can.
        instead = await batcher.score(routing.champion, rows)
        if instead.error is None:
            answer = _answered(instead, routing.champion, "champion", rows)
            answer.fallback = model
            return answer
    return _answered(scored, model, role, rows)


def _answered(
    scored: Scored, model: Model, role: Role, rows: list[dict[str, Any]]
) -> Answer:
    if scored.error is not None:
        return refused(scored.error, model, role, rows)
    said: dict[str, Any] = {**model.identity, "predictions": scored.predictions}
    if scored.remarks:
        said["remarks"] = scored.remarks
    body = msgspec.json.encode(said)
    return Answer(200, body, model, role, rows, scored.predictions, scored.remarks)


def refused(
    error: PipeError, model: Model | None, role: Role, rows: list[dict[str, Any]]
) -> Answer:
    """An answer that says what is wrong with a request: row, column and rule, where
    they are known."""
    row = getattr(error, "row", 0)
    column, rule = (
        (error.column, error.rule) if isinstance(error, RowsError) else ("", "")
    )
    problem = Problem(error.code, error.message, row, column, rule)
    told: dict[str, Any] = {
        **(model.identity if model else {}),
        "error": _told(problem, error.hint),
    }
    return Answer(
        error.http_status, msgspec.json.encode(told), model, role, rows, problem=problem
    )


def failed(model: Model | None) -> Answer:
    """The answer to a request that met a defect of ours."""
    problem = Problem("error", "The service failed; its log has the details.")
    body = msgspec.json.encode({"error": _told(problem, "")})
    return Answer(500, body, model, problem=problem)


def _not_ready() -> Answer:
    problem = Problem("not_ready", "No version is live yet.")
    return Answer(
        503,
        msgspec.json.encode({"error": _told(problem, "See /ready.")}),
        problem=problem,
    )


def _told(problem: Problem, hint: str) -> dict[str, Any]:
    """The problem without what is not known."""
    said: dict[str, Any] = msgspec.to_builtins(problem)
    return {**said, "hint": hint} if hint else said


def now() -> tuple[float, float]:
    """The time of day and the time that only goes forward."""
    # The first is written down, the second measures: clocks are set.
    return time.time(), time.perf_counter()
