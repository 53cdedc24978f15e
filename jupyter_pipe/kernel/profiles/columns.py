"""The columns of frames, series and arrays, whichever library they are of: each as one
profile.

Nothing is imported that the stage has not imported. A column is taken apart from its
frame only for the rows of the sample, so that a large frame is neither copied nor read
as a whole.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from .numbers import profile_numbers
from .texts import profile_objects

__all__ = ["Column", "columns_of", "profile_column"]

_MOST_COLUMNS = 500


class Column(NamedTuple):
    """`take(places)` gives the rows at these places, `places` None all of them: a numpy
    array, an array of pandas, or a series of polars. `library` says which."""

    name: str
    dtype: str
    library: str
    take: Callable[[Any], Any]


def columns_of(value: Any) -> tuple[int, list[Column], int]:
    """The number of rows, the columns, and how many were left out; no columns for other
    values."""
    found = _find_columns(value)
    if found is None:
        return 0, [], 0
    rows, names, column_at = found
    shown = [column_at(place, name) for place, name in enumerate(names[:_MOST_COLUMNS])]
    return rows, shown, max(0, len(names) - _MOST_COLUMNS)


_Found = tuple[int, list[str], Callable[[int, str], Column]]


def _find_columns(value: Any) -> _Found | None:
    """Rows, names, and what makes the column at a place. None for what has no
    columns."""
    for library, find in _FINDERS.items():
        module = sys.modules.get(library)
        found = find(module, value) if module is not None else None
        if found is not None:
            return found
    return None


def _pandas_columns(pandas: Any, value: Any) -> _Found | None:
    if isinstance(value, pandas.Series):
        return (
            len(value),
            [_name_text(value.name)],
            lambda place, name: _pandas_column(value.array, name),
        )
    if not isinstance(value, pandas.DataFrame):
        return None
    names = [_name_text(name) for name in value.columns]
    return (
        len(value),
        names,
        lambda place, name: _pandas_column(value.iloc[:, place].array, name),
    )


def _polars_columns(polars: Any, value: Any) -> _Found | None:
    if isinstance(value, polars.Series):
        return len(value), [value.name], lambda place, name: _polars_column(value, name)
    if not isinstance(value, polars.DataFrame):
        return None
    return (
        len(value),
        value.columns,
        lambda place, name: _polars_column(value.to_series(place), name),
    )


def _array_columns(numpy: Any, array: Any) -> _Found | None:
    """A structured array has its fields, a table of numbers its columns by number."""
    if type(array) is not numpy.ndarray or not array.ndim:
        return None
    if array.ndim == 1 and array.dtype.names:
        names = [str(name) for name in array.dtype.names]
        return len(array), names, lambda place, name: _array_column(array[name], name)
    if array.ndim == 2 and array.shape[1] <= _MOST_COLUMNS:
        names = [str(place) for place in range(array.shape[1])]
        return (
            len(array),
            names,
            lambda place, name: _array_column(array[:, place], name),
        )
    return array.size, [""], lambda place, name: _array_column(array.reshape(-1), name)


_FINDERS = {
    "pandas": _pandas_columns,
    "polars": _polars_columns,
    "numpy": _array_columns,
}


def _name_text(name: Any) -> str:
    """Of an index of several levels `price/mean`; of a series without a name
    nothing."""
    if isinstance(name, tuple):
        return "/".join(map(str, name))
    return "" if name is None else str(name)


def _array_column(array: Any, name: str) -> Column:
    return Column(
        name,
        str(array.dtype),
        "numpy",
        lambda places: array if places is None else array[places],
    )


def _pandas_column(array: Any, name: str) -> Column:
    dtype = str(array.dtype)
    return Column(
        name,
        dtype,
        "pandas",
        lambda places: array if places is None else array.take(places),
    )


def _polars_column(series: Any, name: str) -> Column:
    dtype = str(series.dtype)
    return Column(
        name,
        dtype,
        "polars",
        lambda places: series if places is None else series.gather(places.tolist()),
    )


def profile_column(
    column: Column, places: Any, show: Callable[[str], str]
) -> dict[str, Any]:
    """The record of one column (`ColumnProfile`), of the rows at `places` or of all."""
    head = {"name": show(column.name), "dtype": column.dtype}
    numpy = sys.modules["numpy"]
    kind, values = _READERS[column.library](numpy, column.take(places))
    if kind == "objects":
        return {**head, **profile_objects(values, show)}
    if kind == "other":
        return {**head, "type": "other", "filled": len(values)}
    record = {"type": kind, **profile_numbers(numpy, values)}
    if kind == "bool":
        words = {"0": "False", "1": "True"}
        record["top"] = [
            (words[value], count) for value, count in record.get("top", ())
        ]
        record = {
            name: item
            for name, item in record.items()
            if name not in ("quantiles", "histogram")
        }
    return {**head, **record}


_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float"}


def _read_numpy(numpy: Any, values: Any) -> tuple[str, Any]:
    kind = values.dtype.kind
    if kind in _KINDS:
        return _KINDS[kind], values.astype("float64")
    if kind in "Mm":
        # Microseconds reach far enough in both directions, nanoseconds do not.
        unit = "datetime64[us]" if kind == "M" else "timedelta64[us]"
        seconds = values.astype(unit).astype("int64") / 1e6
        seconds[numpy.isnat(values)] = numpy.nan
        return "datetime" if kind == "M" else "duration", seconds
    if kind in "OU":
        return "objects", values.tolist()
    return "other", values


def _read_pandas(numpy: Any, values: Any) -> tuple[str, Any]:
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    if hasattr(values, "categories") and hasattr(values, "codes"):
        return "objects", _category_values(values)
    if kind in _KINDS:
        return _KINDS[kind], values.to_numpy(dtype="float64", na_value=numpy.nan)
    if kind in "Mm" and not dtype.name.startswith("period"):
        unit = "datetime64[us]" if kind == "M" else "timedelta64[us]"
        return _read_numpy(numpy, numpy.asarray(values, dtype=unit))
    return "objects", numpy.asarray(values, dtype=object).tolist()


def _category_values(values: Any) -> list[Any]:
    words = [each if isinstance(each, str) else str(each) for each in values.categories]
    return [None if code < 0 else words[code] for code in values.codes.tolist()]


def _read_polars(numpy: Any, values: Any) -> tuple[str, Any]:
    """The kind of a polars column and its values: numbers as floats with NaN for gaps,
    times and durations in seconds, texts and everything else as a list of objects."""
    polars = sys.modules["polars"]
    dtype = values.dtype
    if dtype == polars.Boolean or dtype.is_numeric():
        kind = (
            "bool"
            if dtype == polars.Boolean
            else "int"
            if dtype.is_integer()
            else "float"
        )
        filled = values.cast(polars.Float64).fill_null(float("nan"))
        return kind, numpy.array(filled.to_numpy(), dtype="float64")
    if dtype in (polars.Date, polars.Datetime, polars.Duration):
        wide = values.cast(
            polars.Duration("us") if dtype == polars.Duration else polars.Datetime("us")
        )
        seconds = (
            wide.to_physical().cast(polars.Float64).fill_null(float("nan")).to_numpy()
            / 1e6
        )
        return "duration" if dtype == polars.Duration else "datetime", seconds
    if dtype in (polars.Categorical, polars.Enum):
        return "objects", values.cast(polars.String).to_list()
    return "objects", values.to_list()


_READERS: dict[str, Callable[[Any, Any], tuple[str, Any]]] = {
    "numpy": _read_numpy,
    "pandas": _read_pandas,
    "polars": _read_polars,
}
