"""The notebook's own classes and functions: told apart from values, replayed where they are needed.

An instance of a notebook class is pickled by reference. The manifest names the class with the
digest of its source; whoever loads the payload executes exactly that source first, unless the stage
has already replayed it.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from typing import Any

from .errors import DefinitionError

__all__ = ["Definitions"]


class Definitions:
    """The definitions that the stage's context knows, over the stage's namespace.

    `known` maps a name to `{"source", "digest", "cell_id"}`.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]], namespace: dict[str, Any]) -> None:
        self._known = known
        self._namespace = namespace
        self._fresh: dict[str, dict[str, Any]] = {}

    def digest(self, name: str) -> str:
        return str(self._known[name]["digest"])

    def name_of(self, value: Any) -> str | None:
        """The dotted name by which a class or function of the notebook can be found again; None if
        it is no definition, or no longer what the name stands for."""
        dotted = getattr(value, "__qualname__", None)
        if not isinstance(dotted, str) or not self.is_local(value):
            return None
        root = dotted.split(".", 1)[0]
        return dotted if root in self._known and _walk(self._namespace, dotted) is value else None

    def is_local(self, value: Any) -> bool:
        """Whether a class or function was made by the notebook's own code."""
        return getattr(value, "__module__", None) in ("__main__", self._namespace.get("__name__"))

    def require(self, name: str, digest: str, variables: str) -> None:
        """Makes the definition available before a payload is unpickled. Raises DefinitionError."""
        known = self._known.get(name)
        if known is None:
            raise DefinitionError(
                f"{variables} holds an instance of {name!r}, which this stage cannot define again. "
                f"Define {name!r} in a cell of its own that has no other effect, or use it in one stage."
            )
        if known["digest"] != digest:
            raise DefinitionError(
                f"{variables} holds an instance of {name!r}, but this stage defines {name!r} differently. "
                f"Keep one definition of {name!r} for both stages."
            )
        self.replay(name, self._namespace)

    def find(self, dotted: str) -> Any:
        """What a reference in a payload stands for."""
        root = dotted.split(".", 1)[0]
        if root not in self._namespace:
            self.replay(root, self._namespace)
        return _walk(self._namespace, dotted)

    def replay(self, name: str, namespace: dict[str, Any]) -> None:
        """Executes a definition, after those that it needs, unless the name is already bound."""
        if name in namespace or name not in self._known:
            return
        source = str(self._known[name]["source"])
        cell = str(self._known[name].get("cell_id") or name)
        namespace[name] = None  # a definition may need itself
        for needed in sorted(free_names(source) & self._known.keys()):
            self.replay(needed, namespace)
        exec(compile(source, f"<definition of {name}, cell {cell}>", "exec"), namespace)  # noqa: S102

    def fresh(self, dotted: str) -> Any:
        """The class or function as its source alone makes it, in a namespace apart; None if the
        source does not run there."""
        root = dotted.split(".", 1)[0]
        scope = self._fresh.get(root)
        if scope is None:
            scope = {name: value for name, value in self._namespace.items() if name not in self._known}
            try:
                self.replay(root, scope)
            except Exception:
                scope = {}
            self._fresh[root] = scope
        return _walk(scope, dotted)


def free_names(source: str) -> set[str]:
    """The names that a piece of code reads, a superset of those that it needs from outside."""
    tree = ast.parse(source)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _walk(namespace: Mapping[str, Any], dotted: str) -> Any:
    root, *rest = dotted.split(".")
    found = namespace.get(root)
    for part in rest:
        found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
    return found
