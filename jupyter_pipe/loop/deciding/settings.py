"""What `STEM.loop.yaml` says: a frozen record, no I/O."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

__all__ = ["ALARMS", "LoopSettings", "Promotion", "TriggerKind"]

Promotion = Literal["auto", "ask", "never"]
TriggerKind = Literal["first", "files", "schedule", "commit", "drift", "quality"]
ALARMS: tuple[Literal["drift", "quality"], ...] = ("drift", "quality")


class LoopSettings(Struct, frozen=True):
    """When the notebook runs again, and what becomes of its model.

    `schedule` is a cron expression in `timezone` (an IANA name, empty for the machine's
    own). `files` are patterns relative to the notebook; None stands for the files that
    the latest run was seen to read, an empty tuple for no files. `model` is the name in
    the registry. Between the starts of two runs lie at least `cooldown_seconds`; files
    that changed within the last `settle_seconds` are still being written. `notify` are
    Apprise URLs, in which `${NAME}` stands for a variable of the environment.
    `monitor_days` is how far back drift and quality look, `ignore` the columns that
    drift leaves out, `labels` the file of labels that quality needs.
    """

    schedule: str = ""
    timezone: str = ""
    files: tuple[str, ...] | None = None
    commit: bool = False
    drift: bool = False
    quality: bool = False
    promote: Promotion = "never"
    model: str = ""
    parameters: dict[str, Any] = {}
    cooldown_seconds: float = 60.0
    settle_seconds: float = 5.0
    notify: tuple[str, ...] = ()
    monitor_days: float = 7.0
    ignore: tuple[str, ...] = ()
    labels: str = ""

    def wants(self, kind: str) -> bool:
        """Whether alarms of this kind start a run."""
        return self.drift if kind == "drift" else self.quality
