"""What rules are given: the parts of the state, and the acts that concern several of
them."""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.facts import place_of
from jupyter_pipe.analysis.knowledge.same_modules import first_name
from jupyter_pipe.analysis.world.allocation import Allocator
from jupyter_pipe.analysis.world.call_stack import CallStack
from jupyter_pipe.analysis.world.environment import START, UNBOUND, Environment, Slot
from jupyter_pipe.analysis.world.heap import (
    NOTHING,
    Class,
    Function,
    Heap,
    Library,
    LocalModule,
    Object,
    Text,
    Values,
    in_order,
)
from jupyter_pipe.analysis.world.process import Process
from jupyter_pipe.analysis.world.recorder import Recorder
from jupyter_pipe.analysis.world.rules import expression_rules, statement_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.dataflow.facts import Place, Unit
    from jupyter_pipe.analysis.knowledge import Knowledge
    from jupyter_pipe.analysis.source.scopes import Frame
    from jupyter_pipe.analysis.world.environment import Layer

__all__ = [
    "ANNOTATIONS",
    "FOLDER",
    "PATCHED",
    "World",
    "text_of",
    "texts_of",
]

BUILTINS = frozenset(dir(builtins))
INTERACTIVE = frozenset({"display", "get_ipython", "exit", "quit", "_dh"})
SHELL_NAMES = {
    "get_ipython": "IPython.get_ipython",
    "display": "IPython.display.display",
}
"""What IPython puts beside the builtins."""
ANNOTATIONS = "__annotations__"
MODULE_NAMES = frozenset(
    {
        "__name__",
        ANNOTATIONS,
        "__doc__",
        "__builtins__",
        "__builtin__",
        "__spec__",
        "__package__",
    }
)
OUTPUTS = frozenset({"In", "Out", "_ih", "_oh"})
NUMBERED = re.compile(r"_i?\d+$")
PATCHED = "@process."
"""Ambient components that live and die with their process: what was changed in a
library."""
FOLDER = "@os.cwd"
HISTORY = frozenset({"_", "__", "___", "_i", "_ii", "_iii"})


class World:
    """`folder` is the notebook's; `namespace` stands for its module, as `__main__` and
    `globals()` give it.

    How calls are made (`call_function`, `call_values`, `call_special`) is bound by
    `execution.new_world`, since these rules need every other.
    """

    def __init__(self, knowledge: Knowledge, folder: Path | None) -> None:
        self.knowledge = knowledge
        self.folder = folder
        self.names = Environment()
        self.heap = Heap()
        self.calls = CallStack()
        self.objects = Allocator(self.heap, self.calls)
        self.recorder = Recorder()
        self.process = Process()
        self.namespace = self.heap.make("namespace")
        self.call_function: Callable[..., Values] = _unassembled
        self.call_values: Callable[[Values, Arguments], Values] = _unassembled
        self.call_special: Callable[..., Values] = _unassembled

    def begin(self, unit: Unit) -> None:
        """A top-level statement begins: what is limited or noted for each of them
        begins anew."""
        self.recorder.begin(unit)
        self.objects.begin(unit.number)
        self.calls.begin()
        self.heap.begin()

    def begin_again(self, unit: Unit) -> None:
        """The statement could not be followed to its end: nothing of it has
        happened."""
        self.names.reset()
        self.heap.undo()
        self.begin(unit)

    @property
    def version(self) -> tuple[int, int, int]:
        """Equal at two moments if nothing outside of local variables has changed
        between them."""
        return (
            self.names.global_writes,
            self.heap.stores,
            len(self.recorder.facts.mutated),
        )

    # Evaluation

    def evaluate(self, node: ast.expr) -> Values:
        evaluate = expression_rules.get(node.__class__)
        return (
            evaluate(self, node) if evaluate is not None else self._evaluate_parts(node)
        )

    def execute(self, body: Iterable[ast.stmt]) -> bool:
        """Runs statements in order. False if what follows them is never reached."""
        return all(statement_rules[node.__class__](self, node) for node in body)

    def _evaluate_parts(self, node: ast.expr) -> Values:
        """An expression of a newer Python: its parts are read, its value is new."""
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.evaluate(part)
        return frozenset((self.objects.allocate(node, open_=True),))

    def branch(self, arm: Callable[[], bool]) -> Layer | None:
        """Runs `arm` as one of several alternatives: what it leaves, None if nothing
        after it is reached.

        Whoever calls this joins what the alternatives leave, with `names.merge`.
        """
        self.names.push()
        with self.recorder.under_a_condition():
            alive = arm()
        left = self.names.pop()
        return left if alive else None

    def branches(self, *arms: Callable[[], bool]) -> bool:
        """Runs `arms` as alternatives from this state and joins what they leave."""
        return self.join([self.branch(arm) for arm in arms])

    def join(self, arms: Iterable[Layer | None]) -> bool:
        """Joins what alternatives have left. False if none of them goes on."""
        outcomes = [arm for arm in arms if arm is not None]
        if outcomes:
            self.names.merge(outcomes)
        return bool(outcomes)

    # Objects

    def mutate(self, values: Iterable[Object], node: ast.AST) -> None:
        for value in values:
            if not isinstance(value.payload, Text):
                self.recorder.facts.mutated.setdefault(value, self.place_of(node))

    # Names

    def is_of_module(self, value: Object) -> bool:
        """Whether the object is a module, a function of one beside the notebook, or
        part of its state."""
        if isinstance(value.payload, Function):
            holder = value.payload.frame.module().holder
            return holder is not None and isinstance(holder.payload, LocalModule)
        parts = self.heap.affected((value,))
        return any(isinstance(part.payload, (Library, LocalModule)) for part in parts)

    def bind(self, name: str, values: Values, node: ast.AST) -> None:
        frame = self.names.frame.owner(name)
        self.names.set(frame.key(name), Slot(values, frozenset((self.recorder.unit,))))
        if frame is self.names.globals:
            self.recorder.facts.bound.setdefault(name, self.place_of(node))
            if any(self._component_of(value) is not None for value in values):
                self.names.of_state.add(name)
            if values and all(map(self._is_code, values)):
                self.recorder.facts.code.add(name)
            for value in values:
                self.names.holders.setdefault(value, set()).add(name)
        else:
            self._bind_in_frame(frame, name, values, node)

    def _is_code(self, value: Object) -> bool:
        """Whether the value is a function or class of the notebook, or a part of the
        process's state."""
        return (
            isinstance(value.payload, (Function, Class))
            or self._component_of(value) is not None
        )

    def _component_of(self, value: Object) -> str | None:
        payload = value.payload
        return (
            self.knowledge.component(payload.qualified)
            if isinstance(payload, Library)
            else None
        )

    def _bind_in_frame(
        self, frame: Frame, name: str, values: Values, node: ast.AST
    ) -> None:
        if frame.holder is not None:
            self.heap.store(frame.holder, "." + name, values)
            if frame is not self.names.frame and frame.kind != "class":
                self.mutate((frame.holder,), node)

    def unbind(self, name: str, node: ast.AST) -> None:
        frame = self.names.frame.owner(name)
        if frame is self.names.globals:
            self.recorder.facts.bound.setdefault(name, self.place_of(node))
        self.names.unbind(frame.key(name))

    def read(self, name: str, node: ast.AST) -> Values:
        """The value of `name` here, as Python looks it up."""
        local = self.names.find(name)
        if local is not None:
            return local.values
        module = self.names.frame.module()
        if module is self.names.globals:
            return self.read_global(name, node)
        slot = self.names.get(module.key(name))
        return slot.values if slot else self._builtin(name)

    def read_global(self, name: str, node: ast.AST) -> Values:
        """The values of a global, noted as a read. A patched library or a changed class
        behind them is noted too, since it is state that the reader depends on."""
        slot = self.names.get(name)
        if slot is None or (slot.sources == {UNBOUND} and name in BUILTINS):
            return self._read_unbound(name, node)
        self.record(name, slot, node)
        if name in self.names.of_state:
            self._read_state(slot.values, node)
        if self.process.patched:
            self._read_patched(slot.values, node)
        if self.process.changed_classes and any(value.carries for value in slot.values):
            self._read_changed_classes(slot.values, node)
        return slot.values

    def _read_state(self, values: Values, node: ast.AST) -> None:
        """Whoever uses another name for `os.environ` uses the environment."""
        for value in values:
            component = self._component_of(value)
            if component is not None:
                self.touch("@" + component, node)

    def _read_patched(self, values: Values, node: ast.AST) -> None:
        """Whoever uses a library, or a value of one of its types, uses what was changed
        in it."""
        for value in values:
            name = (
                value.payload.qualified
                if isinstance(value.payload, Library)
                else value.type
            )
            if name.partition(".")[0] in self.process.patched:
                self.touch(PATCHED + name.partition(".")[0], node)

    def patch(self, qualified: str, node: ast.AST) -> None:
        """Changes a library itself: an attribute of a module or of a class."""
        self.set_component(PATCHED[1:] + qualified.partition(".")[0], node)

    def _read_changed_classes(self, values: Values, node: ast.AST) -> None:
        """Whoever uses an instance, or a derived class, uses the state that was put
        into its classes."""
        for value in in_order(
            self.heap.reachable(values, code_only=True) & self.process.changed_classes
        ):
            name = value.payload.name if isinstance(value.payload, Class) else ""
            slot = self.names.get(name)
            if slot is not None and value in slot.values:
                self.record(name, slot, node)

    def record(self, name: str, slot: Slot, node: ast.AST) -> None:
        """The statement uses what `name` may be."""
        self.recorder.read(name, slot, self.place_of(node))

    def _read_unbound(self, name: str, node: ast.AST) -> Values:
        """A name that no cell has bound: a builtin, the history of outputs, something
        that a star import may give, or undefined."""
        known = name in BUILTINS or name in INTERACTIVE or name in MODULE_NAMES
        if _is_of_history(name):
            self.recorder.read_history(name, self.place_of(node))
        elif self.names.star_imports.units and (not known or name in BUILTINS):
            return self._read_star_import(name, node) | self._builtin(name)
        elif not known:
            self.recorder.read_undefined(name, self.place_of(node))
        return self._builtin(name)

    def _read_star_import(self, name: str, node: ast.AST) -> Values:
        self.record(name, Slot(NOTHING, frozenset(self.names.star_imports.units)), node)
        if self.names.star_imports.missing and name not in BUILTINS:
            self._note_missing_modules(name, node)
        return self._from_star_imports(name, node)

    def _from_star_imports(self, name: str, node: ast.AST) -> Values:
        """What a name may be that `from sympy import *` binds. If a table knows it in
        one of several modules, it is from there; nobody else would bind the name of a
        builtin."""
        candidates = [f"{module}.{name}" for module in self.names.star_imports.modules]
        known = [
            one
            for one in candidates
            if self.knowledge.function(first_name(one)) is not None
        ]
        guessed = [] if name in BUILTINS else candidates
        found = frozenset(self.objects.library(one) for one in known or guessed)
        self._read_state(found, node)
        return found

    def _note_missing_modules(self, name: str, node: ast.AST) -> None:
        modules = ", ".join(f"'{module}'" for module in self.names.star_imports.missing)
        message = (
            f"'{name}' may come from a star import of {modules}, which cannot be found."
        )
        self.note(
            "PIPE225",
            message,
            node,
            "Install the module, or import the names that you use.",
        )

    def _builtin(self, name: str) -> Values:
        if name in SHELL_NAMES:
            return frozenset((self.objects.library(SHELL_NAMES[name]),))
        return (
            frozenset((self.objects.library("builtins." + name),))
            if name in BUILTINS
            else NOTHING
        )

    # Ambient components and files

    def touch(
        self, name: str, node: ast.AST, *, write: bool = False, whole: bool = False
    ) -> None:
        """Uses the pseudo-name of an ambient component or a file, and perhaps writes
        it.

        A write that is not `whole` changes what is there, so it uses it as well.
        """
        slot = self.names.get(name) or Slot(NOTHING, frozenset((START,)))
        if not (write and whole):
            self.record(name, slot, node)
        if name == FOLDER and self.process.working_folder and not write:
            self.touch(
                self.process.working_folder, node
            )  # who works in a folder needs it to be there
        if write:
            sources = (
                frozenset((self.recorder.unit,))
                if whole
                else slot.sources | {self.recorder.unit}
            )
            self.names.set(name, Slot(NOTHING, sources))
            self.recorder.facts.bound.setdefault(name, self.place_of(node))

    def set_component(
        self, component: str, node: ast.AST, *, whole: bool = False
    ) -> None:
        """Writes an ambient component: a part of it, or the `whole` as a seed does."""
        self.recorder.facts.settings.setdefault("@" + component, self.place_of(node))
        if component.startswith(PATCHED[1:]):
            self.process.patched.add(component.removeprefix(PATCHED[1:]))
        self.touch("@" + component, node, write=True, whole=whole)

    def draw(self, component: str, node: ast.AST) -> None:
        self.recorder.facts.draws.setdefault("@" + component, self.place_of(node))
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
        """A diagnostic of the statement that is interpreted."""
        self.recorder.note(code, message, self.place_of(node), hint)

    def place_of(self, node: ast.AST) -> Place:
        """Where a node begins in the transformed source of its cell; for one in a body
        that stands in another cell, the call in this one that led there."""
        here = node
        for callee, call in zip(
            reversed(self.calls.callees), reversed(self.calls.sites), strict=False
        ):
            if (
                isinstance(callee.payload, Function)
                and callee.payload.cell == self.recorder.cell
            ):
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
    return (
        name in HISTORY
        or name in OUTPUTS
        or name == ANNOTATIONS
        or NUMBERED.match(name) is not None
    )


def _unassembled(*_: object) -> Values:
    raise AssertionError("a World is made by execution.new_world")
