"""The services of one server, made when the extension loads."""

from __future__ import annotations

from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.pipelines.service import PipelineService
from jupyter_pipe.server.runs.service import RunService
from jupyter_pipe.server.runs.watcher import RunWatcher
from jupyter_pipe.server.threads import DaemonExecutor

__all__ = ["Services"]

_THREADS = 4


class Services:
    """What handlers call. `executor` keeps whatever blocks off the server's loop."""

    def __init__(self, root: Root, watcher: RunWatcher) -> None:
        self.root = root
        self.watcher = watcher
        self.pipelines = PipelineService(root)
        self.runs = RunService(root, watcher)
        self.executor = DaemonExecutor(_THREADS, "jupyter-pipe")
