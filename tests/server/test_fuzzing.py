"""Every operation of the OpenAPI description against a real server, with requests that
fit and requests that do not: no 500, errors in the one shape, answers as described. The
server, and each process in which it analyses notebooks, has 2 GB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_pipe.server.openapi import describe
from tests.server.conftest import notebook_json
from tests.server.real import TOKEN, Server, write_json, write_run
from tests.server.siege import MEMORY_BYTES

pytestmark = pytest.mark.server
SCHEMA = schemathesis.openapi.from_dict(describe("/jupyter-pipe"))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
ERROR_KEYS = {"code", "message", "hint", "cell_id", "diagnostics"}
EXAMPLES = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("root")
    write_json(folder / "flow.ipynb", notebook_json(("x = 1", "stage:fit")))
    running = Server(
        folder, tmp_path_factory.mktemp("state"), memory_bytes=MEMORY_BYTES
    ).start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def run_id(server: Server) -> str:
    """A run that is over, below the server's root."""
    return write_run(server.folder)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
SOURCES = st.sampled_from(
    [
        "x = 1",
        "print(x)",
        "def",
        "%%bash\nls",
        "?x",
        "\ud800",
        "\0",
        "a" * 200,
        "(" * 200,
    ]
)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown"]), "source": SOURCES | VALUES},
    optional={
        "id": VALUES,
        "metadata": VALUES | st.fixed_dictionaries({"tags": st.lists(VALUES)}),
    },
)
CONTENTS = VALUES | st.fixed_dictionaries(
    {"cells": st.lists(CELLS | VALUES, max_size=4), "nbformat": st.just(4) | VALUES},
    optional={"metadata": VALUES},
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("parameters", "targets", "from", "force", "cache"), VALUES),
)
PLENTY = settings(
    max_examples=3 * EXAMPLES, derandomize=True, deadline=None, database=None
)


@pytest.mark.parametrize(("route", "key"), [("check", "notebook"), ("suggest", "path")])
def test_any_content_is_a_notebook_or_an_error(
    route: str, key: str, server: Server
) -> None:
    @PLENTY
    @given(content=CONTENTS)
    def ask(content: Any) -> None:
        assert_in_shape(server, route, {key: "flow.ipynb", "content": content})

    ask()


def test_any_options_are_planned_or_an_error(server: Server) -> None:
    @PLENTY
    @given(options=OPTIONS)
    def ask(options: dict[str, Any]) -> None:
        assert_in_shape(server, "plan", {"notebook": "flow.ipynb", **options})

    ask()


def assert_in_shape(server: Server, route: str, body: dict[str, Any]) -> None:
    response = server.ask("POST", route, data=json.dumps(body))
    assert response.status_code < 500, server.log.read_text()[-3000:]
    assert response.ok or set(response.json()) == ERROR_KEYS


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}"
)
def test_whatever_is_asked_is_answered_in_shape(
    operation: Any, server: Server, run_id: str
) -> None:
    known = {"run_id": run_id, "stage": "fit"}
    given_path = {
        name: known[name] for name in known if f"{{{name}}}" in operation.path
    }
    asked = [operation.as_strategy(mode) for mode in GenerationMode]
    if given_path and operation.method != "delete":
        asked += [
            operation.as_strategy(mode, path_parameters=given_path)
            for mode in GenerationMode
        ]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(asked))
    def ask(case: Case) -> None:
        response = case.call(
            base_url=f"{server.url}jupyter-pipe",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=180,  # of a machine that does much else
        )
        assert response.status_code < 500, server.log.read_text()[-3000:]
        if response.status_code >= 400:
            assert set(response.json()) == ERROR_KEYS
        checks = [status_code_conformance, response_schema_conformance]
        case.validate_response(response, checks=checks)

    ask()
