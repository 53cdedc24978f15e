"""What a stage does with inputs that are not as in the run: tried out once, so that
tests can say it.

Runs the notebook's code. An exception of that code is an answer, not an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from jupyter_pipe.testing.comparing import differences
from jupyter_pipe.testing.describing import describe
from jupyter_pipe.testing.gaps import is_table, with_gaps

__all__ = ["Behaviour", "Outcome", "TableBehaviour", "find_behaviour"]

# For trying all tables of a stage: each gets an equal share.
_SECONDS = 5.0

Inputs = dict[str, Any]
Call = Callable[[Inputs], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """How a call ended: `error` is the class of the exception that it raised, None if
    it gave outputs. `same` says that they are those of the inputs as they were in the
    run, `unsteady` are names on which two calls do not agree."""

    error: type[BaseException] | None = None
    message: str = ""
    same: bool = False
    unsteady: tuple[str, ...] = ()


@dataclass
class TableBehaviour:
    """Of one input that is a table. `columns` is empty where trying them would have
    taken too long."""

    name: str
    is_polars: bool
    empty: Outcome
    gaps: Outcome
    columns: dict[str, Outcome] = field(default_factory=dict)


@dataclass
class Behaviour:
    """Of a stage. `seconds` is what one call takes."""

    outcome: Outcome
    seconds: float = 0.0
    tables: list[TableBehaviour] = field(default_factory=list)


def find_behaviour(call: Call, fresh: Callable[[], Inputs]) -> Behaviour:
    """Try the stage with `fresh()` inputs as they are, and without columns, rows and
    values."""
    # CPU time: how busy the machine is must not decide what is tested.
    started = time.process_time()
    outcome, expected = _twice(call, fresh)
    seconds = (time.process_time() - started) / 2
    found = Behaviour(outcome, seconds)
    if outcome.error is None:
        tables = {name: value for name, value in fresh().items() if is_table(value)}
        for name, value in tables.items():
            budget = _SECONDS / len(tables)
            found.tables.append(
                _of_table(name, value, call, fresh, expected, budget, seconds)
            )
    return found


def _of_table(
    name: str,
    table: Any,
    call: Call,
    fresh: Callable[[], Inputs],
    expected: dict[str, Any],
    budget: float,
    seconds: float,
) -> TableBehaviour:
    def changed(change: Callable[[Any], Any]) -> Callable[[], Inputs]:
        def make() -> Inputs:
            inputs = fresh()
            return {**inputs, name: change(inputs[name])}

        return make

    found = TableBehaviour(
        name,
        not hasattr(table, "iloc"),
        _twice(call, changed(lambda frame: frame.head(0)))[0],
        _twice(call, changed(with_gaps))[0],
    )
    # Columns that are no texts, such as numbers, have no place in the name of a test.
    columns = [column for column in table.columns if isinstance(column, str)]
    if seconds * len(columns) <= budget:
        for column in columns:
            found.columns[column] = _once(
                call, changed(partial(_without, column)), expected
            )
    return found


def _without(column: str, frame: Any) -> Any:
    return frame.drop(columns=column) if hasattr(frame, "iloc") else frame.drop(column)


def _once(
    call: Call, inputs: Callable[[], Inputs], expected: dict[str, Any]
) -> Outcome:
    try:
        found = describe(call(inputs()))
    except Exception as error:
        return _failed(error)
    return Outcome(
        same=not any(
            any(differences(value, found.get(name))) for name, value in expected.items()
        )
    )


def _twice(call: Call, inputs: Callable[[], Inputs]) -> tuple[Outcome, dict[str, Any]]:
    """What two calls agree on can be compared with later ones."""
    try:
        first, second = (describe(call(inputs())) for _ in range(2))
    except Exception as error:
        return _failed(error), {}
    unsteady = tuple(
        name for name in first if any(differences(first[name], second.get(name)))
    )
    return Outcome(unsteady=unsteady), {
        name: first[name] for name in first if name not in unsteady
    }


def _failed(error: Exception) -> Outcome:
    return Outcome(type(error), _first_line(error))


def _first_line(error: Exception) -> str:
    lines: Iterator[str] = iter(str(error).splitlines())
    return next(lines, "")
