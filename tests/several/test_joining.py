"""Which notebooks are one pipeline, and what its graph is. No kernel."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_pipe.cli.commands import FOR_ONE_NOTEBOOK
from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import draft_pipeline
from jupyter_pipe.compiler.graph import rewire
from jupyter_pipe.compiler.notebook_list import list_notebooks
from jupyter_pipe.compiler.several import check_several, compile_several
from jupyter_pipe.errors import CompileError, NotebookError
from jupyter_pipe.model import Learned, Pipeline
from jupyter_pipe.notebook.file_kinds import names_several
from jupyter_pipe.render import to_dot, to_mermaid, to_svg
from jupyter_pipe.render.layout.layout import layout
from tests.compiler.notebooks import Cells, write_notebook
from tests.several.shop import write_shop


def joined(folder: Path, **notebooks: Cells) -> Pipeline:
    """The pipeline of these notebooks; `__` stands for `/` in their names."""
    paths = []
    for name, cells in notebooks.items():
        path = folder / f"{name.replace('__', '/')}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(write_notebook(path, cells))
    return compile_several(list_notebooks(paths)).pipeline


def edges(pipeline: Pipeline) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(edge.from_, edge.to): edge.names for edge in pipeline.edges}


def test_names_of_variables_are_those_of_one_notebook(tmp_path: Path) -> None:
    pipeline = joined(
        tmp_path,
        a=[("x = 1", ["stage:make"]), ("y = x", ["stage:use"])],
        b=[("x = 2", ["stage:make"]), ("z = x", ["stage:use"])],
    )
    assert edges(pipeline) == {("a.make", "a.use"): ("x",), ("b.make", "b.use"): ("x",)}


def test_a_shared_value_is_that_of_the_end(tmp_path: Path) -> None:
    """`a.grow` changes it after the cell whose tag shares it; `b.first` changes a copy
    of its own."""
    pipeline = joined(
        tmp_path,
        a=[("xs = [1]", ["stage:make", "shares:xs"]), ("xs.append(2)", ["stage:grow"])],
        b=[("xs.append(3)", ["stage:first"]), ("print(xs)", ["stage:second"])],
        c=[("print(xs)", ["stage:look"])],
    )
    assert edges(pipeline) == {
        ("a.make", "a.grow"): ("xs",),
        ("a.grow", "b.first"): ("xs",),
        ("b.first", "b.second"): ("xs",),
        ("a.grow", "c.look"): ("xs",),
    }
    assert pipeline.stage("a.grow").outputs == ("xs",)


def test_the_nearest_notebook_that_shares_a_name_holds(tmp_path: Path) -> None:
    pipeline = joined(
        tmp_path,
        a=[("x = 1", ["stage:make", "shares:x"])],
        b=[("x = 2", ["stage:make", "shares:x"])],
        c=[("print(x)", ["stage:look"])],
        d=[("x = 3\nprint(x)", ["stage:look"])],
    )
    assert edges(pipeline) == {("b.make", "c.look"): ("x",)}


def test_what_was_taken_can_be_passed_on(tmp_path: Path) -> None:
    pipeline = joined(
        tmp_path,
        a=[("x = [1]", ["stage:make", "shares:x"])],
        b=[("y = x", ["stage:use", "shares:x,y"])],
        c=[("print(x, y)", ["stage:look"])],
    )
    assert edges(pipeline)["a.make", "c.look"] == ("x",)
    assert edges(pipeline)["b.use", "c.look"] == ("y",)


def test_files_have_one_name_wherever_notebooks_lie(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "link").symlink_to(tmp_path / "elsewhere")
    pipeline = joined(
        tmp_path,
        a=[
            ("open('data.csv', 'w').write('1')", ["stage:write"]),
            ("open('elsewhere/x.csv', 'w').write('1')", ["stage:far"]),
        ],
        models__b=[
            ("print(open('../data.csv').read())", ["stage:near"]),
            ("print(open('link/x.csv').read())", ["stage:linked"]),
            (f"print(open({str(tmp_path / 'data.csv')!r}).read())", ["stage:absolute"]),
            ("import glob\nprint(glob.glob('../*.csv'))", ["stage:listed"]),
            ("print(open('data.csv').read())", ["stage:another"]),
        ],
    )
    found = {
        pair: names
        for pair, names in edges(pipeline).items()
        if pair[0].startswith("a.")
    }
    assert found == {
        ("a.write", "b.near"): ("file:data.csv",),
        ("a.far", "b.linked"): ("file:elsewhere/x.csv",),
        ("a.write", "b.absolute"): ("file:data.csv",),
        ("a.write", "b.listed"): ("file:data.csv",),
        # In the names of the graph `*` stands for folders as well.
        ("a.far", "b.listed"): ("file:elsewhere/x.csv",),
    }


def test_two_notebooks_that_write_a_file_keep_their_order(tmp_path: Path) -> None:
    pipeline = joined(
        tmp_path,
        a=[
            ("open('f', 'w').write('1')", ["stage:write"]),
            ("print(open('f').read())", ["stage:read"]),
        ],
        b=[("open('f', 'w').write('2')", ["stage:write"])],
    )
    assert edges(pipeline)["a.write", "b.write"] == ("file:f",)
    assert edges(pipeline)["a.read", "b.write"] == ("file:f",)


def test_an_unknown_program_waits_for_the_files_of_earlier_notebooks(
    tmp_path: Path,
) -> None:
    pipeline = joined(
        tmp_path,
        a=[("open('f', 'w').write('1')", ["stage:write"])],
        b=[("!python tool.py", ["stage:run"])],
    )
    assert ("a.write", "b.run") in edges(pipeline)


def test_settings_and_generators_end_with_their_notebook(tmp_path: Path) -> None:
    setting = "import os\nimport random\nrandom.seed(1)\nos.environ['A'] = '1'"
    pipeline = joined(
        tmp_path,
        a=[
            (setting, ["stage:set"]),
            ("import random\nprint(random.random())", ["stage:draw"]),
        ],
        b=[
            (
                "import os\nimport random\nprint(random.random(), os.environ['A'])",
                ["stage:draw"],
            )
        ],
    )
    assert {pair for pair in edges(pipeline) if pair[1] == "b.draw"} == set()
    assert ("a.set", "a.draw") in edges(pipeline)


def test_what_a_run_has_seen_makes_edges_between_notebooks_and_moves_shared_values(
    tmp_path: Path,
) -> None:
    pipeline = joined(
        tmp_path,
        a=[("xs = [1]", ["stage:make", "shares:xs"]), ("print(xs)", ["stage:touch"])],
        b=[("print(xs)", ["stage:look"])],
        c=[("print(1)", ["stage:look"])],
    )
    assert edges(pipeline)["a.make", "b.look"] == ("xs",)
    seen = {
        "a.touch": Learned(mutates=("xs",)),
        "c.look": Learned(follows={"b.look": ("file:seen.txt",)}),
    }
    again = rewire(pipeline, seen)
    assert edges(again)["a.touch", "b.look"] == ("xs",)
    assert edges(again)["b.look", "c.look"] == ("file:seen.txt",)
    assert again.stage("a.touch").outputs == ("xs",)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("def f(): pass", ["stage:make", "shares:f"]), "'f' is code or a setting"),
        (
            ("x = 1", ["stage:make", "shares:y"]),
            "'y' is read in cell 1, but no earlier cell defines it",
        ),
        (("x = open('f')", ["stage:make", "shares:x"]), "cannot travel"),
    ],
)
def test_what_cannot_be_shared_is_said_with_the_cell(
    tmp_path: Path, cell: tuple[str, list[str]], said: str
) -> None:
    for name in ("a", "b"):
        write_notebook(tmp_path / f"{name}.ipynb", [cell])
    found = check_several(list_notebooks([tmp_path / "a.ipynb", tmp_path / "b.ipynb"]))
    about = [
        each
        for each in found
        if each.notebook == str(tmp_path / "a.ipynb") and each.code != "PIPE302"
    ]
    assert [(each.cell_id, each.cell) for each in about] == [("c1", 1)]
    assert said in about[0].message or said in about[0].hint, about
    # Alone it says the same: the tag is wrong, whoever comes after.
    assert main(["check", str(tmp_path / "a.ipynb")]) == 2


def test_a_parameter_is_not_shared(tmp_path: Path) -> None:
    cells = [("days = 3", ["parameters"]), ("x = days", ["stage:use", "shares:days"])]
    path = write_notebook(tmp_path / "a.ipynb", cells)
    found = check_several(
        list_notebooks([path, write_notebook(tmp_path / "b.ipynb", [("1", ())])])
    )
    assert [each.code for each in found] == ["PIPE114"]
    assert "-p days=" in found[0].hint


def test_errors_name_the_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_notebook(tmp_path / "a.ipynb", [("x = 1", ["stage:make", "shares:x"])])
    b = write_notebook(
        tmp_path / "b.ipynb", [("print(x)\nprint(nowhere)", ["stage:look"])]
    )
    with pytest.raises(CompileError) as caught:
        compile_several(list_notebooks([a, b]))
    (found,) = caught.value.diagnostics
    assert (found.notebook, found.stage, found.cell, found.line) == (
        str(b),
        "b.look",
        1,
        2,
    )
    assert main(["run", str(a), str(b)]) == 2
    said = capsys.readouterr().err
    assert "b.ipynb, cell 1 (stage b.look)" in said
    assert "2 | print(nowhere)" in said
    assert main(["check", "--together", str(a), str(b)]) == 2
    assert "a.ipynb: no problems" in capsys.readouterr().out
    assert main(["check", str(b)]) == 2
    assert "'x' is read in cell 1" in capsys.readouterr().out


def test_notebooks_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    cells = [("x = 1", ["stage:make"])]
    pipeline = joined(tmp_path, north__load=cells, south__load=cells, report=cells)
    names = [stage.name for stage in pipeline.stages]
    assert names == ["north_load.make", "south_load.make", "report.make"]


def test_a_notebook_is_named_once(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", [("1", ())])
    with pytest.raises(NotebookError, match="named twice"):
        list_notebooks([path, tmp_path / "." / "a.ipynb"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'name = "x"\nnotebooks = [1]',
            "line 2: 'notebooks' has to be a list of files",
        ),
        ('name = "x"', "'notebooks' has to be a list"),
        (
            'notebooks = ["ingest.ipynb"]\ntitle = "x"',
            "line 2: 'title' is not a setting",
        ),
        ('notebooks = ["ingest.ipynb"]\nname = 3', "line 2: 'name' has to be a text"),
        (
            'notebooks = [\n  "ingest.ipynb",\n  "train.ipynb",\n]',
            "line 3: there is no notebook 'train.ipynb'",
        ),
        (
            'notebooks = ["ingest.ipynb",\n"notes.txt"]',
            "line 2: 'notes.txt' is not the name of a notebook",
        ),
        (
            'notebooks = ["ingest.ipynb"]\nname = "a/b"',
            "line 2: the name 'a/b' is not the name of a file",
        ),
        ('name = "x\nnotebooks', "line 1"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_the_line(
    tmp_path: Path, text: str, said: str
) -> None:
    listed = write_shop(tmp_path)
    listed.write_text(text)
    with pytest.raises(NotebookError) as caught:
        list_notebooks([listed])
    assert said in caught.value.message
    assert caught.value.code == "pipeline_file_invalid"


def test_a_folder_stands_for_its_list(tmp_path: Path) -> None:
    listed = write_shop(tmp_path)
    assert names_several([tmp_path])
    assert names_several([listed])
    assert not names_several([tmp_path / "ingest.ipynb"])
    assert list_notebooks([tmp_path]) == list_notebooks([listed])
    assert list_notebooks([listed]).description == "From rows to a report"


@pytest.mark.parametrize("command", sorted(FOR_ONE_NOTEBOOK))
@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("pipeline.toml", "pipeline.toml"),
        (".", "pipeline.toml"),
        ("shop_pipeline", "shop_pipeline"),
    ],
)
def test_what_is_for_one_notebook_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    target: str,
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "."]) == 0
    words = {
        "contract": ["check", target],
        "labels": ["export", target, "--key", "row"],
        "loop": ["once", target],
        "score": [target, "rows.csv"],
        "tests": ["init", target],
    }
    assert main([command, *words.get(command, [target])]) == 2
    assert f"'{named}' lists several notebooks" in capsys.readouterr().err


def test_a_folder_with_a_list_is_not_a_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(tmp_path)
    assert main(["register", str(tmp_path)]) == 2
    assert "lists several notebooks" in capsys.readouterr().err


def test_each_notebook_has_a_frame_of_its_own_in_the_picture(tmp_path: Path) -> None:
    pipeline = compile_several(list_notebooks([write_shop(tmp_path)])).pipeline
    drawing = layout(pipeline)
    assert [frame.name for frame in drawing.frames] == ["ingest", "train", "report"]
    for upper, lower in pairwise(drawing.frames):
        assert upper.y + upper.height < lower.y
    for box in drawing.boxes:
        around = [
            frame.name
            for frame in drawing.frames
            if frame.y < box.y and box.y + box.height < frame.y + frame.height
        ]
        assert around == [box.name.partition(".")[0]]
    assert drawing.height >= drawing.frames[-1].y + drawing.frames[-1].height
    picture = to_svg(pipeline)
    assert ">train</text>" in picture
    assert ">fit</text>" in picture
    assert 'subgraph n1["train"]\n        s2["read"]' in to_mermaid(pipeline)
    assert 'subgraph cluster_2 { label="report"' in to_dot(pipeline)


def test_a_pipeline_of_one_notebook_has_no_frames(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", [("x = 1", ["stage:make"])])
    pipeline = draft_pipeline(path)
    assert layout(pipeline).frames == ()
    assert "jpipe-frame" not in to_svg(pipeline).partition("</style>")[2]
    assert "subgraph" not in to_mermaid(pipeline) + to_dot(pipeline)
