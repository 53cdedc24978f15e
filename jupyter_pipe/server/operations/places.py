"""Where a page looks: the folder that holds the runs, and the notebook, both below the
server's root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from jupyter_pipe.errors import PipeError
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.server.operations.payloads import PageRequest
from jupyter_pipe.server.paths import PathError, Root

__all__ = ["Place"]

# Of a long history only the newest runs can still wait for somebody, and each costs a
# millisecond.
_MOST_RUNS = 200
# What the pages read besides runs. A link in their place would show what is kept
# elsewhere.
_FOLDERS = (
    "",
    "runs",
    "approvals",
    "loops",
    "studies",
    "serving",
    "scorers",
    "models",
    "mlflow",
    "mlflow.db",
)


class Place:
    """Raises PathError for what lies outside the server's root, also where a link leads
    there."""

    def __init__(self, root: Root, request: PageRequest) -> None:
        self.store = RunStore(root.directory(request.root))
        self.notebook: Path | None = (
            root.notebook(request.notebook) if request.notebook else None
        )
        self._root = root
        for name in _FOLDERS:
            path = self.store.state_folder / name
            root.confine(path, path.name)

    def runs(self) -> Iterator[Run]:
        """The newest runs of the notebook, or of the folder, newest first; those that
        can be read."""
        for run_id in islice(self.store.ids(), _MOST_RUNS):
            try:
                run = self.store.read(run_id)
            except PipeError:
                continue
            if (
                self.notebook is None
                or Path(run.facts.notebook).name == self.notebook.name
            ):
                yield run

    def services(self) -> list[Path]:
        """The folders of services, none of which lies outside the server's root, nor
        does its request log."""
        folder = self.store.state_folder / "serving"
        try:
            found = sorted(
                path
                for path in folder.iterdir()
                if path.is_dir() and not path.is_symlink()
            )
        except OSError:
            return []
        return [path for path in found if self._is_inside(path / "log")]

    def _is_inside(self, path: Path) -> bool:
        try:
            self._root.confine(path, path.name)
        except PathError:
            return False
        return True

    def sentence(self, error: PipeError) -> str:
        """What the page says where something could not be read; files are named as seen
        from the folder."""
        return f"{error.message} {error.hint}".strip().replace(
            f"{self.store.root}{os.sep}", ""
        )
