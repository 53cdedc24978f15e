"""Methods of frames that the scorer calls in another way: columns that may be absent,
tables that are joined."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing.judging import across_columns
from jupyter_pipe.scoring.tracing.known import Ref
from jupyter_pipe.scoring.tracing.selections import copy_of
from jupyter_pipe.scoring.tracing.shapes import entries, is_frame, library_of

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = [
    "CLASSES",
    "METHODS",
    "choose_columns",
    "dropped",
    "merge",
    "renaming",
    "set_column",
    "side_by_side",
]


def dropped(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...] | None:
    """The columns that `drop` takes away; None if it is about rows."""
    names = kwargs.get("columns")
    if names is None and (
        # `drop("a", axis=1)` and `drop("a", 1)`.
        kwargs.get("axis") in (1, "columns") or args[1:2] in ((1,), ("columns",))
    ):
        names = args[0] if args else kwargs.get("labels")
    if names is None:
        return None
    found = (names,) if isinstance(names, str) else tuple(names)
    return found if all(isinstance(name, str) for name in found) else None


def renaming(base: str, kwargs: dict[str, Any]) -> ColumnUse | None:
    """The use of columns of `rename(columns={…})`."""
    names = kwargs.get("columns")
    return (
        ColumnUse("rename", base, tuple(names.items()))
        if isinstance(names, dict)
        else None
    )


def set_column(
    interpreter: Interpreter, base: Any, name: Any, value: Any, where: ast.AST
) -> None:
    """`base[name] = value`, done and written down."""
    ref = interpreter.known.of(base)
    assert ref is not None
    base[name] = value
    target = ast.Subscript(
        ast.Name(ref.var, ast.Load()), interpreter.node(name), ast.Store()
    )
    use = ColumnUse("set", ref.var, (name,)) if isinstance(name, str) else None
    interpreter.recorder.change(
        ref, ast.Assign([target], interpreter.node(value)), [value], where, columns=use
    )


def _drop(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """A column that is dropped need not be there."""
    if library_of(owner) == "polars":
        return _drop_of_polars(interpreter, owner, args, kwargs, where)
    names = dropped(args, kwargs)
    result = owner.drop(*args, **kwargs)
    ref = interpreter.known.of(owner)
    assert ref is not None
    if names is None:
        return _drop_rows(interpreter, ref, result, args, kwargs, where)
    keywords = [
        ast.keyword("columns", interpreter.node(list(names))),
        ast.keyword("errors", ast.Constant("ignore")),
    ]
    return interpreter.recorder.note(
        result,
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), "drop", ast.Load()), [], keywords
        ),
        [owner],
        where,
        columns=ColumnUse("drop", ref.var, names),
    )


def _drop_of_polars(
    interpreter: Interpreter,
    owner: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    nodes = [interpreter.node(arg) for arg in args]
    return interpreter.recorder.note(
        owner.drop(*args, **kwargs),
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), "drop", ast.Load()),
            nodes,
            [ast.keyword("strict", ast.Constant(value=False))],
        ),
        [owner],
        where,
    )


def _drop_rows(
    interpreter: Interpreter,
    ref: Ref,
    result: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    import numpy

    labels = kwargs.get("index", args[0] if args else kwargs.get("labels"))
    positions = numpy.flatnonzero(
        ~ref.value.index.isin(numpy.atleast_1d(numpy.asarray(labels)))
    )
    return interpreter.recorder.note(
        result,
        lambda: copy_of(interpreter, ref),
        [ref.value],
        where,
        rows=ref.rows[positions],
        columns=ColumnUse("pass", ref.var),
    )


def _rename(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    ref = interpreter.known.of(owner)
    assert ref is not None
    return interpreter.recorder.note(
        owner.rename(*args, **kwargs),
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), "rename", ast.Load()),
            [interpreter.node(arg) for arg in args],
            [
                ast.keyword(key, interpreter.node(value))
                for key, value in kwargs.items()
            ],
        ),
        [owner],
        where,
        columns=renaming(ref.var, kwargs),
    )


def choose_columns(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """Columns that the notebook chose by looking at all rows are chosen by name in the
    scorer."""
    ref = interpreter.known.of(owner)
    assert ref is not None
    result = getattr(owner, name)(*args, **kwargs)
    if not is_frame(result) or entries(result) != entries(owner):
        return interpreter.recorder.note(
            result, lambda: copy_of(interpreter, ref), [owner], where, class_="mixes"
        )
    names = list(result.columns)
    if set(names) <= set(owner.columns):
        use = ColumnUse("get", ref.var, tuple(names))
        return interpreter.recorder.note(
            result,
            lambda: ast.Subscript(
                interpreter.node(owner), _names_node(interpreter, names), ast.Load()
            ),
            [owner],
            where,
            columns=use,
        )
    return interpreter.recorder.note(
        result,
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), name, ast.Load()),
            [interpreter.node(arg) for arg in args],
            [
                ast.keyword(key, interpreter.node(value))
                for key, value in kwargs.items()
            ],
        ),
        [owner],
        where,
        class_=None if "columns" in kwargs or across_columns((), kwargs) else "mixes",
    )


def _names_node(interpreter: Interpreter, names: list[Any]) -> ast.expr:
    """Names of columns, written out so that those that turn out not to be needed can be
    left away."""
    return ast.List([interpreter.node(name) for name in names], ast.Load())


def merge(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """A join with a lookup table. Rows without a match are kept in the scorer, with
    gaps."""
    import numpy

    ref = interpreter.known.of(owner)
    assert ref is not None
    recorder = interpreter.recorder
    result = owner.merge(*args, **kwargs)
    how = kwargs.get("how", args[1] if len(args) > 1 else "inner")
    marked = owner.copy()
    # No column of a notebook is called so.
    marker = "\0row"
    marked[marker] = numpy.arange(len(owner))
    numbers = marked.merge(*args, **kwargs)[marker]
    if (
        how not in ("inner", "left")
        or numbers.isna().any()
        or numbers.duplicated().any()
    ):
        refusal = recorder.refuse(
            where,
            "The join does not give each row once",
            "Join with a table in which each key stands once, with how='left'.",
        )
        recorder.lost.append(refusal)
        return recorder.freeze(result, where)
    right, *others = args if args else (kwargs["right"],)
    keywords = {
        key: value for key, value in kwargs.items() if key not in ("how", "right")
    }
    # An inner join would lose rows of which the table knows nothing, and their
    # predictions.
    keywords["how"] = "left"
    return recorder.note(
        result,
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), "merge", ast.Load()),
            [interpreter.node(right)],
            [
                *(
                    ast.keyword(key, interpreter.node(value))
                    for key, value in keywords.items()
                ),
                *(
                    [ast.keyword("on", interpreter.node(others[1]))]
                    if len(others) > 1
                    else []
                ),
            ],
        ),
        [owner, right],
        where,
        rows=ref.rows[numbers.to_numpy()],
    )


def _assign(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """A copy of the frame, then one column after the other."""
    from jupyter_pipe.scoring.tracing.calls import call_value

    made = _copy(interpreter, owner, where)
    for column, value in kwargs.items():
        called = callable(value)
        one = (
            call_value(interpreter, value, (made,), {}, where, interpreter.top)
            if called
            else value
        )
        set_column(interpreter, made, column, one, where)
    return made


def _copy(interpreter: Interpreter, owner: Any, where: ast.AST) -> Any:
    ref = interpreter.known.of(owner)
    assert ref is not None
    return interpreter.recorder.note(
        owner.copy(),
        lambda: copy_of(interpreter, ref),
        [owner],
        where,
        columns=ColumnUse("pass", ref.var),
    )


def _apply(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`frame.apply(f)` gives `f` one column after the other, so what it computes of all
    rows can be frozen."""
    from jupyter_pipe.scoring.tracing.calls import call_value

    ref = interpreter.known.of(owner)
    assert ref is not None
    function = args[0] if args else kwargs.get("func")
    if across_columns(args[1:], kwargs) or not callable(function):
        return interpreter.recorder.note(
            owner.apply(*args, **kwargs),
            lambda: ast.Call(
                ast.Attribute(interpreter.node(owner), "apply", ast.Load()),
                [interpreter.node(arg) for arg in args],
                [
                    ast.keyword(key, interpreter.node(value))
                    for key, value in kwargs.items()
                ],
            ),
            [owner, *args],
            where,
            class_="row-wise" if across_columns(args[1:], kwargs) else "mixes",
            about="apply",
        )
    made = _copy(interpreter, owner, where)
    results = {}
    for column in owner.columns:
        one = _column(interpreter, owner, column, where)
        results[column] = call_value(
            interpreter, function, (one, *args[1:]), {}, where, interpreter.top
        )
    if any(interpreter.known.of(result) is None for result in results.values()):
        return interpreter.recorder.freeze(owner.apply(*args, **kwargs), where)
    for column, result in results.items():
        set_column(interpreter, made, column, result, where)
    return made


def _pop(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`frame.pop("price")`: the column, which need not be there where nobody uses
    it."""
    ref = interpreter.known.of(owner)
    assert ref is not None
    column = args[0] if args else kwargs["item"]
    result = interpreter.recorder.note(
        owner[column].copy(),
        lambda: ast.Subscript(
            interpreter.node(owner), interpreter.node(column), ast.Load()
        ),
        [owner],
        where,
        columns=ColumnUse("get", ref.var, (column,)),
    )
    drop_in_place(interpreter, owner, (column,), where)
    return result


def drop_in_place(
    interpreter: Interpreter, owner: Any, names: tuple[Any, ...], where: ast.AST
) -> None:
    """Take columns away from a frame, done and written down."""
    ref = interpreter.known.of(owner)
    assert ref is not None
    owner.drop(columns=list(names), inplace=True)
    call = ast.Call(
        ast.Attribute(ast.Name(ref.var, ast.Load()), "drop", ast.Load()),
        [],
        [
            ast.keyword("columns", interpreter.node(list(names))),
            ast.keyword("errors", ast.Constant("ignore")),
            ast.keyword("inplace", ast.Constant(value=True)),
        ],
    )
    interpreter.recorder.change(
        ref, ast.Expr(call), [], where, columns=ColumnUse("drop", ref.var, names)
    )


def side_by_side(interpreter: Interpreter, parts: Any) -> ColumnUse | None:
    """The use of columns of `concat([…], axis=1)`: which part has which, if each column
    is in one alone."""
    if not isinstance(parts, list) or not all(is_frame(part) for part in parts):
        return None
    refs = [interpreter.known.of(part) for part in parts]
    names = [name for part in parts for name in part.columns]
    if len(set(names)) < len(names) or any(ref is None for ref in refs):
        return None
    return ColumnUse(
        "parts",
        "",
        tuple((ref.var, tuple(ref.value.columns)) for ref in refs if ref is not None),
    )


def _insert(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    ref = interpreter.known.of(owner)
    assert ref is not None
    owner.insert(*args, **kwargs)
    call = ast.Call(
        ast.Attribute(ast.Name(ref.var, ast.Load()), "insert", ast.Load()),
        [interpreter.node(arg) for arg in args],
        [ast.keyword(key, interpreter.node(value)) for key, value in kwargs.items()],
    )
    interpreter.recorder.change(ref, ast.Expr(call), [*args, *kwargs.values()], where)


def _items(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """`frame.items()`: a loop over columns."""
    return [
        (column, _column(interpreter, owner, column, where)) for column in owner.columns
    ]


def _column(interpreter: Interpreter, owner: Any, column: Any, where: ast.AST) -> Any:
    ref = interpreter.known.of(owner)
    assert ref is not None
    return interpreter.recorder.note(
        owner[column],
        lambda: ast.Subscript(
            interpreter.node(owner), interpreter.node(column), ast.Load()
        ),
        [owner],
        where,
        columns=ColumnUse("get", ref.var, (column,)),
    )


Method = Callable[
    ["Interpreter", Any, str, tuple[Any, ...], dict[str, Any], ast.AST], Any
]
METHODS: dict[str, Method] = {
    "assign": _assign,
    "apply": _apply,
    "pop": _pop,
    "insert": _insert,
    "items": _items,
    "rename": _rename,
}
CLASSES: dict[str, Method] = {
    "drops": _drop,
    "renames": _rename,
    "joins": merge,
    "chooses-columns": choose_columns,
}
