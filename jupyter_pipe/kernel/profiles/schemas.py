"""Schemas of the notebook's own, such as pandera's: what `validate` says of a value is
kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["ask_schemas"]

_MOST = 20
_LONGEST = 300


def ask_schemas(
    schemas: Mapping[str, str],
    namespace: Mapping[str, Any],
    show: Callable[[str], str] = str,
) -> list[dict[str, Any]]:
    """For each value -> schema `{"value", "schema", "problems", "error"}`. Never
    raises."""
    return [_ask(value, schema, namespace, show) for value, schema in schemas.items()]


def _ask(
    value: str,
    schema: str,
    namespace: Mapping[str, Any],
    show: Callable[[str], str],
) -> dict[str, Any]:
    answer: dict[str, Any] = {"value": value, "schema": schema}
    missing = [name for name in (value, schema) if name not in namespace]
    if missing:
        return {
            **answer,
            "error": f"{' and '.join(missing)} has no value when the stage ends",
        }
    validate = getattr(namespace[schema], "validate", None)
    if not callable(validate):
        return {
            **answer,
            "error": f"{schema} has no method 'validate', as schemas of pandera have",
        }
    try:
        # A copy: a schema that coerces types must not change what later stages get.
        validate(_copied(namespace[value]), lazy=True)
    except Exception as error:
        problems = list(_problems(error))
        return {
            **answer,
            "problems": [show(text)[:_LONGEST] for text in problems[:_MOST]],
        }
    return answer


def _copied(value: Any) -> Any:
    copy = getattr(value, "copy", None) or getattr(value, "clone", None)
    return copy() if callable(copy) else value


def _problems(error: Exception) -> Iterator[str]:
    """The rows and checks that failed, where the error lists them (pandera's
    `failure_cases`)."""
    cases = getattr(error, "failure_cases", None)
    to_dict = getattr(cases, "to_dict", None)
    rows = to_dict("records") if callable(to_dict) else None
    if not rows:
        yield " ".join(str(error).split()) or type(error).__name__
        return
    for row in rows:
        column = row.get("column")
        place = f", row {row['index']}" if row.get("index") is not None else ""
        yield f"column '{column}'{place}: {row.get('check')} is not met by {row.get('failure_case')!r}"
