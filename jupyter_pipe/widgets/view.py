"""`RunView`: the live table and graph of a run, with a button that cancels it.

Follows the run's folder, so it shows runs of other processes as well. Needs the extra
`[widgets]`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from jupyter_pipe.engine.control import request_cancel
from jupyter_pipe.errors import ExtraMissingError, RunError
from jupyter_pipe.handle import RunHandle
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.report.run_html import run_html
from jupyter_pipe.runs.store import RunStore

__all__ = ["RunView", "import_widgets"]

_SECONDS_BETWEEN_LOOKS = 0.5


class RunView:
    """Shows a run until it has ended; displays itself at the end of a cell.

    `run` is what `jupyter_pipe.start` returned, a `Run`, or the id (or a part of it, or
    "latest") of one below `root`, the folder that holds `.jupyter_pipe/` (default: the
    notebook's). Raises RunError and ExtraMissingError.
    """

    def __init__(
        self, run: RunHandle | Run | str = "latest", *, root: str | Path | None = None
    ) -> None:
        widgets = import_widgets("RunView")
        self._store = (
            run.store if isinstance(run, RunHandle) else RunStore(root or _root_of(run))
        )
        self._run_id = self._store.find(run) if isinstance(run, str) else run.run_id
        self._picture = widgets.HTML()
        self._cancel = widgets.Button(description="Cancel run", icon="stop")
        self._cancel.on_click(lambda button: self.cancel())
        self.widget = widgets.VBox([self._picture, self._cancel])
        self._closed = threading.Event()
        # A run that is over needs no thread.
        if not self.look():
            self._thread = threading.Thread(
                # A view must not keep the process of a script alive.
                target=self._follow,
                name="RunView",
                daemon=True,
            )
            self._thread.start()

    @property
    def run(self) -> Run:
        """The run as it is now."""
        return self._store.read(self._run_id)

    def look(self) -> bool:
        """Bring the picture up to date. Returns whether the run has ended."""
        run = self.run
        self._picture.value = run_html(run)
        self._cancel.layout.display = "none" if run.is_final else ""
        return run.is_final

    def cancel(self) -> None:
        """End the run; the view follows until it has."""
        self._cancel.disabled = True
        try:
            if not request_cancel(self._store, self._run_id, by="widget"):
                self.look()  # it ended by itself meanwhile
        except RunError:
            self.look()  # its folder is gone

    def close(self) -> None:
        """Stop following."""
        self._closed.set()
        self.widget.close()

    def _follow(self) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN_LOOKS):
            if self.look():
                return

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)


def _root_of(run: Run | str) -> Path:
    """A run knows where its notebook is; an id says nothing, so it is looked for
    here."""
    if isinstance(run, Run) and run.facts.notebook:
        return Path(run.facts.notebook).parent
    return Path.cwd()


def import_widgets(feature: str) -> Any:
    """ipywidgets, or the error that says how to install it."""
    try:
        import ipywidgets
    except ImportError:
        raise ExtraMissingError(feature, "widgets") from None
    return ipywidgets
