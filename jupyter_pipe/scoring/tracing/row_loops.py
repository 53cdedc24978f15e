"""Comprehensions and loops: over a few values they are followed turn by turn; over rows
they stay as they are."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_pipe.scoring.model import ColumnUse, Instruction
from jupyter_pipe.scoring.tracing.functions import with_names
from jupyter_pipe.scoring.tracing.known import Ref
from jupyter_pipe.scoring.tracing.scopes import Scope
from jupyter_pipe.scoring.tracing.selections import copy_of
from jupyter_pipe.scoring.tracing.shapes import entries, is_frame

if TYPE_CHECKING:
    from jupyter_pipe.scoring.tracing.expressions import Interpreter

__all__ = [
    "assign_names",
    "comprehension",
    "groups",
    "is_over_rows",
    "row_loop",
    "turns",
]

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp
# Stands for the rows in the code of a loop; with names of the notebook it cannot be
# confused.
_ROWS = "rows__"
# Each group becomes lines of the scorer.
_MOST_GROUPS = 1000


def is_over_rows(interpreter: Interpreter, value: Any) -> bool:
    """Whether a loop over the value has a turn for each row. A frame gives its
    columns."""
    ref = interpreter.known.of(value)
    return ref is not None and ref.kind in ("rows", "handle") and not is_frame(value)


def groups(interpreter: Interpreter, values: Any, where: ast.AST) -> Any:
    """`for key, group in frame.groupby(…)` turn by turn: each group is a selection of
    the frame's rows. Anything else stays as it is."""
    import numpy

    base = getattr(values, "obj", None) if "GroupBy" in type(values).__name__ else None
    ref = interpreter.known.of(base)
    if ref is None or values.ngroups > _MOST_GROUPS:
        return values
    numbers = values.ngroup().to_numpy()
    found = []
    for number, (key, group) in enumerate(values):
        positions = numpy.flatnonzero(numbers == number)
        interpreter.recorder.note(
            group,
            lambda: copy_of(interpreter, ref),
            [base],
            where,
            rows=ref.rows[positions],
            columns=ColumnUse("pass", ref.var) if is_frame(base) else None,
        )
        found.append((key, group))
    return found


def turns(value: Any) -> Iterator[Any]:
    """What a loop over a value gives, turn by turn."""
    return iter(list(value.columns) if is_frame(value) else value)


def assign_names(
    interpreter: Interpreter, target: ast.expr, value: Any, scope: Scope
) -> None:
    """Bind the names of a target such as `a` or `a, (b, *c)`."""
    if isinstance(target, ast.Name):
        scope.bind(target.id, value)
        interpreter.recorder.alias(value, target.id)
        return
    if isinstance(target, ast.Starred):
        assign_names(interpreter, target.value, list(value), scope)
        return
    assert isinstance(target, (ast.Tuple, ast.List))
    values = list(value)
    stars = [
        place for place, part in enumerate(target.elts) if isinstance(part, ast.Starred)
    ]
    if stars:
        # How many values the starred name gets: of `a, *b, c = …` all but two.
        rest = len(values) - len(target.elts) + 1
        values[stars[0] : stars[0] + rest] = [values[stars[0] : stars[0] + rest]]
    for part, one in zip(target.elts, values, strict=True):
        assign_names(interpreter, part, one, scope)


# Comprehensions


def comprehension(interpreter: Interpreter, node: Comprehension, scope: Scope) -> Any:
    """The list, set or dict that a comprehension makes."""
    first = groups(interpreter, interpreter.value(node.generators[0].iter, scope), node)
    if is_over_rows(interpreter, first):
        return _over_rows(interpreter, node, first, scope)
    found: list[Any] = []
    _unroll(interpreter, node, 0, first, scope.inner(), found)
    if isinstance(node, ast.DictComp):
        return dict(found)
    return set(found) if isinstance(node, ast.SetComp) else found


def _unroll(
    interpreter: Interpreter,
    node: Comprehension,
    depth: int,
    values: Any,
    scope: Scope,
    found: list[Any],
) -> None:
    generator = node.generators[depth]
    interpreter.recorder.turns.append(0)
    for value in turns(values):
        interpreter.recorder.turns[-1] += 1
        assign_names(interpreter, generator.target, value, scope)
        if not all(interpreter.value(test, scope) for test in generator.ifs):
            continue
        if depth + 1 < len(node.generators):
            inner = groups(
                interpreter,
                interpreter.value(node.generators[depth + 1].iter, scope),
                node,
            )
            _unroll(interpreter, node, depth + 1, inner, scope, found)
        elif isinstance(node, ast.DictComp):
            found.append(
                (
                    interpreter.value(node.key, scope),
                    interpreter.value(node.value, scope),
                )
            )
        else:
            found.append(interpreter.value(node.elt, scope))
    interpreter.recorder.turns.pop()


def _over_rows(
    interpreter: Interpreter, node: Comprehension, rows: Any, scope: Scope
) -> Any:
    """One turn a row: the scorer keeps the comprehension as it is."""
    bound = {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and not _is_read(each)
    }
    opened = copy.deepcopy(node)
    opened.generators[0].iter = ast.copy_location(ast.Name(_ROWS, ast.Load()), node)
    outside = _outside(interpreter, opened, bound | {_ROWS}, scope)
    result = scope.inner(**{_ROWS: rows}).evaluate(opened)
    return interpreter.recorder.note(
        result,
        lambda: with_names(
            opened,
            {
                _ROWS: interpreter.node(rows),
                **{name: interpreter.node(value) for name, value in outside.items()},
            },
        ),
        [rows],
        node,
        class_="mixes" if "GroupBy" in type(rows).__name__ else None,
        about="A loop over groupby(…)",
    )


def _outside(
    interpreter: Interpreter, node: ast.AST, bound: set[str], scope: Scope
) -> dict[str, Any]:
    """What a loop over rows reads besides the row. It must not look at all rows in each
    turn."""
    import builtins

    found: dict[str, Any] = {}
    for each in ast.walk(node):
        if (
            isinstance(each, ast.Name)
            and _is_read(each)
            and each.id not in bound
            and scope.has(each.id)
        ):
            value = scope.find(each.id)
            # `len` and `str` are there in the scorer as well.
            if value is getattr(builtins, each.id, object()):
                continue
            found[each.id] = value
            if any(ref.kind != "count" for ref in interpreter.known.within((value,))):
                interpreter.recorder.poison = interpreter.recorder.refuse(
                    node,
                    f"Each turn of the loop looks at all rows through '{each.id}'",
                    f"Compute what it needs of '{each.id}' once, above the loop.",
                )
    return found


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


# Loops


def row_loop(interpreter: Interpreter, node: ast.For, rows: Any, scope: Scope) -> None:
    """A loop with a turn for each row. The lists and dicts that it fills are made anew
    in the scorer."""
    recorder = interpreter.recorder
    # `np.append(…)` fills no container of that name.
    filled = [
        name
        for name in _filled(node)
        if type(scope.get(name, ast)).__name__ != "module"
    ]
    before = {name: copy.deepcopy(scope.find(name)) for name in filled}
    bound = {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and not _is_read(each)
    }
    opened = copy.deepcopy(node)
    opened.iter = ast.copy_location(ast.Name(_ROWS, ast.Load()), node)
    outside = _outside(interpreter, opened, bound | {_ROWS, *filled}, scope)
    scope.bind(_ROWS, rows)
    scope.execute(opened)
    scope.delete(_ROWS)
    ref = interpreter.known.of(rows)
    assert ref is not None
    made = _write_beginnings(interpreter, before, node)
    names: dict[str, ast.expr] = {
        name: ast.Name(var, ast.Load()) for name, var in made.items()
    }
    names |= {name: interpreter.node(value) for name, value in outside.items()}
    loop = with_names(opened, {_ROWS: interpreter.node(rows), **names})
    refusal = None
    if "GroupBy" in type(rows).__name__:
        refusal = recorder.refuse(
            node, "A loop over groups gives a row values that depend on other rows"
        )
    recorder.write(
        Instruction(
            recorder.place(node), loop, changes=tuple(made.values()), refusal=refusal
        ),
        node,
    )
    for name, var in made.items():
        value = scope.find(name)
        # One entry was added a turn, so they are the rows' own.
        if entries(value) == len(ref.rows):
            interpreter.known.add(Ref(var, value, ref.rows))
        else:
            recorder.freeze(value, node)


def _write_beginnings(
    interpreter: Interpreter, before: dict[str, Any], node: ast.For
) -> dict[str, str]:
    """Writes down what the containers held before the loop; their variables in the
    scorer, by name.

    What poisons the loop says nothing of them.
    """
    recorder = interpreter.recorder
    made = {name: recorder.variable(name) for name in before}
    poison, recorder.poison = recorder.poison, None
    for name, var in made.items():
        recorder.write(
            Instruction(recorder.place(node), interpreter.node(before[name]), var), node
        )
    recorder.poison = poison
    return made


def _filled(node: ast.For) -> list[str]:
    """Names of containers that the loop's body changes: `found.append(…)`, `found[key]
    = …`."""
    names = []
    for each in ast.walk(node):
        owner: ast.expr | None = None
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            if each.func.attr in (
                "append",
                "extend",
                "add",
                "insert",
                "update",
                "setdefault",
                "appendleft",
            ):
                owner = each.func.value
        elif isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
            owner = each.value
        if isinstance(owner, ast.Name):
            names.append(owner.id)
    return list(dict.fromkeys(names))
