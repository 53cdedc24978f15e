"""Calls of pandas that learn from all rows and apply at once: the scorer applies what
was learned."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.learned import Bins, Categories, Codes, Dummies, Learned
from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing.shapes import is_frame, is_instance

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = ["LEARNERS", "is_to_category", "learn_categories", "learn_codes"]

Arguments = tuple[Any, ...]
Learner = Callable[
    ["Interpreter", Any, Arguments, dict[str, Any], ast.AST], tuple[bool, Any]
]


def _dummies(
    interpreter: Interpreter,
    function: Any,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`pd.get_dummies(frame, drop_first=True)`."""
    rows, given = _bound(function, args, kwargs)
    ref = interpreter.known.of(rows)
    if ref is None:
        return False, None
    learned = Dummies(rows, given)
    use = (
        ColumnUse("encode", ref.var, learned.sources(rows)) if is_frame(rows) else None
    )
    return True, _apply(
        interpreter, learned, rows, function(*args, **kwargs), where, use
    )


def _bins(
    interpreter: Interpreter,
    function: Any,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`pd.cut(series, 4)` and `pd.qcut(series, 4)`; edges that are given need no
    learning."""
    rows, given = _bound(function, args, kwargs)
    number = given.pop("bins", 0)
    if interpreter.known.of(rows) is None or not isinstance(number, int):
        return False, None
    # `retbins` adds the edges to what pandas returns.
    *_, edges = function(*args, **{**kwargs, "retbins": True})
    if function.__name__ == "qcut":
        # It cuts as `cut` does with these edges, of which the first is included.
        given = {key: value for key, value in given.items() if key != "q"} | {
            "include_lowest": True
        }
    return True, _apply(
        interpreter, Bins(edges, given), rows, function(*args, **kwargs), where
    )


def _codes(
    interpreter: Interpreter,
    function: Any,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`pd.factorize(series)`."""
    if (
        interpreter.known.of(args[0] if args else None) is None
        # Then a gap gets a code of its own, and stands among the values.
        or kwargs.get("use_na_sentinel") is False
    ):
        return False, None
    result = function(*args, **kwargs)
    return True, _apply(interpreter, Codes(*result), args[0], result, where)


def _categorical(
    interpreter: Interpreter,
    function: Any,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`pd.Categorical(series)`, unless the categories are given."""
    values = args[0] if args else None
    if (
        interpreter.known.of(values) is None
        or len(args) > 1
        or set(kwargs) - {"ordered"}
    ):
        return False, None
    learned = Categories(values, ordered=bool(kwargs.get("ordered")), plain=True)
    return True, _apply(interpreter, learned, values, function(*args, **kwargs), where)


LEARNERS: dict[str, Learner] = {
    "get_dummies": _dummies,
    "cut": _bins,
    "qcut": _bins,
    "factorize": _codes,
    "Categorical": _categorical,
}


def learn_categories(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`series.astype("category")`, and that of a frame or of some of its columns."""
    wanted = args[0] if args else kwargs.get("dtype")
    columns: tuple[str, ...] = ()
    rest: dict[Any, Any] = {}
    if is_frame(owner):
        wanted = (
            # `frame.astype("category")` means all columns.
            wanted if isinstance(wanted, dict) else dict.fromkeys(owner.columns, wanted)
        )
        columns = tuple(column for column in wanted if wanted[column] == "category")
        # `astype({"a": "category", "b": "float"})`: `b` is converted as the notebook
        # does it.
        rest = {
            column: dtype for column, dtype in wanted.items() if column not in columns
        }
    learned = Categories(owner, columns)
    made = _apply(
        interpreter,
        learned,
        owner,
        learned.apply(owner),
        where,
        _passed(interpreter, owner),
    )
    if not rest:
        return made
    build = ast.Attribute(interpreter.node(made), "astype", ast.Load())
    return interpreter.recorder.note(
        made.astype(rest),
        lambda: ast.Call(build, [interpreter.node(rest)], []),
        [made],
        where,
        columns=_passed(interpreter, made),
    )


def is_to_category(owner: Any, args: Arguments, kwargs: dict[str, Any]) -> bool:
    """Whether the arguments of `astype` ask for categories without saying which."""
    if not is_instance(owner, "pandas", "Series", "DataFrame", "Index"):
        return False
    wanted = args[0] if args else kwargs.get("dtype")
    named = wanted.values() if isinstance(wanted, dict) else [wanted]
    return any(isinstance(each, str) and each == "category" for each in named)


def learn_codes(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: Arguments,
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`series.factorize()`."""
    result = owner.factorize(*args, **kwargs)
    return _apply(interpreter, Codes(*result), owner, result, where)


def _bound(
    function: Any, args: Arguments, kwargs: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The first argument, and the others by their names."""
    given = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    return given.pop(next(iter(given))), given


def _passed(interpreter: Interpreter, frame: Any) -> ColumnUse | None:
    ref = interpreter.known.of(frame)
    return ColumnUse("pass", ref.var) if ref is not None and is_frame(frame) else None


def _apply(
    interpreter: Interpreter,
    learned: Learned,
    rows: Any,
    result: Any,
    where: ast.AST,
    columns: ColumnUse | None = None,
) -> Any:
    """Write down `learned.apply(rows)`, which gave `result` in the notebook."""
    recorder = interpreter.recorder
    # It was computed from all rows, and is marked so in the scorer's text.
    recorder.known.freeze(learned)
    constant = recorder.constant(learned, learned.name)
    function = ast.Attribute(ast.Name(constant.name, ast.Load()), "apply", ast.Load())
    return recorder.note(
        result,
        lambda: ast.Call(function, [interpreter.node(rows)], []),
        [rows],
        where,
        columns=columns,
    )
