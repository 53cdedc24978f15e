"""Alarms for the loop, from `jupyter_pipe.monitoring` in a process of its own.

It reads a request log with pandas, which the loop itself never imports, so it is asked
now and then and not at each look.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.signals import Alarm

__all__ = ["LogMonitor", "alarms_of"]

_BETWEEN_SECONDS = 300.0
_LONGEST_SECONDS = 300.0


class _Alarm(Struct, frozen=True):
    kind: str
    column: str
    message: str


class _Version(Struct, frozen=True):
    version: str
    alarms: tuple[_Alarm, ...] = ()


class _Watched(Struct, frozen=True):
    versions: tuple[_Version, ...] = ()


class LogMonitor:
    """What `jupyter pipe monitor` says of the newest version, at most every five
    minutes."""

    def __init__(
        self, root: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = root
        self._clock = clock
        self._asked: float | None = None
        self._alarms: tuple[Alarm, ...] = ()

    def __call__(self, settings: LoopSettings) -> tuple[Alarm, ...]:
        now = self._clock()
        if self._asked is None or now - self._asked >= _BETWEEN_SECONDS:
            self._asked = now
            self._alarms = self._ask(settings)
        return self._alarms

    def _ask(self, settings: LoopSettings) -> tuple[Alarm, ...]:
        """Without a log, and before the first requests, nothing alarms."""
        labels = [f"--labels={settings.labels}"] if settings.labels else []
        ignored = [f"--ignore={name}" for name in settings.ignore]
        since = f"{settings.monitor_days * 24:.0f}h"
        options = [
            "--since",
            since,
            "--json",
            f"--root={self._root}",
            *labels,
            *ignored,
        ]
        command = own_module(
            "jupyter_pipe.cli.main", "monitor", *options, "--", settings.model
        )
        try:
            done = subprocess.run(
                command,
                cwd=self._root,
                capture_output=True,
                check=False,
                timeout=_LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return ()
        # 4 says that something alarms. Any other code, that the log cannot be judged
        # now.
        return alarms_of(done.stdout) if done.returncode in (0, 4) else ()


def alarms_of(said: bytes) -> tuple[Alarm, ...]:
    """The alarms of the newest version. One alarm of a version and a column stays the
    same alarm, however often it is looked at."""
    try:
        versions = msgspec.json.decode(said, type=_Watched).versions
    except msgspec.MsgspecError:
        return ()
    newest = versions[0] if versions else _Version("")
    return tuple(
        Alarm(
            "quality" if each.kind == "quality" else "drift",
            f"{newest.version}:{each.kind}:{each.column}",
            each.message.rstrip("."),
        )
        for each in newest.alarms
    )
