"""A scorer that can be called: the generated module with its values, and the form of
the rows that it takes.

Runs the notebook's code. Rows that cannot be scored raise RowsError.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jupyter_pipe.scoring.columns import (
    RowsError,
    RowsForm,
    rows_from_frame,
    rows_from_records,
)
from jupyter_pipe.scoring.tracing.shapes import entries

__all__ = ["Scorer", "count_rows", "plain_predictions"]


class Scorer:
    """`source` is the module's text and `values` its globals. `rows` is the name of the
    raw rows in it."""

    def __init__(self, source: str, values: Mapping[str, Any], form: RowsForm) -> None:
        self.source = source
        self.form = form
        self.values = dict(values)
        self._names: dict[str, Any] = {"__name__": "jupyter_pipe_scorer", **values}
        exec(compile(source, "<scorer>", "exec"), self._names)  # noqa: S102 - signed by this user
        self._score = self._names["score"]

    def score(self, rows: Any) -> Any:
        """One prediction a row, for rows in the notebook's form. The rows stay as they
        are."""
        result = self._score(_own(rows))
        # The notebook's code may drop rows that it has never met before.
        if entries(result) != count_rows(rows):
            raise RowsError(
                f"{count_rows(rows)} rows gave {entries(result)} predictions."
            )
        return result

    def score_records(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """One prediction for each mapping of column to value."""
        return self.score(rows_from_records(records, self.form))

    def score_frame(self, frame: Any) -> Any:
        """One prediction for each row of a frame that was read from a file."""
        return self.score(rows_from_frame(frame, self.form))

    def steps(self, rows: Any) -> Iterator[tuple[int, Any]]:
        """The value of each line of the module, one after the other, with the line's
        number from 0: to find the line at which two sets of rows part. A statement
        gives the value of the variable that it changes."""
        tree = ast.parse(self.source)
        function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
        names = dict(self._names)
        names[function.args.args[0].arg] = _own(rows)
        # Without the `return`.
        for number, node in enumerate(function.body[:-1]):
            exec(compile(ast.Module([node], []), "<scorer>", "exec"), names)  # noqa: S102
            name = _changed_name(node)
            yield number, _snapshot(names.get(name)) if name else None


def _changed_name(node: ast.stmt) -> str:
    target: ast.AST | None = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        target = node.value.func
    # `frame["a"].values[0] = 1` changes `frame`.
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _snapshot(value: Any) -> Any:
    # What later lines change in place; iterators, which cannot be copied, hold nothing
    # to look at.
    return None if hasattr(value, "__next__") else copy.copy(value)


def _own(rows: Any) -> Any:
    # What a scorer changes are its own rows: with pandas 3 this copies nothing yet.
    return rows.copy() if hasattr(rows, "copy") else copy.copy(rows)


def count_rows(rows: Any) -> int:
    """The number of rows."""
    found = entries(rows)
    return 0 if found is None else found


def plain_predictions(result: Any) -> list[Any]:
    """Predictions as plain values, one a row: numbers and texts, or lists of them."""
    import numpy

    values = result if isinstance(result, list) else numpy.asarray(result).tolist()
    return [value.item() if hasattr(value, "item") else value for value in values]
