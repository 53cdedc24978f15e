"""The services of one server, made when the extension loads."""

from __future__ import annotations

from typing import Literal

from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.pipelines.pool import the_pool
from jupyter_pipe.server.runs.service import RunService
from jupyter_pipe.server.runs.watcher import RunWatcher
from jupyter_pipe.server.threads import DaemonExecutor
from jupyter_pipe.server.values.service import ValueService

__all__ = ["Services", "Threads"]

Threads = Literal[
    "reading", "analysing", "starting", "operating", "deciding", "previewing"
]
# Each kind of request has threads of its own, so that slow notebooks never hold up who
# looks at a run.
_THREADS: dict[Threads, int] = {
    "reading": 4,
    "analysing": 6,
    "starting": 4,
    "operating": 3,
    "deciding": 2,
    "previewing": 2,
}


class Services:
    """What handlers call. `threads` keep whatever blocks off the server's loop."""

    def __init__(self, root: Root, watcher: RunWatcher) -> None:
        self.root = root
        self.watcher = watcher
        # One for all servers of this process.
        self.analysis = the_pool()
        self.runs = RunService(root, watcher)
        self.values = ValueService(self.runs)
        self.threads = {
            kind: DaemonExecutor(number, f"jupyter-pipe-{kind}")
            for kind, number in _THREADS.items()
        }
