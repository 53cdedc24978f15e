"""What OpenLineage 2-0-2 asks of an event, as a JSON schema in our own words.

    https://openlineage.io/spec/2-0-2/OpenLineage.json
    https://openlineage.io/spec/facets/1-2-0/ParentRunFacet.json

Stricter than these where nothing of ours needs the freedom: no fields but those that
are named.
"""

from __future__ import annotations

from typing import Any

import jsonschema

__all__ = ["require_lineage"]


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
_URI = {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:\S+$"}
_UUID = {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
}
# With a zone, as RFC 3339 asks.
_TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
_NOTHING = _object("")
_JOB = _object("namespace name", namespace=_TEXT, name=_TEXT, facets=_NOTHING)
_PARENT = _object(
    "_producer _schemaURL run job",
    _producer=_URI,
    _schemaURL={
        **_URI,
        "const": "https://openlineage.io/spec/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    },
    run=_object("runId", runId=_UUID, facets=_NOTHING),
    job=_JOB,
)
_DATASETS = {
    "type": "array",
    "items": _object(
        "namespace name",
        namespace=_TEXT,
        name=_TEXT,
        facets=_NOTHING,
        inputFacets=_NOTHING,
        outputFacets=_NOTHING,
    ),
}
_EVENT = _object(
    "eventTime producer schemaURL run job eventType",
    eventTime=_TIME,
    producer=_URI,
    schemaURL={
        **_URI,
        "const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    },
    eventType={"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
    run=_object("runId", runId=_UUID, facets=_object("", parent=_PARENT)),
    job=_JOB,
    inputs=_DATASETS,
    outputs=_DATASETS,
)
_VALIDATOR = jsonschema.Draft202012Validator(_EVENT)


def require_lineage(events: list[dict[str, Any]]) -> None:
    """Each event is one, and each run has one start and at most one end, in this
    order."""
    for event in events:
        _VALIDATOR.validate(event)
    for run in {event["run"]["runId"] for event in events}:
        kinds = [event["eventType"] for event in events if event["run"]["runId"] == run]
        assert kinds[0] == "START"
        assert kinds[1:] in ([], ["COMPLETE"], ["FAIL"], ["ABORT"])
