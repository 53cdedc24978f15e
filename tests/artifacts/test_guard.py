"""Rule 6: what a stage did to its inputs is found, and what it did not do is not."""

from __future__ import annotations

import re
import sys
import types
from typing import Any

import pytest

from jupyter_pipe.artifacts.protocol import ChangedInput
from jupyter_pipe.kernel.payloads import guard
from jupyter_pipe.kernel.values.memory import repeated_atoms as repeated
from tests.artifacts.stages import Stages

MADE = """
import numpy as np, pandas as pd, collections
class Box:
    def __init__(self): self.items = [1]
df = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y'], 'c': pd.Categorical(['u', 'v'])})
a = np.arange(100_000.0)
xs = [1, {'k': [2]}, {'p', 'q', 'r'}]
rng = np.random.default_rng(0)
names = np.array(['a', None, 3], object)
od = collections.OrderedDict(a=1, b=2)
s = pd.Series([1, 2], index=['p', 'q'])
m = np.ma.array([1.0, 2.0, 3.0], mask=[True, False, False])
gaps = pd.DataFrame({'i': [1, None], 'f': [1.5, None], 'b': [True, None]}).convert_dtypes()
"""

CHANGES = [
    "df.loc[0, 'a'] = 5",
    "df['new'] = 1",
    "df.drop(columns='a', inplace=True)",
    "df.columns = ['x', 'y', 'z']",
    "df.index = [5, 6]",
    "df.attrs['k'] = 1",
    "df.loc[1, 'b'] = 'z'",
    "df['c'] = df['c'].cat.add_categories('w')",
    "a[77_777] = -1",
    "a += 0.5",
    "a.sort(); a[:] = a[::-1].copy()",
    "a.shape = (10, 10_000)",
    "a.flags.writeable = False",
    "xs[1]['k'].append(3)",
    "xs[2].add('s')",
    "xs.reverse()",
    "xs[0] = 1.0",
    "xs[0] = True",
    "rng.normal()",
    "names[1] = 'b'",
    "od.move_to_end('a')",
    "s.iloc[0] = 9",
    "s.name = 'n'",
    "m[0] = 5.0",
    "m[1] = np.ma.masked",
    "alias = xs; del xs; alias.append(1)",
    "xs.append(open('/dev/null'))",
    "gaps.loc[1, 'i'] = 1",
]

READS = [
    "df['a'].mean(); df.describe(); df.groupby('c', observed=True).a.sum(); df.b.str.upper(); df[df.a > 1]",
    "df2 = df.copy(); df2.loc[0, 'a'] = 5; sub = df[['a']]; sub.loc[0, 'a'] = 9; view = df['a']",
    "df = df.assign(new=1); a = a + 1; xs = [*xs, 3]",
    "a[5] = a[5]; a.mean(); a[::2].sum(); np.sort(a)",
    "xs[1]['k'].append(3); xs[1]['k'].pop()",
    "repr(df); df._repr_html_(); hash(tuple(df.columns)); list(df.iterrows()); df.index.is_unique; df.T",
    "sorted(xs[2]); 'p' in xs[2]; [x for x in xs]; len(od); od.get('a'); rng2 = np.random.default_rng(1)",
    "s.sort_values(); s.to_dict(); s.map(str); s.values; names.tolist(); m.mean(); m + 1; m.mask.any()",
    "gaps.dtypes; gaps.i.array.dtype; gaps.f.sum(); gaps.isna(); repr(gaps); gaps.i + 1",
]


@pytest.fixture
def made(stages: Stages) -> Stages:
    stages.run("A", MADE, "df a xs rng names od s m gaps")
    return stages


def use(stages: Stages, code: str, **options: Any) -> tuple[ChangedInput, ...]:
    names = "df a xs rng names od s m gaps"
    protect = tuple(options.pop("protect", names).split())
    imports = "import numpy as np, pandas as pd\n"
    stages.run(
        "B",
        imports + code,
        options.pop("outputs", ""),
        inputs={"A": names},
        protect=protect,
        **options,
    )
    return stages.results["B"].changed


@pytest.mark.parametrize("code", CHANGES)
def test_changes_are_found(made: Stages, code: str) -> None:
    name = re.split(r"\W", code)[0].replace("alias", "xs")
    assert use(made, code) == (ChangedInput("A", (name,)),)


@pytest.mark.parametrize("code", READS)
def test_reading_is_no_change(made: Stages, code: str) -> None:
    assert use(made, code) == ()


@pytest.mark.parametrize(
    "code", ["a[77_777] = -1", "df.loc[0, 'a'] = 5", "a[5] = a[5]; df.a.mean()"]
)
def test_systems_that_do_not_tell_pages_compare_them(
    made: Stages, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_PAGES", "/nowhere/pagemap")
    assert len(use(made, code)) == (0 if "a[5]" in code else 1)


def test_the_changed_values_are_handed_on(made: Stages) -> None:
    """Without running the stage again: case 64."""
    use(made, "xs[1]['k'].append(3); y = xs[1]", outputs="y")
    assert made.groups("B") == [("y", "xs")]
    made.run(
        "C", "assert xs[1]['k'] == [2, 3]; assert y is xs[1]", inputs={"B": "xs y"}
    )


def test_only_what_a_later_stage_reads_is_looked_at(made: Stages) -> None:
    assert use(made, "a[0] = 5; xs.append(1)", protect="xs") == (
        ChangedInput("A", ("xs",)),
    )
    assert use(made, "a[0] = 5", protect="") == ()


def test_declared_changes_are_no_news(made: Stages) -> None:
    assert use(made, "a[0] = 5", mutates=("a",)) == ()
    assert use(made, "a[0] = 5", pure=("a",)) == ()


def test_a_group_is_reported_as_one(stages: Stages) -> None:
    stages.run("A", "a = [1]; b = {'x': a}; c = [a]", "a b c")
    stages.run(
        "B", "a.append(2)", inputs={"A": "a b c"}, protect=("b", "c"), mutates=("a",)
    )
    assert stages.results["B"].changed == (ChangedInput("A", ("b", "c")),)
    stages.run(
        "B", "b['new'] = 2", inputs={"A": "a b c"}, protect=("a",), mutates=("b",)
    )
    assert stages.results["B"].changed == ()


def test_a_change_behind_an_alias_is_found(stages: Stages) -> None:
    stages.run("A", "import numpy as np; X = np.zeros((5, 2)); m = {'kept': X}", "X m")
    stages.run("B", "m['kept'][0, 0] = 1", inputs={"A": "X m"}, protect=("X",))
    assert stages.results["B"].changed == (ChangedInput("A", ("X",)),)


def test_instances_of_notebook_classes(stages: Stages) -> None:
    source = "class Box:\n    def __init__(self): self.items = [1]\n"
    stages.definitions = {"Box": {"source": source, "digest": "1", "cell_id": "A"}}
    stages.run("A", "b = Box(); many = [Box() for _ in range(50)]", "b many")
    stages.run("B", "b.items; len(many)", inputs={"A": "b many"}, protect=("b", "many"))
    assert stages.results["B"].changed == ()
    stages.run(
        "B", "many[7].items.append(1)", inputs={"A": "b many"}, protect=("b", "many")
    )
    assert stages.results["B"].changed == (ChangedInput("A", ("many",)),)


def test_a_function_by_value_is_the_same_wherever_it_is_bound(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel the stage's own function is found in `__main__`, a fresh copy of it
    is not."""
    stages.run("A", "xs = [1]\ndef f(v, data=xs): return v", "xs f")
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    code = (
        "import sys; sys.modules['__main__'].f = f; f.__annotations__ = {}; len = len"
    )
    stages.run("B", code, inputs={"A": "xs f"}, protect=("xs", "f"))
    assert stages.results["B"].changed == ()
    stages.run("B", f"{code}; f.seen = 1", inputs={"A": "xs f"}, protect=("xs", "f"))
    assert stages.results["B"].changed == (ChangedInput("A", ("f", "xs")),)


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("df.city.str.len().mean(); df.sort_values('city'); cities[:5]", ()),
        ("df.loc[7, 'city'] = 'u'", ("df",)),
        ("cities[29_999] = 'u'", ("cities",)),
        ("cities[0] = ''.join(['', 'u'])", ()),
        ("cities[:] = cities[::-1].copy()", ("cities",)),
        ("cities.shape = (2, 15_000)", ("cities",)),
    ],
)
def test_names_that_stand_many_times(
    stages: Stages, code: str, changed: tuple[str, ...]
) -> None:
    made = "import numpy as np, pandas as pd\nnames = ['u', 'v', 'w'] * 10_000\n"
    made += "df = pd.DataFrame({'city': names, 'n': range(30_000)}); cities = np.array(names, object)"
    stages.run("A", made, "df cities")
    stages.run("B", code, inputs={"A": "df cities"}, protect=("df", "cities"))
    assert stages.results["B"].changed == tuple(
        ChangedInput("A", (name,)) for name in changed
    )


def test_what_is_handed_on_unchanged_is_the_same_payload(stages: Stages) -> None:
    stages.run(
        "A",
        "import numpy as np; cities = np.array(['u', 'v'] * 10_000, object)",
        "cities",
    )
    stages.run("B", "", "cities", inputs={"A": "cities"})
    assert stages.results["B"].outputs[0].ref == stages.results["A"].outputs[0].ref


def test_what_is_remembered_of_an_array_goes_with_it() -> None:
    array = repeated.spread(["u", "v"], bytes([0, 1] * 10), "u1", (20,), "C")
    key = id(array)
    assert key in repeated._MADE
    del array
    assert key not in repeated._MADE
