"""How much the analyzer does for notebooks whose values multiply: bounded, whatever
they are."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.analysis.programs import analysed, edges

# A class of expressions that is rewritten recursively: each call makes new ones out of
# old ones.
SYMBOLS = """
| leading:
class Term:
    def __init__(self, op, *args): self.op, self.args = op, args
    def __add__(self, other): return Term("+", self, other)
    def __radd__(self, other): return Term("+", other, self)
    def __mul__(self, other): return Term("*", self, other)
    def __rmul__(self, other): return Term("*", other, self)
    def __eq__(self, other):
        return isinstance(other, Term) and self.op == other.op and self.args == other.args
    def __hash__(self): return hash(self.op) ^ hash(self.args)
    def __repr__(self): return f"({self.op} {self.args})"

def slope(term, by):
    if term == by: return 1
    if not isinstance(term, Term): return 0
    left, right = term.args
    if term.op == "+": return slope(left, by) + slope(right, by)
    if term.op == "*": return slope(left, by) * right + slope(right, by) * left

def simple(term):
    if not isinstance(term, Term): return term
    term = Term(term.op, *map(simple, term.args))
    left, right = term.args
    if term.op == "+":
        if left == 0: return right
        if right == 0: return left
        if left == right: return 2 * left
    if term.op == "*":
        if left == 0 or right == 0: return 0
        if left == 1: return right
    return term
| A: a, b, c, x = map(Term, "abcx")
"""

# An interpreter: what it calls comes out of its own tables.
INTERPRETER = """
| leading:
class Scope(dict):
    def __init__(self, names=(), values=(), outer=None):
        self.update(zip(names, values)); self.outer = outer
    def find(self, name): return self if name in self else self.outer.find(name)

class Procedure:
    def __init__(self, names, body, scope): self.names, self.body, self.scope = names, body, scope
    def __call__(self, *values): return run(self.body, Scope(self.names, values, self.scope))

import math, operator
start = Scope(); start.update(vars(math)); start.update({"+": operator.add, "first": lambda x: x[0]})

def run(code, scope=start):
    if isinstance(code, str): return scope.find(code)[code]
    if not isinstance(code, list): return code
    head, *rest = code
    if head == "if":
        test, one, other = rest
        return run(one if run(test, scope) else other, scope)
    if head == "define":
        name, value = rest
        scope[name] = run(value, scope)
        return None
    if head == "lambda": return Procedure(rest[0], rest[1], scope)
    callee = run(head, scope)
    return callee(*[run(part, scope) for part in rest])
"""


def calls_of(text: str) -> int:
    """The number of calls of Python functions that an analysis makes."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        analysed(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("start", "line"),
    [
        (SYMBOLS, "simple(slope({n} * x * a + b * x * c, x))"),
        (
            SYMBOLS,
            "t{n} = simple(slope(x * x * x + {n}, x) + simple(a * x))\nprint(t{n})",
        ),
        (SYMBOLS, "[simple(slope(term * a, x)) for term in (a, b * x, c + {n})]"),
        (
            INTERPRETER,
            'run(["define", "f{n}", ["lambda", ["x"], ["+", "x", {n}]]])\nrun(["f{n}", {n}])',
        ),
        (
            INTERPRETER,
            'made{n} = run(["lambda", ["x"], ["first", ["if", "x", "pi", {n}]]])\nmade{n}(1)',
        ),
    ],
)
def test_recursion_that_makes_ever_new_objects_is_bounded(
    start: str, line: str
) -> None:
    """Before receivers were taken together, these were between two and six million
    calls."""
    cells = ["| A: " + line.format(n=n) for n in range(4)]
    assert calls_of(start + "\n".join(cells)) < 1_400_000


BOXES = """
| leading:
class Box:
    def __init__(self): self.held = []
    def put(self, value): self.held.append(value)
    def __iadd__(self, value):
        self.put(value)
        return self
| A: b0, b1, b2, b3, b4, b5, b6 = [Box(), Box(), Box(), Box(), Box(), Box(), Box()]
| B:
for box in [b0, b1, b2, b3, b4, b5]:
    CHANGE
| C: print(b2.held)
| D: print(b5)
| E: print(b6)
"""


@pytest.mark.parametrize(
    "change", ["box.put(1)", "box += 1", "add = box.put; add(1)", "box.held.append(1)"]
)
def test_what_is_called_on_many_receivers_changes_all_of_them(change: str) -> None:
    found = edges(BOXES.replace("CHANGE", change))
    assert {"B>C b2", "B>D b5"} <= found
    assert not any(edge.startswith("B>E") for edge in found)
