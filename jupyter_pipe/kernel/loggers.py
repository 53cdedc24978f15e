"""Levels of loggers. That of a logger which nobody has asked for yet waits: some
libraries have a class of loggers of their own, and who asks for their logger before
they do gets one of another class.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

__all__ = ["Loggers"]

_REMOVED = "jupyter_pipe: removed"


class Loggers:
    """The component `logging.level`: the level of each logger by its name, `root`, and
    `disable`."""

    name = "logging.level"
    module = "logging"
    generator = False

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        self._get_logger: Any = None

    def read(self) -> dict[str, Any]:
        manager = logging.Logger.manager
        known = {
            name: getattr(logger, "level", 0)
            for name, logger in list(manager.loggerDict.items())
        }
        levels = {
            name: level for name, level in {**known, **self._waiting}.items() if level
        }
        return {**levels, "root": logging.root.level, "disable": manager.disable}

    def write(self, part: str, value: Any) -> None:
        if part == "disable":
            logging.disable(value)
            return
        level = 0 if value == _REMOVED else value
        if part != "root" and _is_to_come(part):
            self._wait(part, level)
        else:
            self._waiting.pop(part, None)
            logging.getLogger(None if part == "root" else part).setLevel(level)

    def awaited(self) -> set[str]:
        """The modules whose import levels wait for."""
        return {_root(name) for name in self._waiting}

    def arrived(self, module: str) -> None:
        """The module has been imported: its loggers get the levels that waited."""
        for name in [name for name in self._waiting if _root(name) == module]:
            logging.getLogger(name).setLevel(self._waiting.pop(name))

    def _wait(self, name: str, level: int) -> None:
        """The level is set when somebody asks for the logger, whoever that is."""
        self._waiting[name] = level
        manager: Any = logging.Logger.manager
        if self._get_logger is None:
            self._get_logger = manager.getLogger
            manager.getLogger = self._get_and_set

    def _get_and_set(self, name: str) -> Any:
        logger = self._get_logger(name)
        # a library that is being imported may set the level once more: `arrived` comes
        # after it
        if name in self._waiting and not _is_being_imported(_root(name)):
            logger.setLevel(self._waiting.pop(name))
        return logger


def _root(name: str) -> str:
    return name.partition(".")[0]


def _is_to_come(name: str) -> bool:
    """Whether the logger is not there yet, and may be one that a module makes when it
    is imported."""
    known = logging.Logger.manager.loggerDict.get(name)
    return not isinstance(known, logging.Logger) and _root(name) not in sys.modules


def _is_being_imported(module: str) -> bool:
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
