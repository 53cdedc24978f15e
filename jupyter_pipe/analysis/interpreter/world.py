"""The state of one abstract execution of the notebook, and the primitive acts that change it.

Rules for expressions, statements and calls live in modules of their own and are found through
`expression_rules`, `statement_rules`; they see the notebook only through this class.
"""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING, Any

from jupyter_pipe.analysis.dataflow.facts import Facts, Finding, Place, Read, place_of
from jupyter_pipe.analysis.interpreter.bindings import START, UNBOUND, Slot, State
from jupyter_pipe.analysis.interpreter.deferred_calls import PostponedCalls
from jupyter_pipe.analysis.interpreter.heap import (
    NOTHING,
    Class,
    Function,
    Heap,
    Library,
    LocalModule,
    Object,
    Payload,
    Text,
    Values,
    in_order,
)
from jupyter_pipe.analysis.knowledge.same_modules import first_name
from jupyter_pipe.analysis.source.scopes import Frame, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.interpreter.bindings import Layer
    from jupyter_pipe.analysis.knowledge import Knowledge

__all__ = [
    "ANNOTATIONS",
    "FOLDER",
    "PATCHED",
    "World",
    "expression_rules",
    "rule",
    "statement_rules",
    "text_of",
    "texts_of",
]

BUILTINS = frozenset(dir(builtins))
INTERACTIVE = frozenset({"display", "get_ipython", "exit", "quit", "_dh"})
SHELL_NAMES = {"get_ipython": "IPython.get_ipython", "display": "IPython.display.display"}
"""What IPython puts beside the builtins."""
ANNOTATIONS = "__annotations__"
MODULE_NAMES = frozenset(
    {"__name__", ANNOTATIONS, "__doc__", "__builtins__", "__builtin__", "__spec__", "__package__"}
)
OUTPUTS = frozenset({"In", "Out", "_ih", "_oh"})
NUMBERED = re.compile(r"_i?\d+$")
PATCHED = "@process."
"""Ambient components that live and die with their process: what was changed in a library."""
FOLDER = "@os.cwd"
HISTORY = frozenset({"_", "__", "___", "_i", "_ii", "_iii"})

MOST_CONTEXTS = 8
"""In so many of the calls that one statement leads to does a place make objects of their own; what it makes
in others is one object. Expressions that are rewritten recursively make no end of them."""

expression_rules: dict[type[ast.AST], Callable[[World, Any], Values]] = {}
statement_rules: dict[type[ast.AST], Callable[[World, Any], bool]] = {}


def rule(table: dict[type[ast.AST], Any], *types: type[ast.AST]) -> Callable[[Any], Any]:
    """Registers the decorated function for these node types."""

    def register(function: Any) -> Any:
        table.update(dict.fromkeys(types, function))
        return function

    return register


class World:
    def __init__(self, knowledge: Knowledge, folder: Path | None) -> None:
        self.knowledge = knowledge
        self.folder = folder
        self.state = State()
        self.heap = Heap()
        self.globals = Frame(Scope(), kind="module", prefix=False)
        self.frame = self.globals
        self.facts = Facts()
        self.unit = 0
        self.cell: int | None = None
        self.uncertain = 0
        self.escaping = 0
        self.context: tuple[Any, ...] = ()
        self.loops: list[tuple[int, list[Layer], list[Layer]]] = []
        self.calls: list[Object] = []
        self.changed_classes: set[Object] = set()
        self.patched: set[str] = set()
        self.names_of_state: set[str] = set()
        self.keeps_figures = False
        self.database = ""
        self.inside = ""
        self.raised: set[Object] = set()
        self.spent = 0
        self.memory: dict[object, tuple[tuple[int, int, int], Values]] = {}
        self.postponed = PostponedCalls()
        self.too_large: set[Object] = set()
        self.hopeless: set[Object] = set()
        self.contexts: dict[Any, int] = {}
        self.returned: dict[Object, Values] = {}
        self.star_imports: list[int] = []
        self.star_modules: list[str] = []
        self.missing_modules: list[str] = []
        self.postponed_annotations = False
        self.modules: dict[str, Object] = {}
        self.imported: set[str] = set()
        self.temporary: dict[tuple[int, ast.AST], int] = {}
        self.files: set[str] = set()
        self.namespace = self.heap.make("namespace")
        self.holders: dict[Object, set[str]] = {}
        self.call_function: Callable[..., Values] = _unassembled
        self.call_values: Callable[[Values, Arguments], Values] = _unassembled
        self.call_special: Callable[..., Values] = _unassembled
        self._sites: dict[tuple[tuple[Any, ...], Any], Object] = {}
        self._libraries: dict[str, Object] = {}
        self._texts: dict[str, Object] = {}

    @property
    def version(self) -> tuple[int, int, int]:
        """Equal at two moments if nothing outside of local variables has changed between them."""
        return self.state.global_writes, self.heap.stores, len(self.facts.mutated)

    # Evaluation

    def evaluate(self, node: ast.expr) -> Values:
        evaluate = expression_rules.get(node.__class__)
        return evaluate(self, node) if evaluate is not None else self._evaluate_parts(node)

    def execute(self, body: Iterable[ast.stmt]) -> bool:
        """Runs statements in order. False if what follows them is never reached."""
        return all(statement_rules[node.__class__](self, node) for node in body)

    def _evaluate_parts(self, node: ast.expr) -> Values:
        """An expression of a newer Python: its parts are read, its value is new."""
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.evaluate(part)
        return frozenset((self.allocate(node, open_=True),))

    def branches(self, *arms: Callable[[], bool]) -> bool:
        """Runs `arms` as alternatives from this state and joins what they leave."""
        outcomes = []
        for arm in arms:
            self.state.push()
            self.uncertain += 1
            alive = arm()
            self.uncertain -= 1
            changed = self.state.pop()
            if alive:
                outcomes.append(changed)
        if outcomes:
            self.state.merge(outcomes)
        return bool(outcomes)

    # Objects

    def allocate(self, site: Any, type_: str = "", payload: Payload = None, *, open_: bool = False) -> Object:
        """The object that `site` (a node, or a tuple with one) makes in this context.

        What a node makes of something that goes back to itself is that again: `xs = xs[1:]` in a loop or in
        a recursion makes two lists, not any number.
        """
        node, of = site if isinstance(site, tuple) and len(site) == 2 else (site, None)
        of = of if isinstance(of, Object) else None
        origin = of
        while origin is not None:
            if origin.maker is node and origin.type == type_:
                return origin
            origin = origin.of
        key = () if self.postponed.open else self.context, site
        found = self._sites.get(key)
        if found is None:
            count = self.contexts[site] = self.contexts.get(site, 0) + 1
            if count > MOST_CONTEXTS:
                key = (self.unit,), site
                found = self._sites.get(key)
        if found is None:
            found = self._sites[key] = self.heap.make(type_, payload, open_=open_)
            found.maker, found.of = node, of
        elif type_ and not found.type:
            found.type = type_
        return found

    def library(self, qualified: str) -> Object:
        found = self._libraries.get(qualified)
        if found is None:
            name = first_name(qualified)
            made = self.heap.make("builtins.module", Library(name))
            found = self._libraries[qualified] = self._libraries.setdefault(name, made)
        return found

    def text(self, value: str, type_: str = "builtins.str", *, exact: bool = True) -> Object:
        key = type_ + value + "=*"[not exact]
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self.heap.make(type_, Text(value, exact))
        return found

    def mutate(self, values: Iterable[Object], node: ast.AST) -> None:
        for value in values:
            if not isinstance(value.payload, Text):
                self.facts.mutated.setdefault(value, self.place_of(node))

    # Names

    def is_of_module(self, value: Object) -> bool:
        """Whether the object is a module, a function of one beside the notebook, or part of its state."""
        if isinstance(value.payload, Function):
            holder = value.payload.frame.module().holder
            return holder is not None and isinstance(holder.payload, LocalModule)
        parts = self.heap.affected((value,))
        return any(isinstance(part.payload, (Library, LocalModule)) for part in parts)

    def bind(self, name: str, values: Values, node: ast.AST) -> None:
        frame = self.frame.owner(name)
        self.state.set(frame.key(name), Slot(values, frozenset((self.unit,))))
        if frame is self.globals:
            self.facts.bound.setdefault(name, self.place_of(node))
            if any(self._component_of(value) is not None for value in values):
                self.names_of_state.add(name)
            if values and all(map(self._is_code, values)):
                self.facts.code.add(name)
            for value in values:
                self.holders.setdefault(value, set()).add(name)
        else:
            self._bind_in_frame(frame, name, values, node)

    def _is_code(self, value: Object) -> bool:
        """Whether the value is a function or class of the notebook, or a part of the process's state."""
        return isinstance(value.payload, (Function, Class)) or self._component_of(value) is not None

    def _component_of(self, value: Object) -> str | None:
        payload = value.payload
        return self.knowledge.component(payload.qualified) if isinstance(payload, Library) else None

    def _bind_in_frame(self, frame: Frame, name: str, values: Values, node: ast.AST) -> None:
        if frame.holder is not None:
            self.heap.store(frame.holder, "." + name, values)
            if frame is not self.frame and frame.kind != "class":
                self.mutate((frame.holder,), node)

    def unbind(self, name: str, node: ast.AST) -> None:
        frame = self.frame.owner(name)
        if frame is self.globals:
            self.facts.bound.setdefault(name, self.place_of(node))
        self.state.unbind(frame.key(name))

    def read(self, name: str, node: ast.AST) -> Values:
        """The value of `name` here, as Python looks it up."""
        frame: Frame = self.frame
        if frame.parent is not None:
            if name in frame.scope.names:
                slot = self.state.get(frame.key(name))
                if slot is not None and (slot.values or slot.sources != {UNBOUND}):
                    return slot.values
                if frame.kind != "class":
                    return NOTHING
            owner = None if name in frame.scope.global_ else frame.enclosing(name)
            if owner is not None:
                slot = self.state.get(owner.key(name))
                return slot.values if slot else NOTHING
            frame = frame.module()
        if frame is self.globals:
            return self.read_global(name, node)
        slot = self.state.get(frame.key(name))
        return slot.values if slot else self._builtin(name)

    def read_global(self, name: str, node: ast.AST) -> Values:
        """The values of a global, noted as a read. A patched library or a changed class behind them is noted
        too, since it is state that the reader depends on."""
        slot = self.state.get(name)
        if slot is None or (slot.sources == {UNBOUND} and name in BUILTINS):
            return self._read_unbound(name, node)
        self.record(name, slot, node)
        if name in self.names_of_state:
            self._read_state(slot.values, node)
        if self.patched:
            self._read_patched(slot.values, node)
        if self.changed_classes and any(value.carries for value in slot.values):
            self._read_changed_classes(slot.values, node)
        return slot.values

    def _read_state(self, values: Values, node: ast.AST) -> None:
        """Whoever uses another name for `os.environ` uses the environment."""
        for value in values:
            component = self._component_of(value)
            if component is not None:
                self.touch("@" + component, node)

    def _read_patched(self, values: Values, node: ast.AST) -> None:
        """Whoever uses a library, or a value of one of its types, uses what was changed in it."""
        for value in values:
            name = value.payload.qualified if isinstance(value.payload, Library) else value.type
            if name.partition(".")[0] in self.patched:
                self.touch(PATCHED + name.partition(".")[0], node)

    def patch(self, qualified: str, node: ast.AST) -> None:
        """Changes a library itself: an attribute of a module or of a class."""
        self.set_component(PATCHED[1:] + qualified.partition(".")[0], node)

    def _read_changed_classes(self, values: Values, node: ast.AST) -> None:
        """Whoever uses an instance, or a derived class, uses the state that was put into its classes."""
        for value in in_order(self.heap.reachable(values, code_only=True) & self.changed_classes):
            name = value.payload.name if isinstance(value.payload, Class) else ""
            slot = self.state.get(name)
            if slot is not None and value in slot.values:
                self.record(name, slot, node)

    def record(self, name: str, slot: Slot, node: ast.AST) -> None:
        """The statement uses what `name` may be."""
        if slot.sources == {self.unit}:
            return
        seen = self.facts.reads.get(name)
        if seen is None:
            certain = not self.uncertain
            self.facts.reads[name] = Read(self.place_of(node), slot.sources, slot.values, certain)
        elif slot.sources - seen.sources:
            seen.sources |= slot.sources
            seen.values |= slot.values

    def _read_unbound(self, name: str, node: ast.AST) -> Values:
        """A name that no cell has bound: a builtin, the history of outputs, something that a star import may
        give, or undefined. In code that only a library may call, the last is not held against it."""
        known = name in BUILTINS or name in INTERACTIVE or name in MODULE_NAMES
        read = Read(self.place_of(node), frozenset(), NOTHING, not self.uncertain)
        if _is_of_history(name):
            self.facts.history.setdefault(name, read)
        elif self.star_imports and (not known or name in BUILTINS):
            return self._read_star_import(name, node) | self._builtin(name)
        elif not known and not self.escaping:
            self.facts.undefined.setdefault(name, read)
        return self._builtin(name)

    def _read_star_import(self, name: str, node: ast.AST) -> Values:
        self.record(name, Slot(NOTHING, frozenset(self.star_imports)), node)
        if self.missing_modules and name not in BUILTINS:
            self._note_missing_modules(name, node)
        return self._from_star_imports(name, node)

    def _from_star_imports(self, name: str, node: ast.AST) -> Values:
        """What a name may be that `from sympy import *` binds. If a table knows it in one of several
        modules, it is from there; nobody else would bind the name of a builtin."""
        candidates = [f"{module}.{name}" for module in self.star_modules]
        known = [one for one in candidates if self.knowledge.function(first_name(one)) is not None]
        guessed = [] if name in BUILTINS else candidates
        found = frozenset(self.library(one) for one in known or guessed)
        self._read_state(found, node)
        return found

    def _note_missing_modules(self, name: str, node: ast.AST) -> None:
        modules = ", ".join(f"'{module}'" for module in self.missing_modules)
        message = f"'{name}' may come from a star import of {modules}, which cannot be found."
        self.note("PIPE225", message, node, "Install the module, or import the names that you use.")

    def _builtin(self, name: str) -> Values:
        if name in SHELL_NAMES:
            return frozenset((self.library(SHELL_NAMES[name]),))
        return frozenset((self.library("builtins." + name),)) if name in BUILTINS else NOTHING

    # Ambient components and files

    def touch(self, name: str, node: ast.AST, *, write: bool = False, whole: bool = False) -> None:
        """Uses the pseudo-name of an ambient component or a file, and perhaps writes it.

        A write that is not `whole` changes what is there, so it uses it as well.
        """
        slot = self.state.get(name) or Slot(NOTHING, frozenset((START,)))
        if not (write and whole):
            self.record(name, slot, node)
        if name == FOLDER and self.inside and not write:
            self.touch(self.inside, node)  # who works in a folder needs it to be there
        if write:
            sources = frozenset((self.unit,)) if whole else slot.sources | {self.unit}
            self.state.set(name, Slot(NOTHING, sources))
            self.facts.bound.setdefault(name, self.place_of(node))

    def set_component(self, component: str, node: ast.AST, *, whole: bool = False) -> None:
        """Writes an ambient component: a part of it, or the `whole` as a seed does."""
        self.facts.settings.setdefault("@" + component, self.place_of(node))
        if component.startswith(PATCHED[1:]):
            self.patched.add(component.removeprefix(PATCHED[1:]))
        self.touch("@" + component, node, write=True, whole=whole)

    def draw(self, component: str, node: ast.AST) -> None:
        self.facts.draws.setdefault("@" + component, self.place_of(node))
        self.touch("@" + component, node, write=True)

    def note_namespace(self, node: ast.AST) -> None:
        """Something may read any variable through `globals()`."""
        self.note(
            "PIPE223",
            "`globals()` with a computed key may read any variable, so what this stage needs is unknown.",
            node,
            "Use a dictionary of your own, or write the names out.",
        )

    def note(self, code: str, message: str, node: ast.AST, hint: str = "") -> None:
        self.facts.findings.append(Finding(code, message, self.place_of(node), hint))

    def place_of(self, node: ast.AST) -> Place:
        """Where a node begins in the transformed source of its cell; for one in a body that stands in
        another cell, the call in this one that led there."""
        here = node
        for callee, call in zip(reversed(self.calls), reversed(self.context), strict=False):
            if isinstance(callee.payload, Function) and callee.payload.cell == self.cell:
                break
            here = call
        return place_of(here)


def text_of(values: Values) -> str | None:
    """The constant string or path that `values` is, if it is one."""
    if len(values) == 1:
        (value,) = values
        if isinstance(value.payload, Text) and value.payload.exact:
            return value.payload.value
    return None


def texts_of(values: Values) -> list[str]:
    """The constant strings that `values` may be, among other things."""
    texts = (text_of(frozenset((value,))) for value in values)
    return sorted(text for text in texts if text is not None)


def _is_of_history(name: str) -> bool:
    """Whether IPython keeps earlier inputs, outputs or annotations under the name."""
    return name in HISTORY or name in OUTPUTS or name == ANNOTATIONS or NUMBERED.match(name) is not None


def _unassembled(*_: object) -> Values:
    raise AssertionError("a World is made by interpreter.new_world")
