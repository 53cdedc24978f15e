"""Writes down what happens to rows: one instruction for each operation that has an
entry a row.

Everything else that was computed from rows is frozen: its value goes on the tape, keyed
by cell, line, text and turn of the loops around it.
"""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_pipe.scoring.model import (
    ColumnUse,
    Constant,
    Instruction,
    Place,
    Refusal,
    Trace,
    copied_variable,
)
from jupyter_pipe.scoring.tracing.functions import with_names
from jupyter_pipe.scoring.tracing.known import Known, Ref, RowCount
from jupyter_pipe.scoring.tracing.shapes import (
    entries,
    is_estimator,
    is_frame,
    is_handle,
    is_instance,
)
from jupyter_pipe.scoring.ways_out import EXPLICIT_FORM, way_out

__all__ = ["Recorder"]

_LITERALS = (bool, int, float, str, bytes, type(None), type(...))
# Items of a container that is written out in the scorer's text.
_LONGEST_LITERAL = 40
# Classes of calls whose result is about all rows, however long it is.
_ABOUT_ALL = frozenset({"aggregates", "schema", "fits"})
_OTHER_SELECTION = "Entries of different selections of the rows meet here"


@dataclass
class _Operation:
    """How a value was made: what builds its expression in the scorer, from which
    operands, where."""

    build: Callable[[], ast.expr]
    operands: Sequence[Any]
    where: ast.AST
    columns: ColumnUse | None = None
    meets: bool = False
    refusal: Refusal | None = None


class Recorder:
    """The trace as far as it has come. `turns` are the counters of the loops that are
    being interpreted."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.trace = Trace()
        self.known = Known()
        self.names = names
        self.turns: list[int] = []
        self.sources: dict[int, list[str]] = {}
        self.poison: Refusal | None = None
        self.lost: list[Refusal] = []
        self._constants: dict[int, Constant] = {}
        # Values that are known by their id must not be freed: another one could get
        # that id.
        self._kept: list[Any] = []
        self._variables: set[str] = set()
        self._made: dict[str, Instruction] = {}
        self._changed: set[str] = set()
        self._numbers = 0

    # Places

    def place(self, node: ast.AST) -> Place:
        """Where a node of the notebook's code stands, as written."""
        cell, line = getattr(node, "cell", 0), getattr(node, "lineno", 1)
        lines = self.sources.get(cell, [])
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return Place(cell, line, text, ".".join(str(turn) for turn in self.turns))

    def refuse(
        self, node: ast.AST, message: str, way_out: str = EXPLICIT_FORM
    ) -> Refusal:
        """A refusal of this place."""
        return Refusal(self.place(node), message, way_out)

    # Rows

    def start(self, value: Any, name: str, positions: Any) -> Ref:
        """The raw rows: what the scorer is given."""
        ref = Ref(self.variable(name), value, positions)
        self.trace.source = ref.var
        self._register(ref)
        return ref

    def live(
        self, value: Any, name: str, node: ast.expr, find: Callable[[str], Any]
    ) -> None:
        """A value that the scorer computes anew (`live:`), by the expression that gave
        it."""
        var = self.variable(name)
        names: dict[str, ast.expr] = {}
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                one = find(each.id)
                if type(one).__name__ == "module":
                    self.trace.imports[each.id] = one.__name__
                else:
                    names[each.id] = self.node(one)
        self.write(Instruction(self.place(node), with_names(node, names), var), node)
        self.known.add(Ref(var, value, None, "live"))

    def count(self, ref: Ref) -> RowCount:
        """The number of rows of a value, as an object that remembers whose number it
        is."""
        count = RowCount(len(ref.rows))
        self.known.add(Ref(f"len({ref.var})", count, ref.rows, "count"))
        return count

    def freeze(self, value: Any, where: ast.AST) -> Any:
        """Put what was computed from all rows on the tape."""
        place = self.place(where)
        text = ast.unparse(where) if isinstance(where, (ast.expr, ast.stmt)) else ""
        self.trace.tape[place.cell, place.line, text[:120], place.turn] = type(
            value
        ).__name__
        self.known.freeze(value)
        return value

    def note(
        self,
        result: Any,
        build: Callable[[], ast.expr],
        operands: Sequence[Any],
        where: ast.AST,
        *,
        class_: str | None = None,
        columns: ColumnUse | None = None,
        rows: Any = None,
        meets: bool = False,
        about: str = "",
    ) -> Any:
        """Write down `result`, an operation's, if it has an entry for each row; freeze
        it otherwise.

        `build` gives the expression of the scorer. `rows` are the positions of the
        result's entries, if not those of the operands. `meets` tells that constants
        meet the rows entry by entry.
        """
        refs = list(self.known.within(operands))
        if not refs:
            if any(self.known.is_frozen(operand) for operand in operands):
                self.known.freeze(result)
            return result
        # The call gave back an object that is known, as `df.pipe(lambda d: d)` does.
        if self.known.of(result) is not None:
            return result
        if class_ in _ABOUT_ALL:
            return self.freeze(result, where)
        operation = _Operation(
            build,
            operands,
            where,
            columns,
            meets,
            self._refusal_of(class_, where, about),
        )
        return self._note_rows(result, operation, refs, rows)

    def change(
        self,
        base: Ref,
        statement: ast.stmt,
        operands: Sequence[Any],
        where: ast.AST,
        *,
        columns: ColumnUse | None = None,
        class_: str | None = None,
        rows: Any = None,
    ) -> None:
        """Write down a statement that changes rows in place. `rows` are the positions
        of what is assigned to, if that is a part of them."""
        allowed = [base.rows] if rows is None else [base.rows, rows]
        refusal = self._refusal_of(class_, where, "")
        for ref in self.known.within(operands):
            if ref.rows is not None and not any(
                _same_rows(ref.rows, each) for each in allowed
            ):
                refusal = refusal or self.refuse(
                    where, "Entries of different selections of the rows meet here"
                )
        self.write(
            Instruction(
                self.place(where),
                statement,
                changes=(base.var,),
                columns=columns,
                refusal=refusal,
            ),
            where,
            meets=True,
        )

    def adopt(self, base: Any, ref: Ref, where: ast.AST) -> None:
        """An empty frame is given rows: from now on it holds those of `ref`."""
        var = self.variable()
        node = ast.Call(ast.Attribute(self.node(base), "copy", ast.Load()), [], [])
        self.write(Instruction(self.place(where), node, var), where)
        self._register(Ref(var, base, ref.rows))

    def is_index(self, var: str) -> bool:
        """Whether the variable is the index of a frame."""
        node = self._made[var].node if var in self._made else None
        return isinstance(node, ast.Attribute) and node.attr == "index"

    def root(self, var: str) -> str:
        """The variable of which this one is an unchanged copy, directly or by way of
        other copies."""
        while var not in self._changed:
            source = copied_variable(self._made[var]) if var in self._made else None
            # A copy of what was changed later is not a copy of it any more.
            if source is None or source in self._changed:
                break
            var = source
        return var

    def alias(self, value: Any, name: str) -> None:
        """The notebook's name of a value, for the variable in the scorer."""
        ref = self.known.of(value)
        if ref is not None and name.isidentifier() and name != "_":
            self.trace.names.setdefault(ref.var, name)

    # Expressions of the scorer

    def node(self, value: Any, *, counts: bool = False) -> ast.expr:
        """An expression that gives the value in the scorer: a variable, a literal, a
        constant.

        `counts` lets the number of rows be that of the rows that are scored, and not
        the notebook's.
        """
        ref = self.known.of(value)
        if ref is not None:
            if ref.kind != "count":
                return ast.Name(ref.var, ast.Load())
            return (
                ast.parse(ref.var, mode="eval").body
                if counts
                else ast.Constant(int(value))
            )
        if type(value) in _LITERALS and _is_short(value):
            return ast.Constant(value)
        if isinstance(value, types.ModuleType):
            alias = value.__name__.replace(".", "_")
            self.trace.imports[alias] = value.__name__
            return ast.Name(alias, ast.Load())
        if isinstance(value, slice):
            return self._slice(value)
        if type(value) in (list, tuple, dict, set) and self._is_open(value):
            return self._container(value, counts)
        return ast.Name(self.constant(value).name, ast.Load())

    def constant(self, value: Any, name: str = "") -> Constant:
        """The constant that holds a value. Plain containers and arrays are copied: the
        notebook may go on to change them."""
        found = self._constants.get(id(value))
        if found is not None:
            return found
        given = name or getattr(value, "__name__", "") or _name_of(value, self.names)
        # A lambda is called `<lambda>`.
        unique = self._unique(given if given.isidentifier() else "constant")
        kept = copy.deepcopy(value) if _is_changeable(value) else value
        frozen = self.known.is_frozen(value)
        # Its place is that of the first line that uses it.
        made = Constant(unique, kept, Place(0, 0), frozen)
        self._kept.append(value)
        self._constants[id(value)] = made
        self.trace.constants[unique] = made
        return made

    def protect(self, value: Any) -> None:
        """A copy of the value stands for it in what was written down so far: it is
        about to change."""
        found = self._constants.pop(id(value), None)
        if found is not None:
            found.value = copy.deepcopy(value)

    # Inside

    def _shared_rows(self, refs: Sequence[Ref], operation: _Operation) -> Any:
        """The rows that all of them have; a refusal if one has others, as in `a[mask] +
        b`."""
        positions, differ = _common_rows(refs)
        if differ and operation.refusal is None:
            operation.refusal = self.refuse(operation.where, _OTHER_SELECTION)
        return positions

    def _note_rows(
        self, result: Any, operation: _Operation, refs: Sequence[Ref], rows: Any
    ) -> Any:
        """Writes down an operation on rows and returns its result. What is no longer
        one entry a row, such as `frame["x"].mean()`, is frozen: the scorer takes it as
        a constant."""
        moving = [ref for ref in refs if ref.kind != "count"]
        if rows is None and all(ref.rows is None for ref in refs):
            return self._define(result, operation, None, "live")
        positions = (
            rows if rows is not None else self._shared_rows(moving or refs, operation)
        )
        kind = self._kind(result, len(positions))
        if kind == "other":
            return self._freeze_result(result, operation)
        if kind == "handle" and not moving:
            return result
        if kind == "parts":
            return self._note_parts(result, operation, positions)
        return self._define(result, operation, positions, kind)

    def _freeze_result(self, result: Any, operation: _Operation) -> Any:
        """A refusal is kept for the case that a result with entries, though not those
        of rows, is needed."""
        if entries(result) is not None and operation.refusal is not None:
            self.lost.append(operation.refusal)
        return self.freeze(result, operation.where)

    def _define(
        self, result: Any, operation: _Operation, positions: Any, kind: str
    ) -> Any:
        """A line that makes `result`."""
        node, var, where = operation.build(), self.variable(), operation.where
        line = Instruction(
            self.place(where),
            node,
            var,
            columns=operation.columns,
            refusal=operation.refusal,
        )
        self.write(line, where, meets=operation.meets)
        self._share(result, operation.operands, var)
        self._register(Ref(var, result, positions, kind))
        return result

    def _note_parts(self, result: Any, operation: _Operation, positions: Any) -> Any:
        """A tuple or list of which some elements have an entry a row."""
        var, where = self.variable(), operation.where
        line = Instruction(
            self.place(where), operation.build(), var, refusal=operation.refusal
        )
        self.write(line, where)
        for number, part in enumerate(result):
            if (
                self._kind(part, len(positions)) == "rows"
                and self.known.of(part) is None
            ):
                node = ast.Subscript(
                    ast.Name(var, ast.Load()), ast.Constant(number), ast.Load()
                )
                element = _Operation(lambda node=node: node, operation.operands, where)  # type: ignore[misc]
                self._define(part, element, positions, "rows")
            else:
                self.freeze(part, where)
        return result

    def _note_names(self, instruction: Instruction) -> None:
        """Writes into an instruction which constants and which variables it reads, each
        once."""
        names = [
            each.id for each in ast.walk(instruction.node) if isinstance(each, ast.Name)
        ]
        instruction.constants = tuple(
            dict.fromkeys(name for name in names if name in self.trace.constants)
        )
        reads = [
            name
            for name in names
            if name in self._variables and name != instruction.target
        ]
        instruction.reads = tuple(dict.fromkeys(reads))

    def write(
        self, instruction: Instruction, where: ast.AST, *, meets: bool = False
    ) -> None:
        """Add an instruction, with what it reads."""
        if self.poison is not None:
            instruction.refusal, self.poison = instruction.refusal or self.poison, None
        self._note_names(instruction)
        instruction.meets = instruction.constants if meets else ()
        for name in instruction.constants:
            if self.trace.constants[name].place.cell == 0:
                self.trace.constants[name].place = self.place(where)
        self.trace.instructions.append(instruction)
        self._changed.update(instruction.changes)
        if instruction.target is not None:
            self._made[instruction.target] = instruction

    def _register(self, ref: Ref) -> None:
        self.known.add(ref)
        if ref.rows is not None and ref.kind == "rows":
            self.trace.sizes.add(len(ref.rows))

    def _share(self, result: Any, operands: Iterable[Any], var: str) -> None:
        """Arrays may be views: a change of the one is one of the other. Frames copy on
        write."""
        if is_instance(result, "numpy", "ndarray"):
            for ref in self.known.within(operands):
                if is_instance(ref.value, "numpy", "ndarray"):
                    self.trace.views.setdefault(ref.var, set()).add(var)
                    self.trace.views.setdefault(var, set()).add(ref.var)

    def _kind(self, result: Any, size: int) -> str:
        """What a result is to the rows: a handle such as a `groupby`, `parts` (a list
        or tuple, some of whose elements have `size` entries), `rows` with one entry for
        each, or something else."""
        if is_handle(result):
            return "handle"
        found = entries(result)
        if isinstance(result, (list, tuple)) and any(
            entries(part) is not None for part in result[:100]
        ):
            inner = [entries(part) for part in result]
            # A list as long as the rows are many holds rows, even if its items have as
            # many entries. Of eight or fewer that happens by chance.
            if size in inner and not (found == size and size > 8):
                return "parts"
        return "rows" if found == size else "other"

    def _refusal_of(
        self, class_: str | None, where: ast.AST, about: str
    ) -> Refusal | None:
        if class_ != "mixes":
            return None
        what = about or "This"
        return self.refuse(
            where,
            f"{what} gives a row a value that depends on other rows, so a single row cannot have it",
            way_out(about),
        )

    def _is_open(self, value: Any) -> bool:
        """Whether a container must be written out, since it holds rows, or may, since
        it is short and plain."""
        if next(self.known.within((value,)), None) is not None:
            return True
        items = [*value, *value.values()] if isinstance(value, dict) else list(value)
        return len(items) <= _LONGEST_LITERAL and all(
            type(item) in _LITERALS and _is_short(item) for item in items
        )

    def _container(self, value: Any, counts: bool) -> ast.expr:
        """A dict, list, tuple or set written out, item by item, so that rows inside it
        stay variables of the scorer."""
        if isinstance(value, dict):
            keys: list[ast.expr | None] = [self.node(key) for key in value]
            return ast.Dict(
                keys, [self.node(item, counts=counts) for item in value.values()]
            )
        items = [self.node(item, counts=counts) for item in value]
        if isinstance(value, set):
            return ast.Set(items) if items else ast.parse("set()", mode="eval").body
        return (
            ast.List(items, ast.Load())
            if isinstance(value, list)
            else ast.Tuple(items, ast.Load())
        )

    def _slice(self, value: slice) -> ast.expr:
        parts = [self.node(part) for part in (value.start, value.stop, value.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])

    def variable(self, name: str = "v") -> str:
        """A new variable of the scorer."""
        var = self._unique(name)
        self._variables.add(var)
        return var

    def _unique(self, name: str) -> str:
        # One count for all names, so that none is given twice.
        self._numbers += 1
        return f"{name}_{self._numbers}"


def _common_rows(refs: Sequence[Ref]) -> tuple[Any, bool]:
    """The positions that all have, and whether some have others."""
    found = [ref.rows for ref in refs if ref.rows is not None]
    if not found:
        return None, False
    return found[0], not all(_same_rows(found[0], each) for each in found[1:])


def _same_rows(one: Any, other: Any) -> bool:
    return one is other or (len(one) == len(other) and bool((one == other).all()))


def _is_short(value: Any) -> bool:
    if isinstance(value, float):
        # `inf` and `nan` have no literal.
        return value - value == 0
    return not isinstance(value, (str, bytes)) or len(value) <= 200


def _is_changeable(value: Any) -> bool:
    if is_estimator(value) or callable(value):
        return False
    return (
        isinstance(value, (list, dict, set, bytearray))
        or is_frame(value)
        or hasattr(value, "shape")
    )


def _name_of(value: Any, names: dict[str, Any]) -> str:
    return next(
        (
            name
            for name, each in names.items()
            if each is value and not name.startswith("_")
        ),
        "constant",
    )
