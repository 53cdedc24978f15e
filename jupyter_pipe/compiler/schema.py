"""The published JSON Schema of `pipeline.json`, made from the definition that reads and
writes it.

Pure. `docs/pipeline.schema.json` holds it; a test keeps that file current.
"""

from __future__ import annotations

from typing import Any

import msgspec

from jupyter_pipe.model import PIPELINE_VERSION, Pipeline

__all__ = ["pipeline_schema"]


def pipeline_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a compiled pipeline."""
    (reference,), definitions = msgspec.json.schema_components(
        [Pipeline], ref_template="#/$defs/{name}"
    )
    seal = {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "Digest of the file without this value: tells whether it was edited by hand.",
    }
    definitions["Pipeline"]["properties"]["sha256"] = seal
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:jupyter_pipe:pipeline:{PIPELINE_VERSION}",
        "title": "pipeline.json of jupyter_pipe",
        **reference,
        "$defs": {name: _plain(definitions[name]) for name in sorted(definitions)},
    }


def _plain(value: Any) -> Any:
    """Lists for tuples, as JSON has them, and descriptions on one line: Python 3.13
    strips the margin of docstrings, older ones do not."""
    if isinstance(value, dict):
        return {
            key: " ".join(item.split())
            if key == "description" and isinstance(item, str)
            else _plain(item)
            for key, item in value.items()
        }
    return (
        [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
    )
