"""Studies on disk: `.jupyter_pipe/studies/NAME/study.json` and `trials.jsonl`, one line
for each change.

A line is written whole or, where the machine died, not at all: what is cut off at the
end is passed over.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.errors import SweepError
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.store import RunStore, is_file_name
from jupyter_pipe.sweeps.model import Study, Trial
from jupyter_pipe.trust.records import (
    UNREADABLE,
    UnsignedError,
    read_record,
    read_regular_file,
)
from jupyter_pipe.trust.signatures import sign

__all__ = ["StudyFolder", "free_name", "study_folder"]

_trial_decoder = msgspec.json.Decoder(Trial)


class StudyFolder:
    """One study's files. Raises SweepError for a study that is not there, or that is
    somebody else's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report = path / "report.html"
        self._study = path / "study.json"
        self._trials = path / "trials.jsonl"

    @property
    def exists(self) -> bool:
        return self._study.is_file()

    def create(self, study: Study) -> None:
        """Begin the study."""
        replace_file(self._study, sign("study", study.name, to_json(study)))

    def read(self) -> Study:
        """What is swept. What others signed is not carried out."""
        try:
            data = read_record(self._study, "study", self.path.name)
            return msgspec.json.decode(data, type=Study)
        except UNREADABLE as error:
            raise SweepError(
                f"The study '{self.path.name}' cannot be continued: {_reason(error)}.",
                code="sweep_unreadable",
                hint="Begin another one with --study NAME.",
            ) from None

    def trials(self) -> tuple[Trial, ...]:
        """As far as they have come, by number."""
        found = {trial.number: trial for trial in self._noted()}
        return tuple(found[number] for number in sorted(found))

    def runs(self) -> dict[str, int]:
        """Run -> the number of its trial, oldest first. A trial that was cut off has
        had several."""
        return {trial.run_id: trial.number for trial in self._noted()}

    def _noted(self) -> Iterator[Trial]:
        """Each line that can be read."""
        try:
            lines = read_regular_file(self._trials, follow=False).splitlines()
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(*UNREADABLE):
                trial = _trial_decoder.decode(line)
                # It names a folder of a run; a line that others wrote could lead
                # elsewhere.
                if is_file_name(trial.run_id):
                    yield trial

    def note(self, trial: Trial) -> None:
        """Append what is known of a trial now; it outlives the process."""
        # A line that was cut off must not take the next one with it.
        line = b"\n" + msgspec.json.encode(trial) + b"\n"
        with self._appending() as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _appending(self) -> BinaryIO:
        """The file of trials. A link in its place would have us write to another file,
        and a pipe would wait for a reader. Raises SweepError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            if self._trials.exists() and not self._trials.is_file():
                raise OSError(errno.EINVAL, "it is not a regular file")
            return os.fdopen(
                os.open(self._trials, flags | getattr(os, "O_NOFOLLOW", 0), 0o666), "ab"
            )
        except OSError as error:
            raise SweepError(
                f"Trials cannot be written to {self._trials}: {error.strerror}.",
                code="sweep_unreadable",
            ) from error


def study_folder(store: RunStore, name: str) -> StudyFolder:
    """Raises SweepError for a name that no folder can have."""
    if not is_file_name(name):
        raise SweepError(
            f"{name[:80]!r} cannot name a study.",
            code="sweep_name",
            hint="Use letters and digits.",
        )
    path = store.state_folder / "studies" / name
    store.require_no_links(path)
    return StudyFolder(path)


def free_name(store: RunStore, metric: str) -> str:
    """`fold_mae`, or `fold_mae-2` if that is taken."""
    number = 1
    while True:
        name = metric if number == 1 else f"{metric}-{number}"
        if not study_folder(store, name).exists:
            return name
        number += 1


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return (
        f"its record is {said}"
        if isinstance(error, UnsignedError)
        else said or str(error)
    )
