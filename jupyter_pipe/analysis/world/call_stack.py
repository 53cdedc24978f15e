"""The calls that are being interpreted, the loops in them, and how far calls are
followed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from jupyter_pipe.analysis.world.deferred_calls import PostponedCalls
from jupyter_pipe.analysis.world.heap import ExhaustedError, Function

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from jupyter_pipe.analysis.world.environment import Layer
    from jupyter_pipe.analysis.world.heap import Object, Values

__all__ = ["BUDGET", "CallStack", "Loop"]

BUDGET = 30_000
"""Nodes of function bodies that one top-level statement may interpret, loops counted
once."""
DEEPEST = 16
RECURSIONS = 2


class Loop(NamedTuple):
    """A loop that runs: the number of layers at its head, and the states at its
    `break`s and `continue`s."""

    depth: int
    breaks: list[Layer]
    continues: list[Layer]


class CallStack:
    """`callees` are the functions that run, outermost first, `sites` the calls that led
    into them, `loops` those of the innermost function, and `raised` what the `try` that
    runs may have to catch.

    `postponed` are calls that are not followed one by one, `results` what calls have
    given that change nothing, with the version of the world in which they did.
    `broken_off` is the outermost function of a statement that could not be followed to
    its end.
    """

    def __init__(self) -> None:
        self.callees: list[Object] = []
        self.sites: tuple[ast.AST, ...] = ()
        self.loops: list[Loop] = []
        self.raised: set[Object] = set()
        self.postponed = PostponedCalls()
        self.broken_off: Object | None = None
        self.results: dict[object, tuple[tuple[int, int, int], Values]] = {}
        self._spent = 0
        self._too_large: set[Object] = set()
        self._hopeless: set[Object] = set()
        self._returned_before: dict[Object, Values] = {}

    def begin(self) -> None:
        """A top-level statement begins, and may spend the whole budget."""
        self.postponed = PostponedCalls()
        self.broken_off = None
        self.results.clear()
        self._spent = 0
        self._returned_before.clear()

    @contextmanager
    def entering(self, callee: Object, sites: tuple[ast.AST, ...]) -> Iterator[None]:
        """Inside, the body of `callee` runs. What that adds to what it may return is
        undone by `forget`."""
        function = callee.payload
        assert isinstance(function, Function)
        before = self.sites, self.loops
        returned = function.returned
        self.sites, self.loops = sites, []
        self.callees.append(callee)
        try:
            yield
        except (RecursionError, ExhaustedError):
            self.broken_off = self.callees[0]
            raise
        finally:
            self.callees.pop()
            self.sites, self.loops = before
        self._returned_before.setdefault(callee, returned)

    @contextmanager
    def in_loop(self, loop: Loop) -> Iterator[None]:
        """Inside, `break` and `continue` belong to this loop."""
        self.loops.append(loop)
        try:
            yield
        finally:
            self.loops.pop()

    @contextmanager
    def catching(self, raised: set[Object]) -> Iterator[None]:
        """Inside, exceptions of the notebook are collected in `raised`."""
        outer, self.raised = self.raised, raised
        try:
            yield
        finally:
            self.raised = outer

    # How far calls are followed

    def spend(self, function: Function) -> None:
        """The body of the function is about to be interpreted."""
        self._spent += function.weight

    def is_recursion(self, callee: Object) -> bool:
        """Whether the function runs already, as often as is worth following."""
        return self.callees.count(callee) >= RECURSIONS

    def is_too_much(self, callee: Object) -> bool:
        """Whether this call is not followed by itself, because it or what led to it is
        too large."""
        exhausted = self._spent >= BUDGET
        if exhausted and self.callees:
            self._too_large.add(self.callees[0])
        return exhausted or len(self.callees) >= DEEPEST or callee in self._too_large

    def is_hopeless(self, callee: Object) -> bool:
        """Whether the notebook calls a function that could not even be followed
        roughly."""
        return callee in self._hopeless and not self.callees

    def follow_roughly(self, callee: Object | None) -> None:
        """No call of this statement is followed by itself any more, nor one of `callee`
        in later ones.

        Raises ExhaustedError if `callee` was followed roughly already.
        """
        self._spent = BUDGET
        if callee in self._too_large:
            raise ExhaustedError
        if callee is not None:
            self._too_large.add(callee)

    def give_up(self, callee: Object | None) -> None:
        """The function is not followed at all from now on."""
        if callee is not None:
            self._hopeless.add(callee)

    def forget(self) -> None:
        """Undo what the statement has added to what functions may return."""
        for callee, before in self._returned_before.items():
            if isinstance(callee.payload, Function):
                callee.payload.returned = before
