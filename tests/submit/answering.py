"""A server on this machine that answers with JSON what a function says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["Call", "answering"]


class Call(NamedTuple):
    """A request. `path` and the values of `query` are decoded, `token` is the header
    with credentials."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str


@contextmanager
def answering(answer: Callable[[Call], tuple[int, Any]]) -> Iterator[str]:
    """The address of the server; `answer` gives status and body, one request at a
    time."""
    one = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            place = urlsplit(self.path)
            token = self.headers.get("Authorization", "")
            with one:
                code, found = answer(
                    Call(
                        self.command,
                        unquote(place.path),
                        dict(parse_qsl(place.query)),
                        body,
                        token,
                    )
                )
            data = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_PATCH(self) -> None:
            self.answer()

        def log_message(self, *words: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
