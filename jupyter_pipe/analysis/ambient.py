"""Ambient state: global generators, options and settings that code uses without naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence

    from jupyter_pipe.analysis.facts import Unit
    from jupyter_pipe.analysis.world import World

__all__ = ["drop_unseeded", "use_style"]

STYLED = frozenset({"matplotlib", "seaborn"})
STYLED_METHODS = frozenset({"plot", "hist", "boxplot"})
STYLE = "@matplotlib.rcParams"


def use_style(world: World, qualified: str, node: ast.AST) -> None:
    """Whatever makes a picture reads the style: functions of the plotting libraries, and the
    plotting methods of frames."""
    if world.state.get(STYLE) is None:
        return
    root, _, name = qualified.partition(".")
    if root in STYLED or (not root and name in STYLED_METHODS):
        world.touch(STYLE, node)


def drop_unseeded(units: Sequence[Unit]) -> None:
    """A generator that the notebook never seeds is not carried: every stage draws fresh entropy."""
    drawn = {component for unit in units for component in unit.facts.draws}
    seeded = {component for unit in units for component in unit.facts.seeds}
    for component in drawn - seeded:
        for unit in units:
            unit.facts.reads.pop(component, None)
            unit.facts.writes.pop(component, None)
            unit.facts.bound.pop(component, None)
