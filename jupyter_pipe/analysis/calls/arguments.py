"""The evaluated arguments of a call, and how knowledge refers to them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import NOTHING, Values

if TYPE_CHECKING:
    from jupyter_pipe.analysis.knowledge import Argument

__all__ = ["Arguments"]


@dataclass
class Arguments:
    """`rest` are elements of `*args`, and of `**kwargs`, whose place is not known."""

    node: ast.Call
    positional: list[Values] = field(default_factory=list)
    keywords: dict[str, Values] = field(default_factory=dict)
    rest: Values = NOTHING

    def every(self) -> Values:
        return frozenset().union(self.rest, *self.positional, *self.keywords.values())

    def pick(self, wanted: Argument) -> Values:
        """The values of the argument that knowledge speaks of (not of the receiver)."""
        # `torch.block_diag(a, b, c)`: all arguments, or all from a position on.
        position = wanted.position
        if wanted.every:
            start = position or 0
            return frozenset().union(
                self.rest, *self.positional[start:], *self.keywords.values()
            )
        if wanted.keyword is not None and wanted.keyword in self.keywords:
            return self.keywords[wanted.keyword]
        if position is not None and 0 <= position < len(self.positional):
            return self.positional[position]
        # `f(*xs)`: the wanted argument may be among the elements whose number nobody
        # knows.
        return self.rest if position is None or position >= 0 else NOTHING

    def given(self, wanted: Argument) -> bool:
        """Whether the call passes this argument at all."""
        if wanted.keyword is not None and wanted.keyword in self.keywords:
            return True
        return wanted.position is not None and 0 <= wanted.position < len(
            self.positional
        )

    def keyword_node(self, name: str) -> ast.expr | None:
        return next(
            (keyword.value for keyword in self.node.keywords if keyword.arg == name),
            None,
        )

    def literal(self, position: int) -> object:
        """The constant at `position`, or None."""
        if position < len(self.node.args):
            argument = self.node.args[position]
            if isinstance(argument, ast.Constant):
                return argument.value
        return None
