"""Abstract objects and the heap: which object can be reached from which.

The heap only grows (an edge, once seen, stays), so branches need to fork nothing but
the bindings of names. An expression's value is the set of objects that it may be; the
empty set stands for plain values (numbers, None, booleans) that nobody can change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterable, Set

    from jupyter_pipe.analysis.source.scopes import Frame, Scope

__all__ = [
    "ANY",
    "FEW",
    "FIELD",
    "NOTHING",
    "Bound",
    "Class",
    "ExhaustedError",
    "Function",
    "Heap",
    "Instance",
    "Library",
    "LocalModule",
    "Object",
    "Partial",
    "Payload",
    "Text",
    "Values",
    "find_in_class",
    "in_order",
    "one_by_one",
]

ANY = "*"
"""The label of elements whose place is not known. Others are `[key]`, `.attribute`, or
a word for what is neither (`keys`, `receiver`)."""

FIELD = "dataclasses.Field"
"""The type of what stands in a dataclass for a field with a factory."""

_DEEPEST = 4


@dataclass(frozen=True)
class Library:
    """Something imported or built in, by its qualified name: a module, a function, a
    class."""

    qualified: str


@dataclass(frozen=True)
class LocalModule:
    """A module beside the notebook, whose source was read; `frame` holds its
    globals."""

    name: str
    frame: Frame


@dataclass(frozen=True)
class Text:
    """A constant string or path: what literal file names and embedded names are read
    from.

    Where parts were computed, `exact` is False and `*` stands for them.
    """

    value: str
    exact: bool = True


@dataclass
class Function:
    """A `def` or `lambda`. `returned` collects what calls gave back, for recursive
    calls; `weight` is the number of its nodes, `cell` the index of the cell that it
    stands in, None for a module's."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    scope: Scope
    captures: bool = False
    weight: int = 1
    cell: int | None = None
    defaults: dict[str, Values] = field(default_factory=dict)
    decorators: frozenset[str] = frozenset()
    returned: Values = frozenset()

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "<lambda>")


@dataclass
class Class:
    """A `class` of the notebook. Its attributes are fields of its object."""

    node: ast.ClassDef
    bases: tuple[Object, ...]

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True)
class Instance:
    """An object of notebook classes."""

    class_: Object


@dataclass(frozen=True)
class Bound:
    """A method that was looked up but not called: `add = xs.append`."""

    receiver: Object
    name: str
    function: Object | None = None


@dataclass(frozen=True)
class Partial:
    """A callable with some arguments already given."""

    callee: frozenset[Object]
    positional: tuple[Values, ...]
    keywords: tuple[tuple[str, Values], ...]


Payload = Union[  # noqa: UP007 - also evaluated at run time on 3.10
    Library, LocalModule, Text, Function, Class, Instance, Bound, Partial, None
]


class Object:
    """One allocation site.

    `type` is a qualified name or empty; an `open` object may hold parts that nobody has
    seen yet (the result of an unknown call); one that `carries` holds code of the
    notebook somewhere. `maker` is the node that made it `of` another object, if one
    did; a part that nobody has seen is of its container.
    """

    __slots__ = (
        "carries", "depth", "fields", "maker", "of", "open", "parents", "payload", "serial", "shares", "type"
    )  # fmt: skip

    def __init__(
        self,
        serial: int,
        type_: str = "",
        payload: Payload = None,
        *,
        open_: bool = False,
        depth: int = 0,
    ) -> None:
        self.serial = serial
        self.type = type_
        self.payload = payload
        self.open = open_
        self.depth = depth
        self.fields: dict[str, set[Object]] = {}
        self.parents: set[Object] = set()
        self.shares: set[Object] = set()
        self.carries = isinstance(payload, (Function, Instance, Class))
        self.maker: Any = None
        self.of: Object | None = None

    def __repr__(self) -> str:
        return f"<{self.type or 'object'} {self.payload or ''}>"


Values = frozenset[Object]
NOTHING: Values = frozenset()


def in_order(values: Collection[Object]) -> Iterable[Object]:
    """In the order of their making, so that one notebook always gives one answer."""
    return values if len(values) < 2 else sorted(values, key=_serial)


_serial = attrgetter("serial")

FEW = 4
"""So many receivers of a call are followed one by one."""


def one_by_one(values: Collection[Object]) -> list[Values]:
    """Each value by itself or, where they are many, all as one that may be any of them:
    their number would be multiplied again by each call inside of the call."""
    if len(values) > FEW:
        return [frozenset(values)]
    return [frozenset((value,)) for value in in_order(values)]


def find_in_class(class_: Object, name: str) -> Values:
    """Looks `name` up in a notebook class and its bases, in their order."""
    held = class_.fields.get("." + name)
    if held:
        return frozenset(held)
    if isinstance(class_.payload, Class):
        for base in class_.payload.bases:
            found = find_in_class(base, name)
            if found:
                return found
    return NOTHING


WORK = 100_000
"""Edges that one statement may lay, or find laid: beyond, it is not worth following."""
CALL = 10
"""What a call on one of many possible values costs, in edges."""


PARTS = 200
"""So many parts of unknown objects does one statement tell apart; a further one is the
object itself."""


class ExhaustedError(Exception):
    """A statement has too many outcomes to be followed."""


class Heap:
    """`stores` is the number of edges: it rises exactly when what can be reached may
    have changed."""

    def __init__(self) -> None:
        self.stores = 0
        self._made = 0
        self._shares = 0
        self._known: dict[Object, Set[Object]] = {}
        self._known_at = (0, 0)
        self._explorations: dict[Values | None, _Exploration] = {}
        self._news: list[tuple[Object, Object]] = []
        self._grown = 0
        self._work = 0
        self._laid: list[tuple[Object, str, Object]] = []

    def begin(self) -> None:
        """A new statement may do as much again."""
        self._work = 0
        self._laid.clear()
        self._explorations.clear()
        self._news.clear()
        self._grown = 0

    def undo(self) -> None:
        """Takes back the edges that were laid since `begin`."""
        for container, label, value in self._laid:
            held = container.fields[label]
            held.discard(value)
            if not held:
                del container.fields[label]
            if not any(value in others for others in container.fields.values()):
                value.parents.discard(container)
        self.stores += 1
        self.begin()

    def make(
        self,
        type_: str = "",
        payload: Payload = None,
        *,
        open_: bool = False,
        depth: int = 0,
    ) -> Object:
        """A new object."""
        self._made += 1
        return Object(self._made, type_, payload, open_=open_, depth=depth)

    def store(self, container: Object, label: str, values: Iterable[Object]) -> None:
        """`container` may hold `values` under `label` from now on."""
        held = container.fields.setdefault(label, set())
        for value in values:
            self.spend(1)
            if value not in held and value is not container:
                held.add(value)
                value.parents.add(container)
                self.stores += 1
                self._laid.append((container, label, value))
                if value.carries:
                    self._news.append((container, value))
                    self._mark(container)

    def spend(self, work: int) -> None:
        """Raises ExhaustedError when the statement has done all that it may."""
        self._work += work
        if self._work > WORK:
            raise ExhaustedError

    def _mark(self, container: Object) -> None:
        todo = [container]
        while todo:
            value = todo.pop()
            if not value.carries:
                value.carries = True
                self._news += [(parent, value) for parent in value.parents]
                todo.extend(value.parents)

    def share(self, one: Object, other: Object) -> None:
        """Both stand over the same memory: a change of one is a change of the other."""
        if one is not other and other not in one.shares:
            one.shares.add(other)
            other.shares.add(one)
            self._shares += 1

    def load(self, container: Object, label: str) -> Values:
        """What `container[label]` may be; an open container grows a part where none is
        known."""
        fields = container.fields
        if label == ANY:
            found = {
                part
                for name, held in fields.items()
                if name[0] in "[*"
                for part in held
            }
        else:
            found = fields.get(label, set()) | fields.get(ANY, set())
        if found or not container.open:
            return frozenset(found)
        if container.depth >= _DEEPEST or self._grown >= PARTS:
            return frozenset((container,))
        self._grown += 1
        part = self.make(open_=True, depth=container.depth + 1)
        part.of = container
        self.store(container, label, (part,))
        return frozenset((part,))

    def elements(self, values: Values) -> Values:
        """What iterating over any of `values` may give."""
        return (
            frozenset().union(*(self.load(value, ANY) for value in values))
            if values
            else NOTHING
        )

    def copy_parts(self, source: Object, target: Object) -> None:
        """`target` is a shallow copy of `source`."""
        if source.open and not source.fields:
            self.load(source, ANY)
        for label, held in list(source.fields.items()):
            self.store(target, label, list(held))

    def affected(
        self, changed: Iterable[Object], *, by_instances: bool = True
    ) -> Set[Object]:
        """All objects from which a changed one can be reached, the changed ones
        included.

        An instance reaches its class; without `by_instances` that way is closed.
        """
        starts = list(changed)
        if len(starts) == 1 and by_instances:
            return self._affected_by(starts[0])
        found: set[Object] = set(starts)
        todo = starts
        while todo:
            value = todo.pop()
            new = (value.parents | value.shares) - found
            if isinstance(value.payload, Class) and not by_instances:
                new = {
                    p
                    for p in new
                    if p in value.shares or not isinstance(p.payload, Instance)
                }
            found |= new
            todo.extend(new)
        return found

    def _affected_by(self, changed: Object) -> Set[Object]:
        """Kept as long as no edge is added. Objects that reach each other have one
        answer, which is found once: so a large knot costs its size, not its square."""
        if self._known_at != (self.stores, self._shares):
            self._known.clear()
            self._known_at = self.stores, self._shares
        known = self._known.get(changed)
        if known is not None:
            return known
        found, todo = {changed}, [changed]
        while todo:
            value = todo.pop()
            known = self._known.get(value)
            if known is not None and changed in known:
                break
            new = (
                known - found
                if known is not None
                else (value.parents | value.shares) - found
            )
            found |= new
            if known is None:
                todo.extend(new)
        else:
            known = found
        self._known[changed] = known
        return known

    def reachable(
        self, values: Iterable[Object], *, code_only: bool = False
    ) -> set[Object]:
        """All objects that can be reached from `values`, these included.

        With `code_only` those that carry no code of the notebook are left out.
        """
        found: set[Object] = set()
        _explore(
            {value for value in values if value.carries or not code_only},
            found,
            code_only,
        )
        return found

    def unexplored(
        self, values: Iterable[Object], purpose: Values | None = None
    ) -> set[Object]:
        """Of `reachable(values, code_only=True)` what this statement was not told
        before for this purpose.

        Who looks again and again at one growing graph pays for each edge once.
        """
        seen = self._explorations.setdefault(purpose, _Exploration())
        starts = {value for value in values if value.carries}
        for container, value in self._news[seen.news :]:
            if container in seen.found:
                starts.add(value)
        seen.news = len(self._news)
        return _explore(starts, seen.found, code_only=True)


class _Exploration:
    """`found` with all that can be reached from it, as of the first `news` entries of
    the heap's news."""

    def __init__(self) -> None:
        self.found: set[Object] = set()
        self.news = 0


def _explore(starts: set[Object], found: set[Object], code_only: bool) -> set[Object]:
    """Adds what can be reached from `starts` to `found`, and returns what is new in
    it."""
    new = starts - found
    found |= new
    todo = list(new)
    while todo:
        for held in todo.pop().fields.values():
            parts = held - found
            if code_only and parts:
                parts = {part for part in parts if part.carries}
            found |= parts
            new |= parts
            todo.extend(parts)
    return new
