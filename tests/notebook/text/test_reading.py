from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook import read_content, read_notebook
from tests.notebook.text.forms import FORMS, copied, written

PERCENT = '# %% tags=["stage:a"]\nx = 1\n\n# %%\ny = x\n'


def said(folder: Path, name: str, text: str | bytes) -> str:
    """The error about a file with this name and text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("example", ["quickstart.ipynb", "home_value.ipynb"])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_holds_the_same_cells_at_their_lines(
    tmp_path: Path, name: str, example: str
) -> None:
    kept = read_notebook(copied(tmp_path, example))
    path = written(tmp_path, name, example)
    found = read_notebook(path)
    assert [(cell.number, cell.source, cell.tags) for cell in found.code_cells] == [
        (cell.number, cell.source, cell.tags) for cell in kept.code_cells
    ]
    assert (found.kernel, found.settings) == (kept.kernel, kept.settings)
    lines = path.read_text(encoding="utf-8").splitlines()
    for cell in found.code_cells:
        assert cell.file_line is not None
        for offset, line in enumerate(cell.source.split("\n")):
            # Magics stand in the text as comments.
            assert lines[cell.file_line - 1 + offset].removeprefix(
                "# "
            ) == line.removeprefix("# ")


def test_what_an_editor_holds_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(PERCENT)
    content = read_content(path)
    edited = read_notebook(path, content)
    assert [cell.source for cell in edited.cells] == ["x = 1", "y = x"]
    assert [cell.file_line for cell in edited.cells] == [None, None]
    assert edited.digest == read_notebook(path).digest


def test_ids_hold_as_long_as_the_code_does(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n\n# %%\nx = 1\n\n# %%\ny = 2\n")
    before = [cell.id for cell in read_notebook(path).cells]
    assert len(set(before)) == 3
    path.write_text(
        '# %%\nfirst = 0\n\n# %% tags=["stage:a"]\nx = 1\n\n# %%\nx = 1\n\n# %%\ny = 3\n'
    )
    after = [cell.id for cell in read_notebook(path).cells]
    assert after[1:3] == before[:2]
    assert after[3] not in before


def test_notebooks_side_by_side_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(PERCENT)
    (tmp_path / "a.md").write_text("```python\nx = 1\n```\n")
    assert read_notebook(tmp_path / "a.py").name == "a_py"
    assert read_notebook(tmp_path / "a.md").name == "a_md"


def test_line_ends_and_marks_of_other_systems(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbf" + PERCENT.replace("\n", "\r\n").encode())
    assert [
        (cell.source, cell.tags, cell.file_line) for cell in read_notebook(path).cells
    ] == [
        ("x = 1", ("stage:a",), 2),
        ("y = x", (), 5),
    ]


def test_a_cell_in_another_language_counts_from_its_fence(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Title\n\nx = 1\n\n```python\nx = 1\n```\n\n```bash\nls\n```\n")
    cells = read_notebook(path).code_cells
    assert [(cell.source, cell.file_line) for cell in cells] == [
        ("x = 1", 6),
        ("%%bash\nls", 9),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.py", "import os\n\nprint(os.name)\n", "program, not a notebook"),
        ("a.py", "", "empty"),
        ("a.py", b"# %%\nx = '\xe9'\n", "line 2: the file is not UTF-8"),
        ("a.py", "# %%\nx = '\f'\n", "U+000C"),
        ("a.py", "# %%\nx = '\u2028'\n", "line 2: the character U+2028"),
        ("a.py", "# %% tags=[stage:load]\nx = 1\n", "line 1: the cell's tags are not"),
        ("a.py", "# %% name=[a\nx = 1\n", "line 2: the cell's options"),
        ("a.py", "# %% stage:load\nx = 1\n", "looks like a tag"),
        ("a.py", '# %% tags="stage:load"\nx = 1\n', "not a list of texts"),
        ("a.py", "# %% tags=[1]\nx = 1\n", "not a list of texts"),
        # Versions of jupytext before 1.19 take it for a program.
        (
            "a.py",
            "import marimo\napp = marimo.App()\n@app.cell\ndef f(): ...\n",
            " not ",
        ),
        (
            "a.py",
            "# ---\n# jupyter: [\n# ---\n\n# %%\nx = 1\n",
            "line 2: this is not YAML",
        ),
        (
            "a.py",
            "# ---\n# jupyter:\n#   - 1\n# ---\n\n# %%\nx = 1\n",
            "jupytext cannot read it",
        ),
        ("a.md", "# Title\n\nOnly words.\n", "no code cell"),
        ("a.md", "```R\nx <- 1\n```\n", "this one is R"),
        ("a.md", "```bash\nls\n```\n", "this one is Bash"),
        (
            "a.md",
            "::: note\n:::\n\n```python\nx = 1\n```\n",
            "'pandoc' is not read here",
        ),
        ("a.md", "```{code-cell}\n:tags: [a\nx = 1\n```\n", "line 2: this is not YAML"),
        ("a.md", "```{code-cell} R\nx <- 1\n```\n", "this one is R"),
        (
            "a.md",
            "```{code-cell} python\nx=1\n```\n```{code-cell} R\nx\n```\n",
            "same language",
        ),
        ("a.Rmd", "```{r}\nx <- 1\n```\n", "does not hold JSON"),
    ],
)
def test_what_is_no_notebook_is_said(
    tmp_path: Path, name: str, text: str | bytes, words: str
) -> None:
    assert words in said(tmp_path, name, text)


def test_without_jupytext_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert "pip install 'jupyter_pipe[jupytext]'" in said(tmp_path, "a.py", PERCENT)
    assert read_notebook(copied(tmp_path)).name == "quickstart"


def test_a_link_is_followed_and_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(PERCENT)
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
    assert read_notebook(tmp_path / "b.py").name == "b_py"
    (tmp_path / "c.py").mkdir()
    with pytest.raises(NotebookError, match="is a folder"):
        read_notebook(tmp_path / "c.py")
    with pytest.raises(NotebookError) as caught:
        read_notebook(tmp_path / "bb.py")
    assert "Did you mean" in caught.value.hint
