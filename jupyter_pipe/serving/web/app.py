"""The routes of a service, as a FastAPI application."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from jupyter_pipe.serving.service import Service
from jupyter_pipe.serving.web.answers import Answer, now, refused
from jupyter_pipe.serving.web.description import describe, openapi
from jupyter_pipe.serving.web.reading import RequestError, check_headers, too_large

__all__ = ["make_app"]

_JSON = "application/json"
_OPEN = frozenset({"/", "/page.js", "/page.css", "/health", "/ready"})
"""What can be read without a token: none of it tells of data."""
_PAGE = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript")}
_PAGE["/page.css"] = ("page.css", "text/css")
# The page loads its own script and style, and asks its own service.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'"
# Tells in an answer which of several workers gave it.
_WORKER = str(os.getpid())
_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def make_app(service: Service) -> FastAPI:
    """The application of one worker. It starts and ends the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Until this returns, clients wait in the socket's queue: a worker that starts
        # again in the place of one that was killed does not answer that it has no
        # version.
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.close)

    # Its own documentation pages load scripts from another host.
    app = FastAPI(
        title="jupyter_pipe", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.openapi = lambda: openapi(service.routing.champion)  # type: ignore[method-assign]
    _add_scoring(app, service)
    _add_states(app, service)
    for path, (name, kind) in _PAGE.items():
        _add_file(app, path, name, kind)
    if service.settings.token:
        app.add_middleware(_TokenGuard, token=service.settings.token)
    return app


def _add_scoring(app: FastAPI, service: Service) -> None:
    most = service.settings.most_bytes

    @app.post("/score")
    @app.post("/v1/models/{name}:predict", include_in_schema=False)
    async def score(request: Request) -> Response:
        at, started = now()
        service.metrics.accepted.inc()
        try:
            check_headers(request.headers, most)
            answer = await service.answer(await _body(request, most))
        except RequestError as error:
            answer = refused(error, service.routing.champion, "champion", [])
        except ClientDisconnect:
            ended = RequestError(400, "The body ended before it was complete.")
            answer = refused(ended, service.routing.champion, "champion", [])
        seconds = now()[1] - started
        after = BackgroundTask(service.after, answer, at, seconds)
        return Response(
            answer.body, answer.status, _headers(answer), _JSON, background=after
        )


async def _body(request: Request, most: int) -> bytes:
    """All of the body, as long as it is not too long: its length may be a lie."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


def _headers(answer: Answer) -> dict[str, str]:
    headers = {**_SAFE, "X-Request-Id": answer.id, "X-Worker": _WORKER}
    if answer.model is not None:
        # Names may hold any character, and headers may not.
        headers["X-Model-Digest"] = answer.model.release.digest
    if answer.status in (429, 503):
        # Seconds. Both pass: a queue that is long, a version that is being loaded.
        headers["Retry-After"] = "1"
    return headers


def _add_states(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    async def health() -> Response:
        return _said({"alive": True})

    @app.get("/ready")
    async def ready() -> Response:
        routing = service.routing
        live = [
            each.identity
            for each in (routing.champion, routing.challenger)
            if each is not None
        ]
        is_ready = routing.champion is not None
        said = {
            "ready": is_ready,
            "live": live,
            "problems": dict(service.follower.problems),
        }
        return _said(said, 200 if is_ready else 503)

    @app.get("/v1/models/{name}", include_in_schema=False)
    async def model(name: str) -> Response:
        """What KServe's protocol V1 asks."""
        return _said({"name": name, "ready": service.routing.champion is not None})

    @app.get("/schema")
    async def schema() -> Response:
        model = service.routing.champion
        if model is None:
            return _said(
                {"error": {"code": "not_ready", "message": "No version is live yet."}},
                503,
            )
        return _said(describe(model))

    @app.get("/status")
    async def status() -> Response:
        return _said(service.status())

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(
            service.metrics.text(),
            headers=_SAFE,
            media_type="text/plain; version=0.0.4",
        )


def _said(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, _SAFE, _JSON)


def _add_file(app: FastAPI, path: str, name: str, kind: str) -> None:
    data = Path(__file__).with_name(name).read_bytes()
    headers = {**_SAFE, "Content-Security-Policy": _POLICY}

    async def page() -> Response:
        return Response(data, headers=headers, media_type=kind)

    app.get(path, include_in_schema=False)(page)


class _TokenGuard:
    """Lets requests in that carry the token, `Authorization: Bearer TOKEN`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = b"bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPEN or self._knows(scope):
            await self._app(scope, receive, send)
            return
        error = {"code": "unauthorized", "message": "The token is missing or wrong."}
        refusal = _said({"error": error}, 401)
        refusal.headers["WWW-Authenticate"] = "Bearer"
        await refusal(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        kind, _, token = given.partition(b" ")
        # Takes the same time wherever the two differ, or a token could be guessed
        # letter by letter.
        return hmac.compare_digest(kind.lower() + b" " + token.strip(), self._wanted)
