"""Loads the extension into a Jupyter server: services, routes, the event schema, the
watcher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.utils import url_path_join

from jupyter_pipe.server import documentation
from jupyter_pipe.server.base import UnknownHandler
from jupyter_pipe.server.openapi import OpenApiHandler
from jupyter_pipe.server.operations import handlers as operations
from jupyter_pipe.server.paths import Root
from jupyter_pipe.server.payloads import RunChanged
from jupyter_pipe.server.pipelines import handlers as pipelines
from jupyter_pipe.server.runs import handlers as runs
from jupyter_pipe.server.runs.watcher import RunWatcher
from jupyter_pipe.server.services import Services
from jupyter_pipe.server.values import handlers as values

if TYPE_CHECKING:
    from jupyter_events import EventLogger
    from jupyter_server.serverapp import ServerApp

__all__ = ["NAMESPACE", "ROUTES", "RUN_EVENT", "load"]

NAMESPACE = "jupyter-pipe"
# The analyzer takes its time to import, which must delay neither the server's start nor
# the first notebook.
_SECONDS_TO_WARM = 2.0
RUN_EVENT = "urn:jupyter-pipe:run"
ROUTES = [
    *pipelines.ROUTES,
    *runs.ROUTES,
    *values.ROUTES,
    *operations.ROUTES,
    *documentation.ROUTES,
    ("openapi.json", OpenApiHandler),
    # Last, since Tornado takes the first pattern that fits.
    (".*", UnknownHandler),
]


def load(server: ServerApp) -> None:
    """Make the extension part of `server`."""
    events = server.event_logger
    if events is None:  # a server that was never initialised
        return
    events.register_event_schema(Path(__file__).parent / "events" / "run.yaml")
    services = Services(Root(server.root_dir), RunWatcher(_emitter(server, events)))
    server.web_app.settings["jupyter_pipe"] = services
    base = server.web_app.settings["base_url"]
    handlers = [
        (url_path_join(base, NAMESPACE, pattern), handler)
        for pattern, handler in ROUTES
    ]
    server.web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]  # not annotated there
    # After the server's own start, and before somebody opens a notebook.
    server.io_loop.call_later(
        _SECONDS_TO_WARM,
        lambda: services.threads["analysing"].submit(services.analysis.warm),
    )
    server.log.info(
        "jupyter_pipe serves pipelines at %s", url_path_join(base, NAMESPACE)
    )


def _emitter(server: ServerApp, events: EventLogger) -> Callable[[RunChanged], None]:
    """Sends a run's changes as Jupyter events, from whatever thread they are found
    in."""

    def emit(change: RunChanged) -> None:
        data = {
            "root": change.root,
            "run_id": change.run_id,
            "seq": change.seq,
            "state": change.state.value,
        }
        events.emit(schema_id=RUN_EVENT, data=data)

    # Listeners may only be called on the loop: a thread that emits raises in asyncio.
    return lambda change: server.io_loop.add_callback(emit, change)
