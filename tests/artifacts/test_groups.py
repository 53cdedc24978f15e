"""Rule 4: what shares a mutable object or memory travels together and stays one."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.artifacts.stages import Stages

COPY_ON_WRITE = "pd.options.mode.copy_on_write = True\n" if pd.__version__ < "3" else ""
IMPORTS = (
    "import collections, enum, re\nimport numpy as np\nimport pandas as pd\n"
    + COPY_ON_WRITE
)

# code of the first stage, names, expected groups, what the second stage does and
# asserts
SHARED = {
    "list in dict": (
        "a = [1]; b = {'x': a}",
        "a b",
        [("a", "b")],
        "assert b['x'] is a",
    ),
    "same object": (
        "a = {}; b = a",
        "a b",
        [("a", "b")],
        "b[1] = 2; assert a == {1: 2}",
    ),
    "deep": (
        "a = []; b = (1, {'k': (a,)}); c = 3",
        "a b c",
        [("a", "b"), ("c",)],
        "assert b[1]['k'][0] is a",
    ),
    "chain": (
        "a = []; b = [a]; c = []; d = [c, b]",
        "a c d",
        [("a", "c", "d")],
        "assert d[0] is c and d[1][0] is a",
    ),
    "cycle": (
        "a = []; a.append(a); b = [a]",
        "a b",
        [("a", "b")],
        "assert a[0] is a and b[0] is a",
    ),
    "view": (
        "a = np.zeros(3); v = a[:2]",
        "a v",
        [("a", "v")],
        "v[:] = 1; assert a.tolist() == [1, 1, 0]",
    ),
    "views only": (
        "a = np.arange(9.0); v = a[:5]; w = a[3:]",
        "v w",
        [("v", "w")],
        "v[4] = -1; assert w[1] == -1 and w.tolist() == [3, -1, 5, 6, 7, 8]",
    ),
    "transpose": (
        "a = np.ones((3, 4), order='F'); t = a.T; r = a[::-1, ::2]",
        "a t r",
        [("a", "t", "r")],
        "t[0, 2] = 7; assert a[2, 0] == 7 == r[0, 0] and a.flags.f_contiguous and t.flags.c_contiguous",
    ),
    "structured field": (
        "a = np.zeros(3, [('x', 'i4'), ('y', 'f8')]); y = a['y']",
        "a y",
        [("a", "y")],
        "y[1] = 2.5; assert a[1]['y'] == 2.5",
    ),
    "masked": (
        "a = np.arange(4.0); m = np.ma.array(a, mask=[0, 1, 0, 0], copy=False, fill_value=-1)",
        "a m",
        [("a", "m")],
        "m[0] = 9; assert a[0] == 9 and m.filled().tolist() == [9, -1, 2, 3]; m[2] = np.ma.masked; assert a[2] == 2",
    ),
    "mapped file": (
        "import tempfile; f = np.memmap(tempfile.TemporaryFile(), 'i4', shape=4); f[:] = 3; v = f[:2]",
        "f v",
        [("f", "v")],
        # what would be written to a copy would not reach the file
        "assert np.shares_memory(v, f) and f.tolist() == [3] * 4 and type(f) is np.memmap and not v.flags.writeable",
    ),
    "subclass": (
        "class Tagged(np.ndarray): pass\na = np.zeros(3).view(Tagged); a.unit = 'm'; v = a[1:]; v.unit = ['s']",
        "a v",
        [("a", "v")],
        "v[0] = 5; assert a[1] == 5 and a.unit == 'm' and v.unit == ['s'] and type(a) is type(v)",
    ),
    "objects": (
        "a = np.array([[1, 'a'], [None, 2]], object); v = a[0]",
        "a v",
        [("a", "v")],
        "v[0] = 9; assert a[0, 0] == 9",
    ),
    "values of a column": (
        "df = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']}); v = df['a'].values",
        "df v",
        [("df", "v")],
        "df.loc[0, 'a'] = 9; assert v[0] == 9",
    ),
    "closure": (
        "def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    return up, lambda: n\nup, get = counter()",
        "up get",
        [("up", "get")],
        "up(); up(); assert get() == 2",
    ),
    "generator": (
        "rng = np.random.default_rng(0); model = {'rng': rng}; rng.normal()",
        "rng model",
        [("model", "rng")],
        "assert model['rng'] is rng; rng.normal()",
    ),
    "bound method": (
        "a = []; f = a.append",
        "a f",
        [("a", "f")],
        "f(1); assert a == [1]",
    ),
    "iterator": (
        "a = [1, 2, 3]; i = iter(a); next(i)",
        "a i",
        [("a", "i")],
        "a.append(4); assert list(i) == [2, 3, 4]",
    ),
}

INDEPENDENT = {
    "atoms": (
        "a = 'long string'; b = a; c = 10**20; d = c; e = (1, 2); f = e",
        "a b c d e f",
    ),
    "modules and functions": (
        "import math; a = {'f': math.sin, 'm': math}; b = [math.sin, math]",
        "a b",
    ),
    "disjoint views": ("x = np.arange(10.0); a = x[:5]; b = x[5:]", "a b"),
    "frame and subset": (
        "a = pd.DataFrame({'x': [1, 2], 'y': [3, 4]}); b = a[['x']]; c = a['y']; d = a[:1]",
        "a b c d",
    ),
    "index": ("a = pd.DataFrame({'x': [1, 2]}, index=['p', 'q']); b = a.index", "a b"),
    "dtype": (
        "a = np.zeros(2); b = a.dtype; c = pd.Categorical(['a']).dtype; d = [c]",
        "a b c d",
    ),
    "pattern and enum": (
        "import enum\na = re.compile('x'); b = [a]; c = enum.Flag('F', 'A B')",
        "a b",
    ),
    "global generator": (
        "a = {'r': np.random.mtrand._rand}; b = [np.random.mtrand._rand]",
        "a b",
    ),
    "frozen": ("a = frozenset({1}); b = [a]; c = [a]", "a b c"),
}


@pytest.mark.parametrize("case", SHARED)
def test_what_is_shared_travels_together(stages: Stages, case: str) -> None:
    code, names, groups, check = SHARED[case]
    stages.run("A", IMPORTS + code, names)
    assert [set(group) for group in stages.groups("A")] == [
        set(group) for group in groups
    ]
    stages.run("B", "import numpy as np, pandas as pd\n" + check, inputs={"A": names})


@pytest.mark.parametrize("case", INDEPENDENT)
def test_what_cannot_change_ties_nothing_together(stages: Stages, case: str) -> None:
    code, names = INDEPENDENT[case]
    stages.run("A", IMPORTS + code, names)
    assert not stages.results["A"].untransportable
    assert sorted(stages.groups("A")) == sorted((name,) for name in names.split())


def test_frames_that_shared_memory_still_copy_on_write(stages: Stages) -> None:
    stages.run(
        "A",
        IMPORTS
        + "df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]}); s = df['a']; both = [df, s]; top = df[:1]; x = [top, df]",
        "df s both x",
    )
    assert len(stages.groups("A")) == 1
    stages.run(
        "B",
        "df.loc[0, 'a'] = 9\nassert s.iloc[0] == 1 and x[0].loc[0, 'a'] == 1\n"
        "s.iloc[1] = 7\nassert df.loc[1, 'a'] == 2\nassert both[0] is df and x[1] is df",
        inputs={"A": "df s both x"},
    )


def test_an_index_made_from_a_column_stays_as_it_is(stages: Stages) -> None:
    code = "df = pd.DataFrame({'a': [1, 2], 't': pd.to_datetime(['2020', '2021'])}); i = pd.Index(df['a']); t = pd.Index(df['t'])"
    stages.run("A", IMPORTS + code + "; x = [df, i, t]", "x")
    stages.run(
        "B",
        "df, i, t = x\ndf.loc[0, 'a'] = 9; df.loc[0, 't'] = df.loc[1, 't']\nassert list(i) == [1, 2] and t[0].year == 2020",
        inputs={"A": "x"},
    )


def test_a_model_that_keeps_its_training_data_shares_it(stages: Stages) -> None:
    """scikit-learn's brute force keeps X itself: case 62."""
    code = (
        "from sklearn.neighbors import KNeighborsClassifier\n"
        "X = np.array([[0.0], [1.0], [5.0]]); y = np.array([0, 0, 1])\n"
        "m = KNeighborsClassifier(n_neighbors=1, algorithm='brute').fit(X, y)"
    )
    namespace = stages.run("A", IMPORTS + code, "X m y")
    assert ("X", "m") in stages.groups("A")
    change = "X[:] = X[::-1].copy(); r = m.predict(X[:2]).tolist()"
    received = stages.run("B", change, inputs={"A": "X m"})
    exec(change, namespace)
    assert received["r"] == namespace["r"]


def test_five_models_on_one_x_stay_apart(stages: Stages) -> None:
    code = (
        "from sklearn.linear_model import LinearRegression, LogisticRegression\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "X = np.arange(8.0).reshape(4, 2); y = np.array([0, 1, 0, 1])\n"
        "m1 = LinearRegression().fit(X, y); m2 = LogisticRegression().fit(X, y)\n"
        "m3 = DecisionTreeClassifier(random_state=0).fit(X, y); df = pd.DataFrame(X)"
    )
    stages.run("A", IMPORTS + code, "m1 m2 m3 y")
    assert stages.groups("A") == [("m1",), ("m2",), ("m3",), ("y",)]


def test_a_slice_travels_without_the_array_behind_it(stages: Stages) -> None:
    stages.run(
        "A",
        IMPORTS
        + "big = np.zeros((1000, 1000)); v = big[:2]; c = big[5:, 0]; r = np.broadcast_to(1.5, (500, 500))",
        "v c r",
    )
    assert sum(one.ref.bytes for one in stages.results["A"].outputs) < 40_000
    stages.run(
        "B",
        "assert v.shape == (2, 1000) and c.shape == (995,) and r.strides == (0, 0) and r[3, 3] == 1.5",
        inputs={"A": "v c r"},
    )


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, str, str]:
    """Code that builds a graph of containers and arrays, the names to pass on, and a
    change."""
    lines = ["n0 = [0]", "n1 = {'k': 1}", "n2 = np.arange(8)"]
    for number in range(3, draw(st.integers(4, 9))):
        other, third = (f"n{draw(st.integers(0, number - 1))}" for _ in range(2))
        shape = draw(st.sampled_from(SHAPES))
        lines.append(f"n{number} = " + shape.format(a=other, b=third))
    names = [f"n{number}" for number in range(len(lines))]
    kept = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    target = draw(st.sampled_from(kept))
    return "\n".join(lines), " ".join(kept), CHANGE.format(name=target)


SHAPES = [
    "[{a}, {b}]",
    "{{'x': {a}}}",
    "({a}, [{b}])",
    "{a}",
    "[{a}] * 2",
    "n2[2:6]",
    "n2[::-1]",
    "lambda x={a}: x",
    "n2.copy()",
]
CHANGE = """
def change(value):
    if isinstance(value, list): value.append(99)
    elif isinstance(value, dict): value['new'] = 99
    elif isinstance(value, tuple): change(value[1])
    elif callable(value): change(value())
    else: value[0] = 99
change({name})
"""
ADDRESS = re.compile(" at 0x[0-9a-f]+")
SHOW = "[repr(v() if callable(v) else v) for v in ({names},)]"


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(programs())
def test_any_graph_changes_after_the_trip_as_before_it(
    stages: Stages, program: tuple[str, str, str]
) -> None:
    code, names, change = program
    before = stages.run("A", IMPORTS + code, names)
    after = stages.run(
        "B", "import numpy as np", inputs={"A": names}, protect=tuple(names.split())
    )
    assert stages.results["B"].changed == ()
    shown = SHOW.format(names=", ".join(names.split()))
    for space in (before, after):
        exec(change + "shown = " + shown, space)
    assert [ADDRESS.sub("", text) for text in after["shown"]] == [
        ADDRESS.sub("", text) for text in before["shown"]
    ]
