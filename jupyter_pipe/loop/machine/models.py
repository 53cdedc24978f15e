"""What the loop needs of a registry and of monitoring: two small protocols, and what
stands in where there is neither."""

from __future__ import annotations

from typing import Protocol

from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.signals import Alarm

__all__ = ["Models", "Monitor", "NoModels", "no_alarms"]


class Models(Protocol):
    """The versions of one model. All methods may raise PipeError, and OSError for what
    may pass."""

    def champion(self) -> int | None:
        """The version that answers, None before the first."""

    def rejected(self) -> frozenset[int]:
        """Versions that were rejected."""

    def evidence(self) -> str:
        """A digest of the labelled rows on which versions are compared: another one,
        another comparison."""

    def register(self, run_id: str) -> int:
        """The version that the run's model has, or gets now."""

    def compare(self, version: int, now: float) -> rc.Compared:
        """How the version does against the champion."""

    def promote(self, action: Promote) -> None:
        """Make the version champion in the place of the one that it beat, unless it is.
        Raises ChampionChangedError."""


class Monitor(Protocol):
    """What watches requests and labels."""

    def __call__(self, settings: LoopSettings) -> tuple[Alarm, ...]:
        """The alarms of this moment."""


def no_alarms(settings: LoopSettings) -> tuple[Alarm, ...]:
    """Where nothing is monitored."""
    return ()


class NoModels:
    """For notebooks whose models nobody registers."""

    def champion(self) -> int | None:
        return None

    def rejected(self) -> frozenset[int]:
        return frozenset()

    def evidence(self) -> str:
        return ""

    def register(self, run_id: str) -> int:
        raise _nothing()

    def compare(self, version: int, now: float) -> rc.Compared:
        raise _nothing()

    def promote(self, action: Promote) -> None:
        raise _nothing()


def _nothing() -> LoopError:
    return LoopError("There is no registry of models here.", code="loop_promotion")
