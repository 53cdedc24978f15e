"""What monitoring says, as the loop hears it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jupyter_pipe.loop import LoopSettings
from jupyter_pipe.loop.machine.monitoring import LogMonitor, alarms_of
from jupyter_pipe.model import to_json
from jupyter_pipe.monitoring.model import Alarm, Traffic, VersionWatch, Watched


def watched(*alarms: Alarm) -> bytes:
    newest = VersionWatch("2", "d", "r", "alarm", Traffic(), alarms)
    older = VersionWatch(
        "1", "c", "q", "alarm", Traffic(), (Alarm("moved", "old", "'old' moved."),)
    )
    return to_json(Watched("m", 0.0, 1.0, "alarm", (newest, older)))


def test_alarms_of_the_newest_version_have_names_that_stay() -> None:
    found = alarms_of(
        watched(
            Alarm("moved", "price", "'price' moved: up."),
            Alarm("quality", "", "mae is 9."),
        )
    )
    assert [(one.kind, one.id, one.text) for one in found] == [
        ("drift", "2:moved:price", "'price' moved: up"),
        ("quality", "2:quality:", "mae is 9"),
    ]


@pytest.mark.parametrize("said", [b"", b"error: no log", watched()])
def test_where_nothing_is_said_nothing_alarms(said: bytes) -> None:
    assert alarms_of(said) == ()


def test_monitoring_is_asked_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 2.0, 299.0, 300.0])
    monitor = LogMonitor(tmp_path, clock=lambda: next(times))
    asked: list[LoopSettings] = []
    monkeypatch.setattr(monitor, "_ask", lambda settings: asked.append(settings) or ())
    for _ in range(4):
        monitor(LoopSettings(model="m", drift=True))
    assert len(asked) == 2


def test_what_the_file_ignores_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, watched(), b"")

    monkeypatch.setattr(subprocess, "run", run)
    LogMonitor(tmp_path)(LoopSettings(model="m", drift=True, ignore=("week", "--json")))
    assert {"--ignore=week", "--ignore=--json"} <= set(asked[0])
