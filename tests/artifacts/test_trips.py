"""Values come out of a payload as they went in, arrays writable; what cannot travel is
named."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_pipe.kernel.definitions import Definitions
from jupyter_pipe.kernel.values.digest import content_digest
from jupyter_pipe.kernel.values.kinds.definitions import is_global
from tests.artifacts.stages import Stages

VALUES = {
    "atoms": "[None, True, 2**70, -0.0, float('inf'), 1j, 'é\\ud800', b'x', ..., NotImplemented]",
    "containers": "[{1: [2]}, (3,), {4}, frozenset({5}), bytearray(b'6'), range(7), slice(1, 2), [[]]]",
    "collections": (
        "[C.deque([1], 5), C.OrderedDict(b=1, a=2), C.Counter('aab'), C.defaultdict(list, {1: [2]}), "
        "C.ChainMap({1: 2}), C.UserDict({3: 4})]"
    ),
    "library": (
        "[D.Decimal('1.10'), F.Fraction(1, 3), dt.datetime(2020, 1, 2, tzinfo=dt.timezone.utc), dt.timedelta(3), "
        "pathlib.PurePosixPath('a/b'), re.compile('x', re.I), uuid.UUID(int=3), io.BytesIO(b'x').getvalue()]"
    ),
    "exception": "[str(e) for e in [ValueError('x', 1), KeyError('k')]]",
    "scalars": "[np.float32(1.5), np.int8(3), np.datetime64('2020'), np.str_('x'), np.dtype('f4'), pd.NaT, pd.NA, pd.Timestamp('2020')]",
    "array": "np.arange(12.0).reshape(3, 4)",
    "fortran": "np.asfortranarray(np.arange(12).reshape(3, 4))",
    "negative strides": "np.arange(12)[::-3]",
    "zero dimensions": "np.array(3.5)",
    "empty": "[np.empty((0, 3)), np.array([], object), np.zeros((2, 0, 4), 'i2')]",
    "big endian": "np.arange(3, dtype='>i4')",
    "dates": "np.array(['2020-01-01', 'NaT'], 'M8[D]')",
    "text": "np.array(['a', 'bcd'])",
    "structured": "np.array([(1, 'x')], [('a', 'i4'), ('b', 'U3')])",
    "object array": "np.array([1, 'a', None], object)",
    "masked": "np.ma.array([1, 2, 3], mask=[0, 1, 0])",
    "matrix": "np.asmatrix([[1, 2]])",
    "recarray": "np.rec.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')])",
    "bool array": "np.array([True, False])",
    "sparse matrix": "scipy.sparse.csr_matrix(np.eye(3))",
    "generator": "np.random.default_rng(3).bit_generator.state",
}

FRAMES = {
    "mixed": "pd.DataFrame({'i': [1, 2], 'f': [1.5, None], 's': ['x', None], 'b': [True, False], 'o': [[1], {'a': 2}]})",
    "nullable": "pd.DataFrame({'i': [1, None], 'b': [True, None], 's': ['x', None], 'f': [1.5, None]}).convert_dtypes()",
    "categorical": "pd.DataFrame({'c': pd.Categorical(['a', 'b', None], ['b', 'a'], ordered=True)})",
    "zones": "pd.DataFrame({'t': pd.date_range('2020', periods=3, tz='Europe/Berlin'), 'd': pd.to_timedelta([1, 2, None], 's')})",
    "periods": "pd.DataFrame({'p': pd.period_range('2020', periods=2, freq='M'), 'i': pd.interval_range(0, 2)})",
    "sparse": "pd.DataFrame({'s': pd.arrays.SparseArray([0, 0, 1, 2])})",
    "multiindex": "pd.DataFrame({'v': range(4)}, pd.MultiIndex.from_product([['a', 'b'], [1, 2]], names=['k', 'n']))",
    "multicolumns": "pd.DataFrame(np.arange(4).reshape(2, 2), columns=pd.MultiIndex.from_tuples([('a', 1), ('b', 2)]))",
    "frequency": "pd.DataFrame({'v': [1, 2]}, pd.date_range('2020', periods=2, freq='D', name='day'))",
    "duplicate names": "pd.DataFrame([[1, 2.5]], columns=['a', 'a'])",
    "no rows": "pd.DataFrame({'a': pd.Series(dtype='int8'), 'b': pd.Series(dtype='str')})",
    "no columns": "pd.DataFrame(index=[1, 2])",
    "attrs": "pd.DataFrame({'a': [1]}).pipe(lambda f: (f.attrs.update(source='x'), f)[1])",
    "flags": "pd.DataFrame({'a': [1]}).set_flags(allows_duplicate_labels=False)",
    "strided": "pd.DataFrame(np.arange(20.0).reshape(4, 5))[::2]",
    "transposed": "pd.DataFrame(np.arange(6).reshape(2, 3), columns=list('abc')).T",
    "wide types": "pd.DataFrame({n: np.array([1, 2]).astype(n) for n in ('i1', 'u8', 'f2', 'f4', 'c16', 'M8[s]', 'm8[ms]')})",
    "object strings": "pd.DataFrame({'s': pd.Series(['x', 'y', 3], dtype=object)})",
    "series": "pd.Series([1, 2], name='n', index=['x', 'y']).to_frame()",
    "category index": "pd.DataFrame({'a': [1, 2]}, pd.CategoricalIndex(['u', 'v']))",
    "interval index": "pd.DataFrame({'a': [1, 2]}, pd.interval_range(0, 2))",
    "views of one block": "pd.DataFrame({'a': [1, 2], 'b': [3, 4]}).pipe(lambda f: f.assign(c=f['a']))",
}

IMPORTS = (
    "import collections as C, datetime as dt, decimal as D, fractions as F, io, pathlib, re, uuid\n"
    "import numpy as np, pandas as pd, scipy.sparse\n"
)


def trip(stages: Stages, expression: str) -> tuple[Any, Any]:
    before = stages.run("A", f"{IMPORTS}x = {expression}", "x")
    assert stages.results["A"].untransportable == ()
    return before["x"], stages.run("B", inputs={"A": "x"})["x"]


def digest(value: Any) -> str:
    return content_digest(value, Definitions({}, {}))


@pytest.mark.parametrize("case", VALUES)
def test_values(stages: Stages, case: str) -> None:
    before, after = trip(stages, VALUES[case])
    assert type(after) is type(before)
    assert repr(after) == repr(before)
    if isinstance(before, np.ndarray):
        assert (after.dtype, after.shape) == (before.dtype, before.shape)
        assert after.flags.f_contiguous == before.flags.f_contiguous
        assert after.flags.writeable
        after[...] = after.copy()


@pytest.mark.parametrize("case", FRAMES)
def test_frames(stages: Stages, case: str) -> None:
    before, after = trip(stages, FRAMES[case])
    pd.testing.assert_frame_equal(after, before, check_freq=True, check_flags=True)
    assert after.attrs == before.attrs
    assert digest(after) == digest(before)
    again = stages.run(
        "C", "x = x.copy(); x['new'] = 1" if case != "flags" else "", inputs={"A": "x"}
    )
    assert len(again["x"]) == len(before)


def test_a_class_of_a_module_that_nobody_imported_yet_stays_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`numpy.recarray` says that it is from `numpy.rec`, which numpy does not import by
    itself."""
    monkeypatch.delitem(sys.modules, "numpy.rec", raising=False)
    assert is_global(np.recarray)
    monkeypatch.setattr(np.recarray, "__module__", "numpy.no_such_module")
    assert not is_global(np.recarray)


def test_loaded_arrays_can_be_changed_without_changing_the_file(stages: Stages) -> None:
    stages.run("A", "import numpy as np; a = np.arange(1000)", "a")
    stages.run(
        "B",
        "a += 1; a.sort(); a.resize((10, 100), refcheck=False) if a.base is None else None",
        inputs={"A": "a"},
    )
    assert stages.run("C", inputs={"A": "a"})["a"][5] == 5


def test_a_read_only_array_stays_read_only(stages: Stages) -> None:
    stages.run(
        "A", "import numpy as np; a = np.arange(3); a.flags.writeable = False", "a"
    )
    assert not stages.run("B", inputs={"A": "a"})["a"].flags.writeable


REFUSED = {
    "generator": ("x = (i for i in [1])", "x", "generator"),
    "file": (
        "f = open('/dev/null'); x = {'log': [1, f]}",
        "x['log'][1]",
        "TextIOWrapper",
    ),
    "lock": (
        "import threading\nclass L: pass\nx = L(); x.inner = {'k': threading.Lock()}",
        "x.inner['k']",
        "lock",
    ),
    "connection": (
        "import sqlite3; x = [0, sqlite3.connect(':memory:')]",
        "x[1]",
        "Connection",
    ),
    "socket": ("import socket; x = (socket.socket(),)", "x[0]", "socket"),
    "in a closure": (
        "g = (i for i in [1])\ndef make():\n    h = g\n    return lambda: h\nx = make()",
        "x (its variable h)",
        "generator",
    ),
    "frame": ("import sys; x = [sys._getframe()]", "x[0]", "frame"),
    "temporary file": (
        "import tempfile; x = tempfile.TemporaryFile()",
        "x",
        "BufferedRandom",
    ),
    "event": ("import threading; x = threading.Event()", "x._cond._lock", "lock"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_travel_is_named_with_the_way_to_it(
    stages: Stages, case: str
) -> None:
    code, path, kind = REFUSED[case]
    stages.run("A", f"{code}\nother = 1", "x other")
    (failure,) = stages.results["A"].untransportable
    assert (failure.name, failure.path, failure.type_name) == ("x", path, kind)
    assert failure.reason
    assert stages.groups("A") == [("other",)]


def test_outputs_that_hold_no_value_are_told(stages: Stages) -> None:
    stages.run("A", "a = 1", "a b")
    assert stages.results["A"].unbound == ("b",)


def test_people_read_what_an_artifact_holds(stages: Stages) -> None:
    code = "import pandas as pd, numpy as np\ndf = pd.DataFrame({'a': range(4318)}); a = np.zeros((2, 3)); l = [1] * 12; n = 5"
    stages.run("A", code, "df a l n")
    found = {
        name: text
        for one in stages.results["A"].outputs
        for name, text in one.summary.items()
    }
    assert found == {
        "df": "DataFrame 4,318 x 1",
        "a": "ndarray 2 x 3",
        "l": "list of 12",
        "n": "5",
    }


atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=20)
)
trees = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.sets(st.integers() | st.text(max_size=3), max_size=8)
    ),
    max_leaves=25,
)
arrays = st.sampled_from(["i1", "f8", "c8", "U2", "M8[s]", "?"]).flatmap(
    lambda kind: st.lists(st.integers(0, 9), max_size=12).map(
        lambda items: np.array(items, "i8").astype(kind)
    )
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.sampled_from("abcde"), trees | arrays, min_size=1))
def test_any_values_come_back_equal(stages: Stages, values: dict[str, Any]) -> None:
    stages.run("A", "globals().update(values)", " ".join(values), values=values)
    after = stages.run("B", inputs={"A": " ".join(values)})
    for name, value in values.items():
        assert digest(after[name]) == digest(value)
        assert (
            repr(after[name]) == repr(value)
            or isinstance(value, set)
            or "{" in repr(value)
        )


Change = Callable[[Any], Any]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([1, 2, -1])),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 9),
)
def test_any_views_keep_their_memory(
    stages: Stages, width: int, slices: list[Any], place: int
) -> None:
    """Writing through one of several views shows in the others exactly as it did before
    the trip."""
    views = {
        f"v{number}": f"a[{min(i, j)}:{max(i, j) + 1}][::{step}]"
        for number, (i, j, step) in enumerate(slices)
    }
    code = f"import numpy as np; a = np.arange({10 * width}).reshape(10, {width})\n"
    code += "\n".join(f"{name} = {view}" for name, view in views.items())
    names = ["a", *views] if place % 2 else list(views)
    before = stages.run("A", code, " ".join(names))
    after = stages.run("B", inputs={"A": " ".join(names)})
    for space in (before, after):
        space[names[place % len(names)]][...] = 99
    assert [after[name].tolist() for name in names] == [
        before[name].tolist() for name in names
    ]


REPEATED = {
    "words": "np.array(['a', 'b'] * 6000 + ['c'], dtype=object)",
    "missing values": "np.array([None, float('nan'), 'x', 1, 2.5, True] * 3000, dtype=object)",
    "a table in the other order": "np.asfortranarray(np.array(['a', 'b'] * 6000, dtype=object).reshape(3, -1))",
    "a table": "np.array(['a', 'b'] * 6000, dtype=object).reshape(3, -1)",
    "every third": "np.array(['a', 'b', 'c', 'd'] * 9000, dtype=object)[::3]",
    "all different": "np.array([f'{i}' for i in range(11000)], dtype=object)",
    "lists": "np.array([[], []] * 6000 + [None], dtype=object)[:-1]",
}


@pytest.mark.parametrize("case", REPEATED)
@pytest.mark.parametrize("has_pandas", [True, False])
def test_an_array_of_objects_keeps_which_elements_are_one(
    stages: Stages, case: str, has_pandas: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_pandas:
        monkeypatch.delitem(sys.modules, "pandas")
    before, after = trip(stages, f"(lambda a: [a, a.flat[0]])({REPEATED[case]})")
    for one, other in zip(before, after, strict=True):
        assert repr(one) == repr(other)
    array, loaded = before[0], after[0]
    assert (loaded.dtype, loaded.shape, loaded.flags.writeable) == (
        array.dtype,
        array.shape,
        True,
    )
    assert loaded.flags.f_contiguous == array.copy(order="K").flags.f_contiguous
    numbers = {
        id(element): number
        for number, element in enumerate(reversed(array.ravel().tolist()))
    }
    loaded_numbers = {
        id(element): number
        for number, element in enumerate(reversed(loaded.ravel().tolist()))
    }
    assert [
        numbers[id(element)]
        for element in array.ravel().tolist()
        if type(element) is str
    ] == [
        loaded_numbers[id(element)]
        for element in loaded.ravel().tolist()
        if type(element) is str
    ]
    assert loaded.flat[0] is after[1] or type(after[1]) is not str


def test_many_equal_words_are_stored_once(stages: Stages) -> None:
    stages.run(
        "A",
        "import numpy as np\nx = np.array(['a long word', 'another one'] * 100_000, dtype=object)",
        "x",
    )
    assert stages.results["A"].outputs[0].ref.bytes < 210_000
