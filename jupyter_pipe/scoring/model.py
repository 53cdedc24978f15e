"""The nouns of scoring: places in the notebook, refusals, and the instructions that a
scorer is made of."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from jupyter_pipe.errors import PipeError

__all__ = [
    "ColumnUse",
    "Constant",
    "Instruction",
    "Place",
    "Refusal",
    "ScoringRefusedError",
    "Trace",
    "copied_variable",
]


class Place(Struct, frozen=True):
    """Where in the notebook: the cell's number, the line in it, the text there. `turn`
    counts the turns of the loops around it, such as `2` or `1.3`."""

    cell: int
    line: int
    text: str = ""
    turn: str = ""

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}"


class Refusal(Struct, frozen=True):
    """Why there is no scorer: what stands in the way, and what to do instead."""

    place: Place
    message: str
    way_out: str

    def __str__(self) -> str:
        text = f": {self.place.text}" if self.place.text else ""
        return f"{self.message} ({self.place}{text})"


class ScoringRefusedError(PipeError):
    """No scorer can be made that would give what the notebook gives."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        first = refusals[0]
        super().__init__(
            f"No scorer: {first}", code="score_refused", hint=first.way_out
        )
        self.refusals = tuple(refusals)


@dataclass
class ColumnUse:
    """Which columns of the frame `base` an instruction is about, for the liveness of
    columns.

    `kind` is `get` (these alone), `set`, `drop`, `rename` (`names` are pairs), `pass`
    (each column by itself), `encode` (`names` are pairs of a column of the result and
    the one that it is made of) or `parts` (`names` are pairs of a variable and its
    columns, which stand side by side).
    """

    kind: str
    base: str
    names: tuple[Any, ...] = ()


@dataclass
class Constant:
    """A value that the scorer keeps: `name` in the module, `frozen` if it was computed
    from the rows."""

    name: str
    value: Any
    place: Place
    frozen: bool = False


@dataclass
class Instruction:
    """One line of the scorer: `target = node`, or the statement `node`, which changes
    the variables `changes`.

    `reads` are variables, `constants` names of constants; `meets` are those constants
    that meet rows entry by entry. `refusal` says why a scorer that needs this line
    would be wrong.
    """

    place: Place
    node: ast.expr | ast.stmt
    target: str | None = None
    changes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    meets: tuple[str, ...] = ()
    columns: ColumnUse | None = None
    refusal: Refusal | None = None
    note: str = ""


@dataclass
class Trace:
    """What happened between the rows and the predictions of one run of the notebook.

    `source` and `result` are the variables of the raw rows and of the predictions,
    `positions` the place in the raw rows of each prediction. `sizes` are the lengths of
    all selections of the rows that occurred. `tape` has what was frozen: (cell, line,
    text, turn) to the type. `targets` are columns that a model learned to predict.
    `names` are the notebook's names of variables; `views` maps a variable to those that
    may share its memory.
    """

    instructions: list[Instruction] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    source: str = ""
    result: str = ""
    sizes: set[int] = field(default_factory=set)
    tape: dict[tuple[int, int, str, str], str] = field(default_factory=dict)
    targets: set[str] = field(default_factory=set)
    views: dict[str, set[str]] = field(default_factory=dict)
    positions: Any = None


def copied_variable(line: Instruction) -> str | None:
    """The variable of which a line makes a copy, with all its columns."""
    node = line.node
    if line.columns is None or line.columns.kind != "pass":
        return None
    match node:
        # `raw.copy()` of pandas, `raw.clone()` of polars.
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="copy" | "clone"), args=[]
        ):
            return name
    return None
