"""Content digests: equal for equal content, different for any difference that a program
can see."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe.kernel.definitions import Definitions
from jupyter_pipe.kernel.values.digest import NoRuleError, content_digest
from tests.artifacts.stages import Stages


def digest(value: Any) -> str:
    return content_digest(value, Definitions({}, {}))


def shared() -> list[Any]:
    inner: list[int] = []
    return [inner, inner]


DIFFERENT = [
    *(
        [1],
        [1.0],
        [True],
        (1,),
        {1},
        frozenset({1}),
        {1: 1},
        "1",
        b"1",
        bytearray(b"1"),
        1,
        1.0,
        None,
        1j,
    ),
    *(
        0.0,
        -0.0,
        float("nan"),
        [[], []],
        shared(),
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        [1, 2],
        [2, 1],
        "",
        [None],
    ),
    *(
        np.array([1, 2]),
        np.array([1, 2], "i4"),
        np.array([[1, 2]]),
        np.array([1.0, 2.0]),
        np.int64(1),
        np.float64(1),
    ),
    *(
        np.array(["a"]),
        np.array(["a"], object),
        [np.float64(1.0)],
        range(3),
        slice(1),
        ValueError("x"),
        KeyError("x"),
    ),
    *(
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1.0]}),
        pd.DataFrame({"b": [1]}),
        pd.Series([1]),
        pd.Index([1]),
    ),
    *(
        pd.DataFrame({"a": [1]}, index=[5]),
        pd.DataFrame({"a": pd.Categorical(["x"])}),
        pd.Timestamp("2020"),
        len,
        json,
    ),
]


def test_what_differs_has_different_digests() -> None:
    found = [digest(value) for value in DIFFERENT]
    assert len(set(found)) == len(found)


def test_strings_count_by_value_and_sets_by_elements() -> None:
    text = "".join(["ab", "c"])
    assert digest(["abc", "abc"]) == digest([text, "abc"])
    assert digest({"k" * 3: 1}) == digest({"kkk": 1})
    first, second = set(range(0, 80, 8)), set(range(72, -8, -8))
    assert digest(first) == digest(second)
    assert digest({(1, "a"), (2, "b")}) == digest({(2, "b"), (1, "a")})
    assert digest([np.arange(3)]) == digest([np.arange(3)])


def test_bare_objects_count_by_identity() -> None:
    one = object()
    assert digest([object(), object()]) == digest([object(), object()])
    assert digest([one, one]) != digest([object(), object()])


@pytest.mark.parametrize("values", [[1, None], [1.5, None], [True, None], ["a", None]])
def test_what_pandas_remembers_of_an_array_is_not_its_content(
    values: list[Any],
) -> None:
    array = pd.array(values)
    vars(array).pop("_cache", None)
    before = digest(array)
    assert array.dtype is not None
    assert digest(array) == before
    assert digest(pd.array([*values, values[0]])) != before


def test_deep_and_circular_values() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [1]
    other.append(other)
    assert digest(loop) == digest(other) != digest([1, [1]])
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NoRuleError):
        digest(deep)


def test_rows_count_by_value_and_identity() -> None:
    row = {"a": 1}
    assert digest([row, {"a": 2}]) == digest([{"a": 1}, {"a": 2}])
    assert (
        len(
            {
                digest(value)
                for value in (
                    [row, row],
                    [row, {"a": 1}],
                    [[row, {"b": 2}], row],
                    [[row, {"b": 2}], {"a": 1}],
                )
            }
        )
        == 4
    )


def test_large_containers_of_atoms_need_no_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jupyter_pipe.kernel.values.digest._LIMIT", 1000)
    assert digest(list(range(3000))) != digest(list(range(3001)))
    rows = [[n, "x"] for n in range(500)]
    assert digest(rows) == digest([list(row) for row in rows])
    assert digest(rows) != digest([*rows[:-1], rows[0]])
    with pytest.raises(NoRuleError, match="too many parts"):
        digest([[[]] for _ in range(600)])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.integers() | st.text() | st.tuples(st.integers(), st.text()), max_size=20
    ),
    st.randoms(),
)
def test_the_order_of_insertion_into_a_set_does_not_matter(
    items: list[Any], random: Any
) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    assert digest(set(items)) == digest(set(shuffled))


STABLE = """
import sys; sys.path[:0] = [sys.argv[1]]
import numpy as np, pandas as pd
from jupyter_pipe.kernel.definitions import Definitions
from jupyter_pipe.kernel.values.digest import content_digest
class C: pass
C.__module__ = "json"; import json; json.C = C
c = C(); c.x = {"p", "q", "r", ("s", 1)}
f = lambda x, y=[1]: [x for _ in y]
v = [c, f, pd.DataFrame({"a": ["x", None], "t": pd.to_datetime(["2020", None])}), np.random.default_rng(0), {"k": {1, 2.5}}]
print(content_digest(v, Definitions({}, {})))
"""


def test_every_process_computes_the_same_digest() -> None:
    """Whatever its hash seed."""
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", STABLE, root]
    found = {
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_payloads_with_equal_content_have_equal_digests(stages: Stages) -> None:
    """The file may differ: strings and numbers shared or not, sets in another order."""
    stages.run(
        "A",
        "import numpy as np; s = 'x' * 3; v = [s, s, {'a', 'b'}, np.arange(5)]",
        "v",
    )
    stages.run(
        "B",
        "import numpy as np; v = ['x' * 3, ''.join('xxx'), {'b', 'a'}, np.arange(5)]",
        "v",
    )
    assert stages.ref("A", "v").digest == stages.ref("B", "v").digest
    assert stages.ref("A", "v").artifact != stages.ref("B", "v").artifact
    stages.run(
        "C",
        "import numpy as np; s = 'x' * 3; v = [s, s, {'a', 'b'}, np.arange(1, 6)]",
        "v",
    )
    assert stages.ref("C", "v").digest != stages.ref("A", "v").digest


def test_a_value_without_a_rule_goes_by_its_file(stages: Stages) -> None:
    stages.run(
        "A", "def make():\n    class Local: pass\n    return Local()\nv = make()", "v"
    )
    assert stages.ref("A", "v").digest == stages.ref("A", "v").artifact


def test_a_change_of_class_state_changes_the_digest(stages: Stages) -> None:
    source = "class C:\n    n = 0\n"
    stages.definitions = {"C": {"source": source, "digest": "1", "cell_id": "x"}}
    stages.run("A", "c = C()", "c", replays=source)
    stages.run("B", "c = C(); C.n = 5", "c", replays=source)
    stages.run("C", "c = C()", "c", replays=source)
    assert (
        stages.ref("A", "c").digest
        == stages.ref("C", "c").digest
        != stages.ref("B", "c").digest
    )


NAMES = ["Amsterdam", "Bergen", "Coimbra", "Évora"]


def cities(seed: int = 0, count: int = 20_000) -> list[str]:
    return [
        NAMES[number] for number in np.random.default_rng(seed).integers(0, 4, count)
    ]


def test_many_names_go_by_content_and_not_by_object() -> None:
    same = np.array(cities(), object)
    apart = np.array(["".join(name) for name in map(list, cities())], object)
    assert apart[0] is not apart[np.flatnonzero(apart[1:] == apart[0])[0] + 1]
    twice = np.array([*cities()[:10_000], *apart[10_000:]], object)
    fortran = np.asfortranarray(same.reshape(100, 200))
    assert digest(same) == digest(apart) == digest(twice)
    assert (
        digest(same.reshape(100, 200))
        == digest(fortran)
        == digest(apart.reshape(100, 200))
    )
    assert digest(pd.DataFrame({"city": same})) == digest(pd.DataFrame({"city": apart}))


def test_many_names_that_differ_anywhere() -> None:
    values = [
        cities(),
        cities(seed=1),
        cities()[::-1],
        [*cities()[:-1], "Faro"],
        [*cities()[:-1], None],
    ]
    renamed = [name.replace("Bergen", "Narvik") for name in cities()]
    arrays = [np.array(one, object) for one in (*values, renamed, cities(count=20_001))]
    arrays.append(arrays[0].reshape(2, 10_000))
    assert len({digest(one) for one in arrays}) == len(arrays)


def test_many_names_in_a_kernel_without_pandas() -> None:
    """numpy finds what is repeated in the order of addresses."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from jupyter_pipe.kernel.definitions import Definitions
from jupyter_pipe.kernel.values.digest import content_digest
from jupyter_pipe.kernel.values.memory.repeated_atoms import find_repeated
import numpy as np
names = {NAMES!r}
values = [names[number] for number in np.random.default_rng(0).integers(0, 4, 20_000)]
assert "pandas" not in sys.modules
atoms, places, *_ = find_repeated(np.array(values, object))
assert atoms == list(dict.fromkeys(values)) and [atoms[place] for place in places] == values
print(content_digest(np.array(values, object), Definitions({{}}, {{}})))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == digest(np.array(cities(), object))


def test_changes_that_hold_what_was_changed_are_walked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the methods of a frozen dataclass do, whose closures hold the class."""

    class Item:
        pass

    definitions = Definitions({}, {})
    held: dict[Any, Any] = {("a",): Item, ("b",): [Item, {Item}], ("c",): 1}
    asked: list[str] = []

    def changes(name: str) -> dict[Any, Any]:
        asked.append(name)
        return {**held}

    named = {"name_of": lambda value: "Item" if value is Item else None}
    for name, told in {
        **named,
        "digest_of": lambda name: "d",
        "changes": changes,
    }.items():
        monkeypatch.setattr(definitions, name, told)
    before = content_digest([Item, Item], definitions)
    assert asked == ["Item"]
    assert content_digest([Item, Item], definitions) == before
    held["c",] = 2
    assert content_digest([Item, Item], definitions) != before
