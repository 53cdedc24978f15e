"""Rule 8: what a stage changes around its variables reaches the next one, and nothing
else does."""

# ruff: noqa: E501 - the stages are code, one case a line

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.kernel.components import BUILT_IN
from jupyter_pipe.kernel.plugins import find_plugins
from tests.artifacts.stages import Stages

IMPORTS = (
    "import decimal, locale, logging, os, random, sys, warnings\n"
    "import matplotlib, numpy as np, pandas as pd\n"
)


# What is not installed here has no state to carry.
HERE = [
    component
    for component in BUILT_IN
    if importlib.util.find_spec(component.module.partition(".")[0])
]


@pytest.fixture(autouse=True)
def unchanged_process() -> Iterator[None]:
    """What these stages do to the process is undone."""

    for component in HERE:
        importlib.import_module(component.module)
    before = {one.name: one.read() for one in HERE}
    yield
    for component in HERE:
        now = component.read()
        for part, value in before[component.name].items():
            if now.get(part) != value:
                component.write(part, value)
        for part in now.keys() - before[component.name].keys():
            if component.name == "os.environ":
                os.environ.pop(part)


PARTS = {
    "pandas.options.display.width": (
        "pd.set_option('display.width', 41)",
        "pd.get_option('display.width')",
    ),
    "matplotlib.rcParams.figure.figsize": (
        "matplotlib.rcParams['figure.figsize'] = (3, 2)",
        "list(matplotlib.rcParams['figure.figsize'])",
    ),
    "numpy.printoptions.precision": (
        "np.set_printoptions(precision=2)",
        "repr(np.array([1.23456]))",
    ),
    "numpy.errstate.divide": ("np.seterr(divide='raise')", "np.geterr()['divide']"),
    "os.environ.JPIPE_TEST": (
        "os.environ['JPIPE_TEST'] = 'x'",
        "os.environ.get('JPIPE_TEST')",
    ),
    "os.cwd": ("os.chdir('/')", "os.getcwd()"),
    "sys.path": ("sys.path.append('/lib/extra')", "sys.path[-1]"),
    "sys.recursionlimit": ("sys.setrecursionlimit(2345)", "sys.getrecursionlimit()"),
    "warnings.filters": (
        "warnings.filterwarnings('error', 'mine')",
        "warnings.filters[0][0]",
    ),
    "decimal.context.prec": (
        "decimal.getcontext().prec = 7",
        "str(decimal.Decimal(1) / 3)",
    ),
    "decimal.context.traps": (
        "decimal.getcontext().traps[decimal.Inexact] = True",
        "decimal.getcontext().traps[decimal.Inexact]",
    ),
    "logging.level.root": (
        "logging.getLogger().setLevel(13)",
        "logging.getLogger().level",
    ),
    "logging.level.mine": (
        "logging.getLogger('mine').setLevel('INFO')",
        "logging.getLogger('mine').level",
    ),
    "numpy.random": ("np.random.seed(3); np.random.rand(5)", "np.random.rand()"),
    "random": ("random.seed(3); random.random()", "random.random()"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_change_is_carried_by_its_name(stages: Stages, part: str) -> None:
    change, look = PARTS[part]
    before = {one.name: one.read() for one in HERE}
    stages.run("A", IMPORTS + change, "", seeded=("numpy.random", "random"))
    after = eval(
        compile(look, "", "eval"), stages.run("probe", IMPORTS + f"value = {look}")
    )
    found = stages.results["A"].ambient
    assert [one.component for one in found] == [part]
    assert found[0].from_stage == "A"
    _reset(before)
    expected = stages.run("B", IMPORTS + f"value = {look}", ambient=found)["value"]
    assert (
        expected
        == stages.run("again", IMPORTS + f"value = {look}", ambient=found)["value"]
    )
    if "random" not in part:
        assert expected == after
        assert stages.results["B"].ambient == ()


def _reset(before: dict[str, dict[str, object]]) -> None:
    for component in HERE:
        for name, value in before[component.name].items():
            component.write(name, value)


def test_the_notebook_s_numbers_go_on(stages: Stages) -> None:
    """Cases 46 and 58."""
    import numpy as np

    np.random.seed(0)
    expected = np.random.rand(4).tolist()
    first = stages.run(
        "A",
        "import numpy as np; np.random.seed(0); x = np.random.rand(2)",
        seeded=("numpy.random",),
    )
    np.random.seed(99)
    second = stages.run(
        "B",
        "import numpy as np; x = np.random.rand(2)",
        ambient=stages.results["A"].ambient,
    )
    assert [*first["x"], *second["x"]] == expected


def test_a_generator_that_nobody_seeds_is_drawn_from_but_not_carried(
    stages: Stages,
) -> None:
    stages.run("A", "import random; random.random()", seeded=("numpy.random",))
    assert stages.results["A"].ambient == ()
    assert stages.results["A"].drawn == ("random",)


def test_what_earlier_stages_left_wins_over_replayed_code(stages: Stages) -> None:
    seed = "import numpy as np; np.random.seed(0)"
    first = stages.run(
        "A", "x = np.random.rand()", replays=seed, seeded=("numpy.random",)
    )
    second = stages.run(
        "B", "x = np.random.rand()", replays=seed, ambient=stages.results["A"].ambient
    )
    assert first["x"] != second["x"]


def test_replayed_code_is_no_change_of_the_stage(stages: Stages) -> None:
    stages.run(
        "A",
        "x = 1",
        replays=IMPORTS + "np.random.seed(0); pd.set_option('display.width', 44)",
    )
    assert stages.results["A"].ambient == ()
    assert stages.results["A"].drawn == ()


def test_what_was_removed_stays_removed(stages: Stages) -> None:
    os.environ["JPIPE_TEST"] = "x"
    stages.run("A", "import os; del os.environ['JPIPE_TEST']")
    os.environ["JPIPE_TEST"] = "x"
    stages.run(
        "B",
        "import os; assert 'JPIPE_TEST' not in os.environ",
        ambient=stages.results["A"].ambient,
    )


def test_what_cannot_be_restored_is_told(stages: Stages, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    stages.run("A", f"import os; os.chdir({str(tmp_path / 'gone')!r})")
    os.chdir("/")
    (tmp_path / "gone").rmdir()
    stages.run("B", ambient=stages.results["A"].ambient)
    assert (
        stages.results["B"]
        .warnings[0]
        .startswith("os.cwd could not be restored: FileNotFoundError")
    )


def test_a_value_that_cannot_travel_is_told(stages: Stages) -> None:
    stages.run(
        "A",
        "import warnings\ndef make():\n    class Local(Warning): lock = __import__('threading').Lock()\n    return Local\nwarnings.simplefilter('error', make())",
    )
    assert (
        "warnings.filters was changed, but its value cannot travel"
        in stages.results["A"].warnings[0]
    )


LATE = """
import sys
sys.path[:0] = [{root!r}]
from jupyter_pipe.kernel.ambient import Ambience, find_components
kept = {kept!r}
one = Ambience(find_components(), kept)
one.restore()
one.enter()
assert "numpy" not in sys.modules
import numpy as np
print(np.random.rand())
np.set_printoptions(precision=3)
one.leave()
print(sorted(name for component, name, value in one.changed()))
"""


def test_a_library_imported_late_gets_its_state_then(stages: Stages) -> None:
    """Nothing is imported to restore it; a fresh interpreter, since numpy is imported
    here."""
    import numpy as np

    np.random.seed(5)
    kind, keys, *rest = np.random.get_state()
    expected = np.random.rand()
    root = str(Path(__file__).parents[2])
    code = LATE.format(root=root, kept={"numpy.random": (kind, keys.tobytes(), *rest)})
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.split("\n")[:2] == [
        repr(expected),
        "['numpy.printoptions.precision', 'numpy.random']",
    ]


def test_installed_distributions_add_components(
    stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugin-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(
        "[other]\nx = y\n\n[jupyter_pipe.ambient]\nmine = plugin_of_test:Mine\n"
    )
    (tmp_path / "plugin_of_test.py").write_text(
        "level = 1\nclass Mine:\n    name = module = 'plugin_of_test'\n    generator = False\n"
        "    def read(self): return {'level': level}\n"
        "    def write(self, part, value):\n        global level\n        level = value\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    find_plugins.cache_clear()
    try:
        stages.run("A", "import plugin_of_test; plugin_of_test.level = 4")
        (found,) = [
            one
            for one in stages.results["A"].ambient
            if one.component.startswith("plugin")
        ]
        assert found.component == "plugin_of_test.level"
        stages.run("reset", "import plugin_of_test; plugin_of_test.level = 1")
        stages.run(
            "B",
            "import plugin_of_test; assert plugin_of_test.level == 4",
            ambient=(found,),
        )
    finally:
        find_plugins.cache_clear()
