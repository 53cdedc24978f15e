"""Which names a function, class or comprehension binds itself: Python's own scoping
rules.

`tests/analysis/test_scopes.py` holds the answers against CPython's `symtable`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_pipe.analysis.world.environment import Key, Layer
    from jupyter_pipe.analysis.world.heap import Object

__all__ = [
    "SCOPES",
    "Comprehension",
    "Frame",
    "Scope",
    "bound_names",
    "parameters_of",
    "scope_of",
]

FunctionNode = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Comprehension = Union[ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp]  # noqa: UP007
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NEW_SCOPES = (*FunctionNode, ast.ClassDef)
SCOPES = (*_NEW_SCOPES, *_COMPREHENSIONS)


@dataclass(frozen=True)
class Scope:
    """`names` are bound here; `global_` and `nonlocal_` are declared to live
    elsewhere."""

    names: frozenset[str] = frozenset()
    global_: frozenset[str] = frozenset()
    nonlocal_: frozenset[str] = frozenset()
    generator: bool = False


_numbers = count(1)


@dataclass(eq=False)
class Frame:
    """One activation of a scope. `parent` is the enclosing frame, None for a module's.

    `holder` stands in the heap for the variables, so that closures hold what they
    captured; `exits` are the states at `return`s; `prefix` is False for the notebook's
    own globals, whose keys are plain names.
    """

    scope: Scope
    parent: Frame | None = None
    kind: str = "function"
    holder: Object | None = None
    exits: list[Layer] = field(default_factory=list)
    returned: set[Object] = field(default_factory=set)
    yielded: set[Object] = field(default_factory=set)
    depth: int = 0
    number: int = field(default_factory=lambda: next(_numbers))
    prefix: bool = True

    def key(self, name: str) -> Key:
        return (self.number, name) if self.prefix else name

    def module(self) -> Frame:
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame

    def owner(self, name: str) -> Frame:
        """The frame where an assignment to `name` in this one goes."""
        if name in self.scope.global_:
            return self.module()
        if self.parent is None or (
            name in self.scope.names and name not in self.scope.nonlocal_
        ):
            return self
        return self.enclosing(name) or self.module()

    def enclosing(self, name: str) -> Frame | None:
        """The nearest enclosing function frame that binds `name`; classes are passed
        over."""
        frame = self.parent
        while frame is not None and frame.parent is not None:
            if frame.kind != "class" and name in frame.scope.names:
                return frame
            if name in frame.scope.global_:
                return None
            frame = frame.parent
        return None

    def home(self) -> Frame:
        """Where a walrus in this frame binds: comprehensions are passed over."""
        frame = self
        while frame.kind == "comprehension" and frame.parent is not None:
            frame = frame.parent
        return frame


def scope_of(node: ast.AST) -> Scope:
    """The scope that a function, lambda, class or comprehension opens."""
    if isinstance(node, _COMPREHENSIONS):
        return Scope(
            frozenset(bound_names(generator.target for generator in node.generators))
        )
    body: list[ast.AST] = (
        [node.body] if isinstance(node, ast.Lambda) else list(getattr(node, "body", []))
    )
    global_, nonlocal_, generator = set[str](), set[str](), False
    for inner in _walk(body):
        if isinstance(inner, ast.Global):
            global_.update(inner.names)
        elif isinstance(inner, ast.Nonlocal):
            nonlocal_.update(inner.names)
        elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
            generator = True
    names = set(bound_names(body)) - global_ - nonlocal_
    if isinstance(node, FunctionNode):
        names.update(argument.arg for argument in parameters_of(node.args))
    return Scope(frozenset(names), frozenset(global_), frozenset(nonlocal_), generator)


def parameters_of(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters in order, `*args` and `**kwargs` included."""
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that executing `nodes` binds in their own scope."""
    for node in _walk(nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (
                alias.asname or alias.name.partition(".")[0] for alias in node.names
            )
        elif (
            isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar))
            and node.name
        ):
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def _walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of the same scope; of a nested scope only the node itself and what it
    evaluates here."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _NEW_SCOPES):
            todo.extend(_evaluated_outside(node))
        elif isinstance(node, _COMPREHENSIONS):
            todo.extend(_walruses(node))
            todo.append(node.generators[0].iter)
        else:
            todo.extend(ast.iter_child_nodes(node))


def _evaluated_outside(node: ast.AST) -> Iterator[ast.AST]:
    yield from getattr(node, "decorator_list", ())
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        yield from node.keywords
    elif isinstance(node, FunctionNode):
        yield from node.args.defaults
        yield from (default for default in node.args.kw_defaults if default)


def _walruses(node: ast.AST) -> Iterator[ast.AST]:
    """`:=` inside a comprehension binds outside it."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr):
            yield inner.target
