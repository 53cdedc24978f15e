"""What a stage's metrics, gates and contracts ask today of a result that is there.

A gate is Python, and a host must not run a notebook's Python. One that compares metrics
with numbers (`mae < 25_000 and r2 > 0.8`), as nearly all do, needs no Python: its value
follows from the metrics that the result has. Every other one needs the stage to run.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import GateResult, StageResult
from jupyter_pipe.model import Stage

if TYPE_CHECKING:
    from jupyter_pipe.contracts import Contract

__all__ = ["answer_demands"]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class _UnknownError(Exception):
    """The value does not follow from the metrics."""


def answer_demands(
    stage: Stage, result: StageResult, contracts: Mapping[str, Contract] | None = None
) -> StageResult | str:
    """The result with an answer to each of the stage's gates and metrics, or why the
    stage must run for one.

    A contract is judged by the profiles that the result has, unless they do not tell
    what it asks. A gate that is false makes the stage run as well: where it fails, a
    run shows and tells it.
    """
    known = {*result.metrics, *result.metric_errors}
    # A metric whose value could not be told was asked for, too, and is not new.
    missing = [metric.name for metric in stage.metrics if metric.name not in known]
    if missing:
        return f"metric {', '.join(missing)} is new"
    unanswered = _unanswered_contracts(stage, result, contracts or {})
    if unanswered:
        return unanswered
    return _answer_gates([gate.expression for gate in stage.gates], result)


def _answer_gates(wanted: list[str], result: StageResult) -> StageResult | str:
    answered = {gate.expression: gate for gate in result.gates}
    # The usual case: nothing about the gates has changed since the result was made.
    if wanted == list(answered):
        return result
    gates = []
    for expression in wanted:
        found = answered.get(expression) or _judge(expression, result.metrics)
        if found is None or not found.passed:
            return f"gate {expression} is new"
        gates.append(found)
    return replace(result, gates=tuple(gates))


def _unanswered_contracts(
    stage: Stage, result: StageResult, contracts: Mapping[str, Contract]
) -> str:
    if not stage.options.contracts:
        return ""
    # Contracts take their time to import; a stage without one does not need them.
    from jupyter_pipe.contracts.watching import unanswered

    return unanswered(stage, result, contracts)


def _judge(expression: str, metrics: Mapping[str, Any]) -> GateResult | None:
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        passed = bool(_value(tree, metrics))
    except (
        _UnknownError,
        ArithmeticError,
        TypeError,
        ValueError,
        SyntaxError,
        RecursionError,
    ):
        return None
    names = dict.fromkeys(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
    )
    return GateResult(expression, passed, {name: repr(metrics[name]) for name in names})


def _value(node: ast.expr, metrics: Mapping[str, Any]) -> Any:
    """The value of a gate's expression over metrics; raises _UnknownError for anything
    it cannot compute."""
    if isinstance(node, ast.Constant) and isinstance(
        node.value, bool | int | float | str
    ):
        return node.value
    if isinstance(node, ast.Name) and node.id in metrics:
        return metrics[node.id]
    if isinstance(node, ast.BoolOp):
        # Python's own short circuit: what is not reached is not asked.
        return _connected(node, metrics)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        operand = _value(node.operand, metrics)
        return not operand if isinstance(node.op, ast.Not) else -operand
    if isinstance(node, ast.Compare):
        return _compared(node, metrics)
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](
            _number(node.left, metrics), _number(node.right, metrics)
        )
    raise _UnknownError


def _number(node: ast.expr, metrics: Mapping[str, Any]) -> int | float:
    value = _value(node, metrics)
    if not isinstance(value, int | float):
        raise _UnknownError
    return value


def _connected(node: ast.BoolOp, metrics: Mapping[str, Any]) -> Any:
    stops_at = isinstance(node.op, ast.Or)
    value: Any = None
    for part in node.values:
        value = _value(part, metrics)
        if bool(value) is stops_at:
            break
    return value


def _compared(node: ast.Compare, metrics: Mapping[str, Any]) -> bool:
    left = _value(node.left, metrics)
    for relation, part in zip(node.ops, node.comparators, strict=True):
        compare = _COMPARISONS.get(type(relation))
        if compare is None:
            raise _UnknownError
        right = _value(part, metrics)
        if not compare(left, right):
            return False
        # `0 < mae < 25_000` compares each neighbour with the next.
        left = right
    return True
