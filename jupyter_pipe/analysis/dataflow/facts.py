"""What interpreting one top-level statement has shown. Filled by the interpreter, read
afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ast

    from jupyter_pipe.analysis.program import ProgramCell
    from jupyter_pipe.analysis.source.magics import Transformed
    from jupyter_pipe.analysis.world.heap import Object, Values

__all__ = [
    "CachedCall",
    "Facts",
    "Finding",
    "Place",
    "Read",
    "Unit",
    "Write",
    "place_of",
]


class Place(NamedTuple):
    """A position in the transformed source of a cell: line from 1, column from 0, as in
    `ast`."""

    line: int
    column: int


def place_of(node: ast.AST) -> Place:
    """Where a node begins."""
    return Place(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))


@dataclass
class Read:
    """A name that the statement used; `sources` are the units whose binding it may have
    seen.

    `certain` is False under a condition, where the name may be rightly unbound.
    """

    place: Place
    sources: frozenset[int]
    values: Values
    certain: bool = True


class Write(NamedTuple):
    """How a unit leaves a name: `kind` is the value of an `EffectKind`; `sources` are
    the other units whose value may still be there."""

    kind: str
    place: Place
    sources: frozenset[int] = frozenset()


class CachedCall(NamedTuple):
    """A call of a function that remembers its results, and where the names that it
    reads came from."""

    function: str
    place: Place
    sources: dict[str, frozenset[int]]


class Finding(NamedTuple):
    """A diagnostic of the interpreter before it has a cell and a severity."""

    code: str
    message: str
    place: Place
    hint: str = ""


@dataclass
class Facts:
    """`reads` and `writes` are keyed by name; ambient components and files are names
    like others.

    `mutated` are objects that were changed in place, `identified` those whose identity
    was tested; `code` are names bound to functions, classes or state of the process;
    `shared` are the sets of names that reach one such object; `changed_definitions` are
    names that a definition changes other than through instances. `cache_looks` are
    functions whose cache was asked how full it is. `unused` are calls whose result
    nobody uses, `again` those that any stage can make again, with the same result.
    `imports` are top-level modules, `modules` all that statements import, and
    `submodules` those that are used but left to others to import; `effects` tells that
    something happened that cannot be repeated in another stage (a program, a file, a
    draw), `prints` that something was shown.
    """

    reads: dict[str, Read] = field(default_factory=dict)
    bound: dict[str, Place] = field(default_factory=dict)
    writes: dict[str, Write] = field(default_factory=dict)
    mutated: dict[Object, Place] = field(default_factory=dict)
    identified: dict[Object, Place] = field(default_factory=dict)
    iterated_sets: dict[Object, Place] = field(default_factory=dict)
    draws: dict[str, Place] = field(default_factory=dict)
    settings: dict[str, Place] = field(default_factory=dict)
    seeds: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    submodules: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    undefined: dict[str, Read] = field(default_factory=dict)
    history: dict[str, Read] = field(default_factory=dict)
    shared: list[frozenset[str]] = field(default_factory=list)
    code: set[str] = field(default_factory=set)
    changed_definitions: set[str] = field(default_factory=set)
    cached_calls: list[CachedCall] = field(default_factory=list)
    cache_looks: dict[str, Place] = field(default_factory=dict)
    unused: set[ast.AST] = field(default_factory=set)
    again: set[ast.AST] = field(default_factory=set)
    effects: bool = False
    prints: bool = False


@dataclass(eq=False)
class Unit:
    """A top-level statement in its cell. `stage` is None for code that only replays,
    for `skip` cells and for statements of parameter cells that set a parameter. It
    `displays` its value if it is the last expression of its cell."""

    number: int
    cell: ProgramCell
    source: Transformed
    node: ast.stmt
    role: str
    stage: str | None = None
    displays: bool = False
    facts: Facts = field(default_factory=Facts)
