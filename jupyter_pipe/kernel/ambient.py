"""Ambient state: what a stage inherits from earlier ones without any variable naming
it.

Before the stage's own cells, what earlier stages left is restored and every component
is read; what differs when the stage ends is what it changed, part by part
(`pandas.options.display.width`, `os.environ.HOME`, `numpy.random`). A component of a
library that nobody has imported yet waits for the import: nothing is imported just to
look at it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .components import BUILT_IN, REMOVED, Component
from .loggers import Loggers
from .plugins import find_plugins, is_installed

__all__ = ["Ambience", "find_components"]

_GROUP = "jupyter_pipe.ambient"


class Settings(NamedTuple):
    """What libraries set for themselves when they are imported: filters of warnings,
    levels of loggers."""

    filters: list[Any]
    levels: dict[str, dict[str, Any]]


@dataclass
class Ambience:
    """`given` maps the names of parts to the values that earlier stages left."""

    components: tuple[Component, ...]
    given: Mapping[str, Any]
    complaints: list[str] = field(default_factory=list)
    _before: dict[str, dict[str, Any]] = field(default_factory=dict)

    def restore(self) -> None:
        """Sets the components whose modules are there; the others follow when they are
        imported."""
        for component in self._loaded():
            self._restore(component)

    def enter(self) -> None:
        """The stage's own code begins here."""
        self.restore()
        self._before = {one.name: one.read() for one in self._loaded()}
        later = {one.module for one in self.components} - sys.modules.keys()
        later.update(*(loggers.awaited() for loggers in self._loggers()))
        sys.meta_path.insert(
            0, _Watch(later, self._arrived, self._settings_of_libraries, self._settled)
        )

    def leave(self) -> None:
        sys.meta_path[:] = [
            finder for finder in sys.meta_path if not isinstance(finder, _Watch)
        ]

    def changed(
        self, written: Container[str] = ()
    ) -> Iterator[tuple[Component, str, Any]]:
        """What the stage changed since `enter`: component, name of the part, value. A
        component among `written` that is one whole may have been set to what it was,
        which counts as well."""
        for component in self._loaded():
            before = self._before.get(component.name)
            if before is None:
                continue
            now = component.read()
            for part, value in now.items():
                is_set = not part and component.name in written
                if is_set or part not in before or not _equal(before[part], value):
                    yield component, _part_name(component, part), value
            for part in before.keys() - now.keys():
                yield component, _part_name(component, part), REMOVED

    def _settings_of_libraries(self) -> Settings:
        return Settings(
            list(warnings.filters), {one.name: one.read() for one in self._loggers()}
        )

    def _settled(self, before: Settings) -> None:
        """Filters and levels that a library sets when it is imported are not the
        stage's doing."""
        known = self._before.get("warnings.filters")
        if known is not None:
            known[""] = [
                *(one for one in warnings.filters if one not in before.filters),
                *known[""],
            ]
        for component in self._loggers():
            levels = self._before.get(component.name, {})
            now = component.read()
            levels.update(
                {
                    part: now[part]
                    for part in now
                    if before.levels[component.name].get(part) != now[part]
                }
            )

    def _loggers(self) -> Iterator[Loggers]:
        return (one for one in self.components if isinstance(one, Loggers))

    def _loaded(self) -> Iterator[Component]:
        return (one for one in self.components if one.module in sys.modules)

    def _arrived(self, module: str) -> None:
        for component in self.components:
            if component.module == module:
                self._restore(component)
                self._before[component.name] = component.read()
        for loggers in self._loggers():
            loggers.arrived(module)

    def _restore(self, component: Component) -> None:
        for name, value in self.given.items():
            part = name[len(component.name) + 1 :]
            if name == component.name or name == _part_name(component, part):
                try:
                    component.write(part, value)
                except Exception as error:
                    self.complaints.append(
                        f"{name} could not be restored: {type(error).__name__}: {error}"
                    )


def _part_name(component: Component, part: str) -> str:
    return f"{component.name}.{part}" if part else component.name


def _equal(left: Any, right: Any) -> bool:
    try:
        return left is right or bool(left == right)
    except Exception:
        return repr(left) == repr(right)


class _Watch:
    """Stands first in `sys.meta_path`; tells when one of `names` has been imported, and
    when a library has been imported from outside any other import."""

    def __init__(
        self,
        names: set[str],
        arrived: Callable[[str], None],
        look: Callable[[], Settings],
        settled: Callable[[Settings], None],
    ) -> None:
        self._names = names
        self._arrived = arrived
        self._look = look
        self._settled = settled
        self._importing = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Finds the module through the other finders and wraps its loader where its
        arrival matters; inside another import, only modules in `names` do."""
        if name not in self._names and self._importing:
            return None
        others = (
            finder.find_spec(name, path, target)
            for finder in sys.meta_path
            if finder is not self
        )
        spec = next((found for found in others if found is not None), None)
        if spec is None or not (name in self._names or is_installed(spec.origin)):
            return spec
        # a loader that is a class serves built-in modules, all of them at once
        if spec.loader is not None and not isinstance(spec.loader, type):
            self._wrap(spec.loader, name)
        return spec

    def _wrap(self, loader: Any, name: str) -> None:
        execute = loader.exec_module

        def execute_and_tell(module: Any) -> None:
            outermost = not self._importing
            before = self._look() if outermost else None
            self._importing = True
            try:
                execute(module)
            finally:
                self._importing = not outermost
            if before is not None:
                self._settled(before)
            if name in self._names:
                self._names.discard(name)
                self._arrived(name)

        loader.exec_module = execute_and_tell


def find_components() -> tuple[Component, ...]:
    """Ours and those that installed distributions offer."""
    return (*BUILT_IN, *find_plugins(_GROUP))
