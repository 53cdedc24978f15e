"""Where the rules for expressions and statements are found, by the type of their
node."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_pipe.analysis.world.heap import Values
    from jupyter_pipe.analysis.world.world import World

__all__ = ["expression_rules", "rule", "statement_rules"]

expression_rules: dict[type[ast.AST], Callable[[World, Any], Values]] = {}
statement_rules: dict[type[ast.AST], Callable[[World, Any], bool]] = {}


def rule(
    table: dict[type[ast.AST], Any], *types: type[ast.AST]
) -> Callable[[Any], Any]:
    """Registers the decorated function for these node types."""

    def register(function: Any) -> Any:
        table.update(dict.fromkeys(types, function))
        return function

    return register
