from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.notebook.text import TagChange, edit_text_tags, read_text_notebook
from jupyter_pipe.suggest.accept import accept, take_back
from tests.notebook.text.forms import FORMS, written


def _add(tag: str) -> TagChange:
    return lambda old: [*(old or []), tag]


def _without(tag: str) -> TagChange:
    return lambda old: [each for each in old or [] if each != tag] or None


def _changed(before: bytes, after: bytes) -> list[str]:
    old, new = (data.decode().splitlines() for data in (before, after))
    found = difflib.unified_diff(old, new, lineterm="", n=0)
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


def _code(name: str, data: bytes) -> list[int]:
    cells = read_text_notebook(name, data).content["cells"]
    return [index for index, cell in enumerate(cells) if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", FORMS)
def test_only_the_marker_changes_in_every_form(tmp_path: Path, name: str) -> None:
    data = written(tmp_path, name).read_bytes()
    code = _code(name, data)
    after = edit_text_tags(
        name, data, {code[0]: _add("stage:new"), code[-1]: _add("é")}
    )
    changed = _changed(data, after)
    assert len(changed) == 4
    assert all("tags" in line for line in changed)
    tags = [
        cell["metadata"].get("tags", [])
        for cell in read_text_notebook(name, after).content["cells"]
    ]
    assert tags[code[0]] == ["parameters", "stage:new"]
    assert tags[code[-1]][-1] == "é"


MARKERS = [
    ("a.py", "# %%\nx = 1\n", '# %% tags=["s"]\nx = 1\n'),
    ("a.py", "#%%\nx = 1\n", '#%% tags=["s"]\nx = 1\n'),
    ("a.py", "# %% A title\nx = 1\n", '# %% A title tags=["s"]\nx = 1\n'),
    ("a.py", '# %% name="n"\nx = 1\n', '# %% name="n" tags=["s"]\nx = 1\n'),
    (
        "a.py",
        '# %% T {"name": "n"}\nx = 1\n',
        '# %% T {"name": "n", "tags": ["s"]}\nx = 1\n',
    ),
    ("a.py", "# %%\r\nx = 1\r\n", '# %% tags=["s"]\r\nx = 1\r\n'),
    ("a.py", "# %%\n# %time\nx = 1\n", '# %% tags=["s"]\n# %time\nx = 1\n'),
    ("a.py", "# +\nx = 1\n\ny = 2\n", '# + tags=["s"]\nx = 1\n\ny = 2\n'),
    ("a.py", "# %%\n\n\nx = 1\n", '# %% tags=["s"]\n\n\nx = 1\n'),
    ("a.md", "```python\nx = 1\n```\n", '```python tags=["s"]\nx = 1\n```\n'),
    ("a.md", "````python\nx = 1\n````\n", '````python tags=["s"]\nx = 1\n````\n'),
    (
        "a.md",
        "```{code-cell}\nx = 1\n```\n",
        '```{code-cell}\n:tags: ["s"]\n\nx = 1\n```\n',
    ),
    (
        "a.md",
        "```{code-cell} python\n:name: n\n\nx = 1\n```\n",
        '```{code-cell} python\n:tags: ["s"]\n:name: n\n\nx = 1\n```\n',
    ),
    (
        "a.md",
        "```{code-cell}\n---\nname: n\n---\nx = 1\n```\n",
        '```{code-cell}\n---\ntags: ["s"]\nname: n\n---\nx = 1\n```\n',
    ),
]


@pytest.mark.parametrize(("name", "before", "after"), MARKERS)
def test_a_tag_comes_and_goes(name: str, before: str, after: str) -> None:
    index = _code(name, before.encode())[0]
    tagged = edit_text_tags(name, before.encode(), {index: _add("s")})
    assert tagged.decode() == after
    assert edit_text_tags(name, tagged, {index: _without("s")}).decode() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "```{code-cell}\n---\ntags:\n- a\n- b\nname: n\n---\nx = 1\n```\n",
            '```{code-cell}\n---\ntags: ["a", "b", "s"]\nname: n\n---\nx = 1\n```\n',
        ),
        (
            "```{code-cell}\n:tags: [a]\n:name: n\n\nx = 1\n```\n",
            '```{code-cell}\n:tags: ["a", "s"]\n:name: n\n\nx = 1\n```\n',
        ),
    ],
)
def test_tags_in_other_spellings_of_yaml(before: str, after: str) -> None:
    assert edit_text_tags("a.md", before.encode(), {0: _add("s")}).decode() == after


def test_a_marker_that_cannot_hold_tags_is_an_error() -> None:
    with pytest.raises(
        NotebookError, match="line 2: the tags of the cell at place 1 cannot be written"
    ):
        edit_text_tags("a.py", b"# In[3]:\nx = 1\n", {0: _add("s")})


LIGHT = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: light
# ---

# Some words.

x = 1
y = 2


def double(value):
    return value * 2


# +
a = 1

b = 2
# -

print(double(x))"""


def test_cells_without_a_marker_get_one_and_undoing_takes_it_away(
    tmp_path: Path,
) -> None:
    path = tmp_path / "light.py"
    path.write_text(LIGHT)
    cells = read_text_notebook(path.name, path.read_bytes()).content["cells"]
    code = [cell["id"] for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 4
    accept(path, {cell_id: (f"stage:s{place}",) for place, cell_id in enumerate(code)})
    accept(path, {code[0]: ("retries:1",)})
    found = read_text_notebook(path.name, path.read_bytes()).content["cells"]
    assert [cell["source"] for cell in found] == [cell["source"] for cell in cells]
    assert found[1]["metadata"]["tags"] == ["stage:s0", "retries:1"]
    assert '# + tags=["stage:s3"]\nprint(double(x))' in path.read_text()
    take_back(path)
    assert path.read_text() == LIGHT


def test_undoing_leaves_what_was_edited_since(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n\n# %%\ny = 2\n")
    ids = [
        cell["id"]
        for cell in read_text_notebook(path.name, path.read_bytes()).content["cells"]
    ]
    accept(path, dict.fromkeys(ids, ("stage:a",)))
    path.write_text("# A comment.\n" + path.read_text().replace("y = 2", "y = 3"))
    assert take_back(path) == 1
    assert (
        path.read_text()
        == '# A comment.\n# %%\nx = 1\n\n# %% tags=["stage:a"]\ny = 3\n'
    )
