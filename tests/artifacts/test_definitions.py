"""Rule 7: notebook classes by reference, functions with the stage's globals, state in
definitions."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.kernel.errors import DefinitionError
from tests.artifacts.stages import Stages, definition, execute

POINT = "class Point:\n    def __init__(self, x):\n        self.x = x\n    def scaled(self):\n        return self.x * k\n"
F = "def f():\n    return k\n"


def known(stages: Stages, **sources: str) -> Stages:
    """`made_here` sources are executed by stage A as its own cells."""
    stages.definitions = {
        name: {**definition(source), "cell_id": "A"} for name, source in sources.items()
    }
    return stages


def test_instances_are_instances_of_the_stage_s_class(stages: Stages) -> None:
    """Cases 37 and 56: in a list and in a frame, where the stage never names the
    class."""
    known(stages, Point=POINT)
    code = "import pandas as pd\nc = Point(2); many = [Point(3)]; df = pd.DataFrame({'p': [Point(4)]})"
    stages.run("A", code, "c many df")
    assert stages.groups("A") == [("c",), ("many",), ("df",)]
    assert {one.definitions["Point"] for one in stages.results["A"].outputs} == {
        stages.definitions["Point"]["digest"]
    }
    check = (
        "k = 10\nassert isinstance(c, Point) and isinstance(many[0], Point) and isinstance(df.p[0], Point)\n"
        "assert c.scaled() == 20"
    )
    stages.run("B", check, inputs={"A": "c many df"})


def test_the_replayed_class_is_used_where_there_is_one(stages: Stages) -> None:
    known(stages, Point=POINT).run("A", "c = Point(2)", "c")
    stages.definitions["Point"]["cell_id"] = "replayed"
    namespace = stages.run("B", inputs={"A": "c"}, replays=POINT)
    assert type(namespace["c"]) is namespace["Point"]


def test_a_class_brings_the_definitions_that_it_needs(stages: Stages) -> None:
    base = "class Base:\n    kind = Enum('Kind', 'A B')\n"
    child = "@dataclass\nclass Child(Base):\n    x: int\n    def m(self): return helper(self.x)\n"
    sources = {
        "dataclass": "from dataclasses import dataclass",
        "Enum": "from enum import Enum",
        "Base": base,
        "helper": "def helper(x): return -x\n",
        "Child": child,
    }
    known(stages, **sources).run("A", "c = Child(4)", "c")
    stages.run(
        "B",
        "assert c.m() == -4 and isinstance(c, Base) and c == Child(4)",
        inputs={"A": "c"},
    )


def test_another_definition_of_the_class_is_an_error(stages: Stages) -> None:
    known(stages, Point=POINT).run("A", "c = Point(2)", "c")
    known(stages, Point=POINT + "    y = 1\n")
    with pytest.raises(
        DefinitionError, match=r"c holds an instance of 'Point', but this stage defines"
    ):
        stages.run("B", inputs={"A": "c"})
    stages.definitions = {}
    with pytest.raises(DefinitionError, match="cannot define again"):
        stages.run("B", inputs={"A": "c"})


@pytest.mark.parametrize(
    "value",
    [
        "[E.a, E.b]",
        "P(1, 2)",
        "G([1])",
        "Err('x', 1)",
        "Slots(3)",
        "Outer.Inner(5)",
        "Typed(a=1)",
    ],
)
def test_all_sorts_of_classes(stages: Stages, value: str) -> None:
    sources = {
        "enum": "import enum",
        "collections": "import collections, typing",
        "typing": "import collections, typing",
        "E": "class E(enum.Enum):\n    a = 1\n    b = 'x'\n",
        "P": "class P(typing.NamedTuple):\n    x: int\n    y: int\n",
        "T": "T = typing.TypeVar('T')",
        "G": "class G(list, typing.Generic[T]):\n    pass\n",
        "Err": "class Err(Exception):\n    def __init__(self, m, n):\n        super().__init__(m, n)\n        self.n = n\n",
        "Slots": "class Slots:\n    __slots__ = ('v',)\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return self.v == o.v\n",
        "Outer": "class Outer:\n    class Inner:\n        def __init__(self, v): self.v = v\n        def __eq__(self, o): return self.v == o.v\n",
        "Typed": "class Typed(typing.TypedDict):\n    a: int\n",
    }
    known(stages, **sources).run("A", f"v = {value}", "v")
    assert not stages.results["A"].untransportable
    stages.run(
        "B",
        f"same = {value}\nassert type(v) is type(same)\nassert v == same or v.args == same.args",
        inputs={"A": "v"},
        replays_all=True,
    )


CLOSURES = {
    "lambda sees the stage's global": (
        "s = 2; f = lambda x: x * s",
        "f",
        "s = 3; assert f(2) == 6",
    ),
    "partial of a notebook function": (
        "import functools; p = functools.partial(f)",
        "p",
        "k = 5; assert p() == 5 and p.func is f",
    ),
    "functions in a dict": (
        "reg = {'f': f}",
        "reg",
        "k = 5; assert reg['f']() == 5 and reg['f'] is f",
    ),
    "local function, recursive": (
        "def make():\n    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n    return fact\ng = make()",
        "g",
        "assert g(5) == 120",
    ),
    "local class": (
        "def make(n):\n    class L:\n        def __init__(self): self.n = n\n        def g(self): return self.n + k\n    return L\nL = make(3); i = L()",
        "L i",
        "k = 1; assert isinstance(i, L) and i.g() == 4",
    ),
    "local class with super": (
        "def make():\n    class A:\n        def g(self): return 1\n    class B(A):\n        def g(self): return super().g() + 1\n    return B()\nb = make()",
        "b",
        "assert b.g() == 2",
    ),
    "defaultdict of a lambda": (
        "import collections; d = collections.defaultdict(lambda: 3); d['a']",
        "d",
        "assert d['b'] == 3",
    ),
    "modules of a lambda": (
        "import math as m; f2 = lambda x: m.floor(x)",
        "f2",
        "assert f2(2.5) == 2",
    ),
    "namedtuple by call": (
        "import collections; P = collections.namedtuple('P', 'x y'); p = P(1, 2)",
        "P p",
        "assert isinstance(p, P) and p.y == 2",
    ),
    "library's closure": (
        "import contextlib; c = contextlib.contextmanager(lambda: (x for x in [k]))",
        "c",
        "k = 4\nwith c() as found: assert found == 4\nassert c.__globals__['__name__'] == 'contextlib'",
    ),
    "private globals": (
        "d = {'y': 3}; exec('def p(x): return x + y\\ndef q(x): return p(x) * y', d); p, q = d['p'], d['q']",
        "p q",
        "assert q(1) == 12",
    ),
    "bound method": (
        "class Q:\n    def m(self): return k\nb = Q().m",
        "b",
        "k = 8; assert b() == 8",
    ),
    "attributes and defaults": (
        "def h(a, *, b=[1]): return a, b\nh.note = 'x'; h.__doc__ = 'd'",
        "h",
        "assert h(1) == (1, [1]) and h.note == 'x' and h.__doc__ == 'd'",
    ),
    "vectorized": (
        "import numpy as np; v = np.vectorize(lambda x: x + k)",
        "v",
        "k = 2; assert v([1, 2]).tolist() == [3, 4]",
    ),
}


@pytest.mark.parametrize("case", CLOSURES)
def test_functions_run_with_the_globals_of_their_stage(
    stages: Stages, case: str
) -> None:
    code, names, check = CLOSURES[case]
    known(stages, f=F)
    stages.run("A", "k = 1\n" + code, names)
    assert not stages.results["A"].untransportable
    stages.run("B", check, inputs={"A": names})


def test_a_function_that_the_stage_redefined_travels_by_value(stages: Stages) -> None:
    known(stages, f=F).run("A", "def f(): return 'other'\nreg = {'f': f}", "reg")
    stages.run("B", "assert reg['f']() == 'other'", inputs={"A": "reg"})


COUNTED = """
class Counted:
    total = 0
    seen = []
    def __init__(self, x):
        self.x = x
        Counted.total += 1
        Counted.seen.append(x)
    def m(self):
        return self.x
    @staticmethod
    def remember(acc=[]):
        acc.append(1)
        return len(acc)
"""
APPEND = "def append(x, acc=[]):\n    acc.append(x)\n    return acc\n"
MEMO = """
import functools
def memo(function):
    cache = {}
    @functools.wraps(function)
    def wrapper(x):
        cache[x] = cache[x] if x in cache else function(x)
        return cache[x]
    wrapper.cache = cache
    return wrapper
"""


def test_state_in_definitions_travels(stages: Stages) -> None:
    known(
        stages,
        Counted=COUNTED,
        append=APPEND,
        memo=MEMO,
        g="@memo\ndef g(x): return x * 2\n",
    )
    code = "c = Counted(4); Counted(5); append(1); append(2); g(3); Counted.m = lambda self: -self.x; Counted.new = 1; Counted.remember()"
    stages.run("A", code, "c append Counted g")
    check = (
        "assert Counted.total == 2 and Counted.seen == [4, 5] and Counted.new == 1\n"
        "assert isinstance(c, Counted) and c.m() == -4 and Counted.remember() == 2\n"
        "assert append(3) == [1, 2, 3]\nassert g.cache == {3: 6}\ng(4); Counted(7); del Counted.new"
    )
    stages.run("B", check, "c append Counted g", inputs={"A": "c append Counted g"})
    assert stages.results["B"].warnings == ()
    check = (
        "assert Counted.total == 3 and Counted.seen == [4, 5, 7] and not hasattr(Counted, 'new')\n"
        "assert append(9) == [1, 2, 3, 9] and set(g.cache) == {3, 4} and Counted.remember() == 3"
    )
    stages.run("C", check, inputs={"B": "c append Counted g"})


def test_state_that_nothing_carries_is_told(stages: Stages) -> None:
    stages.definitions = {"append": definition(APPEND)}
    stages.run("A", "append(1)", "", replays=APPEND)
    (warning,) = stages.results["A"].warnings
    assert "A changed state that 'append' keeps in itself" in warning
    stages.run("B", "append(1)", "append", replays=APPEND)
    assert stages.results["B"].warnings == ()
    stages.run("C", "x = 1", "", inputs={"B": "append"}, replays=APPEND)
    assert stages.results["C"].warnings == ()
    stages.definitions["append"]["later"] = False
    stages.run("D", "append(1)", "", replays=APPEND)
    assert stages.results["D"].warnings == ()


def test_results_in_a_cache_stay_behind_and_that_is_told(stages: Stages) -> None:
    source = "import functools\n@functools.lru_cache\ndef f(x): return [x]\n"
    stages.definitions = {"f": definition(source)}
    stages.run("A", "f(1)", "", replays=source)
    assert (
        "'f' keeps in itself (an attribute, a default value, a closure or a cache)"
        in stages.results["A"].warnings[0]
    )
    stages.run("B", "reg = [f]", "reg", replays=source)
    assert stages.results["B"].warnings == ()
    stages.run("C", "assert reg[0] is f", inputs={"B": "reg"}, replays=source)


def test_unchanged_definitions_carry_no_state(tmp_path: Path) -> None:
    """Also where the definition stands deep in its cell, or has run in a subclass
    hook."""
    source = (
        "class Base:\n    registry = []\n    def __init_subclass__(cls): Base.registry.append(cls.__name__)\n"
        "class Sub(Base):\n    def m(self, a=(1, 2)): return {x: (lambda y: y) for x in 'ab'}\n"
    )
    alone = Stages(tmp_path / "other")
    alone.definitions = {
        "Base": {**definition(source), "cell_id": "x"},
        "Sub": {**definition(source), "cell_id": "x"},
    }
    alone.run("A", "pass\n\n\n" + source + "s = Sub()", "s")
    session = alone.sessions["A"]
    assert session.definitions.changes("Sub") == {}
    assert session.definitions.changes("Base") == {}


def test_definitions_are_compiled_without_our_own_future_imports(
    stages: Stages,
) -> None:
    known(stages, Point="class Point:\n    x: int = 1\n").run("A", "p = Point()", "p")
    namespace = stages.run("B", inputs={"A": "p"})
    assert namespace["Point"].__annotations__ == {"x": int}


def test_the_stage_s_namespace_is_all_that_changes(stages: Stages) -> None:
    before: dict[str, object] = {}
    execute("", before)
    namespace = stages.run("A", "a = 1", "a")
    assert namespace.keys() - before.keys() == {"__name__", "a"}


def test_a_value_may_take_the_name_of_a_class_while_instances_travel(
    stages: Stages,
) -> None:
    """Nobody binds the name in C: the instance still comes out, and is of the class of
    its source."""
    known(stages, K="class K:\n    pass\n").run("A", "k = K()", "k")
    stages.run("B", "K = 5", "K k", inputs={"A": "k"}, protect=("k",))
    assert stages.results["B"].changed == ()
    received = stages.run("C", inputs={"B": "K k"})
    assert (received["K"], type(received["k"]).__name__) == (5, "K")
    assert stages.results["B"].untransportable == ()


def test_a_definition_is_made_from_definitions_whatever_the_stage_calls_by_their_names(
    stages: Stages,
) -> None:
    stages.definitions = {
        "Base": definition("class Base:\n    pass\n"),
        "K": definition("class K(Base):\n    pass\n"),
    }
    stages.run("A", "k = K()", "k", replays_all=True)
    stages.run("B", "Base = 3", "Base")
    received = stages.run("C", inputs={"B": "Base", "A": "k"})
    assert received["Base"] == 3
    assert type(received["k"]).__mro__[1].__name__ == "Base"
