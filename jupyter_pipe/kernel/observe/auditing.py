"""The interpreter's audit events, handed to whoever listens.

A hook cannot be removed: there is one a process, and while no stage is observed it
finds no listener.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["listen"]

Handler = Callable[..., None]
_handlers: dict[str, Handler] = {}
_installed: list[bool] = []


def listen(handlers: Mapping[str, Handler]) -> None:
    """Sends the events that `handlers` names to them from now on, and no others.
    Handlers do not raise."""
    _handlers.clear()
    _handlers.update(handlers)
    if handlers and not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)


def _hook(
    event: str, arguments: tuple[Any, ...], handlers: Mapping[str, Handler] = _handlers
) -> None:
    # Libraries cause tens of thousands of events that nobody waits for, such as
    # `builtins.id`.
    if event in handlers:
        handlers[event](*arguments)
