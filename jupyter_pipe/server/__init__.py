"""The Jupyter server extension: pipelines and runs over REST, invalidations over
jupyter_events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__: list[str] = []


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from jupyter_pipe.server.app import load

    load(server)
