"""A world for the loop that is a record: it outlives the loop, and kills it at a chosen
step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_pipe.loop import LoopSettings, Record, RunSeen, Signals, State
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.deciding.records import decode_record, encode_record
from jupyter_pipe.loop.deciding.signals import Outcome
from jupyter_pipe.loop.stepping import ChampionChangedError

__all__ = ["Killed", "RecordedWorld"]


class Killed(BaseException):
    """SIGKILL: nothing of the loop's memory is left."""


@dataclass
class RecordedWorld:
    """`data` is what the files hold, `outcome_of` says how a run of them ends, `better`
    which version wins. `fuse` counts down at each place where a kill can strike; None
    never strikes."""

    data: str = "week 1"
    time: float = 1_000_000.0
    outcome_of: Callable[[str], Outcome] = lambda data: "green"
    better: Callable[[int], rc.Verdict] = lambda version: "better"
    fuse: int | None = None
    lines: list[bytes] = field(default_factory=list)
    runs: dict[str, tuple[str, Outcome | None]] = field(default_factory=dict)
    seen: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    champion: int | None = None
    compared: list[tuple[int, int | None]] = field(default_factory=list)
    promoted: list[tuple[int, int | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    signals: dict[str, object] = field(default_factory=dict)
    points: int = 0

    def point(self) -> None:
        """A place between two steps."""
        self.points += 1
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise Killed

    def now(self) -> float:
        self.time += 1
        return self.time

    def records(self) -> tuple[Record, ...]:
        return tuple(map(decode_record, self.lines))

    def append(self, record: Record) -> None:
        self.point()
        self.lines.append(encode_record(record))
        self.point()

    def look(self, settings: LoopSettings, state: State) -> Signals:
        self.point()
        own = self.runs.get(state.run.run_id) if state.run else None
        seen = (
            RunSeen(state.run.run_id, own[1], ("why",)) if state.run and own else None
        )
        facts: dict[str, object] = {
            "next_run_id": f"run-{len(self.runs)}",
            "data": self.data,
            "changed": (self.data,) if self.data != self.seen else (),
            "run": seen,
            "champion": self.champion,
        }
        return Signals(**{**facts, **self.signals})

    def start(self, run: rc.RunDecided, settings: LoopSettings) -> None:
        self.point()
        if run.run_id not in self.runs:
            self.runs[run.run_id] = (self.data, None)
        self.point()

    def end_runs(self) -> None:
        """Every run that goes on comes to its end."""
        for run_id, (data, outcome) in self.runs.items():
            if outcome is None:
                self.runs[run_id] = (data, self.outcome_of(data))
                if self.outcome_of(data) == "green":
                    self.seen = data

    def interrupt_runs(self) -> None:
        """The machine goes down with them."""
        cut_off: Outcome = "interrupted"
        self.runs = {
            key: (data, outcome or cut_off)
            for key, (data, outcome) in self.runs.items()
        }

    def register(self, run_id: str, settings: LoopSettings) -> int:
        self.point()
        version = self.versions.setdefault(run_id, len(self.versions) + 1)
        self.point()
        return version

    def compare(self, version: int, settings: LoopSettings) -> rc.Compared:
        self.point()
        self.compared.append((version, self.champion))
        self.point()
        return rc.Compared(
            time=self.now(),
            version=version,
            champion=self.champion,
            verdict=self.better(version),
            reason="on 360 rows",
        )

    def promote(self, action: Promote, settings: LoopSettings) -> None:
        version, champion = action.version, action.champion
        self.point()
        if self.champion == version:
            return
        if self.champion != champion:
            raise ChampionChangedError(f"The champion is version {self.champion}.")
        self.champion = version
        self.promoted.append((version, champion))
        self.point()

    def notify(self, key: str, text: str, settings: LoopSettings) -> int:
        self.point()
        self.notices.append(key)
        self.point()
        return 1
