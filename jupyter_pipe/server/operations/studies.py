"""The page *Studies*: trials of each sweep, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.operations.payloads import StudiesPage, StudyShown
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.sweeps.model import best_trial
from jupyter_pipe.sweeps.studies import StudyFolder, study_folder

__all__ = ["studies_page"]

# Points that a chart in the browser can still tell apart.
_MOST_TRIALS = 1000


def studies_page(place: Place) -> StudiesPage:
    """The studies of the notebook, or of the folder, the newest first."""
    problems: list[str] = []
    return StudiesPage(tuple(_studies(place, problems)), " ".join(problems))


def _studies(place: Place, problems: list[str]) -> Iterator[StudyShown]:
    """A study that cannot be read is named among the problems, and the others are
    shown."""
    for path in _newest_first(place.store.state_folder / "studies"):
        try:
            shown = _study(study_folder(place.store, path.name))
        except PipeError as error:
            problems.append(place.sentence(error))
            continue
        if place.notebook is None or Path(shown.notebook).name == place.notebook.name:
            yield shown


def _newest_first(folder: Path) -> list[Path]:
    try:
        found = [
            # A folder's time is that of the last trial: its files are replaced.
            (path.stat().st_mtime, path)
            for path in folder.iterdir()
            if (path / "study.json").exists()
        ]
    except OSError:
        return []
    return [path for _, path in sorted(found, reverse=True)]


def _study(folder: StudyFolder) -> StudyShown:
    study = folder.read()
    trials = folder.trials()[-_MOST_TRIALS:]
    best = best_trial(study, trials)
    notebook = Path(study.notebook).name
    return StudyShown(
        name=study.name,
        notebook=notebook,
        metric=study.metric,
        direction=study.direction,
        wanted=study.trials,
        space=study.space,
        trials=trials,
        best=best.number if best else None,
        command=f"jupyter pipe sweep {shlex.quote(notebook)} --study {shlex.quote(study.name)} --resume",
    )
