"""One notebook in five forms: the same pipeline, the same values, and no stage that
runs again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe import api
from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import check_notebook, compile_notebook, draft_pipeline
from jupyter_pipe.errors import CompileError
from jupyter_pipe.model import Pipeline, to_json
from jupyter_pipe.notebook import read_content, read_notebook
from tests.notebook.text.forms import FORMS, copied, written


def _plain(pipeline: Pipeline) -> Any:
    """The pipeline's JSON, without what follows from the notebook's name."""
    made = json.loads(
        to_json(pipeline).decode().replace(f'"{pipeline.name}/', '"NAME/')
    )
    return {key: value for key, value in made.items() if key not in {"name", "source"}}


def _with_ids(path: Path, ids: list[str]) -> bytes:
    """The notebook's content with other ids for its cells: those of a text are made
    from the code."""
    content = json.loads(path.read_bytes())
    for cell, cell_id in zip(content["cells"], ids, strict=True):
        cell["id"] = cell_id
    return json.dumps(content).encode()


@pytest.mark.parametrize("example", ["quickstart.ipynb", "home_value.ipynb"])
def test_every_form_gives_the_same_pipeline(tmp_path: Path, example: str) -> None:
    path = copied(tmp_path, example)
    for name in FORMS:
        kept = written(tmp_path, name, example)
        ids = [cell.id for cell in read_notebook(kept).cells]
        expected = draft_pipeline(path, _with_ids(path, ids))
        found = draft_pipeline(kept)
        assert _plain(found) == _plain(expected), name
        assert found.source.digest == expected.source.digest


def test_packages_of_neighbours_do_not_meet(tmp_path: Path) -> None:
    path = copied(tmp_path)
    text = path.with_suffix(".py")
    written(tmp_path, "percent.py").rename(text)
    packages = [compile_notebook(each) for each in (path, text)]
    # The notebook's package would hide a module of that name, which the text now is.
    assert [next(iter(each.pipeline.stages)).module for each in packages] == [
        "quickstart_nb/readings.py",
        "quickstart_py/readings.py",
    ]
    headers = [
        each.files["requirements.txt"].decode().splitlines()[0] for each in packages
    ]
    assert "from quickstart.ipynb:" in headers[0]
    assert "from quickstart.py:" in headers[1]


@pytest.mark.kernel
def test_a_notebook_that_was_converted_runs_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = {
        written(tmp_path, "percent.py").name: api.run(
            "percent.py", parameters={"days": 30}
        )
    }
    for name in (path.name, *FORMS):
        if name in FORMS:
            written(tmp_path, name)
        found[name] = api.run(name, parameters={"days": 30})
        assert {stage.state.value for stage in found[name].stages} == {"cached"}, name
    assert len({json.dumps(run.metrics, sort_keys=True) for run in found.values()}) == 1
    assert {run.pipeline for run in found.values()} == {
        "quickstart",
        *(name.replace(".", "_") for name in FORMS),
    }
    capsys.readouterr()
    assert main(["plan", "myst.md", "-p", "days=30", "--json"]) == 0
    assert {
        stage["action"] for stage in json.loads(capsys.readouterr().out)["stages"]
    } == {"reuse"}


def _header(option: str) -> str:
    return f"# ---\n# jupyter:\n#   jupytext:\n#     {option}\n# ---\n\n"


TAGGED = '# %% tags=["stage:a"]\nx = 1\n'


@pytest.mark.parametrize(
    ("option", "cells", "codes"),
    [
        ("cell_metadata_filter: -all", "# %%\nx = 1\n", ["PIPE121"]),
        ("cell_metadata_filter: -tags", "# %%\nx = 1\n", ["PIPE121"]),
        ("cell_metadata_filter: name,-all", "# %%\nx = 1\n", ["PIPE121"]),
        ("cell_metadata_filter: tags,-all", "# %%\nx = 1\n", []),
        ("cell_metadata_filter: all", "# %%\nx = 1\n", []),
        ("notebook_metadata_filter: -all", "# %%\nx = 1\n", []),
        ("cell_metadata_filter: -all", TAGGED, []),  # jupytext keeps what it has found
    ],
)
def test_a_header_that_leaves_tags_out_is_an_error(
    tmp_path: Path, option: str, cells: str, codes: list[str]
) -> None:
    path = tmp_path / "a.py"
    path.write_text(_header(option) + cells)
    found = check_notebook(path)
    assert [each.code for each in found] == codes
    if codes:
        assert "tags,-all" in found[0].hint
        with pytest.raises(CompileError):
            compile_notebook(path)


def test_tags_that_an_editor_would_lose_are_an_error(tmp_path: Path) -> None:
    """jupytext gives a text without a header a filter of its own when it opens it."""
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n")
    content = json.loads(read_content(path))
    content["metadata"]["jupytext"]["cell_metadata_filter"] = "-all"
    assert draft_pipeline(path, json.dumps(content).encode()).diagnostics == ()
    content["cells"][0]["metadata"]["tags"] = ["stage:a"]
    edited = json.dumps(content).encode()
    assert [each.code for each in draft_pipeline(path, edited).diagnostics] == [
        "PIPE121"
    ]
    assert draft_pipeline(tmp_path / "a.ipynb", edited).diagnostics == ()


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (TAGGED, ""),
        (TAGGED.replace("x = 1", "x = 2"), "has other code"),
        (TAGGED.replace("stage:a", "stage:b"), "has other tags"),
        (TAGGED + "\n# %%\ny = 2\n", "has other cells"),
        ("# %%\n", "cannot be read"),
    ],
)
def test_a_pair_that_differs_is_said_from_either_side(
    tmp_path: Path, beside: str, words: str
) -> None:
    header = _header("formats: md,py:percent")
    (tmp_path / "a.py").write_text(header + TAGGED)
    (tmp_path / "b.py").write_text(header + beside)
    (tmp_path / "a.md").write_text("```python\n```\n")
    if beside != "# %%\n":
        import jupytext

        jupytext.write(jupytext.read(tmp_path / "b.py"), tmp_path / "a.md", fmt="md")
    for name, other in (("a.py", "a.md"), ("a.md", "a.py")):
        if name == "a.md" and words == "cannot be read":
            continue
        found = [
            each.message
            for each in check_notebook(tmp_path / name)
            if each.code == "PIPE122"
        ]
        assert len(found) == bool(words), name
        if words:
            assert words in found[0]
            assert f"'{name}' is what runs. '{other}'" in found[0]


def test_findings_name_the_line_of_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text('# Words.\n\n# %% tags=["stage:a"]\nx = 1\nprint(y)\n')
    assert main(["check", "a.py"]) == 2
    assert "line 2, a.py:5: error PIPE201" in capsys.readouterr().out
    assert main(["check", "--format", "github", "a.py"]) == 2
    assert "::error file=a.py,line=5,title=PIPE201" in capsys.readouterr().out
    assert main(["check", "--json", "a.py"]) == 2
    assert json.loads(capsys.readouterr().out)["a.py"][0]["file_line"] == 5
    assert main(["compile", "a.py"]) == 2
    shown = capsys.readouterr().err
    assert "a.py:5" in shown
    assert "'a.py' does not compile" in shown
