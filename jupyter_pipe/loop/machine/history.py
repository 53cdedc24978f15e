"""The runs of one notebook, as the loop sees them. A run that has ended is read
once."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from jupyter_pipe.errors import RunError
from jupyter_pipe.events import RunState
from jupyter_pipe.loop.deciding.signals import Outcome, RunSeen
from jupyter_pipe.loop.machine.watching import Reads, reads_of
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore

__all__ = ["RunHistory"]

# The exit codes of `jupyter pipe run`.
_OUTCOMES: dict[int | None, Outcome] = {
    0: "green",
    3: "gate",
    4: "contract",
    5: "waiting",
    130: "cancelled",
}


class _Brief(Struct, frozen=True):
    """Of a run only what the loop asks for."""

    run_id: str
    notebook: str
    resumed_from: str
    workdir: str
    seen: RunSeen


class RunHistory:
    """Reads, and never writes."""

    def __init__(self, store: RunStore, notebook: Path) -> None:
        self._store = store
        self._notebook = str(notebook)
        self._ended: dict[str, _Brief] = {}
        self._reads: tuple[str, Reads] = ("", {})

    def look(self) -> list[_Brief]:
        """The notebook's runs, newest first."""
        found = (self._brief(run_id) for run_id in self._store.ids())
        return [
            brief
            for brief in found
            if brief is not None and brief.notebook == self._notebook
        ]

    def seen(self, run_id: str) -> RunSeen | None:
        """One run, None if there is none."""
        brief = self._brief(run_id)
        return brief.seen if brief else None

    def busy(self, runs: list[_Brief], own: str) -> str:
        """A run of the notebook that goes on and is not the loop's own; empty if there
        is none."""
        going_on = (
            one.run_id for one in runs if one.seen.outcome is None and one.run_id != own
        )
        return next(going_on, "")

    def resumed(self, runs: list[_Brief], run_id: str) -> RunSeen | None:
        """The newest run that continues this one."""
        return next((one.seen for one in runs if one.resumed_from == run_id), None)

    def reads(self, runs: list[_Brief]) -> tuple[Reads, Path | None]:
        """What the latest successful run read, and where it ran; without one, the
        latest that ended."""
        ended = [one for one in runs if one.seen.outcome is not None]
        green = next(
            (one for one in ended if one.seen.outcome == "green"),
            next(iter(ended), None),
        )
        if green is None:
            return {}, None
        if self._reads[0] != green.run_id:
            run = self._store.read(green.run_id)
            self._reads = green.run_id, reads_of(self._store.folder(green.run_id), run)
        return self._reads[1], Path(green.workdir) if green.workdir else None

    def _brief(self, run_id: str) -> _Brief | None:
        if run_id in self._ended:
            return self._ended[run_id]
        try:
            run = self._store.read(run_id)
        except RunError:
            return None
        brief = _Brief(
            run_id,
            run.facts.notebook,
            run.resumed_from or "",
            run.facts.workdir,
            _seen(run),
        )
        # A shared run may go on after it has ended: its engine tries a stage again.
        if run.is_final and not run.facts.shared:
            self._ended[run_id] = brief
        return brief


def _seen(run: Run) -> RunSeen:
    """How a run came out, and the sentences that say why."""
    if not run.is_final:
        return RunSeen(run.run_id)
    outcome: Outcome = _OUTCOMES.get(run.exit_code, "failed")
    if run.state is RunState.interrupted:
        outcome = "interrupted"
    problems = [
        f"{stage.name}: {line}"
        for stage in run.stages
        if stage.failure is not None
        for line in stage.failure.evalue.splitlines()
    ]
    return RunSeen(run.run_id, outcome, tuple(problems), run.seconds)
