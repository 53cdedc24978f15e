"""Every command on every hostile repository: nothing executed, sent, written outside or
hung; no traceback of ours; each refusal one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.cli.main import COMMANDS
from tests.hostile.attacks import Attack, load_attacks
from tests.hostile.commands import commands_for
from tests.hostile.repository import Repository
from tests.hostile.watching import Listener, Terminal, judged

pytestmark = pytest.mark.processes

ATTACKS = load_attacks()


def test_the_list_forgets_no_command(honest: Repository) -> None:
    typed = {command.argv[0] for command in commands_for(honest)}
    assert typed == set(COMMANDS)


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-")
)
def test_nothing_happens(
    attack: Attack, honest: Repository, listener: Listener, tmp_path: Path
) -> None:
    repository = honest.copy(tmp_path)
    attack.change(repository)
    with Terminal(repository.folder) as terminal:
        problems = [
            f"{' '.join(command.argv)}: {problem}"
            for command in commands_for(repository)
            if attack.tries(command.argv[0], runs=command.runs)
            for problem in judged(
                command.argv,
                repository,
                listener,
                # What runs cells leaves servers of kernels in its process.
                terminal=None if command.runs else terminal,
            )
        ]
    assert not problems, "\n".join(problems)
