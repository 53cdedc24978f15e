"""What the runner tells a stage: the `StageContext` of `artifacts/protocol.py`, read
without msgspec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AmbientInput", "Context", "Input", "Ref", "read_context"]


@dataclass(frozen=True)
class Ref:
    artifact: str
    digest: str
    bytes: int


@dataclass(frozen=True)
class Input:
    ref: Ref
    names: tuple[str, ...]
    from_stage: str


@dataclass(frozen=True)
class AmbientInput:
    ref: Ref
    component: str
    from_stage: str


@dataclass(frozen=True)
class Context:
    """The fields mean what they mean in `StageContext`; unknown ones are ignored."""

    store: str
    result: str = ""
    stage: str = ""
    inputs: tuple[Input, ...] = ()
    ambient: tuple[AmbientInput, ...] = ()
    optional: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    pure: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    definitions: Mapping[str, Mapping[str, Any]] | None = None
    seeded: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    code_cells: Mapping[str, int] | None = None
    first_cell: int | None = None
    workdir: str = ""
    salt: str = ""
    secrets: tuple[str, ...] = ()
    allow_secret_values: bool = False
    trust: bool = False
    profiled: Mapping[str, Mapping[str, Any]] | None = None
    schemas: Mapping[str, str] | None = None


_TEXTS = (
    "optional",
    "protect",
    "mutates",
    "pure",
    "metrics",
    "gates",
    "seeded",
    "written",
    "secrets",
)


def parse_context(data: Mapping[str, Any]) -> Context:
    """From the JSON value of a `StageContext`."""
    return Context(
        store=data["store"],
        result=data.get("result", ""),
        stage=data.get("stage", ""),
        inputs=tuple(
            Input(Ref(**one["ref"]), tuple(one["names"]), one["from_stage"])
            for one in data.get("inputs", ())
        ),
        ambient=tuple(
            AmbientInput(Ref(**one["ref"]), one["component"], one["from_stage"])
            for one in data.get("ambient", ())
        ),
        definitions=data.get("definitions") or {},
        code_cells=data.get("code_cells") or {},
        first_cell=data.get("first_cell"),
        workdir=data.get("workdir", ""),
        salt=data.get("salt", ""),
        allow_secret_values=bool(data.get("allow_secret_values", False)),
        trust=bool(data.get("trust", False)),
        profiled=data.get("profiled") or {},
        schemas=data.get("schemas") or {},
        **{name: tuple(data.get(name, ())) for name in _TEXTS},
    )


def read_context(path: str) -> Context:
    """From a JSON file. Raises OSError."""
    with open(path, encoding="utf-8") as file:
        return parse_context(json.load(file))
