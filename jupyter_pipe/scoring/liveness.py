"""Drops the lines of a trace that the predictions do not need, column by column.

A line that sets a column which is dropped later is not needed, and neither is what only
a filter read. Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_pipe.graphs import reachable
from jupyter_pipe.scoring.model import ColumnUse, Instruction, Trace

__all__ = ["Demand", "live_instructions"]


@dataclass(frozen=True)
class Demand:
    """The columns of a variable that are needed: those in `names`, or all but those if
    `most`."""

    most: bool = False
    names: frozenset[str] = frozenset()

    def needs(self, name: str) -> bool:
        """Whether the column is needed."""
        return (name in self.names) != self.most

    def __or__(self, other: Demand) -> Demand:
        # All but a, or all but b: all but what is in both.
        if self.most and other.most:
            return Demand(True, self.names & other.names)
        if self.most or other.most:
            most, few = (self, other) if self.most else (other, self)
            return Demand(True, most.names - few.names)
        return Demand(False, self.names | other.names)

    def without(self, names: Iterable[str]) -> Demand:
        """The demand but for these columns."""
        found = frozenset(names)
        return (
            Demand(True, self.names | found)
            if self.most
            else Demand(False, self.names - found | {_ITSELF})
        )

    def renamed(self, pairs: Iterable[tuple[str, str]]) -> Demand:
        """The demand before columns were renamed from the first of each pair to the
        second."""
        known = [(old, new) for old, new in pairs if old != new]
        plain = self.without([new for _, new in known])
        wanted = Demand(False, frozenset(old for old, new in known if self.needs(new)))
        spared = [old for old, new in known if not self.needs(new)]
        return plain.without(spared) | wanted


ALL = Demand(True)
NOTHING = Demand()
_ITSELF = ""
"""Stands for the frame itself, which must be there even if every column that is needed
is set anew."""


def live_instructions(trace: Trace) -> list[Instruction]:
    """The instructions that the predictions need, in order, each with the columns that
    it needs alone."""
    demands: dict[str, Demand] = {trace.result: ALL}
    kept: list[Instruction] = []
    # From the predictions backwards, so all demands on a variable are known when the
    # line that makes it is met.
    for instruction in reversed(trace.instructions):
        if instruction.target is not None:
            live = _define(instruction, demands)
        else:
            live = _change(instruction, demands, trace.views)
        if live:
            kept.append(instruction)
    return kept[::-1]


def _want(
    demands: dict[str, Demand], names: Iterable[str], demand: Demand = ALL
) -> None:
    for name in names:
        demands[name] = demands.get(name, NOTHING) | demand


def _define(instruction: Instruction, demands: dict[str, Demand]) -> bool:
    """Whether an instruction that makes a variable is needed. If so, adds what it reads
    to the demands, only the columns that are wanted where that is known: `b =
    a.drop(columns="x")` never needs `x` of `a`."""
    demand = demands.get(instruction.target or "", NOTHING)
    if demand == NOTHING:
        return False
    use = instruction.columns
    if use is not None and use.kind == "parts":
        _want_parts(instruction, demand, demands)
        return True
    others = [name for name in instruction.reads if use is None or name != use.base]
    _want(demands, others)
    if use is not None:
        _want(demands, [use.base], _demand_of_base(instruction, use, demand))
    return True


def _demand_of_base(instruction: Instruction, use: ColumnUse, demand: Demand) -> Demand:
    """What the frame that an instruction starts from has to have, so that what it makes
    meets the demand."""
    if use.kind == "get":
        return Demand(
            False, frozenset({_ITSELF, *_only_needed(instruction, demand, use.names)})
        )
    if use.kind == "encode":
        sources = frozenset(source for made, source in use.names if demand.needs(made))
        return Demand(False, sources | {_ITSELF})
    if use.kind == "rename":
        return demand.renamed(use.names)
    return demand.without(use.names) if use.kind == "drop" else demand


def _want_parts(
    instruction: Instruction, demand: Demand, demands: dict[str, Demand]
) -> None:
    """Of tables side by side, those of which no column is needed are left out."""
    assert instruction.columns is not None
    spared = set()
    for var, columns in instruction.columns.names:
        wanted = [name for name in columns if demand.needs(name)]
        if wanted:
            _want(demands, [var], Demand(False, frozenset(wanted)))
        else:
            spared.add(var)
    call = instruction.node
    if isinstance(call, ast.Call) and isinstance(call.args[0], ast.List):
        parts = call.args[0]
        parts.elts = [
            each
            for each in parts.elts
            if not isinstance(each, ast.Name) or each.id not in spared
        ]
    instruction.reads = tuple(name for name in instruction.reads if name not in spared)


def _only_needed(
    instruction: Instruction, demand: Demand, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Take the names of columns that nobody needs out of `frame[["a", "b"]]`."""
    node = instruction.node
    key = node.slice if isinstance(node, ast.Subscript) else None
    # `frame.loc[:, ["a", "b"]]`
    if isinstance(key, ast.Tuple) and len(key.elts) == 2:
        key = key.elts[1]
    if not isinstance(key, ast.List):
        return names
    needed = tuple(name for name in names if demand.needs(name))
    key.elts = [
        each
        for each in key.elts
        if not isinstance(each, ast.Constant) or each.value in needed
    ]
    return needed


def _change(
    instruction: Instruction, demands: dict[str, Demand], views: dict[str, set[str]]
) -> bool:
    """Whether an instruction that changes a variable in place is needed, also through a
    view of it. If so, adjusts the demands: above `a["x"] = 1`, nobody needs `x` of
    `a`."""
    base = instruction.changes[0]
    use = instruction.columns
    seen_through = reachable(instruction.changes, lambda name: views.get(name, ()))
    # Nobody looks at it afterwards, under whichever name.
    if all(demands.get(name, NOTHING) == NOTHING for name in seen_through):
        return False
    if use is None:
        _want(demands, [*instruction.reads, *instruction.changes])
        return True
    demand = demands.get(base, NOTHING)
    others = [name for name in instruction.reads if name != base]
    if use.kind == "set":
        if not demand.needs(use.names[0]):
            return False
        # What stood in the column before is not needed, unless the new values are made
        # of it.
        demands[base] = demand.without(use.names)
    elif use.kind == "drop":
        demands[base] = demand.without(use.names)
    elif use.kind == "rename":
        demands[base] = demand.renamed(use.names)
    _want(demands, others)
    return True
