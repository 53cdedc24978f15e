"""Who may ask: nobody without a token, no other site's page with a cookie, nothing
outside the root. The routes are taken from the server's own list, so that none is
forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from jupyter_pipe.server.app import ROUTES
from jupyter_pipe.server.documentation import PAGE
from jupyter_pipe.server.openapi import describe
from jupyter_pipe.server.runs.service import RUN_ID, STAGE
from tests.server.conftest import notebook_json
from tests.server.real import TOKEN, Server, write_json, write_run

pytestmark = pytest.mark.server
UNKNOWN_RUN = "20260101-000000-abcd"
METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = {401, 403}


def address(pattern: str, run_id: str = UNKNOWN_RUN) -> str:
    """A path that the route's pattern takes."""
    named = pattern.replace(f"({RUN_ID})", run_id).replace(f"({STAGE})", "fit")
    return named.replace(f"({PAGE})", "nothing").replace(".*", "nothing")


def offered() -> Iterator[tuple[str, str]]:
    """Every method that a route of ours answers."""
    for pattern, handler in ROUTES:
        for method in METHODS:
            if any(
                method in vars(kind)
                for kind in handler.__mro__
                if kind.__module__.startswith("jupyter_pipe")
            ):
                yield method, pattern


OFFERED = sorted(offered())
CHANGING = [(method, pattern) for method, pattern in OFFERED if method != "get"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site") / "root"
    write_json(folder / "flow.ipynb", notebook_json(("x = 1", "stage:fit")))
    (folder / "sub").mkdir()
    running = Server(
        folder, tmp_path_factory.mktemp("state"), base="/hub/user/ann/"
    ).start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def visitor(server: Server) -> requests.Session:
    """A browser that has logged in: it has the cookies, as any page that it shows
    has."""
    session = requests.Session()
    session.get(f"{server.url}login", timeout=180)
    form = {"password": TOKEN, "_xsrf": session.cookies["_xsrf"]}
    assert session.post(f"{server.url}login", data=form, timeout=180).ok
    return session


def test_every_route_but_the_description_is_described() -> None:
    described = {
        (
            method,
            path.format(
                run_id=f"({RUN_ID})", stage=f"({STAGE})", page=f"({PAGE})"
            ).strip("/"),
        )
        for path, methods in describe("/")["paths"].items()
        for method in methods
    }
    assert described == {
        offer for offer in OFFERED if offer[1] not in {".*", "openapi.json"}
    }


@pytest.mark.parametrize(("method", "pattern"), OFFERED)
def test_nothing_without_a_token(method: str, pattern: str, server: Server) -> None:
    for token in (None, "another"):
        response = server.ask(
            method,
            address(pattern),
            token=token,
            data="{}" if method != "get" else None,
        )
        assert response.status_code in REFUSED
        assert {"code", "message"} <= response.json().keys()


@pytest.mark.parametrize(("method", "pattern"), CHANGING)
def test_a_cookie_alone_changes_nothing(
    method: str, pattern: str, server: Server, visitor: requests.Session
) -> None:
    run_id = write_run(server.folder)
    url = f"{server.url}jupyter-pipe/{address(pattern, run_id)}"
    assert visitor.request(method, url, data="{}", timeout=180).status_code == 403
    wrong = {"X-XSRFToken": "guessed"}
    assert (
        visitor.request(method, url, data="{}", headers=wrong, timeout=180).status_code
        == 403
    )
    assert server.ask("GET", f"runs/{run_id}").ok


def test_a_cookie_with_its_token_may(server: Server, visitor: requests.Session) -> None:
    run_id = write_run(server.folder)
    header = {"X-XSRFToken": visitor.cookies.get("_xsrf", path="/hub/user/ann/") or ""}
    url = f"{server.url}jupyter-pipe/runs/{run_id}"
    assert visitor.delete(url, headers=header, timeout=180).status_code == 204
    assert visitor.get(url, headers=header, timeout=180).status_code == 404


@pytest.mark.parametrize(("method", "pattern"), OFFERED)
def test_another_sites_page_reads_nothing(
    method: str, pattern: str, server: Server, visitor: requests.Session
) -> None:
    url = f"{server.url}jupyter-pipe/{address(pattern)}"
    foreign = {
        "Origin": "https://elsewhere.example",
        "Referer": "https://elsewhere.example/page",
    }
    response = visitor.request(method, url, data=None, headers=foreign, timeout=180)
    assert response.status_code in {403, 404}
    assert "Access-Control-Allow-Origin" not in response.headers


OUTSIDE = [
    "..",
    "../private",
    "sub/../../private",
    "link",
    "link/deeper/..",
    "/private",
    "..\\private",
    "%2e%2e",
    "nul\0",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_route_leaves_the_root(path: str, server: Server) -> None:
    private = server.folder.parent / "private"
    run_id = write_run(private)
    write_json(private / "deeper" / "flow.ipynb", notebook_json(("x = 1",)))
    write_json(private / "flow.ipynb", notebook_json(("x = 1",)))
    link = server.folder / "link"
    if not link.is_symlink():
        link.symlink_to(private)
    for method, pattern in OFFERED:
        if pattern in {".*", "openapi.json"}:
            continue
        body = {
            "notebook": f"{path}/flow.ipynb",
            "path": f"{path}/flow.ipynb",
            "stage": "fit",
        }
        response = server.ask(
            method,
            address(pattern, run_id),
            params={"root": path},
            json=body if method == "post" else None,
        )
        assert response.status_code in {400, 404}, (method, pattern, response.text)
        assert str(server.folder.parent) not in response.text
    assert (private / ".jupyter_pipe" / "runs" / run_id / "events.jsonl").exists()


def test_the_description_names_the_base_url(server: Server) -> None:
    assert server.ask("GET", "openapi.json").json()["servers"] == [
        {"url": "/hub/user/ann/jupyter-pipe"}
    ]


def test_routes_are_below_the_base_url_only(server: Server) -> None:
    root = server.url.removesuffix("/hub/user/ann/")
    response = requests.get(
        f"{root}/jupyter-pipe/runs",
        headers={"Authorization": f"token {TOKEN}"},
        timeout=180,
    )
    assert response.status_code == 404


def test_two_servers_on_one_root_see_the_same_runs(
    server: Server, tmp_path: Path
) -> None:
    other = Server(server.folder, tmp_path).start()
    try:
        run_id = write_run(server.folder)
        assert [
            each.ask("GET", f"runs/{run_id}").status_code for each in (server, other)
        ] == [200, 200]
        assert other.ask("DELETE", f"runs/{run_id}").status_code == 204
        assert [
            each.ask("GET", f"runs/{run_id}").status_code for each in (server, other)
        ] == [404, 404]
    finally:
        other.kill()
