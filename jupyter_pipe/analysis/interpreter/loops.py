"""Loops: the body runs until the state at its head no longer changes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.interpreter.iteration import elements_of
from jupyter_pipe.analysis.interpreter.statements import truth
from jupyter_pipe.analysis.interpreter.targets import assign
from jupyter_pipe.analysis.world.call_stack import Loop
from jupyter_pipe.analysis.world.rules import rule, statement_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_pipe.analysis.world.environment import Layer
    from jupyter_pipe.analysis.world.world import World

__all__: list[str] = []

ROUNDS = 4


@rule(statement_rules, ast.For, ast.AsyncFor)
def _for(world: World, node: ast.For | ast.AsyncFor) -> bool:
    source = world.evaluate(node.iter)

    def head() -> None:
        assign(world, node.target, elements_of(world, source, node.iter))

    return _loop(
        # for i in range(3): what its body binds is bound afterwards.
        world,
        head,
        node.body,
        node.orelse,
        at_least_once=_never_empty(node.iter),
    )


@rule(statement_rules, ast.While)
def _while(world: World, node: ast.While) -> bool:
    # `while True:` ends by `break` alone; what follows sees only the states at breaks.
    endless = truth(node.test) is True

    def head() -> None:
        world.evaluate(node.test)

    # A condition is evaluated once more than the body runs.
    if not endless:
        world.evaluate(node.test)
    return _loop(
        world, head, node.body, node.orelse, at_least_once=endless, endless=endless
    )


def _never_empty(node: ast.expr) -> bool:
    """Literals, and `range` of a positive number: their loops run at least once."""
    match node:
        case ast.List(elts=[_, *_]) | ast.Tuple(elts=[_, *_]) | ast.Set():
            return True
        case ast.Dict(keys=[_, *_]):
            return True
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(stop))]):
            return stop > 0
        case ast.Call(
            func=ast.Name(id="enumerate" | "sorted" | "list" | "tuple"),
            args=[inner, *_],
        ):
            return _never_empty(inner)
        case ast.Call(func=ast.Name(id="zip"), args=[_, *_] as parts):
            return all(_never_empty(part) for part in parts)
    return False


def _loop(
    world: World,
    head: Callable[[], None],
    body: Sequence[ast.stmt],
    orelse: Sequence[ast.stmt],
    *,
    at_least_once: bool,
    endless: bool = False,
) -> bool:
    """Runs the body until the state at its head stays the same, merges in the ends of
    turns and breaks, and returns whether control goes on behind the loop."""
    breaks: list[Layer] = []
    for turn in range(ROUNDS):
        ends = _turn(world, head, body, breaks)
        # In the first turn of a loop that surely runs, the state before it does not
        # survive.
        first = at_least_once and turn == 0
        # Four rounds: a value handed down a chain of names (a, b = b, c) needs one
        # round each.
        if not ends or not world.names.merge(ends if first else [{}, *ends]):
            break
    if endless:
        if breaks:
            world.names.merge(breaks)
        return bool(breaks)
    # `else:` runs where no `break` was taken.
    alive = _otherwise(world, orelse)
    if breaks:
        world.names.merge([{}, *breaks] if alive else breaks)
    return alive or bool(breaks)


def _otherwise(world: World, orelse: Sequence[ast.stmt]) -> bool:
    return world.execute(orelse) if orelse else True


def _turn(
    world: World,
    head: Callable[[], None],
    body: Sequence[ast.stmt],
    breaks: list[Layer],
) -> list[Layer]:
    """One pass over the body; the states that reach the head again."""
    loop = Loop(len(world.names.layers), breaks, continues=[])

    def turn() -> bool:
        head()
        return world.execute(body)

    with world.calls.in_loop(loop):
        left = world.branch(turn)
    return loop.continues if left is None else [*loop.continues, left]
