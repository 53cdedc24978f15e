"""What a tracker is told of a run, read from the run's folder. Writes nothing.

Everything in it has passed through the run's own records, so secrets are hidden in it
as they are there.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.events import Event, MetricLogged
from jupyter_pipe.runs.data.files import SourceFile, files_of
from jupyter_pipe.runs.data.profiles import ValueProfile, read_profiles
from jupyter_pipe.runs.fold import fold
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import STATE_FOLDER, RunFolder, RunStore
from jupyter_pipe.sweeps.model import Study, Trial
from jupyter_pipe.sweeps.spaces import planned_trials
from jupyter_pipe.sweeps.studies import study_folder

__all__ = ["Sweep", "Told", "ToldTrial", "store_of"]

Sweep = Literal["unknown", "goes_on", "over"]
"""Of the sweep that a trial belongs to. Who tells of a single run does not know."""


class ToldTrial(Struct, frozen=True):
    """One of `trials`, all that `study` has so far."""

    number: int
    study: Study
    trials: tuple[Trial, ...]

    @property
    def is_last(self) -> bool:
        """Whether all trials of the study have come to their ends."""
        ended = [trial for trial in self.trials if trial.state != "running"]
        return len(ended) == len(self.trials) >= planned_trials(self.study)


class Told:
    """A run as it is now: `run` is folded from `events`. What a run leaves when it has
    ended is read when it is asked for."""

    def __init__(
        self, store: RunStore, run_id: str, *, sweep: Sweep = "unknown"
    ) -> None:
        self.store = store
        self.sweep = sweep
        self.folder: RunFolder = store.folder(run_id)
        self.events: tuple[Event, ...] = tuple(store.events(run_id))
        read = store.read(run_id)
        self.run: Run = fold(self.events, read.facts)
        # A runner that died says nothing any more: the store says it for it.
        if not self.run.is_final and read.is_final:
            self.run = read

    @property
    def seq(self) -> int:
        """The number of the last event."""
        return self.events[-1].seq if self.events else 0

    @property
    def metrics(self) -> tuple[MetricLogged, ...]:
        """Each value of each metric, as it was logged."""
        return tuple(event for event in self.events if isinstance(event, MetricLogged))

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """The files that the run read."""
        return files_of(self.folder, self.run)

    @cached_property
    def profiles(self) -> tuple[ValueProfile, ...]:
        """What the values that crossed stages looked like."""
        return tuple(read_profiles(self.folder, self.run))

    @cached_property
    def trial(self) -> ToldTrial | None:
        """The trial that the run is, with its study; None for others, and for a study
        that somebody else signed."""
        if self.run.trigger != "sweep":
            return None
        studies = self.store.state_folder / "studies"
        for path in sorted(studies.iterdir()) if studies.is_dir() else ():
            with contextlib.suppress(PipeError, OSError):
                folder = study_folder(self.store, path.name)
                number = folder.runs().get(self.run.run_id)
                if number is not None:
                    return ToldTrial(number, folder.read(), folder.trials())
        return None


def store_of(run_folder: Path) -> RunStore:
    """The store that holds a run's folder: `ROOT/.jupyter_pipe/runs/RUN`."""
    state_folder = run_folder.absolute().parent.parent
    assert state_folder.name == STATE_FOLDER
    return RunStore(state_folder.parent)
