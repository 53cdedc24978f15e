"""Writes the front end's payload types from the Python definitions: `src/api/types.ts`.

`python labextension/generate_types.py` writes; `--check` exits 1 if the file is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe import model
from jupyter_pipe.runs.model import Run
from jupyter_pipe.server import payloads

TARGET = Path(__file__).parent / "src" / "api" / "types.ts"
HEADER = """\
/**
 * What the server sends and takes. Generated from the Python definitions by
 * `python labextension/generate_types.py`; a test holds that it is current.
 */
"""
SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def main() -> int:
    """Write or check the file."""
    text = generate_types()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


def generate_types() -> str:
    """The TypeScript source: an interface for each record, a union for each enumeration."""
    roots = [Run, model.Pipeline, *(getattr(payloads, name) for name in payloads.__all__)]
    _, components = msgspec.json.schema_components(roots, ref_template="{name}")
    return HEADER + "".join(_declaration(name, components[name]) for name in sorted(components))


def _declaration(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"\nexport type {name} = {' | '.join(map(_literal, schema['enum']))};\n"
    properties = schema.get("properties", {})
    # What the server sends is always whole, so only requests have fields that may be missing.
    required = schema.get("required", []) if name.endswith("Request") else list(properties)
    lines = [
        f"  readonly {field}{'' if field in required else '?'}: {_type(value)};"
        for field, value in properties.items()
    ]
    return f"\nexport interface {name} {{\n" + "\n".join(lines) + "\n}\n" if lines else ""


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(_literal, schema["enum"]))
    kind = schema.get("type")
    if kind == "array":
        return f"readonly {_grouped(_type(schema.get('items') or {}))}[]"
    if kind == "object":
        return f"Readonly<Record<string, {_type(schema.get('additionalProperties') or {})}>>"
    return SCALARS.get(str(kind), "unknown")


def _grouped(text: str) -> str:
    return f"({text})" if " " in text else text


if __name__ == "__main__":
    sys.exit(main())
