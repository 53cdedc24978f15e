"""Subscripts of rows: columns, and selections of rows, which become copies of all rows
in the scorer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing.known import Ref
from jupyter_pipe.scoring.tracing.shapes import (
    entries,
    is_frame,
    is_handle,
    is_instance,
    library_of,
)

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = ["INDEXERS", "column_names", "copy_of", "rows_of_method", "select"]

INDEXERS = frozenset({"loc", "iloc", "at", "iat"})


def select(
    interpreter: Interpreter, base: Any, indexer: str, key: Any, where: ast.AST
) -> Any:
    """`base[key]`, or `base.loc[key]` where `indexer` is `loc`."""
    ref = interpreter.known.of(base)
    assert ref is not None
    recorder = interpreter.recorder
    result = getattr(base, indexer)[key] if indexer else base[key]
    names = column_names(base, indexer, key)
    if names is not None and len(ref.rows) == entries(result):
        # A mask over columns would not fit rows that lack some: names do.
        if isinstance(key, tuple) and _is_mask(key[-1]):
            key = (key[0], list(names))
        use = ColumnUse("get", ref.var, names)
        return recorder.note(
            result,
            lambda: _subscript(interpreter, ref, indexer, key),
            [base],
            where,
            columns=use,
        )
    row_key, other = _split(base, indexer, key)
    positions = _positions(base, indexer, row_key, len(ref.rows))
    if is_handle(base) or positions is None or _keeps_all(row_key):
        return recorder.note(
            result,
            lambda: _subscript(interpreter, ref, indexer, key),
            [base, key],
            where,
            meets=not _keeps_all(row_key),
        )
    if entries(result) != len(positions):
        # One row, or a selection whose entries are not rows any more.
        return recorder.freeze(result, where)
    return recorder.note(
        result,
        lambda: _all_rows(interpreter, ref, indexer, other),
        [base],
        where,
        rows=ref.rows[positions],
        columns=_use_of_columns(ref, base, indexer, other) if is_frame(base) else None,
    )


def _use_of_columns(ref: Ref, base: Any, indexer: str, columns: Any) -> ColumnUse:
    """`frame.loc[rows, ["a", "b"]]` needs two columns, `frame[rows]` all of them."""
    names = None
    if indexer == "loc" and columns is not None:
        names = column_names(base, "loc", (slice(None), columns))
    return ColumnUse("get", ref.var, names) if names else ColumnUse("pass", ref.var)


def column_names(base: Any, indexer: str, key: Any) -> tuple[Any, ...] | None:
    """The columns that a subscript of a frame names, if it is about columns alone."""
    original = key
    if (
        indexer == "loc"
        and isinstance(key, tuple)
        and len(key) == 2
        and _keeps_all(key[0])
    ):
        key, indexer = key[1], ""
    if indexer or not (is_frame(base) or is_instance(base, "polars", "DataFrame")):
        return None
    if key is not original and _is_mask(key):
        # `frame.loc[:, frame.columns != "price"]`
        return tuple(base.columns[key]) if len(key) == len(base.columns) else None
    return _listed_names(base, key)


def _listed_names(base: Any, key: Any) -> tuple[Any, ...] | None:
    """The columns of `frame["a"]` and `frame[["a", "b"]]`."""
    if isinstance(key, (str, int)) and key in base.columns:
        return (key,)
    if not (isinstance(key, (list, tuple)) or is_instance(key, "pandas", "Index")):
        return None
    names = tuple(key)
    return names if names and all(isinstance(name, str) for name in names) else None


def copy_of(interpreter: Interpreter, ref: Ref) -> ast.expr:
    """All rows of a value, as an object of its own."""
    name = ast.Name(ref.var, ast.Load())
    if isinstance(ref.value, (list, tuple)):
        return ast.Call(ast.Name("list", ast.Load()), [name], [])
    method = "clone" if library_of(ref.value) == "polars" else "copy"
    return ast.Call(ast.Attribute(name, method, ast.Load()), [], [])


def rows_of_method(base: Any, call: Any, size: int) -> Any:
    """The positions that a selecting method keeps: `call` is applied to a value and
    gives the selected.

    The method runs again on a stand-in whose index counts the rows. None where that
    does not tell.
    """
    import numpy

    if library_of(base) == "polars":
        return _rows_of_polars(base, call, size)
    if not hasattr(base, "index"):
        return None
    numbered = base.copy()
    # The labels of what is selected are then its positions.
    numbered.index = range(size)
    # `sample` draws: the second call must pick the same rows, and not disturb later
    # draws.
    state = numpy.random.get_state()
    try:
        selected = call(numbered)
    finally:
        numpy.random.set_state(state)
    positions = numpy.asarray(selected.index)
    return positions if positions.dtype.kind == "i" else None


def _rows_of_polars(base: Any, call: Any, size: int) -> Any:
    import numpy

    # No column of a notebook is called so.
    name = "\0row"
    frame = base.to_frame() if not hasattr(base, "with_row_index") else base
    try:
        return numpy.asarray(
            call(frame.with_row_index(name))[name].to_numpy(), dtype="int64"
        )
    except Exception:
        return None


def _split(base: Any, indexer: str, key: Any) -> tuple[Any, Any]:
    """The part of a key that is about rows, and the one about columns."""
    pairs = (
        indexer != "" or is_instance(base, "numpy", "ndarray") or hasattr(base, "tocsr")
    )
    if pairs and isinstance(key, tuple) and len(key) == 2:
        return key[0], key[1]
    return key, None


def _is_mask(key: Any) -> bool:
    return str(getattr(key, "dtype", "")) == "bool"


def _keeps_all(key: Any) -> bool:
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))


def _positions(base: Any, indexer: str, key: Any, size: int) -> Any:
    """The positions that the key picks; None where it picks no rows."""
    import numpy

    numbers = numpy.arange(size)
    shape = getattr(key, "shape", None)
    # `frame[frame > 0]` masks single values, and keeps all rows.
    if shape is not None and len(shape) > 1:
        return None
    try:
        if (
            indexer in ("iloc", "iat")
            or not hasattr(base, "index")
            or isinstance(base, list)
        ):
            plain = numpy.asarray(key) if hasattr(key, "dtype") else key
            found = numbers[plain]
        else:
            import pandas

            # Pandas itself says which positions the labels mean.
            series = pandas.Series(numbers, index=base.index)
            found = series.loc[key] if indexer else series[key]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return numpy.atleast_1d(numpy.asarray(found))


def _subscript(interpreter: Interpreter, ref: Ref, indexer: str, key: Any) -> ast.expr:
    base: ast.expr = interpreter.node(ref.value)
    if indexer:
        base = ast.Attribute(base, indexer, ast.Load())
    if is_instance(key, "pandas", "Index") and all(
        isinstance(name, str) for name in key
    ):
        key = list(key)
    return ast.Subscript(base, interpreter.node(key), ast.Load())


def _all_rows(interpreter: Interpreter, ref: Ref, indexer: str, other: Any) -> ast.expr:
    """The scorer's form of a selection: every row, of the columns that were asked
    for."""
    if other is None or _keeps_all(other):
        return copy_of(interpreter, ref)
    base: ast.expr = interpreter.node(ref.value)
    if indexer:
        base = ast.Attribute(base, indexer, ast.Load())
    if is_instance(other, "pandas", "Index") and all(
        isinstance(name, str) for name in other
    ):
        other = list(other)
    key = ast.Tuple([ast.Slice(), interpreter.node(other)], ast.Load())
    return ast.Subscript(base, key, ast.Load())
