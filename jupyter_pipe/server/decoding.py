"""Requests and errors as JSON, the same in the server, in its workers and in
runners."""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from jupyter_pipe.errors import CompileError, ErrorCode, PipeError
from jupyter_pipe.server.payloads import ErrorBody

__all__ = ["decode_body", "error_body", "error_from"]

T = TypeVar("T")


def decode_body(data: bytes, kind: type[T]) -> T:
    """A request's JSON as `kind`; nothing stands for `{}`. Raises PipeError if it is
    something else."""
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except RecursionError:
        raise PipeError(
            "The request is nested too deeply.", code="bad_request"
        ) from None
    except ValueError as error:  # of the decoder, or of bytes that are not UTF-8
        raise PipeError(
            f"The request does not fit: {error}", code="bad_request"
        ) from error


def error_body(error: PipeError) -> ErrorBody:
    """The error as it is sent."""
    diagnostics = error.diagnostics if isinstance(error, CompileError) else ()
    return ErrorBody(error.code, error.message, error.hint, error.cell_id, diagnostics)


def error_from(body: ErrorBody) -> PipeError:
    """The error that another process of ours has met."""
    if body.diagnostics:
        return CompileError(body.message, diagnostics=body.diagnostics, hint=body.hint)
    return PipeError(
        body.message,
        code=cast(ErrorCode, body.code),
        hint=body.hint,
        cell_id=body.cell_id,
    )
