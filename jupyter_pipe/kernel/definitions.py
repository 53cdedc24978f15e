"""The notebook's own classes and functions: told apart from values, replayed where they
are needed.

An instance of a notebook class is pickled by reference. The manifest names the class
with the digest of its source; whoever loads the payload executes exactly that source
first, unless the stage has already replayed it.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import functools
import operator
import types
from collections.abc import Iterator, Mapping
from typing import Any

from . import definition_state as portrait
from .errors import DefinitionError
from .shell import find_shell
from .values import digest

__all__ = ["CELLS_OF_FILES", "Definitions"]

CELLS_OF_FILES: dict[str, str] = {}
"""The cells of the notebook from which definitions were executed, by the name of the
code. Of the process, as `linecache` is, and so is who asks: a traceback."""


class Definitions:
    """The definitions that the stage's context knows, over the stage's namespace.

    `known` maps a name to `{"source", "digest", "cell_id", "line"}`, to `"later"`:
    whether a stage after this one replays it, and to `"constants"`: the code of
    constants that it may read.
    """

    def __init__(
        self, known: Mapping[str, Mapping[str, Any]], namespace: dict[str, Any]
    ) -> None:
        self._known = known
        self._namespace = namespace
        self._portraits: dict[str, dict[portrait.Path, str]] = {}
        self._originals: dict[str, Any] = {}
        self._entered: dict[str, tuple[dict[portrait.Path, str], int]] = {}
        self._drawing: set[str] = set()

    def digest_of(self, name: str) -> str:
        return str(self._known[name]["digest"])

    def name_of(self, value: Any) -> str | None:
        """The dotted name by which a class or function of the notebook can be found
        again; None if it is not a definition, or no longer what the name stands for."""
        dotted = getattr(value, "__qualname__", None)
        if not isinstance(dotted, str) or not self.is_local(value):
            return None
        root = dotted.split(".", 1)[0]
        if (
            # `inner` made by calling `outer()` says `outer.<locals>.inc`: `_walk` finds
            # no such name, and it travels by value.
            root not in self._known
            or _walk({root: self._standing(root)}, dotted) is not value
        ):
            return None
        return None if self._is_redefined(root) else dotted

    def is_local(self, value: Any) -> bool:
        """Whether a class or function was made by the notebook's own code."""
        return getattr(value, "__module__", None) in (
            "__main__",
            self._namespace.get("__name__"),
        )

    def require(self, name: str, digest: str, variables: str) -> None:
        """Makes the definition available before a payload is unpickled. Raises
        DefinitionError."""
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
        self._provide(name)

    def find(self, dotted: str) -> Any:
        """What a reference in a payload stands for, whatever has been bound to the name
        since."""
        root = dotted.split(".", 1)[0]
        self._provide(root)
        return _walk(
            self._originals if root in self._originals else self._namespace, dotted
        )

    def _provide(self, name: str) -> None:
        """Executes a definition for a payload. A value that has its name in the stage
        keeps it."""
        if name in self._originals or name not in self._known:
            return
        # The stage may have bound `Model` to an instance meanwhile; the replay needs
        # the class, and the stage its instance.
        needed = self._needed(name)
        given = {one: self._originals[one] for one in needed & self._originals.keys()}
        hidden = {
            one: self._namespace.pop(one) for one in needed & self._namespace.keys()
        }
        self._namespace.update(given)
        try:
            self.replay(name, self._namespace)
        finally:
            self._namespace.update(hidden)

    def _needed(self, name: str) -> set[str]:
        """The definition and all those behind it."""
        found: set[str] = set()
        todo = {name}
        while todo:
            one = todo.pop()
            found.add(one)
            todo |= (
                free_names(str(self._known[one]["source"])) & self._known.keys()
            ) - found
        return found

    def _standing(self, name: str) -> Any:
        """The definition of that name, also where the stage has put a plain value in
        its place."""
        found = self._namespace.get(name)
        return (
            found
            if hasattr(found, "__qualname__")
            else self._originals.get(name, found)
        )

    def replay(self, name: str, namespace: dict[str, Any]) -> None:
        """Executes a definition, after those that it needs, unless the name is already
        bound."""
        if name in namespace or name not in self._known:
            return
        known = self._known[name]
        source = str(known["source"])
        namespace[name] = None  # a definition may need itself
        for needed in sorted(free_names(source) & self._known.keys()):
            self.replay(needed, namespace)
        del namespace[name]
        text, file = _as_in_its_cell(source, name, known)
        code = compile(
            text,
            file,
            "exec",
            _future_flags(self._namespace),
            # Without it, the `annotations` import of this module would hold for the
            # notebook's code.
            dont_inherit=True,
        )
        with _constants(str(known.get("constants", "")), namespace):
            exec(code, namespace)  # noqa: S102
        # In a namespace apart it is drawn and thrown away.
        if namespace is self._namespace:
            self._remember(name)

    def remember(self) -> None:
        """Portrays the definitions that have been replayed, before anything can change
        them."""
        for name in self._known:
            if name in self._namespace and name not in self._portraits:
                self._remember(name)

    def _remember(self, name: str) -> None:
        self._originals[name] = self._namespace.get(name)
        self._portraits[name] = self._draw(self._originals[name])

    def changes(self, dotted: str) -> dict[portrait.Path, Any]:
        """What the stages so far changed in a definition: attributes, defaults,
        closures."""
        # A class may hold itself, as in `Node.root = Node()`. `Model.Inner` is part of
        # `Model`'s own portrait.
        if dotted in self._drawing or "." in dotted:
            return {}
        before, after = self._portraits_of(dotted)
        return portrait.differences(self._standing(dotted), before, after)

    def _portraits_of(
        self, name: str
    ) -> tuple[dict[portrait.Path, str], dict[portrait.Path, str]]:
        self._drawing.add(name)
        try:
            if name not in self._portraits:
                self._portraits[name] = self._draw_fresh(name)
            before = self._portraits[name]
            return before, self._draw(self._standing(name)) if before else {}
        finally:
            self._drawing.discard(name)

    def _is_redefined(self, name: str) -> bool:
        """Whether the stage has since bound the name to other code than that of its
        definition."""
        if name in self._originals:
            return self._originals[name] is not self._standing(name)
        return name not in self._drawing and portrait.is_redefined(
            *self._portraits_of(name)
        )

    def enter(self) -> None:
        """The stage's own cells begin: what the definitions hold now came from earlier
        stages."""
        self._entered = {
            name: self._state(value) for name, value in self._originals.items()
        }

    def drifted(self) -> list[str]:
        """The replayed definitions whose state the stage changed, if a later stage
        replays them."""
        return [
            name
            for name, before in self._entered.items()
            # What no later stage replays is lost for nobody.
            if self._known[name].get("later", True)
            and self._namespace.get(name) is self._originals[name]
            and self._state(self._originals[name]) != before
        ]

    def _state(self, value: Any) -> tuple[dict[portrait.Path, str], int]:
        return self._draw(value), portrait.cached_results(value)

    def _draw(self, value: Any) -> dict[portrait.Path, str]:
        return portrait.draw(value, self._digest) if self.is_local(value) else {}

    def _digest(self, part: Any) -> str:
        try:
            return digest.content_digest(part, self)
        except digest.NoRuleError:
            # A lock or an open file in a class attribute: that one was put there is
            # seen, that it changed is not.
            return f"some {type(part).__qualname__}"

    def _draw_fresh(self, root: str) -> dict[portrait.Path, str]:
        """As the source alone makes it, in a namespace apart; nothing if it does not
        run there."""
        scope = {
            name: value
            for name, value in self._namespace.items()
            if name not in self._known
        }
        try:
            self.replay(root, scope)
        except Exception:
            return {}
        return self._draw(scope[root])


def _as_in_its_cell(
    source: str, name: str, known: Mapping[str, Any]
) -> tuple[str, str]:
    """The code at the line where it stands in its cell, and the name of a file that
    holds it: warnings and tracebacks through it show what they do in the notebook."""
    text = "\n" * (int(known.get("line", 1)) - 1) + source
    shell = find_shell()
    if shell is None:
        return text, f"<definition of {name}, cell {known.get('cell_id') or name}>"
    # As for any cell, and for one that was never numbered.
    file = str(shell.compile.cache(text, 0))
    CELLS_OF_FILES[file] = str(known.get("cell_id", ""))
    return text, file


def _future_flags(namespace: Mapping[str, Any]) -> int:
    """What the notebook imported from `__future__` holds for its definitions, too."""
    features = (namespace.get(name) for name in __future__.all_feature_names)
    found = [one for one in features if isinstance(one, __future__._Feature)]
    return functools.reduce(operator.or_, (one.compiler_flag for one in found), 0)


@contextlib.contextmanager
def _constants(source: str, namespace: dict[str, Any]) -> Iterator[None]:
    """Binds constants as they were where a definition stands, for as long as it is
    executed."""
    names = free_names(source) if source else set()
    hidden = {name: namespace[name] for name in names & namespace.keys()}
    exec(compile(source, "<constants>", "exec", dont_inherit=True), namespace)  # noqa: S102
    yield
    for name in names:
        namespace.pop(name, None)
    namespace.update(hidden)


def free_names(source: str) -> set[str]:
    """The names that a piece of code reads, a superset of those that it needs from
    outside."""
    tree = ast.parse(source)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _walk(namespace: Mapping[str, Any], dotted: str) -> Any:
    root, *rest = dotted.split(".")
    found = namespace.get(root)
    for part in rest:
        found = (
            vars(found).get(part)
            if isinstance(found, (type, types.ModuleType))
            else None
        )
    return found
