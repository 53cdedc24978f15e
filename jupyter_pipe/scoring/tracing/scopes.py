"""Where names are looked up while the notebook's code is interpreted."""

from __future__ import annotations

import ast
import builtins
from typing import Any

__all__ = ["Scope"]

# None is a value that a name may have.
_MISSING = object()


class Scope:
    """The names of the notebook, or of one call of one of its functions.

    `local` is None at the top. Names declared `global` in a function are written to the
    notebook's.
    """

    def __init__(
        self, names: dict[str, Any], local: dict[str, Any] | None = None
    ) -> None:
        self.names = names
        self.local = local
        self.declared: set[str] = set()

    def find(self, name: str) -> Any:
        """The value of a name. Raises NameError."""
        value = self.get(name)
        if value is _MISSING:
            raise NameError(f"name {name!r} is not defined")
        return value

    def get(self, name: str, default: Any = _MISSING) -> Any:
        """The value of a name, or the default."""
        for names in (self.local or {}, self.names, vars(builtins)):
            if name in names:
                return names[name]
        return default

    def has(self, name: str) -> bool:
        """Whether the name is bound here or in Python itself."""
        return self.get(name) is not _MISSING

    def bind(self, name: str, value: Any) -> None:
        """Give the name a value where Python would."""
        if self.local is None or name in self.declared:
            self.names[name] = value
        else:
            self.local[name] = value

    def delete(self, name: str) -> None:
        """Unbind the name."""
        names = (
            self.names if self.local is None or name in self.declared else self.local
        )
        names.pop(name, None)

    def inner(self, **local: Any) -> Scope:
        """A scope within this one: the turns of a comprehension."""
        scope = Scope(self.names, {**(self.local or {}), **local})
        scope.declared = self.declared
        return scope

    def evaluate(self, node: ast.expr) -> Any:
        """The value of an expression as Python computes it."""
        code = compile(
            ast.Expression(node), f"<cell {getattr(node, 'cell', 0)}>", "eval"
        )
        return eval(code, self._flat())  # noqa: S307 - the notebook's own code

    def execute(self, node: ast.stmt) -> None:
        """Run a statement as Python does; what it binds at the top of a function stays
        in the function."""
        code = compile(
            ast.Module([node], []), f"<cell {getattr(node, 'cell', 0)}>", "exec"
        )
        flat = self._flat()
        before = dict(flat) if self.local is not None else {}
        exec(code, flat)  # noqa: S102 - the notebook's own code
        if self.local is not None:
            for name, value in flat.items():
                # Only what the statement has bound: the copy holds all globals.
                if before.get(name, _MISSING) is not value:
                    self.bind(name, value)

    def _flat(self) -> dict[str, Any]:
        # Functions and comprehensions see globals only, so that locals are shown to
        # them as such.
        return self.names if self.local is None else {**self.names, **self.local}
