"""Ambient state: what a stage inherits from earlier ones without any variable naming it.

Before the stage's own cells, what earlier stages left is restored and every component is read; what
differs when the stage ends is what it changed, part by part (`pandas.options.display.width`,
`os.environ.HOME`, `numpy.random`). A component of a library that nobody has imported yet waits for
the import: nothing is imported just to look at it.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .components import BUILT_IN, REMOVED, Component

__all__ = ["Ambience", "find_components"]

_GROUP = "jupyter_pipe.ambient"


@dataclass
class Ambience:
    """`given` maps the names of parts to the values that earlier stages left."""

    components: tuple[Component, ...]
    given: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    _before: dict[str, dict[str, Any]] = field(default_factory=dict)

    def restore(self) -> None:
        """Sets the components whose modules are there; the others follow when they are imported."""
        for component in self._loaded():
            self._restore(component)

    def enter(self) -> None:
        """The stage's own code begins here."""
        self.restore()
        self._before = {one.name: one.read() for one in self._loaded()}
        later = {one.module for one in self.components} - sys.modules.keys()
        if later:
            sys.meta_path.insert(0, _Watch(later, self._arrived))

    def leave(self) -> None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Watch)]

    def changed(self) -> Iterator[tuple[Component, str, Any]]:
        """What the stage changed since `enter`: component, name of the part, value."""
        for component in self._loaded():
            before = self._before.get(component.name)
            if before is None:
                continue
            now = component.read()
            for part, value in now.items():
                if part not in before or not _equal(before[part], value):
                    yield component, _part_name(component, part), value
            for part in before.keys() - now.keys():
                yield component, _part_name(component, part), REMOVED

    def _loaded(self) -> Iterator[Component]:
        return (one for one in self.components if one.module in sys.modules)

    def _arrived(self, module: str) -> None:
        for component in self.components:
            if component.module == module:
                self._restore(component)
                self._before[component.name] = component.read()

    def _restore(self, component: Component) -> None:
        for name, value in self.given.items():
            part = name[len(component.name) + 1 :]
            if name == component.name or name == _part_name(component, part):
                try:
                    component.write(part, value)
                except Exception as error:
                    self.warnings.append(f"{name} could not be restored: {type(error).__name__}: {error}")


def _part_name(component: Component, part: str) -> str:
    return f"{component.name}.{part}" if part else component.name


def _equal(left: Any, right: Any) -> bool:
    try:
        return left is right or bool(left == right)
    except Exception:
        return repr(left) == repr(right)


class _Watch:
    """Stands first in `sys.meta_path` and tells when one of `names` has been imported."""

    def __init__(self, names: set[str], then: Callable[[str], None]) -> None:
        self._names = names
        self._then = then

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self._names:
            return None
        self._names.discard(name)
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in others if found is not None), None)
        # a loader that is a class serves built-in modules, all of them at once
        if spec is not None and spec.loader is not None and not isinstance(spec.loader, type):
            execute = spec.loader.exec_module

            def execute_and_tell(module: Any) -> None:
                execute(module)
                self._then(name)

            spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]
        return spec


@functools.lru_cache(maxsize=1)
def find_components() -> tuple[Component, ...]:
    """Ours and those that installed distributions offer."""
    return (*BUILT_IN, *(_load(entry) for entry in dict.fromkeys(_entries())))


def _load(entry: str) -> Component:
    module, _, attribute = entry.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    component: Component = found() if isinstance(found, type) or not hasattr(found, "read") else found
    return component


def _entries() -> Iterator[str]:
    """Read straight from the files: importlib.metadata takes longer than a short stage."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                yield from _entries_in(os.path.join(folder, name, "entry_points.txt"))


def _entries_in(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    _, found, section = text.partition(f"[{_GROUP}]")
    for line in section.splitlines() if found else ():
        if line.startswith("["):
            return
        _, equals, value = line.partition("=")
        if equals:
            yield value.strip()
