"""What may be asked of a version: the JSON schema of a row, and the OpenAPI document of
the service. Pure."""

from __future__ import annotations

from typing import Any

from jupyter_pipe import __version__
from jupyter_pipe.contracts import ColumnRule
from jupyter_pipe.scoring.columns import Column
from jupyter_pipe.serving.live.models import Model

__all__ = ["describe", "openapi"]

_TYPES = {
    "integer": ["integer"],
    "number": ["number"],
    "boolean": ["boolean"],
    "text": ["string"],
}
_EXAMPLES = 3


def describe(model: Model) -> dict[str, Any]:
    """What `/schema` says: the version, a JSON schema of a row, and rows that can be
    tried."""
    manifest = model.manifest
    return {
        **model.identity,
        "predicts": manifest.score,
        "keys": list(manifest.keys),
        "row": row_schema(model),
        "examples": list(manifest.golden[:_EXAMPLES]),
    }


def row_schema(model: Model) -> dict[str, Any]:
    """The JSON schema of one row. Columns that a row can do without are not
    required."""
    contract = model.manifest.contract
    columns = model.form.columns
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            column.name: _property(
                column, contract.column(column.name) if contract else None
            )
            for column in columns
        },
        "required": [column.name for column in columns if not column.optional],
    }


def _property(column: Column, rule: ColumnRule | None) -> dict[str, Any]:
    """The schema of one column's values; limits are those that no row may break."""
    found: dict[str, Any] = {}
    if column.kind == "category":
        # A category column may have gaps.
        found["enum"] = [*column.categories, None]
    elif column.kind == "time":
        found |= {"type": ["string", "null"], "format": "date-time"}
    elif column.kind in _TYPES:
        found["type"] = [*_TYPES[column.kind], "null"]
    if column.optional:
        found["description"] = "Changes no prediction."
    if rule is not None:
        _limit(found, column, rule)
    return found


def _limit_range(found: dict[str, Any], rule: ColumnRule) -> None:
    """Adds the ends of the range, where it has them."""
    if rule.low is not None:
        found["minimum"] = rule.low
    if rule.high is not None:
        found["maximum"] = rule.high


def _limit(found: dict[str, Any], column: Column, rule: ColumnRule) -> None:
    """Adds what the contract forbids: gaps, values out of range, words never seen."""
    if rule.nulls == 0 and "type" in found:
        found["type"] = [kind for kind in found["type"] if kind != "null"]
    if not rule.outside and column.kind in ("integer", "number"):
        _limit_range(found, rule)
    if rule.categories and not rule.unseen and column.kind == "text":
        found["enum"] = (
            [*rule.categories] if rule.nulls == 0 else [*rule.categories, None]
        )


def openapi(model: Model | None) -> dict[str, Any]:
    """The OpenAPI document; what a row is depends on the version that is live."""
    row = row_schema(model) if model else {"type": "object"}
    # OpenAPI 3.1 declares the dialect for the whole document.
    row.pop("$schema", None)
    body = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": row}},
    }
    said = {"content": {"application/json": {"schema": {"type": "object"}}}}
    answers = {
        "200": {
            "description": "A prediction a row, and the version that made them.",
            **said,
        },
        "400": {"description": "The body is not JSON.", **said},
        "401": {"description": "The token is missing or wrong.", **said},
        "413": {"description": "Too many rows or bytes.", **said},
        "415": {"description": "Another encoding than JSON in UTF-8.", **said},
        "422": {
            "description": "Rows that are refused: row, column and rule are named.",
            **said,
        },
        "429": {"description": "Too many requests are waiting.", **said},
        "503": {"description": "No version is live yet.", **said},
    }
    title = (
        f"{model.release.name} {model.release.version}"
        if model
        else "no version is live yet"
    )
    content = {"application/json": {"schema": body}}
    asked = {"required": True, "content": content}
    score = {"summary": "Predict", "requestBody": asked, "responses": answers}
    paths: dict[str, Any] = {"/score": {"post": score}}
    for path, summary in _OTHERS.items():
        paths[path] = {
            "get": {"summary": summary, "responses": {"200": {"description": "Well."}}}
        }
    for path in ("/ready", "/schema"):
        paths[path]["get"]["responses"]["503"] = {
            "description": "No version is live yet."
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "paths": paths,
    }


_OTHERS = {
    "/health": "Whether the process is alive",
    "/ready": "Whether a version is live, and what is wrong",
    "/schema": "What a row is",
    "/status": "Versions, traffic and refusals",
    "/metrics": "Counts in Prometheus' text format",
}
