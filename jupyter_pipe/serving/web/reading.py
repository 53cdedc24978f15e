"""From the body of a request to rows. Pure; raises RequestError.

Taken are `{"rows": [{…}, …]}`, `[{…}, …]`, one row `{…}`, and what KServe's protocol V1
sends, `{"instances": [{…}, …]}`. Where a row is a single value, such as a text,
the value alone will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.columns import SINGLE, RowsForm

__all__ = ["RequestError", "check_headers", "read_rows"]

_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}
_HOW = 'Send {"rows": [{"COLUMN": VALUE, …}, …]} as JSON.'


class RequestError(PipeError):
    """A request that is none: its status says what kind of mistake it is."""

    def __init__(
        self, status: int, message: str, hint: str = _HOW, *, row: int = 0
    ) -> None:
        super().__init__(message, code="request_invalid", hint=hint)
        self._status = status
        self.row = row

    @property
    def http_status(self) -> int:
        """400 unreadable, 413 too large, 415 another encoding, 422 not rows."""
        return self._status


def check_headers(headers: Mapping[str, str], most_bytes: int) -> None:
    """Refuse by the headers alone what would not be read."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(
            415,
            f"Bodies compressed with {encoding[:40]!r} are not read.",
            "Send plain JSON.",
        )
    kind = headers.get("content-type", "").lower()
    charset = kind.partition("charset=")[2].strip(' "').partition(";")[0]
    if charset and charset not in _CHARSETS:
        raise RequestError(
            415, f"Bodies in {charset[:40]!r} are not read.", "Send JSON in UTF-8."
        )
    length = headers.get("content-length", "")
    # Cut, since a header of thousands of digits is no number that Python would read.
    if length.isdigit() and int(length[:18]) > most_bytes:
        raise too_large(most_bytes)


def too_large(most_bytes: int) -> RequestError:
    """The error for a body that is longer than a worker reads."""
    return RequestError(
        413,
        f"The body has more than {most_bytes:,} bytes.",
        "Send fewer rows at a time.",
    )


def read_rows(body: bytes, form: RowsForm, most_rows: int) -> list[dict[str, Any]]:
    """The rows of a body; whether they fit the form is judged later."""
    # `["good", "bad"]` for rows of one text.
    single = form.columns[0].name if len(form.columns) == 1 else ""
    rows = [
        _row(row, number, single)
        for number, row in enumerate(_listed(_decoded(body), form), 1)
    ]
    if not rows:
        raise RequestError(422, "The request has no rows.")
    if len(rows) > most_rows:
        message = f"The request has {len(rows):,} rows; at most {most_rows:,} are scored at a time."
        raise RequestError(413, message, "Send fewer rows at a time.")
    return rows


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        ValueError,
    ) as error:
        why = (
            "it is nested too deeply"
            if isinstance(error, RecursionError)
            else str(error)
        )
        raise RequestError(400, f"The body is not JSON: {why[:200]}.") from None


def _listed(value: Any, form: RowsForm) -> list[Any]:
    """The rows of a body: a list, `{"rows": […]}` or `{"instances": […]}`, or a single
    row."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        # A column may be called `rows`, too.
        known = {column.name for column in form.columns}
        lists = [
            value[name]
            for name in ("rows", "instances")
            if name in value and name not in known
        ]
        return lists[0] if lists and isinstance(lists[0], list) else [value]
    if form.columns and form.columns[0].name == SINGLE:
        return [value]
    raise RequestError(422, f"The body is {_kind(value)}, and not rows.")


def _row(row: Any, number: int, single: str) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    if single and not isinstance(row, list):
        return {single: row}
    raise RequestError(
        422,
        f"Row {number} is {_kind(row)}, and not an object with columns.",
        row=number,
    )


def _kind(value: Any) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        type(None): "null",
    }
    return kinds.get(type(value), "a number")
