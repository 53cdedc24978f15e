"""Notices go to a real receiver on this machine, once, and say no secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.machine.notifying import filled_urls, send_notice

pytest.importorskip("apprise")


class Receiver(BaseHTTPRequestHandler):
    got: list[dict[str, str]] = []
    answer = 200

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        Receiver.got.append(json.loads(self.rfile.read(size)))
        self.send_response(Receiver.answer)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Receiver.got, Receiver.answer = [], 200
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/hunter2"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_notice_arrives_once(url: str) -> None:
    urls = filled_urls(["${CHAT_URL}"], {"CHAT_URL": url})
    assert send_notice(urls, "w: a gate failed", "fit: mean < 50 is false") == 1
    (got,) = Receiver.got
    assert (got["title"], got["message"]) == (
        "w: a gate failed",
        "fit: mean < 50 is false",
    )


@pytest.mark.parametrize("bad", ["json://127.0.0.1:1/hunter2", "nosuch://hunter2"])
def test_a_receiver_that_is_away_keeps_no_other_from_hearing(
    url: str, bad: str
) -> None:
    with pytest.raises(LoopError, match="1 of 2 receivers") as caught:
        send_notice([bad, url], "t", "text")
    assert "hunter2" not in caught.value.message
    assert len(Receiver.got) == 1


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(LoopError, match="CHAT_URL"):
        filled_urls(["${CHAT_URL}"], {})
