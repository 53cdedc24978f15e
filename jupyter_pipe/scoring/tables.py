"""Tables of rows on disk as records: CSV, Parquet and JSON lines. Raises RowsError and
PipeError."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.columns import RowsError

__all__ = ["read_table"]


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, with columns that no scorer knows, such as what came out.
    Gaps are None."""
    import pandas

    readers: dict[str, Any] = {
        ".csv": pandas.read_csv,
        ".parquet": pandas.read_parquet,
        ".pq": pandas.read_parquet,
        ".jsonl": lambda each: pandas.read_json(each, lines=True),
        ".ndjson": lambda each: pandas.read_json(each, lines=True),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise PipeError(
            f"'{path}' does not end like a table that can be read.",
            code="rows_invalid",
            hint=f"The endings are {', '.join(readers)}.",
        )
    try:
        frame = reader(path)
    except (
        ValueError,
        pandas.errors.ParserError,
        pandas.errors.EmptyDataError,
    ) as error:
        raise RowsError(f"'{path}' cannot be read: {error}.") from None
    names = list(frame.columns)
    # `tolist` gives Python's own numbers, which JSON can hold.
    columns = [[_plain(value) for value in frame[name].tolist()] for name in names]
    return [
        dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)
    ]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _plain(value: Any) -> Any:
    if value is None or _is_nan(value) or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return (
        value
        if isinstance(value, (bool, int, float, str))
        else json.loads(json.dumps(value, default=str))
    )
