"""Divides a scorer's function where a model is asked: what it is asked with are the
features. Pure.

Raises PipeError where there is no model, or where several are asked with different
values.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.tracing.shapes import is_estimator

__all__ = ["FeaturePart", "cut_features"]

# Methods of scikit-learn's estimators, which others have taken over.
_ASKS = frozenset(
    {
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "score_samples",
    }
)
_EXPLICIT = "Score with the whole scorer instead: jupyter pipe score, serve or package."


@dataclass(frozen=True)
class FeaturePart:
    """`lines` is the text of the function's body, with the places in the notebook as
    comments; `imports` and `constants` are what it needs. `rows` is the name of the raw
    rows, `model` the one that is asked by `method`."""

    rows: str
    lines: tuple[str, ...]
    imports: tuple[str, ...]
    constants: tuple[str, ...]
    model: str
    method: str


def cut_features(source: str, values: Mapping[str, Any]) -> FeaturePart:
    """The part of the scorer `source` before its model. `values` are the scorer's
    captured values."""
    tree = ast.parse(source)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    number, call, features = _first_asked(function.body, values)
    needed = _needed(function.body[:number], features)
    text = source.split("\n")
    lines = [
        line for node in needed for line in text[node.lineno - 1 : node.end_lineno]
    ]
    read: set[str] = set().union(*(_names_in(node) for node in needed))
    return FeaturePart(
        rows=function.args.args[0].arg,
        lines=(*(line.removeprefix("    ") for line in lines), f"return {features}"),
        imports=tuple(_imports_of(tree, read)),
        constants=tuple(name for name in values if name in read),
        model=ast.unparse(call.func.value)
        if isinstance(call.func, ast.Attribute)
        else "",
        method=call.func.attr if isinstance(call.func, ast.Attribute) else "",
    )


def _first_asked(
    body: Sequence[ast.stmt], values: Mapping[str, Any]
) -> tuple[int, ast.Call, str]:
    """The first line that asks a model, as `_asked` gives it. Raises PipeError if there
    is none, or if models are given different variables."""
    asked = list(_asked(body, values))
    if not asked:
        raise PipeError(
            "The scorer asks no model with features: there is nothing to divide.",
            code="features_none",
            hint=_EXPLICIT,
        )
    names = {name for _, _, name in asked}
    if len(names) > 1:
        raise PipeError(
            f"Models are asked with different features: {', '.join(sorted(names))}.",
            code="features_none",
            hint=_EXPLICIT,
        )
    return asked[0]


def _asked(
    body: Sequence[ast.stmt], values: Mapping[str, Any]
) -> Iterator[tuple[int, ast.Call, str]]:
    """Each line that asks a model: its number, the call, and the variable that is given
    to it."""
    for number, node in enumerate(body):
        for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
            function = call.func
            if (
                not isinstance(function, ast.Attribute)
                or function.attr not in _ASKS
                or not call.args
            ):
                continue
            known = isinstance(function.value, ast.Name) and is_estimator(
                values.get(function.value.id)
            )
            given = call.args[0]
            if known and isinstance(given, ast.Name):
                yield number, call, given.id


def _needed(body: Sequence[ast.stmt], wanted: str) -> list[ast.stmt]:
    """The lines on which a variable depends, in order."""
    # A line that changes a variable in place counts as one that makes it.
    names = {wanted}
    kept: list[ast.stmt] = []
    # From the end: a line is needed if a needed line further down reads what it makes.
    for node in reversed(body):
        read = _names_in(node)
        if read & names:
            kept.insert(0, node)
            names |= read
    return kept


def _names_in(node: ast.stmt) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _imports_of(tree: ast.Module, read: Collection[str]) -> Iterator[str]:
    """The imports whose names the lines read."""
    for node in tree.body:
        if isinstance(node, ast.Import) and _binds(node) in read:
            yield ast.unparse(node)


def _binds(node: ast.Import) -> str:
    return node.names[0].asname or node.names[0].name
