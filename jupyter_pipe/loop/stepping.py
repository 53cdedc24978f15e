"""One step of the loop: look, decide, write down, act. The order is what makes it safe
to kill.

The world is behind a protocol: on this machine it is `machine.world.Machine`, in tests
a record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from jupyter_pipe.errors import PipeError
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import (
    Action,
    Compare,
    Notify,
    Promote,
    Register,
    Start,
    pending,
)
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.signals import Signals
from jupyter_pipe.loop.deciding.state import State, fold
from jupyter_pipe.loop.deciding.tick import tick

__all__ = ["ChampionChangedError", "Loop", "World"]


class ChampionChangedError(PipeError):
    """The champion is not the version with which the comparison was made."""


class World(Protocol):
    """What a loop can see and do. Everything but `append` and `look` may raise
    PipeError for what is so, and OSError for what may be otherwise later."""

    def now(self) -> float:
        """UTC seconds since the epoch."""

    def records(self) -> Sequence[rc.Record]:
        """All that is written down, from the first."""

    def append(self, record: rc.Record) -> None:
        """Write a record down; it outlives the process and the machine."""

    def look(self, settings: LoopSettings, state: State) -> Signals:
        """The signals of this moment."""

    def start(self, run: rc.RunDecided, settings: LoopSettings) -> None:
        """Start a run, unless it exists. Raises PipeError if it cannot start."""

    def register(self, run_id: str, settings: LoopSettings) -> int:
        """The version that the run's model has, or gets."""

    def compare(self, version: int, settings: LoopSettings) -> rc.Compared:
        """How the version does against the champion of now."""

    def promote(self, action: Promote, settings: LoopSettings) -> None:
        """Make the version champion, unless it is. Raises ChampionChangedError, and
        PipeError if it is refused."""

    def notify(self, key: str, text: str, settings: LoopSettings) -> int:
        """Send a notice; the number of its receivers."""


class Loop:
    """`tell` hears every record, as it is written, and every trouble, as a sentence."""

    def __init__(
        self,
        world: World,
        settings: LoopSettings,
        tell: Callable[[rc.Record | str], None] = lambda said: None,
    ) -> None:
        self.world = world
        self.settings = settings
        self.state = fold(world.records())
        self._tell = tell

    def step(self) -> bool:
        """Whether anything was decided or done. What fails on its way to the disk ends
        the loop; what fails elsewhere is tried again in the next step."""
        signals = self.world.look(self.settings, self.state)
        # Written first, acted upon afterwards: between the two a kill loses nothing.
        decided = tick(self.settings, self.state, signals, self.world.now())
        for record in decided:
            self._write(record)
        # Not what was just decided, but all that is still to be done: after a kill that
        # is the same.
        done = [self._act(action) for action in pending(self.state)]
        return bool(decided) or any(done)

    def _write(self, record: rc.Record) -> None:
        self.world.append(record)
        self.state = fold([record], self.state)
        self._tell(record)

    def _act(self, action: Action) -> bool:
        try:
            record = self._perform(action)
        except OSError as error:
            self._tell(f"{_name(action)} has to wait: {error}")
            return False
        if record is not None:
            self._write(record)
        return record is not None

    def _perform(self, action: Action) -> rc.Record | None:
        """Carry an action out. What came of it, as a record; None where the world will
        tell."""
        # Exhaustive: mypy finds a new kind of action that nobody carries out.
        match action:
            case Start():
                return self._start(action.run)
            case Register():
                return self._register(action.run_id)
            case Compare():
                return self._compare(action.version)
            case Promote():
                return self._promote(action)
            case Notify():
                return self._notify(action)

    def _start(self, run: rc.RunDecided) -> rc.Record | None:
        try:
            self.world.start(run, self.settings)
        except PipeError as error:
            problems = tuple(filter(None, (error.message, error.hint)))
            return rc.RunEnded(
                time=self.world.now(),
                run_id=run.run_id,
                outcome="unstarted",
                problems=problems,
            )
        return None

    def _register(self, run_id: str) -> rc.Record:
        try:
            version = self.world.register(run_id, self.settings)
        except PipeError as error:
            return rc.Unregistered(
                time=self.world.now(), run_id=run_id, reason=error.message
            )
        return rc.Registered(time=self.world.now(), run_id=run_id, version=version)

    def _compare(self, version: int) -> rc.Record:
        try:
            return self.world.compare(version, self.settings)
        except PipeError as error:
            now = self.world.now()
            return rc.Compared(
                time=now,
                version=version,
                champion=None,
                verdict="worse",
                reason=error.message,
            )

    def _promote(self, action: Promote) -> rc.Record:
        try:
            self.world.promote(action, self.settings)
        except PipeError as error:
            again = isinstance(error, ChampionChangedError)
            return rc.PromoteRefused(
                time=self.world.now(),
                version=action.version,
                reason=error.message,
                again=again,
            )
        return rc.Promoted(time=self.world.now(), version=action.version)

    def _notify(self, action: Notify) -> rc.Record:
        """A notice that cannot be sent is not sent again and again: what it says stands
        in the history."""
        try:
            receivers, problem = (
                self.world.notify(action.key, action.text, self.settings),
                "",
            )
        except PipeError as error:
            receivers, problem = 0, error.message
        return rc.Notified(
            time=self.world.now(), key=action.key, receivers=receivers, problem=problem
        )


def _name(action: Action) -> str:
    return type(action).__name__.lower()
