"""Methods of rows that the scorer calls in another way than the notebook does."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing import frames
from jupyter_pipe.scoring.tracing.learning import (
    is_to_category,
    learn_categories,
    learn_codes,
)
from jupyter_pipe.scoring.tracing.selections import copy_of, rows_of_method
from jupyter_pipe.scoring.tracing.shapes import (
    entries,
    is_estimator,
    is_frame,
    library_of,
)

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = ["find", "find_of_others"]

Method = Callable[
    ["Interpreter", Any, str, tuple[Any, ...], dict[str, Any], ast.AST], Any
]
# What the scorer calls instead of `fit_transform` and `fit_predict`.
_SUCCESSORS = {"fits-and-transforms": "transform", "fits-and-predicts": "predict"}
# Methods of lists and dicts that change what is in them.
_MUTATORS = {
    "append": None,
    "extend": None,
    "insert": None,
    "update": None,
    "pop": None,
}


def find(
    owner: Any,
    name: str,
    class_: str | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Method | None:
    """The special treatment of a method of rows; None for one that is called as it
    is."""
    # First: whatever the method does, nothing comes back.
    if kwargs.get("inplace") is True:
        return _in_place
    if name == "astype" and is_to_category(owner, args, kwargs):
        return learn_categories
    if class_ == "selects":
        return _select
    if is_frame(owner) and name in frames.METHODS:
        return frames.METHODS[name]
    if class_ in frames.CLASSES:
        return frames.CLASSES[class_] if _has_columns(owner, class_) else None
    return _find_by_name(owner, name, args)


def _has_columns(owner: Any, class_: str) -> bool:
    """Of polars, what drops rows is known as it is for pandas; the rest of its methods
    are expressions."""
    return is_frame(owner) or (library_of(owner) == "polars" and class_ == "drops")


def _find_by_name(owner: Any, name: str, args: tuple[Any, ...]) -> Method | None:
    if name == "select" and not all(isinstance(arg, str) for arg in args):
        return None
    if isinstance(owner, list) and name in _MUTATORS:
        return _list_change
    return _BY_NAME.get(name)


def find_of_others(owner: Any, name: str, class_: str | None) -> Method | None:
    """The special treatment of a method of something that is given rows: a model, a
    list."""
    if is_estimator(owner) and (class_ or "").startswith("fits"):
        return functools.partial(_fit, class_ or "")
    if name == "split" and type(owner).__module__.startswith("sklearn.model_selection"):
        return _fold
    if isinstance(owner, (list, set, dict)) and hasattr(owner, name):
        return _as_it_is
    return None


def _as_it_is(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`parts.append(frame)` of a list of the notebook's own."""
    return getattr(owner, name)(*args, **kwargs)


def _fold(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`for learn, check in KFold(5).split(rows)`: which rows are where is decided by
    all of them."""
    freeze = interpreter.recorder.freeze
    return [
        tuple(freeze(places, where) for places in fold)
        for fold in owner.split(*args, **kwargs)
    ]


def _fit(
    class_: str,
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """Fitting is part of the notebook's run alone; what is fitted and applied at once
    is applied in the scorer."""
    recorder = interpreter.recorder
    # Lines above may use the model as it was fitted before.
    recorder.protect(owner)
    learned = kwargs.get("y", args[1] if len(args) > 1 else None)
    note_target(interpreter, learned)
    result = getattr(owner, name)(*args, **kwargs)
    successor = _SUCCESSORS.get(class_)
    if successor is None:
        return result
    # Some models, such as DBSCAN, can only tell of the rows that they have learned.
    refusal = None if hasattr(owner, successor) else "mixes"
    rows = args[0] if args else kwargs.get("X")
    return recorder.note(
        result,
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), successor, ast.Load()),
            [interpreter.node(rows)],
            [],
        ),
        [rows],
        where,
        class_=refusal,
        about=f"{type(owner).__name__}.{name}",
    )


def note_target(interpreter: Interpreter, learned: Any) -> None:
    """The column that a model learns to predict is not known of new rows."""
    ref = interpreter.known.of(learned)
    name = getattr(learned, "name", None)
    if ref is not None and isinstance(name, str):
        interpreter.recorder.trace.targets.add(name)


def _select(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`query`, `dropna`, `sample`: some of the rows in the notebook, a copy of all of
    them in the scorer."""
    ref = interpreter.known.of(owner)
    assert ref is not None
    if name == "dropna" and kwargs.get("axis") in (1, "columns"):
        return frames.choose_columns(interpreter, owner, name, args, kwargs, where)
    positions = _selected_rows(interpreter, owner, name, args, kwargs)
    result = getattr(owner, name)(*args, **kwargs)
    if positions is None or entries(result) != len(positions):
        # A single row, for example.
        if entries(result) is None:
            return interpreter.recorder.freeze(result, where)
        interpreter.recorder.poison = interpreter.recorder.refuse(
            where, f"It cannot be told which rows '{name}' keeps"
        )
        return interpreter.recorder.note(
            result, lambda: copy_of(interpreter, ref), [owner], where
        )
    return interpreter.recorder.note(
        result,
        lambda: copy_of(interpreter, ref),
        [owner],
        where,
        rows=ref.rows[positions],
        columns=ColumnUse("pass", ref.var) if is_frame(owner) else None,
    )


def _columns_of_polars(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`frame.select("a", "b")`, of which those that nobody needs can be left out."""
    ref = interpreter.known.of(owner)
    assert ref is not None
    names = ast.List([ast.Constant(arg) for arg in args], ast.Load())
    return interpreter.recorder.note(
        owner.select(*args, **kwargs),
        lambda: ast.Subscript(interpreter.node(owner), names, ast.Load()),
        [owner],
        where,
        columns=ColumnUse("get", ref.var, args),
    )


def _selected_rows(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    # The index must survive for the rows to be told, and the stand-in must not be
    # changed in place.
    plain = {
        key: value
        for key, value in kwargs.items()
        if key not in ("ignore_index", "inplace")
    }
    ref = interpreter.known.of(owner)
    assert ref is not None
    return rows_of_method(
        owner, lambda each: getattr(each, name)(*args, **plain), len(ref.rows)
    )


def _in_place(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`frame.dropna(inplace=True)` and its like."""
    from jupyter_pipe.scoring.tracing.judging import judge_method

    ref = interpreter.known.of(owner)
    assert ref is not None
    class_ = judge_method(owner, name, args, kwargs)
    if class_ == "selects":
        positions = _selected_rows(interpreter, owner, name, args, kwargs)
        getattr(owner, name)(*args, **kwargs)
        if positions is None:
            interpreter.recorder.poison = interpreter.recorder.refuse(
                where, f"It cannot be told which rows '{name}' keeps"
            )
        else:
            # The same object, with fewer rows from here on.
            ref.rows = ref.rows[positions]
            interpreter.recorder.trace.sizes.add(len(ref.rows))
        return None
    getattr(owner, name)(*args, **kwargs)
    statement, columns = _statement(
        interpreter, ref.var, owner, name, args, kwargs, class_
    )
    interpreter.recorder.change(
        ref, statement, [*args, *kwargs.values()], where, columns=columns, class_=class_
    )
    return None


def _statement(
    interpreter: Interpreter,
    var: str,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    class_: str | None,
) -> tuple[ast.stmt, ColumnUse | None]:
    """The statement for a method that changes its owner in place, and which columns
    that concerns. `drop` gets `errors="ignore"`, since the scorer's rows may come
    without the column."""
    columns = None
    nodes = [ast.keyword(key, interpreter.node(value)) for key, value in kwargs.items()]
    if class_ == "drops":
        names = frames.dropped(args, kwargs)
        columns = ColumnUse("drop", var, names) if names is not None else None
        if "errors" not in kwargs:
            nodes.append(ast.keyword("errors", ast.Constant("ignore")))
    elif class_ == "renames":
        columns = frames.renaming(var, kwargs)
    elif class_ == "by-column":
        columns = ColumnUse("pass", var)
    call = ast.Call(
        ast.Attribute(interpreter.node(owner), name, ast.Load()),
        [interpreter.node(arg) for arg in args],
        nodes,
    )
    return ast.Expr(call), columns


def _pipe(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    from jupyter_pipe.scoring.tracing.calls import call_value

    return call_value(
        interpreter, args[0], (owner, *args[1:]), kwargs, where, interpreter.top
    )


def _list_change(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """A list of rows that grows or shrinks is no list of rows any more."""
    result = getattr(owner, name)(*args, **kwargs)
    interpreter.known.forget(owner)
    interpreter.known.freeze(owner)
    return result


_BY_NAME: dict[str, Method] = {
    "pipe": _pipe,
    "factorize": learn_codes,
    "select": _columns_of_polars,
}
