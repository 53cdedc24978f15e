"""Runs what a scorer is about once, and checks that what was written down can be right
for other rows.

Executes the notebook's code in this process. Raises ScoringRefusedError.
"""

from __future__ import annotations

import ast
import copy
import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jupyter_pipe.analysis.dataflow.facts import Unit
from jupyter_pipe.scoring.clock import find_chance, find_clock
from jupyter_pipe.scoring.codegen import GeneratedModule, generate
from jupyter_pipe.scoring.model import (
    Instruction,
    Place,
    Refusal,
    ScoringRefusedError,
    Trace,
)
from jupyter_pipe.scoring.program import ScoringProgram, needed_units, place_of_unit
from jupyter_pipe.scoring.tracing.expressions import Interpreter
from jupyter_pipe.scoring.tracing.recorder import Recorder
from jupyter_pipe.scoring.tracing.scopes import Scope
from jupyter_pipe.scoring.tracing.shapes import entries, is_estimator
from jupyter_pipe.scoring.tracing.statements import Statements
from jupyter_pipe.scoring.ways_out import EXPLICIT_FORM

__all__ = ["Recording", "check_lines", "record"]


@dataclass
class Recording:
    """One run of the notebook between rows and predictions: the raw rows as they were,
    the predictions, the trace and the module made of it. `chance` is where it draws
    without a seed."""

    rows: Any
    score: Any
    trace: Trace
    module: GeneratedModule
    names: dict[str, Any]
    chance: Place | None = None


def record(
    program: ScoringProgram,
    captured: Mapping[tuple[str, int], Callable[[], Any]] | None = None,
    names: dict[str, Any] | None = None,
) -> Recording:
    """Run the statements that the predictions need, and generate the scorer.

    `captured` gives values that are known from a run, by name and the unit that made
    them; `names` is the namespace in which they were loaded.
    """
    values = dict(captured or {})
    needed, taken = needed_units(program, lambda name, unit: (name, unit) in values)
    clock = find_clock(program, needed)
    if clock is not None:
        raise ScoringRefusedError([clock])
    session = _Session(program, {"__name__": "__main__"} if names is None else names)
    arrivals = _arrivals(program, taken)
    for number in sorted(
        {*needed, *arrivals, *program.frozen, *program.live, program.rows_unit}
    ):
        if number in needed:
            session.run(program.units[number])
        for name, unit in arrivals.get(number, ()):
            session.scope.names[name] = values[name, unit]()
        session.after(number)
    return replace(session.finish(), chance=find_chance(program, needed))


def _arrivals(
    program: ScoringProgram, taken: Sequence[tuple[str, int]]
) -> dict[int, list[tuple[str, int]]]:
    """The unit after which each captured value is there: the last of its stage, as the
    run kept it."""
    found: dict[int, list[tuple[str, int]]] = {}
    for name, unit in taken:
        stage = program.units[unit].stage
        last = max(each.number for each in program.units if each.stage == stage)
        is_raw = name == program.rows and unit <= program.rows_unit
        found.setdefault(program.rows_unit if is_raw else last, []).append((name, unit))
    return found


class _Session:
    """The notebook's names, and the interpreter that works on them."""

    def __init__(self, program: ScoringProgram, names: dict[str, Any]) -> None:
        self.program = program
        self.recorder = Recorder(names)
        self.scope = Scope(names)
        self.interpreter = Interpreter(self.recorder, self.scope)
        self.statements = Statements(self.interpreter)
        self.rows: Any = None
        # By identity of the node: a cell has several statements, and each is read once.
        self._read = set[int]()

    def run(self, unit: Unit) -> None:
        """Run one statement, as Python does before there are rows."""
        self._read_cell(unit)
        try:
            self.statements.run([unit.node], self.scope)
        except ScoringRefusedError:
            raise
        except Exception as error:
            message = f"The notebook's code fails when it is followed: {type(error).__name__}: {error}"
            raise ScoringRefusedError(
                [Refusal(place_of_unit(unit), message, EXPLICIT_FORM)]
            ) from error

    def after(self, number: int) -> None:
        """What the tags of a cell say of the variables that it has made."""
        if number == self.program.rows_unit:
            self._start()
        for name in self.program.frozen.get(number, ()):
            value = self.scope.get(name, None)
            self.interpreter.known.forget(value)
            self.interpreter.known.freeze(value)
        for name in self.program.live.get(number, ()):
            self._make_live(name, number)

    def finish(self) -> Recording:
        """The recording, checked."""
        program, trace = self.program, self.recorder.trace
        score = self.scope.get(program.score, None)
        ref = self.interpreter.known.of(score)
        # For example a mean, or groups that nobody has aggregated.
        if ref is None or ref.rows is None or ref.kind == "handle":
            message = f"'{program.score}' has no entry for each row of '{program.rows}'"
            own = Refusal(program.place_of_score(), message, EXPLICIT_FORM)
            # Where the rows were lost comes first: that is what to change.
            raise ScoringRefusedError([*self.recorder.lost[:3], own])
        trace.result, trace.positions = ref.var, ref.rows
        trace.targets.update(program.targets)
        module = generate(trace, program.file)
        refusals = check_lines(module.lines, trace, self.rows)
        if refusals:
            raise ScoringRefusedError(refusals)
        return Recording(self.rows, score, trace, module, self.scope.names)

    def _start(self) -> None:
        import numpy

        value = self.scope.find(self.program.rows)
        size = entries(value)
        if size is None or size < 2:
            place = place_of_unit(self.program.units[self.program.rows_unit])
            what = f"'{self.program.rows}' is {'no table or list' if size is None else 'shorter than two rows'}"
            raise ScoringRefusedError(
                [Refusal(place, what, "Tag the variable that holds the raw rows.")]
            )
        # The notebook may change its rows in place; proofs need them as they were.
        self.rows = copy.deepcopy(value)
        self.recorder.start(value, self.program.rows, numpy.arange(size))

    def _make_live(self, name: str, number: int) -> None:
        """The expression that gave a variable its value is computed again whenever rows
        are scored."""
        units = [
            unit
            for unit in self.program.units
            if unit.number <= number and name in unit.facts.writes
        ]
        node = units[-1].node if units else None
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            message = f"'{name}' is tagged live: and is not made by an assignment"
            place = place_of_unit(self.program.units[number])
            raise ScoringRefusedError(
                [Refusal(place, message, "Assign it in one line, or remove the tag.")]
            )
        self.recorder.live(self.scope.find(name), name, node.value, self.scope.find)

    def _read_cell(self, unit: Unit) -> None:
        """Annotate the code of a cell with its number, so that every node knows where
        it stands."""
        cell = unit.cell.cell.number or 0
        if id(unit.node) in self._read:
            return
        self._read.add(id(unit.node))
        text = unit.source.python
        self.recorder.sources[cell] = text.split("\n")
        # Tracebacks and `inspect.getsource` find the cell's text there.
        linecache.cache[f"<cell {cell}>"] = (
            len(text),
            None,
            text.splitlines(keepends=True),
            f"<cell {cell}>",
        )
        for node in ast.walk(unit.node):
            node.cell = cell  # type: ignore[attr-defined]
        self.interpreter.functions.read(unit.node)


def check_lines(lines: list[Instruction], trace: Trace, rows: Any) -> list[Refusal]:
    """Why these lines would be wrong for other rows: each refusal, in the notebook's
    order."""
    found = [line.refusal for line in lines if line.refusal is not None]
    for line in lines:
        for name in line.constants:
            constant = trace.constants[name]
            meets = name in line.meets or constant.frozen
            if meets and _has_entry_for_each_row(constant.value, trace.sizes, rows):
                what = (
                    "was computed from the rows and has" if constant.frozen else "has"
                )
                found.append(
                    Refusal(
                        line.place,
                        f"A value that {what} one entry for each row of the notebook meets the rows here: "
                        "other rows have no entry in it",
                        "Make it a column of the raw rows, or a lookup table that is joined by a key.",
                    )
                )
    return list(dict.fromkeys(found))


def _has_entry_for_each_row(value: Any, sizes: set[int], rows: Any) -> bool:
    """Whether a value is as long as the notebook's rows, in full or after a filter, so
    that other rows would have nothing in it. A list of column names is not meant,
    however long it is."""
    if is_estimator(value):
        return False
    size = len(value) if isinstance(value, (dict, range)) else entries(value)
    if size is None or size not in sizes:
        return False
    items = (
        list(value)
        if isinstance(value, (list, tuple, dict)) or hasattr(value, "dtype")
        else []
    )
    # A list of columns can be as long as a short table.
    return not (
        items
        and all(isinstance(item, str) for item in items)
        and set(items) <= _column_names(rows)
    )


def _column_names(rows: Any) -> set[str]:
    return {str(name) for name in getattr(rows, "columns", ())}
