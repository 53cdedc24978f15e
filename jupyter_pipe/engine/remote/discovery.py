"""What other machines left under the URL of a run's root, looked for while a run goes
on.

A URL that cannot be reached holds up nothing: what is not here counts as missing, and
it is not asked again for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.errors import RunError
from jupyter_pipe.runs import remote
from jupyter_pipe.runs.store import RunStore

__all__ = ["Elsewhere"]


class Elsewhere:
    """The files that `store` may lack and its URL has. `explain` is given the code and
    message of the first trouble; without it each one is raised, as RunError."""

    def __init__(
        self,
        store: RunStore,
        explain: Callable[[str, str], None] | None,
        *,
        trust: bool = False,
    ) -> None:
        self._remote = remote.RemoteRoot(store.url, trust=trust)
        self._values = Store(store.state_folder, trust=trust)
        self._folder = store.state_folder
        self._explain = explain
        self._explained = False
        self._asked_again = 0.0

    def bring(self, path: Path) -> bool:
        """Put a file of the store where it belongs. False if it is not there, or out of
        reach."""
        return self._ask(lambda: self._remote.fetch(self._name(path), path))

    def has_value(self, address: str) -> bool:
        """Whether a value is here and sound, or there."""
        path = self._values.path(address)
        return self._values.is_sound(address) or self._ask(
            lambda: self._remote.has(self._name(path))
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _ask(self, question: Callable[[], bool]) -> bool:
        if time.monotonic() < self._asked_again:
            return False
        try:
            return question()
        except RunError as error:
            if self._explain is None:
                raise
            self._asked_again = time.monotonic() + remote.PAUSE_SECONDS
            if not self._explained:
                self._explained = True
                self._explain(
                    "root_unreachable",
                    f"Results of other machines cannot be looked up now: {error}",
                )
            return False
