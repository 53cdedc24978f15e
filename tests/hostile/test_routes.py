"""Every route of the server on every hostile repository below its root: as
`test_commands`, and no 5xx, from a server that has 2 GB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.server.app import ROUTES
from tests.hostile.attacks import Attack, load_attacks
from tests.hostile.repository import Repository
from tests.hostile.routes import asked_of, problems_of_answer
from tests.hostile.watching import Listener, happened_to, snapshot
from tests.server.real import Server
from tests.server.siege import MEMORY_BYTES

pytestmark = pytest.mark.server
ATTACKS = load_attacks()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("served")
    running = Server(
        root, tmp_path_factory.mktemp("state"), memory_bytes=MEMORY_BYTES
    ).start()
    yield running
    running.kill()


def test_the_list_forgets_no_route() -> None:
    patterns = {pattern for pattern, _ in ROUTES} - {".*", "openapi.json"}
    assert {
        asked.pattern for asked in asked_of("a", ["20260101-000000-abcd"])
    } == patterns


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-")
)
def test_nothing_happens(
    attack: Attack,
    honest: Repository,
    listener: Listener,
    server: Server,
    tmp_path: Path,
) -> None:
    name = f"clone-{ATTACKS.index(attack)}"
    repository = honest.copy(tmp_path, clone=server.folder / name)
    attack.change(repository)
    before = snapshot(repository.outside)
    runs = sorted(path.name for path in repository.state.glob("runs/2*"))
    problems = []
    for asked in asked_of(name, runs):
        if not attack.asks(asked.starts, is_page=asked.is_page, alone=asked.alone):
            continue
        found = [
            *problems_of_answer(asked, server),
            *happened_to(repository, listener, before),
        ]
        problems += [f"{asked.method} {asked.path}: {each}" for each in found]
    assert not problems, "\n".join(problems)
