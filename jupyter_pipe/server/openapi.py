"""The OpenAPI description of the REST interface, built from the payload definitions."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe import __version__
from jupyter_pipe.runs import Run
from jupyter_pipe.server import payloads
from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.documentation import PAGE
from jupyter_pipe.server.operations import payloads as pages
from jupyter_pipe.server.runs.service import RUN_ID, STAGE
from jupyter_pipe.server.values import payloads as values

__all__ = ["OpenApiHandler", "describe"]


class _Operation(Struct, frozen=True):
    """One method of one path. `query` names parameters, `body` and `answer`
    payloads."""

    method: str
    path: str
    summary: str
    query: tuple[str, ...] = ()
    body: str = ""
    answer: str = ""
    statuses: tuple[int, ...] = (200,)
    content: str = "application/json"
    may_be_away: bool = False


def _page(name: str, summary: str, answer: str) -> _Operation:
    return _Operation(
        "get",
        f"/operations/{name}",
        summary,
        ("root", "notebook"),
        "",
        answer,
        may_be_away=True,
    )


_RUN = "/runs/{run_id}"
_OPERATIONS = (
    _Operation("post", "/check", "Check a notebook", (), "CheckRequest", "CheckAnswer"),
    _Operation(
        "post", "/compile", "Write its package", (), "CompileRequest", "CompileAnswer"
    ),
    _Operation(
        "post", "/graph", "Draw several notebooks", (), "GraphRequest", "GraphAnswer"
    ),
    _Operation(
        "post", "/plan", "Say what would run and why", (), "PlanRequest", "PlanAnswer"
    ),
    _Operation(
        "post", "/suggest", "Suggest stages", (), "SuggestRequest", "SuggestAnswer"
    ),
    _Operation("get", "/runs", "List runs", ("root", "notebook"), "", "RunList"),
    _Operation("post", "/runs", "Start a run", (), "StartRequest", "Started", (202,)),
    _Operation(
        "get",
        "/engines",
        "List engines that can run a notebook",
        ("notebook",),
        "",
        "EngineList",
    ),
    _Operation(
        "post",
        "/engines",
        "Have an engine run a notebook",
        (),
        "SubmitRequest",
        "Started",
        (202,),
    ),
    _Operation("get", _RUN, "Read a run", ("root",), "", "Run"),
    _Operation("delete", _RUN, "Remove a run", ("root",), "", "", (204,)),
    _Operation(
        "post",
        f"{_RUN}/cancel",
        "Cancel a run, if it has not ended",
        ("root",),
        "",
        "Run",
        (200, 202),
    ),
    _Operation(
        "post", f"{_RUN}/resume", "Continue a run", ("root",), "", "Started", (202,)
    ),
    _Operation(
        "post",
        f"{_RUN}/debug",
        "Write a notebook to try a stage out",
        ("root",),
        "DebugRequest",
        "WrittenNotebook",
    ),
    _Operation(
        "put",
        f"{_RUN}/note",
        "Name, note and pin of a run",
        ("root",),
        "NoteRequest",
        "RunSummary",
    ),
    _Operation("get", f"{_RUN}/events", "Read what happened", ("root", "since")),
    _Operation(
        "get",
        f"{_RUN}/log",
        "Read the log",
        ("root", "stage", "offset"),
        "",
        "LogChunk",
    ),
    _Operation(
        "get", f"{_RUN}/report", "Read the report", ("root",), content="text/html"
    ),
    _Operation(
        "get",
        f"{_RUN}/stages/{{stage}}/notebook",
        "Read the executed notebook",
        ("root",),
    ),
    _Operation(
        "get",
        f"{_RUN}/stages/{{stage}}/outputs",
        "Read outputs",
        ("root",),
        "",
        "ExecutedOutputs",
    ),
    _Operation(
        "get",
        f"{_RUN}/stages/{{stage}}/values",
        "Say what is known of a stage's values",
        ("root",),
        "",
        "ValuesAnswer",
    ),
    _Operation(
        "post",
        f"{_RUN}/stages/{{stage}}/preview",
        "Load a value and describe it",
        ("root",),
        "PreviewRequest",
        "LoadedValue",
    ),
    _Operation(
        "get", "/docs/{page}", "Read a page of the documentation", content="text/html"
    ),
    _page("waiting", "What waits for a person", "WaitingPage"),
    _page("models", "Versions of models", "ModelsPage"),
    _page("data", "Values, their profiles and contracts", "DataPage"),
    _page("studies", "Sweeps and their trials", "StudiesPage"),
    _page("service", "Services and what they answered", "ServicePage"),
    _page("loop", "What the loop watches and did", "LoopPage"),
    _page(
        "monitoring",
        "What services were asked, beside what their models were made for",
        "MonitoringPage",
    ),
    _page("labels", "Rows that wait for a label", "LabelsPage"),
    _Operation(
        "post",
        "/operations/label",
        "Label a row",
        ("root", "notebook"),
        "LabelRequest",
        "LabelsPage",
        may_be_away=True,
    ),
    _Operation(
        "post",
        "/operations/answer",
        "Approve or reject what a stage left",
        ("root", "notebook"),
        "AnswerRequest",
        "WaitingPage",
        may_be_away=True,
    ),
    _Operation(
        "post",
        "/operations/decision",
        "Promote a version, or roll back",
        ("root", "notebook"),
        "DecisionRequest",
        "DecisionAnswer",
        may_be_away=True,
    ),
)
# Parameters that are numbers; all others are texts.
_COUNTS = frozenset({"since", "offset"})


def describe(base_url: str) -> dict[str, Any]:
    """The description, for a server whose routes begin at `base_url`."""
    nouns = [
        Run,
        *(
            getattr(room, name)
            for room in (payloads, pages, values)
            for name in room.__all__
        ),
    ]
    _, schemas = msgspec.json.schema_components(
        nouns, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in _OPERATIONS:
        # OpenAPI groups methods by path.
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_pipe", "version": __version__},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"}
            },
        },
    }


def _operation(operation: _Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [
            *_path_parameters(operation.path),
            *map(_query_parameter, operation.query),
        ],
        "responses": {**_responses(operation), **_errors(operation)},
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    patterns = {"run_id": RUN_ID, "stage": STAGE, "page": PAGE}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{pattern}$"},
        }
        for name, pattern in patterns.items()
        if f"{{{name}}}" in path
    ]


def _query_parameter(name: str) -> dict[str, Any]:
    schema = (
        {"type": "integer", "minimum": 0} if name in _COUNTS else {"type": "string"}
    )
    return {"name": name, "in": "query", "schema": schema}


def _responses(operation: _Operation) -> dict[str, Any]:
    content = _json(operation.answer) if operation.answer else {operation.content: {}}
    with_content = {"description": "done", "content": content}
    return {
        str(status): {"description": "done"} if status == 204 else with_content
        for status in operation.statuses
    }


def _errors(operation: _Operation) -> dict[str, Any]:
    """What only time can fix is 503: a registry that is away."""
    statuses = ("4XX", "503") if operation.may_be_away else ("4XX",)
    return {status: _error_response() for status in statuses}


def _error_response() -> dict[str, Any]:
    return {
        "description": "what is wrong, and what to do",
        "content": _json("ErrorBody"),
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


class OpenApiHandler(PipeHandler):
    """`GET openapi.json`."""

    @allowed("read")
    async def get(self) -> None:
        """Describe."""
        self.answer(describe(self.request.path.removesuffix("/openapi.json")))
