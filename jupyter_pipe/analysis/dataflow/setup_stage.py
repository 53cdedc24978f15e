"""Which units of the leading code are run by the stage `setup`, in their place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.model import PACKAGES, SETUP_STAGE, ReplayKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.dataflow.replays import Definitions

__all__ = ["setup_units"]


def setup_units(units: Sequence[Unit], definitions: Definitions) -> None:
    """What remains of the leading code when all that replays is taken away belongs to
    `setup`. Settings that stand in the midst of it are made there, too, in their place,
    and so is what imports something that was installed above it."""
    leading = [unit for unit in units if unit.role == "leading"]
    own = [
        unit.number
        for unit in leading
        if definitions.kind(unit.number) is None and not _is_idle(unit.node)
    ]
    # Settings before the first or after the last of its own cells can be replayed
    # anywhere.
    span = range(own[0], own[-1]) if own else range(0)
    settings = (n for n in span if definitions.kind(n) is ReplayKind.ambient)
    for number in (*own, *settings, *_installed(units, own, span)):
        units[number].stage = SETUP_STAGE


def _installed(units: Sequence[Unit], own: Sequence[int], span: range) -> Iterator[int]:
    """Replays that need what the setup itself has installed: they cannot stand before
    its cells."""
    late = {number for number in own if PACKAGES in units[number].facts.writes}
    if not late:
        return
    # !pip install x, import x, y = x.load(): each needs the one above it.
    for number in range(min(late), span.stop):
        facts = units[number].facts
        imports = facts.imports and PACKAGES in facts.reads
        if units[number].role == "leading" and (
            imports
            or any(
                read.sources & late
                for name, read in facts.reads.items()
                if name[0] != "@"
            )
        ):
            late.add(number)
            yield number


def _is_idle(node: ast.stmt) -> bool:
    # A text alone in a cell is a comment by another name.
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
