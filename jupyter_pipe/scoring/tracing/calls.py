"""Calls: the notebook's functions line by line, those of libraries by their class."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing import frames, methods
from jupyter_pipe.scoring.tracing.functions import NotInterpretedError, call_function
from jupyter_pipe.scoring.tracing.judging import (
    judge_function,
    judge_method,
    look_around,
)
from jupyter_pipe.scoring.tracing.known import Ref, RowCount
from jupyter_pipe.scoring.tracing.learning import LEARNERS
from jupyter_pipe.scoring.tracing.scopes import Scope
from jupyter_pipe.scoring.tracing.selections import copy_of
from jupyter_pipe.scoring.tracing.shapes import entries, is_estimator, is_frame

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = ["call", "call_value"]


def call(interpreter: Interpreter, node: ast.Call, scope: Scope) -> Any:
    """The value of a call."""
    owner: Any = None
    if isinstance(node.func, ast.Attribute):
        owner = interpreter.value(node.func.value, scope)
        function = interpreter.attribute(owner, node.func.attr, node.func)
    else:
        function = interpreter.value(node.func, scope)
    args, kwargs = _arguments(interpreter, node, scope)
    if isinstance(node.func, ast.Attribute) and _is_method(
        interpreter, owner, args, kwargs
    ):
        return call_method(interpreter, owner, node.func.attr, args, kwargs, node)
    return call_value(interpreter, function, args, kwargs, node, scope)


def _arguments(
    interpreter: Interpreter, node: ast.Call, scope: Scope
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args: list[Any] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            args.extend(interpreter.value(arg.value, scope))
        else:
            args.append(interpreter.value(arg, scope))
    kwargs: dict[str, Any] = {}
    for keyword in node.keywords:
        value = interpreter.value(keyword.value, scope)
        if keyword.arg is None:
            kwargs.update(value)
        else:
            kwargs[keyword.arg] = value
    return tuple(args), kwargs


def _is_method(
    interpreter: Interpreter,
    owner: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> bool:
    """Whether a call with a dot is one of a method: of rows, of a model, of a list; not
    of a module's function."""
    if interpreter.known.of(owner) is not None:
        return True
    if isinstance(owner, type) or type(owner).__name__ == "module":
        return False
    bound = interpreter.functions.node_of(getattr(owner, "__call__", None))  # noqa: B004
    touched = (
        next(interpreter.known.within((*args, *kwargs.values())), None) is not None
    )
    return bound is None and touched


def call_value(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
    scope: Scope,
) -> Any:
    """Call a function with values: the notebook's own statement by statement, a
    library's as a whole."""
    recorder = interpreter.recorder
    operands = [*args, *kwargs.values()]
    touched = next(interpreter.known.within(operands), None) is not None
    if touched or interpreter.functions.reads_rows(function, interpreter.known):
        try:
            return call_function(interpreter, function, args, kwargs)
        except NotInterpretedError:
            pass
    name = getattr(function, "__name__", "")
    special = LEARNERS.get(name) if _is_of_pandas(function) else None
    special = special or _SPECIAL.get(name)
    if special is not None and touched:
        done, result = special(interpreter, function, args, kwargs, where)
        if done:
            return result
    result = function(*args, **kwargs)
    class_ = judge_function(function, args, kwargs)
    moving = any(ref.kind != "count" for ref in interpreter.known.within(operands))
    return recorder.note(
        result,
        lambda: ast.Call(
            _function_node(interpreter, function, where, scope),
            *_nodes(interpreter, args, kwargs, counts=not moving),
        ),
        operands,
        where,
        class_=class_,
        columns=frames.side_by_side(interpreter, args[0])
        if args and class_ == "row-wise"
        else None,
        meets=True,
        about=getattr(function, "__name__", "This"),
    )


def _is_of_pandas(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == "pandas"


def _function_node(
    interpreter: Interpreter, function: Any, where: ast.AST, scope: Scope
) -> ast.expr:
    """`np.log` as it is written, if `np` is a module; else a constant that holds the
    function."""
    written = where.func if isinstance(where, ast.Call) else None
    root = written
    # Of `np.linalg.norm` to `np`.
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and isinstance(written, ast.Attribute):
        module = scope.get(root.id, None)
        if type(module).__name__ == "module":
            interpreter.recorder.trace.imports[root.id] = module.__name__
            return written
    if getattr(function, "__module__", "") == "builtins" and isinstance(root, ast.Name):
        return ast.Name(function.__name__, ast.Load())
    return interpreter.node(function)


def _nodes(
    interpreter: Interpreter,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    counts: bool = False,
) -> tuple[list[ast.expr], list[ast.keyword]]:
    return (
        [interpreter.node(arg, counts=counts) for arg in args],
        [
            ast.keyword(name, interpreter.node(value, counts=counts))
            for name, value in kwargs.items()
        ],
    )


def call_method(
    interpreter: Interpreter,
    owner: Any,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> Any:
    """Call a method of rows, or one of another object that is given rows."""
    ref, recorder = interpreter.known.of(owner), interpreter.recorder
    class_ = judge_method(owner, name, args, kwargs)
    if ref is None:
        special = methods.find_of_others(owner, name, class_)
    else:
        special = methods.find(owner, name, class_, args, kwargs)
    if special is not None:
        return special(interpreter, owner, name, args, kwargs, where)
    result = getattr(owner, name)(*args, **kwargs)
    columns = (
        ColumnUse("pass", ref.var)
        if ref is not None and class_ == "by-column" and is_frame(owner)
        else None
    )
    return recorder.note(
        result,
        lambda: ast.Call(
            ast.Attribute(interpreter.node(owner), name, ast.Load()),
            *_nodes(interpreter, args, kwargs),
        ),
        [owner, *args, *kwargs.values()],
        where,
        class_=class_,
        columns=columns,
        about=f"{_owner_word(owner)}{name}{_inner_word(args, kwargs)}",
        meets=not is_estimator(owner)
        and name not in ("map", "isin", "replace", "merge", "join", "reindex"),
    )


def _owner_word(owner: Any) -> str:
    return "groupby(…)." if "GroupBy" in type(owner).__name__ else ""


def _inner_word(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    word = next(
        (found for found in map(look_around, (*args, *kwargs.values())) if found), ""
    )
    return f" with {word}…)" if word else ""


# Functions of libraries that the scorer calls in another way


def _length(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    ref = interpreter.known.of(args[0])
    return (
        (True, interpreter.recorder.count(ref))
        if ref is not None and ref.rows is not None
        else (False, None)
    )


def _split(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`train_test_split`: every part becomes a copy of all rows. A last array says who
    went where."""
    import numpy

    if judge_function(function, args, kwargs) != "selects":
        return False, None
    size = entries(args[0])
    if size is None:
        return False, None
    # The places are split along with the rows, and tell which row went where.
    results = function(*args, numpy.arange(size), **kwargs)
    parts = len(results) // (len(args) + 1)
    for number, result in enumerate(results[:-parts]):
        source = args[number // parts]
        ref = interpreter.known.of(source)
        if ref is not None:
            positions = ref.rows[results[len(results) - parts + number % parts]]
            interpreter.recorder.note(
                result,
                lambda ref=ref: copy_of(interpreter, ref),  # type: ignore[misc]
                [source],
                where,
                rows=positions,
                columns=ColumnUse("pass", ref.var) if is_frame(source) else None,
            )
    return True, results[:-parts]


def _merged(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    left = args[0] if args else kwargs.get("left")
    if not is_frame(left) or interpreter.known.of(left) is None:
        return False, None
    rest = {name: value for name, value in kwargs.items() if name != "left"}
    return True, frames.merge(interpreter, left, "merge", args[1:], rest, where)


def _range(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """`range(len(frame))` counts through the rows."""
    if function is not range or not any(isinstance(arg, RowCount) for arg in args):
        return False, None
    return True, range(*(int(arg) for arg in args))


def _refs_with_rows(interpreter: Interpreter, parts: list[Any]) -> list[Ref]:
    """What is known of those parts whose rows are known."""
    refs = [interpreter.known.of(part) for part in parts]
    return [ref for ref in refs if ref is not None and ref.rows is not None]


def _concat(
    interpreter: Interpreter,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    where: ast.AST,
) -> tuple[bool, Any]:
    """Selections of the same rows below each other are a selection as well, whatever
    their order."""
    import numpy

    if (
        not args
        or not isinstance(args[0], list)
        or judge_function(function, args, kwargs) != "mixes"
    ):
        return False, None
    # An empty list or frame adds no rows.
    parts = [
        part for part in args[0] if interpreter.known.of(part) is not None or len(part)
    ]
    known = _refs_with_rows(interpreter, parts)
    roots = {interpreter.recorder.root(ref.var) for ref in known}
    if len(known) < len(parts) or len(roots) != 1:
        return False, None
    whole = Ref(roots.pop(), known[0].value, None)
    return True, interpreter.recorder.note(
        function(*args, **kwargs),
        lambda: copy_of(interpreter, whole),
        parts,
        where,
        rows=numpy.concatenate([ref.rows for ref in known]),
        columns=ColumnUse("pass", whole.var) if is_frame(parts[0]) else None,
    )


_Special = Callable[
    ["Interpreter", Any, tuple[Any, ...], dict[str, Any], ast.AST], tuple[bool, Any]
]
# By name, whatever module they are of: each looks at its arguments.
_SPECIAL: dict[str, _Special] = {
    "len": _length,
    "train_test_split": _split,
    "shuffle": _split,
    "merge": _merged,
    "concat": _concat,
    "range": _range,
}
