"""Suggestions for notebooks of many shapes; whatever is suggested compiles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jupyter_pipe
from jupyter_pipe.compiler import draft_pipeline
from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import Diagnostic, Severity
from jupyter_pipe.suggest import Suggestion, suggest_stages
from jupyter_pipe.suggest.names import slug
from tests.property.grammar import idioms, write_notebook
from tests.suggest.notebooks import (
    EXAMPLES,
    errors,
    grouped,
    notebook_json,
    suggested,
    with_suggestion,
    without_tags,
)

IMPORTS = "import pandas as pd\nfrom sklearn.linear_model import Ridge, Lasso"
LOAD = "df = pd.read_csv('homes.csv')\ndf = df.dropna()\nX, y = df.drop(columns='price'), df['price']"


def fit(name: str, model: str) -> str:
    return f"{name} = {model}().fit(X, y)\n{name}_score = {name}.score(X, y)\nprint({name}_score)"


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        (
            "home_value",
            "ingest validate features ridge forest boosting evaluate model_card",
        ),
        ("digits", "images neighbours vectors forest boosting network who_reads_best"),
    ],
)
def test_the_examples_get_the_stages_that_their_authors_gave(
    name: str, stages: str
) -> None:
    path = EXAMPLES / f"{name}.ipynb"
    data = without_tags(path)
    suggestion = suggest_stages(path, data)
    assert [stage.name for stage in suggestion.stages] == stages.split()
    assert suggestion.tags["parameters"] == ("parameters",)
    drafted = draft_pipeline(path, with_suggestion(data, suggestion))
    assert drafted.diagnostics == ()
    assert [stage.name for stage in drafted.stages] == stages.split()
    tagged = draft_pipeline(path)
    assert len(drafted.edges) == len(tagged.edges)


@pytest.mark.kernel
def test_the_suggested_pipeline_computes_the_same_metrics(tmp_path: Path) -> None:
    name, parameters = "home_value", {"weeks": 8, "n_estimators": 4}
    metrics = []
    for suggest in (False, True):
        folder = tmp_path / str(suggest)
        shutil.copytree(
            EXAMPLES,
            folder,
            ignore=shutil.ignore_patterns(".jupyter_pipe", "*_pipeline"),
        )
        path = folder / f"{name}.ipynb"
        data = without_tags(path, "gate:", *(("stage:", "skip") if suggest else ()))
        path.write_bytes(
            with_suggestion(data, suggest_stages(path, data)) if suggest else data
        )
        run = jupyter_pipe.run(path, parameters=parameters)
        assert run.state.value == "succeeded"
        metrics.append(run.metrics)
    assert metrics[0]
    assert metrics[0] == metrics[1]


def test_headings_divide() -> None:
    suggestion = suggested(
        "#md # Homes", IMPORTS, "#md ## 1. Load the data", LOAD, "df.head()", "#md ## 2) Fit!",
        fit("ridge", "Ridge"), "#md ## Summary\n### What came out", "print(ridge_score)\nridge.coef_",
        "best = ridge_score\nprint(f'{best:.2f}')",
    )  # fmt: skip
    assert grouped(suggestion) == {
        "load_data": "c4 c5",
        "fit": "c7",
        "came_out": "c9 c10",
    }
    assert suggestion.stages[1].after == ("load_data",)
    assert suggestion.stages[1].receives == ("X", "y")
    assert "1. Load the data" in suggestion.stages[0].reason


def test_parallel_parts_stand_apart_and_say_so() -> None:
    suggestion = suggested(
        IMPORTS,
        LOAD,
        fit("ridge", "Ridge"),
        fit("lasso", "Lasso"),
        "best = max(ridge_score, lasso_score)",
    )
    assert [stage.name for stage in suggestion.stages][:3] == ["load", "ridge", "lasso"]
    assert suggestion.stages[1].reason == "Can run beside lasso."


def test_without_headings_cells_are_named_by_what_they_do() -> None:
    suggestion = suggested(
        IMPORTS,
        "df = pd.read_csv('a.csv')\ndf.head()",
        "df = df.dropna()\ndf['x'] = df['x'].fillna(0)\ndf = df.drop_duplicates()",
        "from sklearn.model_selection import train_test_split\nX, X_test, y, y_test = train_test_split(df)",
        "model = Ridge()\nmodel.fit(X, y)",
        "predicted = model.predict(X_test)\nprint(model.score(X_test, y_test))",
    )
    names = [stage.name for stage in suggestion.stages]
    assert 3 <= len(names) <= 5
    assert set(names) <= {"load", "clean", "split", "train", "evaluate"}
    assert "c1" not in suggestion.tags


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("a, b = symbols('a b')", "symbols"),
        ("x = Matrix([1])", "matrix"),
        ("x = len([1])", "part"),
        ("x = f(range(3))", "part"),
    ],
)
def test_where_nothing_else_tells_a_function_names_the_stage(
    cell: str, name: str
) -> None:
    assert list(grouped(suggested("from sympy import symbols, Matrix, f", cell))) == [
        name
    ]


def test_lines_in_bold_stand_in_for_headings() -> None:
    assert list(
        grouped(suggested("#md **Load**", LOAD, "#md **Fit**", fit("ridge", "Ridge")))
    ) == [
        "load",
        "fit",
    ]


def test_definitions_and_imports_in_the_middle_belong_to_no_stage() -> None:
    suggestion = suggested(
        "x = [1]\nx.append(2)\nprint(x)",
        "import math",
        "def f(v):\n    return v",
        "f(x)",
    )
    assert suggestion.tags["c2"] == ("imports",)
    assert suggestion.tags["c3"] == ("functions",)
    assert any(note.startswith("Cells 2 and 3") for note in suggestion.notes)


def test_settings_at_the_top_become_parameters() -> None:
    suggestion = suggested(
        "import math\nN = 3\nNAME: str = 'a'",
        "total = sum(range(N))\nprint(total, NAME)",
    )
    assert suggestion.tags["c1"] == ("parameters",)


@pytest.mark.parametrize("source", ["rows = []", "N = 3\nrun = open('x')"])
def test_what_is_no_setting_is_work(source: str) -> None:
    suggestion = suggested(source, "print(1)")
    assert suggestion.tags["c1"][0].startswith("stage:")


def test_a_setting_that_is_bound_again_is_no_parameter() -> None:
    assert suggested("n = 1", "n = n + 1\nprint(n)").tags["c1"] != ("parameters",)


def test_seeds_and_options_at_the_top_stay_as_they_are() -> None:
    suggestion = suggested(
        "import numpy as np",
        "np.random.seed(0)",
        "a = np.random.rand(3)\nb = a.sum()",
        "print(b)",
    )
    assert not {"c1", "c2"} & suggestion.tags.keys()


def test_installing_is_left_out() -> None:
    suggestion = suggested("!pip install -q pandas\n%pip install seaborn", LOAD)
    assert suggestion.tags["c1"] == ("skip",)
    assert any("installs" in note for note in suggestion.notes)


def test_values_that_cannot_travel_keep_their_cells_together() -> None:
    lines = "source = open('a.txt')\nlines = (line.split() for line in source)\nprint('opened')"
    suggestion = suggested(
        "#md ## Read",
        lines,
        "#md ## Count",
        "total = 0\nfor line in lines:\n    total += 1",
    )
    assert len(suggestion.stages) == 1
    assert suggestion.notes == ()


def test_a_computed_path_that_may_clash_is_ordered() -> None:
    writes = "for n in range(3):\n    with open(f'out/{n}.txt', 'w') as file:\n        file.write('x')"
    reads = "import glob\ntexts = [open(p).read() for p in glob.glob('out/*.txt')]\nprint(len(texts))"
    suggestion = suggested("#md ## Write", writes, "#md ## Read", reads)
    content = with_suggestion(
        json.dumps(
            notebook_json("#md ## Write", writes, "#md ## Read", reads)
        ).encode(),
        suggestion,
    )
    drafted = draft_pipeline(Path("flow.ipynb"), content)
    assert [
        found for found in drafted.diagnostics if found.severity is not Severity.info
    ] == []


@pytest.mark.parametrize(
    "change", ["json.limit = 5", "json.limit = math.sqrt(25)", "json.limit = [b]"]
)
def test_a_cell_that_changes_a_module_stands_where_it_compiles(change: str) -> None:
    cells = (
        "import json\nimport math", "#md ## Load", "a = json.loads('[1, 2]')\nb = sum(a)\nprint(b)",
        change, "c = [b, json.limit]\nprint(c)\nd = [c]", "#md ## Use",
        "e = [json.limit, d[0]]\nprint(json.dumps(e))\nmath.sqrt(4)",
    )  # fmt: skip
    assert errors(drafted_with(suggested(*cells), *cells)) == []


TWICE = "def f(v):\n    return v * {n}"


@pytest.mark.parametrize(
    "cells",
    [
        # A function that is written again between the cells of one part.
        ("a = [1]\nprint(a)", TWICE.format(n=2), "b = f(2)", TWICE.format(n=3), "c = f(b)\nprint(c)"),
        ("#md ## One", "a = 1", TWICE.format(n=2), "f(a)", "#md ## Two", TWICE.format(n=3), "f(a)", "f(4)"),
        ("a = [1]\nprint(a)", "import math as m", "b = m.pi", "import cmath as m", "m.sqrt(-1)\nprint(b)"),
        # What cannot travel is read a long way below.
        ("f = open('a.txt', 'w')", *[f"x{n} = [{n}]\nprint(x{n})" for n in range(9)], "f.close()"),
        ("g = (n for n in [1])", "#md ## A", "a = [1]\nprint(a)", "#md ## B", "next(g)", "#md ## C", "a"),
        # Options that are set in the midst.
        ("import numpy as np\na = np.ones(3)", "np.set_printoptions(precision=2)", "print(a)", "b = a + 1"),
        ("!pip install nothing", "import json\na = json.loads('1')", "%pip install m", "b = json.dumps(a)"),
    ],
)  # fmt: skip
def test_what_is_suggested_compiles(cells: tuple[str, ...]) -> None:
    assert errors(drafted_with(suggested(*cells), *cells)) == []


def test_headings_divide_what_does_not_flow() -> None:
    parts = [
        ("Lists", "x = [1, 2]\nx[0]"),
        ("Slices", "x = 'abc'\nx[1:]"),
        ("Dates", "x = 3\nx + 1"),
    ]
    cells = [
        cell
        for name, source in parts
        for cell in (f"#md ## {name}", *source.split("\n"))
    ]
    assert list(grouped(suggested("#md # Tour", *cells))) == [
        "lists",
        "slices",
        "dates",
    ]


def test_few_stages_have_one_cell() -> None:
    cells = [f"a{n} = [{n}]\nprint(a{n})\nb{n} = a{n} + [1]" for n in range(24)]
    stages = suggested(*cells).stages
    assert sum(len(stage.cells) == 1 for stage in stages) <= 1


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Introduction to the analysis of variance", "analysis_variance"),
        (
            "3.2 Creating a new feature from existing features: age times class",
            "feature_features",
        ),
        (
            "Working with missing data in the column of ages and fares",
            "missing_data_column",
        ),
        ("Iterating over array elements", "iterating_array_elements"),
        ("What came out", "came_out"),
        ("Introduction", "introduction"),
        (
            "Donaudampfschifffahrtsgesellschaft of Vienna",
            "donaudampfschifffahrtsgesellsc",
        ),
        ("Part IV. Results!", "results"),
    ],
)
def test_a_heading_is_shortened_by_meaning(heading: str, name: str) -> None:
    assert slug(heading) == name


def test_words_that_many_headings_have_tell_little() -> None:
    heads = [
        "Regression of the income model on age",
        "Regression of the income model on size",
    ]
    cells = [
        c
        for n, head in enumerate(heads)
        for c in (f"#md ## {head}", fit(f"m{n}", "Ridge"), f"print(m{n})")
    ]
    names = [stage.name for stage in suggested(IMPORTS, LOAD, *cells).stages]
    assert any(name.endswith("age") for name in names)
    assert any(name.endswith("size") for name in names)


def test_one_cell_is_one_stage() -> None:
    assert grouped(suggested("print(1 + 1)")) == {"explore": "c1"}
    assert list(suggested("x = 1").tags) == ["c1"]


def test_a_notebook_of_definitions_has_nothing_to_suggest() -> None:
    suggestion = suggested("import math", "def f(): return math.pi")
    assert (suggestion.stages, suggestion.tags) == ((), {})
    assert "nothing to make stages of" in suggestion.notes[0]


@pytest.mark.parametrize("cells", [(), ("#md # Only text",), ("",)])
def test_without_code_there_is_an_error(cells: tuple[str, ...]) -> None:
    with pytest.raises(NotebookError, match="no code cell"):
        suggested(*cells)


def test_a_tagged_notebook_stays_as_it_is() -> None:
    suggestion = suggested(
        ("a = [1]", "stage:make"), ("print(a)", "stage:show"), "print(a, a)"
    )
    assert suggestion.tags == {}
    assert list(grouped(suggestion)) == ["make", "show"]
    assert suggestion.notes == ("Every cell has its stage already.",)


@pytest.mark.parametrize(
    "between", ["#md ## Other", "#md # Other\n## Part", "#md **Other**"]
)
def test_a_notebook_with_stages_keeps_them_under_any_heading(between: str) -> None:
    """Cells without a tag belong to the stage above them: dividing them again would
    change what was meant."""
    suggestion = suggested(
        "z = [0]\nprint(z)", ("a = [1]", "stage:make"), between, "a.append(2)\nb = sorted(a)\nprint(b)",
        ("c = sum(a)\nprint(c)", "stage:show"), between, "d = [c]\nprint(d)\nprint(sorted(d))",
    )  # fmt: skip
    assert suggestion.tags == {}


@pytest.mark.parametrize(
    "cells",
    [
        (("a = [1]", "block:make"), ("print(a)", "block:show", "prev:make")),
        (
            ("import math", "imports"),
            ("a = [1]", "stage:make"),
            ("a", "skip"),
            ("print(a)", "stage:show"),
        ),
        (
            ("n = 3", "parameters"),
            ("a = [n]", "stage:make"),
            "a.append(1)",
            ("print(a)", "stage:show"),
        ),
    ],
)
def test_a_notebook_with_tags_of_any_kind_stays_as_it_is(
    cells: tuple[str | tuple[str, ...], ...],
) -> None:
    suggestion = suggested(*cells)
    assert suggestion.tags == {}
    assert list(grouped(suggestion)) == ["make", "show"]


def test_a_partly_tagged_notebook_keeps_its_stages() -> None:
    suggestion = suggested(
        "#md ## Load", "a = [1, 2, 3]\nb = sorted(a)\nprint(b)", "#md ## Show", ("print(b)", "stage:load"),
        "b[0]",
        "#md ## Sum up", "total = sum(b)\nmean = total / len(b)\nprint(mean)",
    )  # fmt: skip
    assert suggestion.tags == {"c2": ("stage:load_2",), "c7": ("stage:sum_up",)}
    assert grouped(suggestion)["load"] == "c4 c5"


def test_what_does_not_compile_anyway_is_said() -> None:
    suggestion = suggested(
        "#md ## Load",
        "a = [1]\nprint(a)\nb = a",
        "#md ## Break",
        "if a",
        "print(b, nobody)\nb[0]",
    )
    assert suggestion.tags.keys() == {"c2", "c5"}
    assert (
        len(
            [
                note
                for note in suggestion.notes
                if note.startswith("Not because of the stages")
            ]
        )
        == 2
    )


def test_names_are_stages_and_differ() -> None:
    heads = [
        "Import",
        "import",
        "Setup",
        "# 3",
        "été à Paris",
        "数据",
        "class",
        "a_b: c",
        "🎉",
        "Load (2)",
        "Load",
    ]
    cells = [
        cell
        for n, head in enumerate(heads)
        for cell in (f"#md ## {head}", f"v{n} = [{n}]\nprint(v{n})\nv{n}[0]")
    ]
    suggestion = suggested(*cells)
    names = [stage.name for stage in suggestion.stages]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.isidentifier() for name in names)
    assert "prepare" in names


def drafted_with(suggestion: Suggestion, *cells: str) -> tuple[Diagnostic, ...]:
    content = with_suggestion(json.dumps(notebook_json(*cells)).encode(), suggestion)
    return draft_pipeline(Path("flow.ipynb"), content).diagnostics


LINES = st.sampled_from(
    ["a = [1]", "b = a", "b.append(2)", "print(a)", "def f(): return a", "import math", "c = f()", "del b",
     "for i in range(3): a.append(i)", "#md ## Part", "#md # Title", "g = (x for x in a)", "next(g)", "1 +",
     "_", "import random; random.seed(1)", "d = random.random()", "!pip install x",
     "open('f', 'w').write('x')", "math.limit = 1", "print(math.limit)"]
)  # fmt: skip


def new_errors(cells: list[str]) -> list[Diagnostic]:
    """The errors that a notebook has with the suggestion, and not without."""
    content = json.dumps(notebook_json(*cells)).encode()
    path = Path("flow.ipynb")
    try:
        before = draft_pipeline(path, content).diagnostics
    except NotebookError:
        return []
    after = draft_pipeline(
        path, with_suggestion(content, suggest_stages(path, content))
    ).diagnostics
    known = {(found.code, found.cell_id, found.line) for found in errors(before)}
    return [
        found
        for found in errors(after)
        if (found.code, found.cell_id, found.line) not in known
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(LINES, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=8
    )
)
def test_a_suggestion_adds_no_error(cells: list[str]) -> None:
    assert new_errors(cells) == []


@pytest.mark.thorough
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_suggestion_for_a_random_notebook_adds_no_error(data: st.DataObject) -> None:
    """The notebooks of `tests/property`, with headings between their cells."""
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))
    case = write_notebook(
        lambda options: data.draw(st.sampled_from(options)), idioms(), sizes
    )
    heads = data.draw(
        st.lists(
            st.sampled_from(["", "#md ## Part", "#md # Title"]),
            min_size=30,
            max_size=30,
        )
    )
    pairs = zip(heads, (cell.source for cell in case.cells), strict=False)
    assert new_errors([cell for pair in pairs for cell in pair if cell]) == []
