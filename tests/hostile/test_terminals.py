"""One terminal for many commands notices what a process for each would."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.cli import main as cli
from tests.hostile.watching import Terminal, import_all


def _says(argv: list[str]) -> int:
    print("in", os.getcwd(), os.environ.get("LEFT"))
    return len(argv)


def _leaves_traces(argv: list[str]) -> int:
    os.environ["LEFT"] = "behind"
    os.chdir("/")
    return _says(argv)


def _waits(argv: list[str]) -> int:
    time.sleep(600)
    return 0


def _dies(argv: list[str]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _crashes(argv: list[str]) -> int:
    raise RuntimeError("nobody caught this")


def _exits(argv: list[str]) -> int:
    raise SystemExit(5)


@pytest.mark.parametrize(
    ("command", "code", "printed"),
    [
        (_leaves_traces, 2, "in / behind\n"),
        (_waits, None, ""),
        (_dies, -signal.SIGKILL, ""),
        (_crashes, 70, "RuntimeError: nobody caught this\n"),
        (_exits, 5, ""),
    ],
)
def test_how_a_command_ended_is_told_and_the_next_starts_afresh(
    command: Callable[[list[str]], int],
    code: int | None,
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_all()
    monkeypatch.setattr(
        cli, "main", lambda argv: command(argv) if "first" in argv else _says(argv)
    )
    with Terminal(tmp_path) as terminal:
        first = terminal.run(["the", "first"], seconds=2.0 if code is None else 60.0)
        assert first.code == code
        assert first.output.endswith(printed)
        then = terminal.run(["and", "then", "another"])
        assert (then.code, then.output) == (3, f"in {tmp_path} None\n")
