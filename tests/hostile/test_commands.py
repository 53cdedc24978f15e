"""Every command on every hostile repository: nothing executed, sent, written outside or hung; no traceback
of ours; each refusal one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import COMMANDS
from tests.hostile.attacks import Attack, load_attacks
from tests.hostile.commands import commands_for
from tests.hostile.repository import Repository, build_honest
from tests.hostile.watching import Listener, judged, listening

ATTACKS = load_attacks()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Repository:
    folder = tmp_path_factory.mktemp("author") / "repo"
    return build_honest(folder, f"127.0.0.1:{listener.port}")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name.lower()))
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def test_the_list_forgets_no_command(honest: Repository) -> None:
    typed = {command.argv[0] for command in commands_for(honest)}
    assert typed == set(COMMANDS) - {"trust"}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_nothing_happens(attack: Attack, honest: Repository, listener: Listener, tmp_path: Path) -> None:
    repository = honest.copy(tmp_path)
    attack.change(repository)
    problems = [
        f"{' '.join(command.argv)}: {problem}"
        for command in commands_for(repository)
        if attack.runs or not command.runs
        for problem in judged(command.argv, repository, listener)
    ]
    assert not problems, "\n".join(problems)
