"""Interprets expressions of the notebook that touch rows, one operation after the
other."""

from __future__ import annotations

import ast
import builtins
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_pipe.scoring.model import ColumnUse
from jupyter_pipe.scoring.tracing import calls, functions, row_loops, selections
from jupyter_pipe.scoring.tracing.judging import judge_method
from jupyter_pipe.scoring.tracing.known import Known, Ref
from jupyter_pipe.scoring.tracing.recorder import Recorder
from jupyter_pipe.scoring.tracing.scopes import Scope
from jupyter_pipe.scoring.tracing.shapes import is_frame, is_handle
from jupyter_pipe.scoring.ways_out import way_out

__all__ = ["Interpreter", "method_name"]

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.MatMult: operator.matmul,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}

# Of an index: labels as such, by which rows are found again. Anything else makes data
# of them.
_LABELS = frozenset({"values", "array", "name", "names", "dtype", "size", "shape"})
_INDEX = "The index is no column: new rows come without it"


class Interpreter:
    """Evaluates expressions; `recorder` writes down what happens to rows. What does not
    touch rows is left to Python. `execute` runs a list of statements: `statements` sets
    it, since functions have bodies."""

    def __init__(self, recorder: Recorder, scope: Scope) -> None:
        self.recorder = recorder
        self.top = scope
        self.functions = functions.FunctionTable()
        self.execute: Callable[[list[ast.stmt], Scope], None] = lambda body, scope: None
        self.depth = 0

    @property
    def known(self) -> Known:
        """Which objects hold rows."""
        return self.recorder.known

    def touches(self, node: ast.AST, scope: Scope) -> bool:
        """Whether anything that the code reads holds rows, or is a function that reads
        such a thing."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
                value = scope.get(each.id, None)
                if self.known.touches(value) or self.functions.reads_rows(
                    value, self.known
                ):
                    return True
        return False

    def value(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression, with what it does to rows written down."""
        if isinstance(node, ast.Lambda):
            made = scope.evaluate(node)
            self.functions.add(made, node)
            return made
        if not self.touches(node, scope):
            made = scope.evaluate(node)
            self.functions.add_nested(made, node)
            return made
        method: Callable[[Any, Scope], Any] | None = getattr(
            self, method_name(node), None
        )
        if method is None:
            return self._whole(node, scope)
        return method(node, scope)

    def _whole(self, node: ast.expr, scope: Scope) -> Any:
        """An expression of a kind that is not taken apart."""
        operands = {
            each.id: scope.find(each.id)
            for each in ast.walk(node)
            if isinstance(each, ast.Name)
            and isinstance(each.ctx, ast.Load)
            and scope.has(each.id)
        }
        return self.recorder.note(
            scope.evaluate(node),
            lambda: functions.with_names(
                node, {name: self.node(one) for name, one in operands.items()}
            ),
            list(operands.values()),
            node,
        )

    def node(self, value: Any, *, counts: bool = False) -> ast.expr:
        """An expression of the scorer for a value. A function that reads all rows
        cannot be in one."""
        read = self.functions.find_rows_read(value, self.known)
        if read is not None:
            node = self.functions.node_of(value)
            self.recorder.poison = self.recorder.refuse(
                node if node is not None else ast.Pass(),
                f"The function reads all rows through '{read}'",
                f"Compute what it needs of '{read}' once, outside of the function, and use the result in it.",
            )
        name = getattr(value, "__name__", "")
        if isinstance(value, type) and vars(builtins).get(name) is value:
            return ast.Name(name, ast.Load())
        return self.recorder.node(value, counts=counts)

    # One method for each kind of expression; named like the syntax.

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        return scope.find(node.id)

    def _named_expr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.value(node.value, scope)
        scope.bind(node.target.id, value)
        self.recorder.alias(value, node.target.id)
        return value

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        base = self.value(node.value, scope)
        return self.attribute(base, node.attr, node)

    def attribute(self, base: Any, name: str, where: ast.AST) -> Any:
        """An attribute of a value: a column, an accessor, what the schema says."""
        result = getattr(base, name)
        ref = self.known.of(base)
        if ref is None:
            return result
        if name == "shape" and isinstance(result, tuple):
            return (self.recorder.count(ref), *result[1:])
        # A method; its call is judged, with its arguments.
        if callable(result) and not is_handle(result):
            return result
        if self.recorder.is_index(ref.var) and name not in _LABELS:
            self.recorder.poison = self.recorder.refuse(where, _INDEX, way_out("index"))
        columns = _use_of_attribute(ref, base, name)
        return self.recorder.note(
            result,
            lambda: ast.Attribute(self.node(base), name, ast.Load()),
            [base],
            where,
            class_=None if columns else judge_method(base, name, (), {}),
            columns=columns,
            about=name,
        )

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        if (
            isinstance(node.value, ast.Attribute)
            and node.value.attr in selections.INDEXERS
        ):
            base = self.value(node.value.value, scope)
            if self.known.of(base) is not None:
                key = self.value(node.slice, scope)
                return selections.select(self, base, node.value.attr, key, node)
            container = getattr(base, node.value.attr)
        else:
            base = container = self.value(node.value, scope)
        key = self.value(node.slice, scope)
        if self.known.of(base) is not None:
            return selections.select(self, base, "", key, node)
        return self.recorder.note(
            container[key],
            lambda: ast.Subscript(
                self._container(base, node), self.node(key), ast.Load()
            ),
            [base, key],
            node,
        )

    def _container(self, base: Any, node: ast.Subscript) -> ast.expr:
        made = self.node(base)
        if (
            isinstance(node.value, ast.Attribute)
            and node.value.attr in selections.INDEXERS
        ):
            return ast.Attribute(made, node.value.attr, ast.Load())
        return made

    def _slice(self, node: ast.Slice, scope: Scope) -> Any:
        parts = [
            None if part is None else self.value(part, scope)
            for part in (node.lower, node.upper, node.step)
        ]
        return slice(
            *(
                int(part)
                if isinstance(part, int) and not isinstance(part, bool)
                else part
                for part in parts
            )
        )

    def _bin_op(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        return self.binary(node.op, left, right, node)

    def binary(self, op: ast.operator, left: Any, right: Any, where: ast.AST) -> Any:
        """`left OP right`, entry by entry."""
        # `[0] * len(frame)` makes a list with an entry for each row, also in the
        # scorer.
        counts = isinstance(left, list) or isinstance(right, list)
        return self.recorder.note(
            _BINARY[type(op)](left, right),
            lambda: ast.BinOp(
                self.node(left, counts=counts), op, self.node(right, counts=counts)
            ),
            [left, right],
            where,
            meets=True,
        )

    def _unary_op(self, node: ast.UnaryOp, scope: Scope) -> Any:
        operand = self.value(node.operand, scope)
        return self.recorder.note(
            _UNARY[type(node.op)](operand),
            lambda: ast.UnaryOp(node.op, self.node(operand)),
            [operand],
            node,
        )

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        result: Any = True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator, scope)
            result = self._compared(op, left, right, node)
            # `0 < x < 1` stops at the first that is false, as Python does.
            if len(node.ops) > 1 and not result:
                return result
            left = right
        return result

    def _compared(self, op: ast.cmpop, left: Any, right: Any, where: ast.AST) -> Any:
        return self.recorder.note(
            _COMPARED[type(op)](left, right),
            lambda: ast.Compare(self.node(left), [op], [self.node(right)]),
            [left, right],
            where,
            meets=True,
        )

    def _bool_op(self, node: ast.BoolOp, scope: Scope) -> Any:
        wanted = isinstance(node.op, ast.Or)
        result: Any = None
        for part in node.values:
            result = self.value(part, scope)
            if bool(result) is wanted:
                return result
        return result

    def _if_exp(self, node: ast.IfExp, scope: Scope) -> Any:
        return self.value(
            node.body if self.value(node.test, scope) else node.orelse, scope
        )

    def _list(self, node: ast.List, scope: Scope) -> Any:
        return self._items(node.elts, scope)

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self._items(node.elts, scope))

    def _set(self, node: ast.Set, scope: Scope) -> Any:
        return set(self._items(node.elts, scope))

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update(self.value(value, scope))
            else:
                made[self.value(key, scope)] = self.value(value, scope)
        return made

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items.extend(self.value(node.value, scope))
            else:
                items.append(self.value(node, scope))
        return items

    def _joined_str(self, node: ast.JoinedStr, scope: Scope) -> Any:
        # A text about rows is about all of them: for people.
        return scope.evaluate(node)

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        return calls.call(self, node, scope)

    def _list_comp(self, node: ast.ListComp, scope: Scope) -> Any:
        return row_loops.comprehension(self, node, scope)

    def _set_comp(self, node: ast.SetComp, scope: Scope) -> Any:
        return row_loops.comprehension(self, node, scope)

    def _generator_exp(self, node: ast.GeneratorExp, scope: Scope) -> Any:
        made = ast.ListComp(node.elt, node.generators)
        return row_loops.comprehension(self, _at(made, node), scope)

    def _dict_comp(self, node: ast.DictComp, scope: Scope) -> Any:
        return row_loops.comprehension(self, node, scope)


def method_name(node: ast.AST) -> str:
    """The method for a kind of syntax: `_bin_op` for `BinOp`."""
    # Before each capital but the first.
    return "_" + re.sub(r"(?<!^)(?=[A-Z])", "_", type(node).__name__).lower()


def _at(made: ast.ListComp, node: ast.expr) -> ast.ListComp:
    ast.copy_location(made, node)
    made.cell = getattr(node, "cell", 0)  # type: ignore[attr-defined]
    return made


def _use_of_attribute(ref: Ref, base: Any, name: str) -> ColumnUse | None:
    """`frame.age` needs one column, `frame.index` none."""
    if is_frame(base) and name in base.columns:
        return ColumnUse("get", ref.var, (name,))
    if is_frame(base) and name == "index":
        return ColumnUse("get", ref.var)
    return None
