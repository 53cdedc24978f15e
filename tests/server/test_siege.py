"""The siege in small: every hostile request, with an honest client beside it, in a
server with 2 GB."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.real import Server
from tests.server.siege import MEMORY_BYTES, besiege, hostile_requests, lay_out

pytestmark = pytest.mark.server


def test_nothing_brings_the_server_down(tmp_path: Path) -> None:
    folder, state = tmp_path / "root", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    run_id = lay_out(folder)
    server = Server(folder, state, memory_bytes=MEMORY_BYTES).start()
    try:
        for ask in hostile_requests(run_id):
            assert ask(server).status_code < 500, server.log.read_text()[-3000:]
        statuses, _ = besiege(server, run_id, requests=20, enemies=2)
        assert max(statuses) < 500, server.log.read_text()[-3000:]
    finally:
        server.kill()
