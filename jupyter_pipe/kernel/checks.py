"""Metrics and gates: what is measured and demanded when a stage ends. Reports, never
raises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from .values.kinds.kind import package_of

__all__ = ["evaluate_gates", "read_metrics", "short"]

_WIDTH = 80
Mask = Callable[[str], str]


def read_metrics(
    names: Iterable[str], namespace: dict[str, Any], mask: Mask = str
) -> tuple[dict[str, Any], dict[str, str]]:
    """The metrics as JSON values, and for each that is none a sentence that says
    why."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in names:
        if name not in namespace:
            errors[name] = (
                f"Metric {name!r} has no value when the stage ends; assign it in the stage."
            )
            continue
        value = _plain(namespace[name])
        if isinstance(value, (bool, int, str)) or (
            isinstance(value, float) and math.isfinite(value)
        ):
            values[name] = value
        else:
            errors[name] = (
                f"Metric {name!r} is {short(namespace[name], mask)} ({type(namespace[name]).__name__}); "
                "a metric is a finite number, a bool or a string."
            )
    return values, errors


def _plain(value: Any) -> Any:
    """numpy's scalars and arrays of one element as Python's own numbers; subclasses as
    their base."""
    if package_of(type(value)) in ("numpy", "torch", "jax") and hasattr(value, "item"):
        try:
            value = value.item()
        except (ValueError, RuntimeError):
            return value
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    return value


def evaluate_gates(
    expressions: Iterable[str], namespace: dict[str, Any], mask: Mask = str
) -> list[dict[str, Any]]:
    """For each gate `{"expression", "passed", "values", "error"}`."""
    return [_evaluate(expression, namespace, mask) for expression in expressions]


def _evaluate(expression: str, namespace: dict[str, Any], mask: Mask) -> dict[str, Any]:
    result: dict[str, Any] = {
        "expression": expression,
        "passed": False,
        "values": {},
        "error": "",
    }
    try:
        code = compile(expression.strip(), "<gate>", "eval", dont_inherit=True)
        result["values"] = {
            name: short(namespace[name], mask)
            for name in code.co_names
            if _is_value(name, namespace)
        }
        result["passed"] = bool(eval(code, namespace))  # noqa: S307
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}"
    return result


def _is_value(name: str, namespace: dict[str, Any]) -> bool:
    return (
        name in namespace
        and not callable(namespace[name])
        and not hasattr(namespace[name], "__path__")
    )


def short(value: Any, mask: Mask = str) -> str:
    """One line for people. `mask` hides secrets before the line is cut, which would
    leave half of one."""
    try:
        text = " ".join(mask(repr(_plain(value))).split())
    except Exception as error:
        text = f"<{type(value).__name__}, repr failed: {type(error).__name__}>"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
