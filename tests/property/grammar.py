"""Writes random notebooks from idioms (`idioms.txt`), with a random grouping into
stages.

An idiom is Python with typed holes. `<list>` is a variable of that kind that is bound,
`<list:a>` the same one at every place of the idiom, `<+list>` one that the idiom binds,
`<-list>` one that it unbinds; `<!seeded>` notes a fact and `<?seeded>` needs it. Every
kind has three names, so that programs rebind, alias and hide what they used before.
Whoever chooses (hypothesis, a random generator) passes `choose`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.cases.table import Case, CaseCell

__all__ = ["KINDS", "Choose", "idioms", "write_notebook"]

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]

HOLE = re.compile(r"<([-+!?]?)(\w+)(?::(\w))?>")
LEADING = """\
import os, random, asyncio, contextlib, copy, functools, warnings, decimal, json
from collections import Counter, defaultdict, deque
from functools import partial
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
import numpy as np
import pandas as pd
from scipy.optimize import NonlinearConstraint
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import make_scorer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LIMIT = 3
np.set_printoptions(precision=6)

def add(v, w):
    return v + w

def adder(v):
    def inner(w):
        return v + w
    return inner

def counter():
    n = 0
    def inc():
        nonlocal n
        n += 1
        return n
    return inc

class Sized:
    size = 0
    bonus = 0
    def get(self):
        return self.size + self.bonus

class Box:
    def __init__(self, items):
        self.items = items
    def push(self, v):
        self.items.append(v)
        return self
    def total(self):
        return sum(self.items)

@dataclass
class Row:
    n: int
    tags: list = field(default_factory=list)
"""
KINDS = {
    "int": "n m k",
    "list": "xs ys zs",
    "nested": "rows grid deep",
    "dict": "d e counts",
    "dictl": "groups table index",
    "str": "word text name",
    "pair": "pair both couple",
    "arr": "u v w",
    "frame": "df left right",
    "series": "s t col",
    "box": "box bag case",
    "row": "row rec item",
    "inst": "o p q",
    "cls": "Kay El Em",
    "reader": "show peek look",
    "pusher": "put grow extend",
    "each": "each every_one elementwise",
    "hook": "hook listener watcher",
    "bound": "bound limit fence",
    "scorer": "scorer score judge",
    "bumper": "bump step tick",
    "fn": "f g h",
    "fns": "steps chain line",
    "reg": "reg jobs calls",
    "iter": "it stream feed",
    "rng": "rng gen dice",
    "lines": "lines out files",
    "set": "seen ids uniq",
    "deque": "queue recent last",
    "counter": "tally votes hits",
    "default": "by per where",
    "space": "conf opts ns",
    "grid": "mat img tab",
    "model": "model reg1 lin",
    "near": "near knn close",
    "pipe": "pipe flow plan",
    "deco": "deco wrap mark",
    "thunk": "call later todo",
    "memo": "memo remember track",
    "cached": "cached quick fast",
    "nan": "hole blank void",
    "any": "aa bb cc",
    "call": "ff gg hh",
    "cl": "Aa Bb Cc",
}
FIRST = (
    *(
        "<+int> = 2",
        "<+int> = 5",
        "<+list> = [1, 2]",
        "<+list> = [3]",
        "<+arr> = np.arange(4.0)",
    ),
    *("<+any> = 1", "def <+call>():\n    return 0", "class <+cl>:\n    v = 0"),
)


@dataclass
class Writer:
    """What is bound so far, and how to write the next statement."""

    choose: Choose[str]
    bound: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)

    def can_write(self, idiom: str) -> bool:
        return all(self._is_given(mark, kind) for mark, kind, _ in HOLE.findall(idiom))

    def _is_given(self, mark: str, kind: str) -> bool:
        if mark in ("+", "!"):
            return True
        return kind in self.facts if mark == "?" else bool(self._names(kind))

    def _names(self, kind: str) -> list[str]:
        return [name for name in KINDS[kind].split() if name in self.bound]

    def write(self, idiom: str) -> str:
        labelled: dict[str, str] = {}
        fresh: list[str] = []

        def fill(hole: re.Match[str]) -> str:
            mark, kind, label = hole.groups()
            if mark in ("!", "?"):
                self.facts.update({kind} if mark == "!" else ())
                return ""
            if label in labelled:
                return labelled[label]
            name = self.choose(
                KINDS[kind].split() if mark == "+" else self._names(kind)
            )
            if mark == "+":
                fresh.append(name)
            elif mark == "-":
                self.bound.discard(name)
            if label:
                labelled[label] = name
            return name

        written = HOLE.sub(fill, idiom)
        self.bound.update(fresh)
        return written


def idioms() -> list[str]:
    """The idioms, separated by blank lines."""
    text = Path(__file__).with_name("idioms.txt").read_text(encoding="utf-8")
    return [
        block.strip("\n")
        for block in re.split(r"\n\s*\n", text)
        if not block.startswith("#")
    ]


def write_notebook(
    choose: Choose[str],
    all_idioms: Sequence[str],
    sizes: Sequence[int],
    *,
    gaps: int = 1,
) -> Case:
    """A notebook with one cell for each of `sizes`, which are the numbers of its
    statements.

    Of 56 cells, `gaps` go back to an earlier stage instead of beginning one or staying
    in the last.
    """
    writer = Writer(choose)
    case = Case("random", "a random notebook", [CaseCell("leading", (), LEADING)])
    sources = ["\n".join(writer.write(idiom) for idiom in FIRST)]
    for size in sizes:
        statements = []
        for _ in range(size):
            possible = [idiom for idiom in all_idioms if writer.can_write(idiom)]
            statements.append(writer.write(choose(possible)))
        shown = sorted(
            writer.bound & {name for kind in SHOWN for name in KINDS[kind].split()}
        )
        statements.append(
            choose(["print({}, {})", "{}, {}", "{}"]).format(
                choose(shown), choose(shown)
            )
        )
        sources.append("\n".join(statements))
    stages: list[str] = []
    for source in sources:
        stage = _stage(choose, stages, gaps)
        stages.append(stage)
        case.cells.append(CaseCell(stage, (f"stage:{stage}",), source))
    return case


SHOWN = (
    "set",
    "grid",
    "int",
    "list",
    "nested",
    "dict",
    "dictl",
    "str",
    "pair",
    "arr",
    "frame",
    "series",
    "row",
)


def _stage(choose: Choose[str], stages: Sequence[str], gaps: int) -> str:
    """Mostly a new stage or the last one; sometimes an earlier one, which leaves a
    gap."""
    new = f"S{len(set(stages))}"
    if not stages:
        return new
    return choose([new] * 30 + [stages[-1]] * 25 + [choose(stages)] * gaps)
