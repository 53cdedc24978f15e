"""A notebook gets its tests from a real run; they pass, and fail when it comes to mean
something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import jupyter_pipe
from jupyter_pipe.cli.main import main
from jupyter_pipe.testing import NotebookUnderTest
from jupyter_pipe.testing.notebook import ACCEPT
from tests.compiler.notebooks import write_notebook

# `tests init` runs the pipeline twice, in processes of their own: a limit for a machine
# that is very busy.
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(1200)]

CELLS = [
    (["parameters"], "least = 30\nshare: float = 0.25"),
    (
        ["stage:load", "rows:raw"],
        "import pandas as pd\nfrom units import METRES\nraw = pd.read_csv('homes.csv')\n"
        "class Scale:\n    def __init__(self, factor):\n        self.factor = factor\n"
        "    def of(self, values):\n        return values * self.factor\nscale = Scale(2.0)",
    ),
    (
        ["stage:clean"],
        "homes = raw[~(raw['area'] < least)].copy()\nmiddle = homes['area'].median()\n"
        "homes['area'] = homes['area'].fillna(middle)\nhomes['size'] = scale.of(homes['area']) / METRES",
    ),
    (
        ["stage:fit", "metric:slope", "gate:slope > 0", "score:predicted"],
        "from sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(homes[['size', 'rooms']], homes['price'])\n"
        "slope = float(model.coef_[0])\n"
        "from pathlib import Path\nPath('card.md').write_text(f'slope {slope:.6f}')\n"
        "predicted = model.predict(homes[['size', 'rooms']])",
    ),
]
"""Tags and code; the notebook reads a file and a module, and hands on an object of a
class of its own."""

MUTANTS = [
    ("least = 30", "least = 60"),
    ("raw['area'] < least", "raw['area'] < least + 40"),
    ("Scale(2.0)", "Scale(2.5)"),
    ("values * self.factor", "values + self.factor"),
    ("homes['area'].median()", "homes['area'].mean() + 1"),
    ("fillna(middle)", "fillna(0)"),
    ("/ METRES", "* METRES"),
    (
        "[['size', 'rooms']], homes['price']",
        "[['size', 'rooms']], homes['price'] + homes['rooms']",
    ),
    ("LinearRegression().fit", "LinearRegression(fit_intercept=False).fit"),
    ("'homes.csv'", "'homes.csv', nrows=50"),
    ("slope {slope:.6f}", "slope: {slope:.6f}"),
    (
        "predicted = model.predict(homes[['size', 'rooms']])",
        "predicted = model.predict(homes[['size', 'rooms']]) + 1",
    ),
]


def write(folder: Path, cells: list[tuple[list[str], str]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "units.py").write_text("METRES = 10.0\n")
    return write_notebook(
        folder / "homes.ipynb", [(source, tags) for tags, source in cells]
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebook, a run of it, and what `tests init` makes of that."""
    folder = tmp_path_factory.mktemp("homes")
    areas = [20 + n * 7 % 90 for n in range(200)]
    lines = [
        f"H{n},{area if n % 9 else ''},{n % 5},{5 * area + n % 11}"
        for n, area in enumerate(areas)
    ]
    (folder / "homes.csv").write_text(
        "\n".join(["name,area,rooms,price", *lines]) + "\n"
    )
    notebook = write(folder, CELLS)
    assert jupyter_pipe.run(notebook).state.value == "succeeded"
    assert main(["tests", "init", str(notebook)]) == 0
    return folder


def test_what_is_written_is_there_to_be_reviewed(home: Path) -> None:
    text = (home / "test_homes.py").read_text()
    assert "class TestClean:" in text
    assert "has no test of its own" not in text
    golden = home / "homes_golden"
    expected = json.loads((golden / "fit" / "expected.json").read_text())
    assert expected["card.md"] == [f"slope {expected['slope']:.6f}"]
    assert (golden / "input-files" / "homes.csv").is_file()
    assert (
        len(json.loads((golden / "model-predictions" / "expected.json").read_text()))
        == 20
    )


def test_tests_that_are_there_are_kept(home: Path) -> None:
    before = (home / "test_homes.py").read_bytes()
    assert main(["tests", "init", str(home / "homes.ipynb")]) == 2
    assert (home / "test_homes.py").read_bytes() == before


def test_stages_stop_without_their_columns_and_say_what_they_do_with_gaps(
    home: Path,
) -> None:
    text = (home / "test_homes.py").read_text()
    clean = text.partition("class TestClean")[2].partition("class TestFit")[0]
    assert '@pytest.mark.parametrize("column", ["area"])' in clean
    assert "test_goes_on_with_gaps" in clean
    assert "Without one of these columns of raw the stage goes on" in clean


def broken_stages(
    home: Path, folder: Path, cells: list[tuple[list[str], str]]
) -> list[str]:
    """The stages of another notebook that are not what the golden files say."""
    notebook = NotebookUnderTest(
        write(folder, cells), home / "homes_golden", folder / "tried"
    )
    found = []
    for stage in ("load", "clean", "fit"):
        try:
            notebook.check(stage, notebook.call(stage, **notebook.inputs(stage)))
        except AssertionError:
            found.append(stage)
    return found


@pytest.mark.parametrize(("old", "new"), MUTANTS)
def test_another_meaning_fails(home: Path, tmp_path: Path, old: str, new: str) -> None:
    cells = [(tags, source.replace(old, new)) for tags, source in CELLS]
    assert cells != CELLS
    assert broken_stages(home, tmp_path / "other", cells)


def test_the_same_meaning_in_other_words_passes(home: Path, tmp_path: Path) -> None:
    cells = [
        (tags, f"# in other words\n{source}".replace("middle", "typical"))
        for tags, source in CELLS
    ]
    assert broken_stages(home, tmp_path / "other", cells) == []


def test_a_class_of_the_notebook_means_what_it_means_now(
    home: Path, tmp_path: Path
) -> None:
    cells = [
        (tags, source.replace("values * self.factor", "values * self.factor * 3"))
        for tags, source in CELLS
    ]
    assert broken_stages(home, tmp_path / "other", cells) == ["clean"]


def test_what_is_accepted_is_what_must_come_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `tests accept` does it, which is pytest with this variable: red after a
    change, then green."""
    golden = tmp_path / "golden"
    shutil.copytree(home / "homes_golden", golden)
    cells = [
        (tags, source.replace("Scale(2.0)", "Scale(4.0)")) for tags, source in CELLS
    ]
    notebook = NotebookUnderTest(
        write(tmp_path / "other", cells), golden, tmp_path / "tried"
    )
    outputs = notebook.call("load")
    with pytest.raises(AssertionError, match="jupyter pipe tests accept"):
        notebook.check("load", outputs)
    with monkeypatch.context() as accepting:
        accepting.setenv(ACCEPT, "1")
        notebook.check("load", outputs)
    notebook.check("load", outputs)


def test_without_a_run_there_is_nothing_to_hold_a_notebook_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = write(tmp_path / "new", CELLS)
    assert main(["tests", "init", str(notebook)]) == 2
    said = capsys.readouterr().err
    assert "No run of homes.ipynb has succeeded" in said
    assert "jupyter pipe run homes.ipynb" in said


def test_accepting_what_was_never_written_says_how_to_write_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tests", "accept", str(write(tmp_path / "new", CELLS))]) == 2
    assert "jupyter pipe tests init" in capsys.readouterr().err
