"""What raw rows look like, and rows made from records, such as JSON gives them, in just
that form.

Raises RowsError, which names the row (from 1) and the column. Pure.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.model import Place, Refusal, ScoringRefusedError
from jupyter_pipe.scoring.tracing.shapes import is_frame, is_instance

__all__ = [
    "Column",
    "RowsError",
    "RowsForm",
    "checked_columns",
    "describe_rows",
    "rows_from_columns",
    "rows_from_frame",
    "rows_from_records",
    "to_records",
]

SINGLE = "value"
"""The name of the one column of rows that are a list, a series without a name or a flat
array."""


class Column(Struct, frozen=True):
    """A column of the raw rows. `kind` is `integer`, `number`, `boolean`, `text`,
    `time`, `category` or `other`; `dtype` is the notebook's. An `optional` column can
    be absent without changing any prediction."""

    name: str
    kind: str
    dtype: str
    categories: tuple[Any, ...] = ()
    optional: bool = False


class RowsForm(Struct, frozen=True):
    """What the notebook's raw rows are: `form` is `frame`, `polars`, `series`, `list`
    or `array`."""

    form: str
    columns: tuple[Column, ...]

    def with_optional(self, names: Sequence[str]) -> RowsForm:
        """The form in which these columns may be absent."""
        columns = (
            msgspec.structs.replace(each, optional=each.name in names)
            for each in self.columns
        )
        return RowsForm(self.form, tuple(columns))


class RowsError(PipeError):
    """Rows that cannot be scored: the message names the row and the column, and so do
    `row` (from 1; 0 if it is not about one), `column` and `rule` for programs. `rule`
    is `missing`, `type`, `range`, `category` or `code`, the notebook's own code that
    fails."""

    status = 422

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        row: int = 0,
        column: str = "",
        rule: str = "type",
    ) -> None:
        super().__init__(message, code="rows_invalid", hint=hint)
        self.row = row
        self.column = column
        self.rule = rule


def describe_rows(rows: Any) -> RowsForm:
    """The form of raw rows. Raises ScoringRefusedError for what cannot be made from
    records."""
    if is_frame(rows):
        return _describe_frame(rows)
    if is_instance(rows, "polars", "DataFrame"):
        return RowsForm(
            "polars",
            tuple(_column_of_polars(name, rows[name]) for name in rows.columns),
        )
    if is_instance(rows, "pandas", "Series"):
        name = rows.name if isinstance(rows.name, str) else SINGLE
        return RowsForm("series", (_column(name, rows),))
    if is_instance(rows, "numpy", "ndarray"):
        return RowsForm("array", _columns_of_array(rows))
    if isinstance(rows, list) and all(
        isinstance(row, (str, int, float, type(None))) for row in rows
    ):
        # One text among numbers, and no number can be asked for.
        kind = "text" if any(isinstance(row, str) for row in rows) else "number"
        return RowsForm("list", (Column(SINGLE, kind, "object"),))
    _refuse(f"Raw rows of the type {type(rows).__name__} cannot be made from records")
    raise AssertionError


def _refuse(message: str) -> None:
    way_out = "Tag a frame whose columns have names, a flat list or an array of numbers rows:NAME."
    raise ScoringRefusedError([Refusal(Place(1, 1), message, way_out)])


def _column(name: str, values: Any) -> Column:
    dtype = str(values.dtype)
    if dtype == "category":
        return Column(name, "category", dtype, tuple(values.cat.categories.tolist()))
    return Column(name, _kind(dtype), dtype)


def _kind(dtype: str) -> str:
    plain = dtype.lower()
    for word, kind in (
        ("datetime", "time"),
        # `UInt8` of pandas as `uint8` of numpy: the name is in lower case here.
        ("uint", "integer"),
        ("int", "integer"),
        ("float", "number"),
    ):
        if plain.startswith(word):
            return kind
    if plain.startswith("bool"):
        return "boolean"
    return "text" if plain in ("object", "str", "string") else "other"


def _column_of_polars(name: str, values: Any) -> Column:
    dtype = str(values.dtype)
    return Column(name, "text" if dtype in ("String", "Utf8") else _kind(dtype), dtype)


def _columns_of_array(rows: Any) -> tuple[Column, ...]:
    kind = _kind(str(rows.dtype))
    if rows.ndim == 1:
        return (Column(SINGLE, kind, str(rows.dtype)),)
    return tuple(
        Column(f"column_{number}", kind, str(rows.dtype))
        for number in range(rows.shape[1])
    )


# Rows from elsewhere


def rows_from_records(records: Sequence[Mapping[str, Any]], form: RowsForm) -> Any:
    """Rows as the notebook has them, from one mapping of column to value a row. Raises
    RowsError."""
    return rows_from_columns(checked_columns(records, form), form, len(records))


def checked_columns(
    records: Sequence[Mapping[str, Any]], form: RowsForm
) -> dict[str, list[Any]]:
    """The values of each column of the form, checked; gaps are None. Optional columns
    that no record has are left out. Raises RowsError."""
    columns: dict[str, list[Any]] = {}
    for column in form.columns:
        given = [
            number for number, record in enumerate(records) if column.name in record
        ]
        if not given and column.optional:
            continue
        # A gap in one record is written as null; a column that is absent is a mistake.
        if len(given) < len(records) and not column.optional:
            missing = next(
                number
                for number in range(len(records))
                if column.name not in records[number]
            )
            raise _missing(missing, column.name, records[missing])
        columns[column.name] = [
            _checked(record.get(column.name), row, column)
            for row, record in enumerate(records)
        ]
    return columns


def rows_from_frame(frame: Any, form: RowsForm) -> Any:
    """Rows as the notebook has them, from a frame that was read from a file. Raises
    RowsError."""
    columns: dict[str, list[Any]] = {}
    for column in form.columns:
        if column.name in frame.columns:
            values = frame[column.name].tolist()
            columns[column.name] = [
                _checked(value, row, column) for row, value in enumerate(values)
            ]
        elif not column.optional:
            raise _missing(0, column.name, dict.fromkeys(frame.columns))
    return rows_from_columns(columns, form, len(frame))


def _describe_frame(rows: Any) -> RowsForm:
    if (
        not all(isinstance(name, str) for name in rows.columns)
        or rows.columns.duplicated().any()
    ):
        _refuse("The columns of the raw rows have no names of their own")
    return RowsForm("frame", tuple(_column(name, rows[name]) for name in rows.columns))


def to_records(rows: Any, form: RowsForm) -> list[dict[str, Any]]:
    """One mapping of column to plain value a row, as JSON can hold it; gaps are
    None."""
    names = [column.name for column in form.columns]
    if form.form in ("frame", "polars"):
        return _records_of_frame(rows, names)
    items = rows.tolist() if hasattr(rows, "tolist") else list(rows)
    if len(names) > 1 or (form.form == "array" and getattr(rows, "ndim", 1) == 2):
        return [dict(zip(names, map(_plain, item), strict=True)) for item in items]
    return [{names[0]: _plain(item)} for item in items]


def _records_of_frame(rows: Any, names: list[str]) -> list[dict[str, Any]]:
    present = [name for name in names if name in rows.columns]
    lists = [rows[name].to_list() for name in present]
    return [
        dict(zip(present, map(_plain, values), strict=True))
        for values in zip(*lists, strict=True)
    ]


def _plain(value: Any) -> Any:
    if _is_gap(value):
        return None
    # Dates and times, of Python and of pandas.
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _missing(row: int, name: str, record: Mapping[str, Any]) -> RowsError:
    # `Price` for `price`.
    close = difflib.get_close_matches(name, [str(each) for each in record], n=1)
    hint = (
        f"Perhaps it is there as '{close[0]}'."
        if close
        else f"It has: {', '.join(map(str, record))}."
    )
    message = f"Row {row + 1} has no column '{name}'."
    return RowsError(message, hint, row=row + 1, column=name, rule="missing")


def _is_gap(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def rows_from_columns(checked: dict[str, list[Any]], form: RowsForm, size: int) -> Any:
    """Rows of the notebook's own kind, from the `size` values of each column that
    `checked_columns` gives: a list, an array, a series, or a frame of pandas or
    polars."""
    known = {column.name: column for column in form.columns}
    if form.form == "list":
        return next(iter(checked.values()))
    if form.form == "array":
        return _array(checked, form)
    if form.form == "polars":
        polars = import_module("polars")
        return polars.DataFrame(
            {
                name: polars.Series(name, values).cast(_polars_type(known[name]))
                for name, values in checked.items()
            }
        )
    import pandas

    frame = {name: _series(values, known[name]) for name, values in checked.items()}
    if form.form == "series":
        name, series = next(iter(frame.items()))
        # A series without a name got ours.
        return series.rename(None if name == SINGLE else name)
    return pandas.DataFrame(frame, index=range(size))


def _array(columns: dict[str, list[Any]], form: RowsForm) -> Any:
    """The columns side by side as one array, with NaN for gaps, so that whole numbers
    with gaps become float64; one-dimensional if the notebook's array was."""
    import numpy

    lists = [
        [math.nan if value is None else value for value in values]
        for values in columns.values()
    ]
    gaps = any(None in values for values in columns.values())
    dtype = (
        "float64"
        if gaps and form.columns[0].kind == "integer"
        else form.columns[0].dtype
    )
    made = numpy.array(lists, dtype=dtype)
    flat = len(form.columns) == 1 and form.columns[0].name == SINGLE
    return made[0] if flat else made.T.copy()


def _polars_type(column: Column) -> Any:
    return getattr(import_module("polars"), column.dtype.partition("(")[0])


_ZONED = ("datetime64[ns, ", "datetime64[us, ", "datetime64[ms, ", "datetime64[s, ")


def _series(values: list[Any], column: Column) -> Any:
    """One column of a frame with the dtype it had in the notebook, except that whole
    numbers and booleans of numpy's dtypes, which have no gaps, get what pandas gives
    such a column when it reads a file with gaps."""
    import pandas

    if column.kind == "category":
        return pandas.Series(
            pandas.Categorical(values, categories=list(column.categories))
        )
    # `boolean` and `Int64` have gaps, `bool` and `int64` have none.
    holds_gaps = column.dtype == "boolean" or column.dtype[0].isupper()
    if column.kind in ("integer", "boolean") and None in values and not holds_gaps:
        # As pandas itself reads a column of whole numbers with gaps.
        return pandas.Series(
            values, dtype="float64" if column.kind == "integer" else "object"
        )
    if column.kind == "time":
        # Daylight saving: times of one zone may have several offsets.
        zoned = column.dtype.startswith(_ZONED)
        return pandas.to_datetime(
            pandas.Series(values, dtype="object"), utc=zoned
        ).astype(column.dtype)
    return pandas.Series(values, dtype=column.dtype if column.kind != "other" else None)


def _checked(value: Any, row: int, column: Column) -> Any:
    """The value of one field, if it fits the column. Raises RowsError."""
    if _is_gap(value):
        return None
    if column.kind in ("integer", "number"):
        return _number(value, row, column)
    if column.kind == "time":
        return _time(value, row, column)
    if (
        column.kind == "boolean"
        and not isinstance(value, bool)
        and type(value).__name__ != "bool"
    ):
        raise _misfit(value, row, column, "true or false")
    if (
        column.kind == "text"
        and column.dtype != "object"
        and not isinstance(value, str)
    ):
        raise _misfit(value, row, column, "a text")
    if column.kind == "category" and value not in column.categories:
        wanted = f"one of {', '.join(map(str, column.categories[:20]))}"
        raise _misfit(value, row, column, wanted, "category")
    return value


def _number(value: Any, row: int, column: Column) -> Any:
    """The value as a number, read from text such as `"3.5"` if need be. Raises
    RowsError if it is not a number, or has decimals in a column of whole numbers."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _misfit(value, row, column, "a number") from None
    if not isinstance(value, (int, float)):
        value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _misfit(value, row, column, "a number")
    if column.kind == "integer":
        return _whole_number(value, row, column)
    return _float(value, row, column)


def _float(value: float, row: int, column: Column) -> float:
    """JSON may hold whole numbers that no float can."""
    try:
        float(value)
    except OverflowError:
        raise _misfit(
            value, row, column, "a number that a float can hold", "range"
        ) from None
    return value


def _whole_number(value: float, row: int, column: Column) -> int:
    """Within what the column's dtype can hold: `Int64` and `uint8` name their size."""
    if not math.isfinite(_float(value, row, column)) or value != int(value):
        raise _misfit(value, row, column, "a whole number")
    digits = "".join(character for character in column.dtype if character.isdigit())
    # Arrays of Python's own `int` name no size.
    bits = int(digits or 64)
    unsigned = column.dtype.lower().startswith("u")
    low, high = (0, 2**bits) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    if not low <= value < high:
        raise _misfit(
            value, row, column, f"a whole number that {column.dtype} can hold", "range"
        )
    return int(value)


def _time(value: Any, row: int, column: Column) -> Any:
    import pandas

    zoned = column.dtype.startswith(_ZONED)
    wanted = (
        "a time with its zone, such as 2026-01-31T12:00+01:00"
        if zoned
        else "a date such as 2026-01-31"
    )
    try:
        found = pandas.Timestamp(value)
    except (ValueError, TypeError, OverflowError):
        raise _misfit(value, row, column, wanted) from None
    # Which moment `12:00` is without a zone, nobody can know.
    if column.dtype.startswith("datetime64") and (found.tzinfo is not None) != zoned:
        raise _misfit(value, row, column, wanted)
    return found


def _misfit(
    value: Any, row: int, column: Column, wanted: str, rule: str = "type"
) -> RowsError:
    message = (
        f"Row {row + 1}, column '{column.name}': {repr(value)[:60]} is not {wanted}."
    )
    return RowsError(message, row=row + 1, column=column.name, rule=rule)
