"""Which units are code that other stages replay, and what a stage must replay.

A definition is replayed if running it again gives the same: it has no effect but to
bind its names, and what it reads when it runs is itself replayed, a parameter or a
constant. Anything else is a value of its stage.
"""

from __future__ import annotations

import ast
import bisect
import hashlib
from typing import TYPE_CHECKING

import msgspec

from jupyter_pipe.analysis.knowledge.tables import is_known_library
from jupyter_pipe.analysis.source.scopes import bound_names
from jupyter_pipe.analysis.world.environment import START, UNBOUND
from jupyter_pipe.analysis.world.world import PATCHED
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import Replay, ReplayKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit

__all__ = ["Definitions", "definition_digest"]

FACTORIES = frozenset(
    {
        "namedtuple",
        "NamedTuple",
        "TypedDict",
        "Enum",
        "IntEnum",
        "StrEnum",
        "Flag",
        "TypeVar",
        "ParamSpec",
        "NewType",
        "make_dataclass",
    }
)
IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
CHANGES_OTHERS = frozenset({"sklearn.experimental"})
"""Modules of known libraries that are imported for what that does to others."""
LOOPS = (ast.For, ast.With)
CONTAINERS = (ast.Dict, ast.List, ast.Set)
COMPOUND = (ast.If, ast.Try, getattr(ast, "TryStar", ast.Try))


SHELL = frozenset({"@ipython.matplotlib", "@ipython.config", "@ipython.extensions"})
"""How the shell shows things: no value that could travel, so every later stage is told
again."""
REGISTERING = frozenset({"register", "unregister"})
"""Methods by which a definition keeps others: `Shape.register(Square)`,
`area.register(int, square)`."""


class Definitions:
    """Answers for all units of one notebook.

    `unknown_stars` are star imports that may bind any name.
    """

    def __init__(
        self, units: Sequence[Unit], unknown_stars: Sequence[int] = ()
    ) -> None:
        self.unknown_stars = tuple(unknown_stars)
        self._units = units
        self._read_by_definitions = _read_by_definitions(units)
        self._kinds: dict[int, ReplayKind | None] = {}
        self._by_kind: dict[ReplayKind, list[int]] = {kind: [] for kind in ReplayKind}
        self._by_node: dict[int, int] = {}
        self._replays: dict[int, Replay] = {}
        self._settings: list[int] = []
        self._again: set[int] = set()
        for unit in units:
            kind = self._kinds[unit.number] = self._kind(unit)
            # In order of units, as each kind depends on the kinds of what the unit
            # reads.
            if kind is ReplayKind.ambient or (kind is not None and unit.facts.settings):
                self._settings.append(unit.number)
            if kind is not None:
                self._by_kind[kind].append(unit.number)
                self._by_node[id(unit.node)] = unit.number
                # `f = lambda x: x` is known by its assignment and by the lambda itself.
                self._by_node[id(getattr(unit.node, "value", None))] = unit.number
        self._settings = sorted({*self._settings, *self._imports_for_effect()})

    def kind(self, number: int) -> ReplayKind | None:
        """How the unit is replayed, or None if it is run by one stage only.

        A constant is replayed only for definitions that read it; for others it is a
        value.
        """
        kind = self._kinds.get(number)
        return None if kind is ReplayKind.constant else kind

    def available(self, number: int) -> bool:
        """Whether cells that every stage runs may rely on what the unit binds."""
        return (
            number >= 0
            and self._is_available(number)
            and not self._is_literal(self._units[number])
        )

    def _kind(self, unit: Unit) -> ReplayKind | None:
        """How a unit could be replayed, constants included; None if only its own stage
        may run it, since it does not give the same each time."""
        if unit.role == "shared":
            return ReplayKind.shared
        if unit.role in {"skip", "parameter", "observer"}:
            return None
        kind = shape(unit.node) or (
            ReplayKind.constant if self._is_literal(unit) else None
        )
        # `@register` above a `def` both sets and defines: it is replayed as a
        # definition.
        if (unit.role == "leading" or _is_told_again(unit)) and self._is_ambient(unit):
            return kind if isinstance(unit.node, DEFINITIONS) else ReplayKind.ambient
        if not self._is_repeatable(unit):
            return None
        return self._repeatable_kind(unit, kind)

    def _repeatable_kind(
        self, unit: Unit, kind: ReplayKind | None
    ) -> ReplayKind | None:
        """How a unit is replayed that gives the same each time."""
        if kind is None and _is_made_again(unit):
            self._again.add(unit.number)
            return ReplayKind.function
        if kind is ReplayKind.import_ and "raises-exception" in unit.cell.cell.tags:
            return None  # where it fails, the notebook goes on without it
        # `old = h` and `env = os.environ`: what it stands for does not travel, so it is
        # named again.
        is_alias = (
            kind is ReplayKind.constant and unit.facts.bound.keys() <= unit.facts.code
        )
        return ReplayKind.function if is_alias else kind

    def _is_literal(self, unit: Unit) -> bool:
        """A dict or list that is written out, such as `LOGGING = {…}`. Settings only
        look at it; to a definition (`def f(xs=XS)`) it would matter that there is one
        of it."""
        value = (
            getattr(unit.node, "value", None)
            if isinstance(unit.node, ast.Assign)
            else None
        )
        return (
            isinstance(value, CONTAINERS)
            and is_literal(value)
            and unit.number not in self._read_by_definitions
        )

    def _is_repeatable(self, unit: Unit) -> bool:
        """Whether running the unit again in another stage gives the same and nobody
        notices: it prints nothing, sets nothing, changes no value unless it is a
        definition, and reads only what can be replayed."""
        facts = unit.facts
        if facts.mutated and not isinstance(unit.node, DEFINITIONS):
            return False
        # A class body that prints would print again in each stage.
        if facts.prints or facts.settings or _has_effects(unit):
            return False
        writes_again = all(
            self._is_repeatable_write(unit, name) for name in facts.writes
        )
        return writes_again and self._reads_replayable(unit)

    def _is_repeatable_write(self, unit: Unit, name: str) -> bool:
        """Binding a name is; changing one is only where a class registers itself with
        another."""
        write = unit.facts.writes[name]
        # Writing a file or `del` twice is not the same as once.
        if name.startswith(("@", "file:")) or write.kind == "deletes":
            return False
        if write.kind != "mutates" or name not in unit.facts.changed_definitions:
            return True
        return all(map(self._is_definition, write.sources))

    def _reads_replayable(self, unit: Unit) -> bool:
        return all(
            # Negative sources: builtins, and names that were deleted, are the same
            # everywhere.
            source in {START, UNBOUND} or self._is_available(source)
            for name, read in unit.facts.reads.items()
            if not name.startswith(("@", "file:"))
            for source in read.sources - {unit.number}
        )

    def _is_definition(self, number: int) -> bool:
        """A class that registers itself with another changes it each time in the same
        way."""
        return self._kinds.get(number) in {ReplayKind.class_, ReplayKind.function}

    def _is_available(self, number: int) -> bool:
        return (
            self._units[number].role == "parameter"
            or self._kinds.get(number) is not None
        )

    def _is_ambient(self, unit: Unit) -> bool:
        """A setting that gives the same wherever it is made: of a library, the shell, a
        module beside the notebook, or a definition that keeps others."""
        if _has_effects(unit) or _is_lost(unit):
            return False
        if not unit.facts.settings and not self._sets_code(unit):
            return False
        # A setting may read ambient state that was set: settings are made in their
        # order.
        made = _names_made(unit)
        others = (
            name for name in unit.facts.writes if name[0] != "@" and name not in made
        )
        if not all(self._changes_code(unit, name) for name in others):
            return False
        return self._has_available_sources(unit)

    def _has_available_sources(self, unit: Unit) -> bool:
        """Whether all that it reads is there from the start, its own, or made wherever
        it is needed."""
        names = (name for name in unit.facts.reads if not name.startswith("@"))
        sources = (
            source for name in names for source in unit.facts.reads[name].sources
        )
        return all(
            source in {START, unit.number} or self._is_available(source)
            for source in sources
        )

    def _sets_code(self, unit: Unit) -> bool:
        """Changes nothing but modules and definitions, by no name of its own:
        `config.init("prod")`."""
        if unit.facts.prints:
            return False
        names = [name for name in unit.facts.writes if name[0] != "@"]
        return bool(names) and all(self._changes_code(unit, name) for name in names)

    def _changes_code(self, unit: Unit, name: str) -> bool:
        write = unit.facts.writes[name]
        if write.kind != "mutates" or name.startswith("file:") or not write.sources:
            return False
        kinds = {self._kinds.get(source) for source in write.sources - self._again}
        # config.init() where `config` is a module; log.setLevel() where `log` was made
        # again.
        allowed = {ReplayKind.import_, ReplayKind.ambient}
        if _is_registering(unit.node):
            allowed |= {ReplayKind.class_, ReplayKind.function}
        return kinds <= allowed

    def settings_before(self, number: int) -> list[int]:
        """The settings above unit `number`, which every later stage makes again."""
        # Numbers only rise, so a bisection does; the notebook may have thousands of
        # statements.
        return self._settings[: bisect.bisect_left(self._settings, number)]

    def _imports_for_effect(self) -> Iterator[int]:
        """Imports whose names nobody reads: `import hvplot.pandas` gives frames a
        method. The libraries that we know do nothing of the kind, but for what is
        listed."""
        used = {
            source
            for unit in self._units
            for read in unit.facts.reads.values()
            for source in read.sources
        }
        for number in self._by_kind[ReplayKind.import_]:
            modules = _imported_modules(self._units[number].node)
            if number not in used and any(map(_may_have_effect, modules)):
                yield number

    def closure(self, numbers: Iterable[int]) -> set[int]:
        """The units among and behind `numbers` that must be replayed, parameters
        included."""
        return reachable(filter(self._can_be_replayed, numbers), self._behind)

    def _can_be_replayed(self, number: int) -> bool:
        return number >= 0 and self._is_available(number)

    def _behind(self, number: int) -> Iterator[int]:
        """The units that made what this one reads."""
        for name, read in self._units[number].facts.reads.items():
            if not name.startswith("@"):
                yield from filter(self._can_be_replayed, read.sources)

    def before(self, number: int, kind: ReplayKind) -> list[int]:
        """The units of this kind above unit `number`."""
        numbers = self._by_kind[kind]
        return numbers[: bisect.bisect_left(numbers, number)]

    def of(self, node: ast.AST) -> int | None:
        """The unit that is this `def`, `class` or assigned `lambda`, if it is
        replayed."""
        return self._by_node.get(id(node))

    def replay(self, number: int, *, needed: bool = True) -> Replay:
        """The unit as a record for `pipeline.json`."""
        made = self._replays.get(number)
        if made is None:
            made = self._replays[number] = self._replay(number)
        return made if needed else msgspec.structs.replace(made, needed=False)

    def _replay(self, number: int) -> Replay:
        unit = self._units[number]
        source = source_of(unit)
        kind = self._kinds[number]
        assert kind is not None
        # Names of files and components are not what a reader calls the result of a
        # replay.
        return Replay(
            kind,
            star(unit)
            or tuple(
                sorted(
                    name
                    for name in unit.facts.bound
                    if name[0] != "@" and ":" not in name
                )
            ),
            source,
            definition_digest(unit.node),
            unit.cell.cell.id,
            unit.source.position(first_line(unit.node), 0)[0],
        )


def _read_by_definitions(units: Sequence[Unit]) -> frozenset[int]:
    """The units whose names definitions use when they are made, in a default or a class
    body."""
    return frozenset(
        source
        for unit in units
        if isinstance(unit.node, DEFINITIONS)
        for read in unit.facts.reads.values()
        for source in read.sources
    )


def _has_effects(unit: Unit) -> bool:
    """Whether it does what cannot be done again: a program, a file, a draw, a name that
    is not there."""
    return bool(unit.facts.draws or unit.facts.effects or unit.facts.undefined)


def _names_made(unit: Unit) -> Collection[str]:
    """What a setting binds by the way, such as the variable of its loop."""
    if isinstance(unit.node, (*DEFINITIONS, *LOOPS)):
        return unit.facts.bound
    return _names_of_code(unit.node)


def _is_told_again(unit: Unit) -> bool:
    """Whether what the unit of a stage sets has no value that could travel."""
    if unit.role != "stage" or "raises-exception" in unit.cell.cell.tags:
        return False
    names = [name for name in unit.facts.writes if name[0] == "@"]
    return not names or any(name in SHELL or name.startswith(PATCHED) for name in names)


def _is_made_again(unit: Unit) -> bool:
    """An assignment of what any stage can make: `log = logging.getLogger("a")`, `ip =
    get_ipython()`."""
    node = unit.node
    # a = b = getLogger() still; `a.log = getLogger()` changes what `a` is.
    targets = node.targets if isinstance(node, ast.Assign) else []
    named = bool(targets) and all(isinstance(target, ast.Name) for target in targets)
    return named and isinstance(node, ast.Assign) and node.value in unit.facts.again


def _is_lost(unit: Unit) -> bool:
    """Where a generator is in its sequence dies with its process, unless it is a
    component."""
    return any(name.startswith(PATCHED) for name in unit.facts.seeds)


def _imported_modules(node: ast.stmt) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else names


def _may_have_effect(module: str) -> bool:
    """Whether importing the module may change another one: nobody knows of a library
    without a table."""
    return module in CHANGES_OTHERS or not is_known_library(module)


def _is_registering(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name in REGISTERING
    return False


def star(unit: Unit) -> tuple[str, ...]:
    """A star import binds names that are not known: `*` stands for them."""
    if isinstance(unit.node, ast.ImportFrom) and unit.node.names[0].name == "*":
        return ("*",)
    return ()


def shape(node: ast.stmt) -> ReplayKind | None:
    """The kind of definition that a statement looks like."""
    # By what the statement looks like; whether it may be repeated is asked of its
    # facts.
    if isinstance(node, IMPORTS):
        return ReplayKind.import_
    if isinstance(node, FUNCTIONS):
        return ReplayKind.function
    if isinstance(node, ast.ClassDef):
        return ReplayKind.class_
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return _assigned(node)
    return _compound(node) if isinstance(node, COMPOUND) else None


def _assigned(node: ast.Assign | ast.AnnAssign) -> ReplayKind | None:
    """What an assignment defines: a function (`f = lambda x: x`), a class (`P =
    namedtuple(…)`), a constant (`N = 3`), or None if it computes a value."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if node.value is None or not all(
        isinstance(target, (ast.Name, ast.Tuple)) for target in targets
    ):
        return None
    if isinstance(node.value, ast.Lambda):
        return ReplayKind.function
    if isinstance(node.value, ast.Call):
        # typing.NamedTuple("P", …) and NamedTuple("P", …) are one.
        function = node.value.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        return ReplayKind.class_ if name in FACTORIES else None
    return ReplayKind.constant if is_constant(node.value) else None


def is_literal(node: ast.expr | None) -> bool:
    """A constant, or a container of nothing but constants."""
    match node:
        case ast.Dict(keys=keys, values=values):
            return all(map(is_literal, (*keys, *values)))
        case (
            ast.List(elts=elements) | ast.Set(elts=elements) | ast.Tuple(elts=elements)
        ):
            return all(map(is_literal, elements))
    return node is not None and is_constant(node)


def is_constant(node: ast.expr) -> bool:
    """An expression whose value nobody can change and that runs nobody's code."""
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.UnaryOp(operand=operand):
            return is_constant(operand)
        case ast.BinOp(left=left, right=right):
            return is_constant(left) and is_constant(right)
        case ast.Tuple(elts=elements):
            return all(is_constant(element) for element in elements)
        # `math.pi` is one; `a.b.c` is taken for a computed value.
        case ast.Attribute(value=ast.Name()):
            return True
    return False


def _compound(node: ast.stmt) -> ReplayKind | None:
    """`try`/`if` around imports and definitions only: the idioms of optional
    dependencies."""
    leaves = list(_leaves(node))
    if not all(
        isinstance(leaf, ast.Pass) or shape(leaf) is not None for leaf in leaves
    ):
        return None
    # if a branch imports and another defines a fallback, the import decides where it
    # stands.
    kinds = {shape(leaf) for leaf in leaves}
    for kind in (ReplayKind.import_, ReplayKind.function, ReplayKind.class_):
        if kind in kinds:
            return kind
    return None


def _names_of_code(node: ast.stmt) -> set[str]:
    """What `try`/`if` around a setting binds as well: modules, definitions,
    constants."""
    leaves = _leaves(node) if isinstance(node, COMPOUND) else ()
    return set(bound_names([leaf for leaf in leaves if shape(leaf) is not None]))


def _leaves(node: ast.stmt) -> Iterable[ast.stmt]:
    bodies = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    bodies += [handler.body for handler in getattr(node, "handlers", [])]
    for body in bodies:
        for statement in body:
            if isinstance(statement, COMPOUND):
                yield from _leaves(statement)
            else:
                yield statement


def source_of(unit: Unit) -> str:
    """The unit's text, decorators included, as it stands in the transformed cell."""
    node = unit.node
    first = first_line(node)
    lines = unit.source.python.splitlines()[first - 1 : node.end_lineno]
    # `a = 1; b = 2`: a line that it shares is cut at the columns of the AST.
    alone = (
        not lines[0][: node.col_offset].strip()
        and ";" not in lines[-1][node.end_col_offset or 0 :]
    )
    if alone:
        return "\n".join(lines)
    return ast.get_source_segment(unit.source.python, node) or ast.unparse(node)


def first_line(node: ast.stmt) -> int:
    """Where the statement begins, decorators included."""
    # `lineno` of a decorated function is that of `def` since Python 3.8.
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def definition_digest(node: ast.AST) -> str:
    """sha256 of the normalised source: comments, blank lines and quotes do not
    count."""
    return hashlib.sha256(ast.unparse(node).encode()).hexdigest()
