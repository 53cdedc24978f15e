"""Imports: libraries that have arrived, and modules that were asked for and not
found."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["ImportWatch"]


class ImportWatch:
    """Tells `arrived(name)` of each module among `names` once it has been executed,
    `missed(name, folders)` of each that nobody finds, and `found(path)` of each that
    was only looked for, between `begin` and `end`.
    """

    def __init__(
        self,
        names: Iterable[str],
        arrived: Callable[[str], None],
        missed: Callable[[str, list[str]], None],
        found: Callable[[str], None],
    ) -> None:
        self._arrivals = _Arrivals({*names}, arrived)
        self._absences = _Absences(missed)
        self._found, self._missed = found, missed
        self._find_spec = importlib.util.find_spec

    def begin(self) -> None:
        sys.meta_path.insert(0, self._arrivals)
        sys.meta_path.append(self._absences)
        importlib.util.find_spec = self._telling(self._find_spec)

    def _telling(self, original: Any) -> Any:
        @functools.wraps(original)
        def find_spec(name: str, package: str | None = None) -> Any:
            __tracebackhide__ = True
            spec = original(name, package)
            if spec is None:
                parent = sys.modules.get(name.rpartition(".")[0])
                folders = getattr(parent, "__path__", sys.path)
                self._missed(
                    name, [folder for folder in folders if isinstance(folder, str)]
                )
            elif isinstance(spec.origin, str):
                self._found(spec.origin)
            return spec

        return find_spec

    def end(self) -> None:
        importlib.util.find_spec = self._find_spec
        sys.meta_path[:] = [
            one for one in sys.meta_path if one not in (self._arrivals, self._absences)
        ]


class _Arrivals:
    """Stands first among the finders, and has the loader tell."""

    def __init__(self, names: set[str], arrived: Callable[[str], None]) -> None:
        self._names = names
        self._arrived = arrived
        self._finding: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Finds one of the awaited modules through the other finders, and wraps its
        loader so that it tells when the module has been executed."""
        # Another finder that also asks all others would come back here.
        if name not in self._names or name in self._finding:
            return None
        self._finding.add(name)
        try:
            found = (
                each.find_spec(name, path, target)
                for each in sys.meta_path
                if each is not self
            )
            spec = next((one for one in found if one is not None), None)
        finally:
            self._finding.discard(name)
        # A loader that is a class serves built-in modules, all of them at once.
        if (
            spec is not None
            and spec.loader is not None
            and not isinstance(spec.loader, type)
        ):
            self._wrap(spec.loader, name)
        return spec

    def _wrap(self, loader: Any, name: str) -> None:
        execute = loader.exec_module

        def execute_and_tell(module: Any) -> None:
            execute(module)
            self._arrived(name)

        loader.exec_module = execute_and_tell


class _Absences:
    """Stands last: whoever is asked here has been found nowhere."""

    def __init__(self, missed: Callable[[str, list[str]], None]) -> None:
        self._missed = missed

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        self._missed(
            name,
            [
                one
                for one in (sys.path if path is None else path)
                if isinstance(one, str)
            ],
        )
