"""Notebooks kept as text that strangers made: refused in one sentence, soon, and with
nothing executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.errors import PipeError
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.suggest.accept import accept
from tests.hostile.watching import run_command

_BOMB = "\n".join(
    [
        f"a0: &a0 [{'x, ' * 9}x]",
        *(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}*a{n - 1}]" for n in range(1, 12)),
    ]
)


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())


_TEXTS = {
    "a header that unfolds.py": f"{_commented(f'---{chr(10)}{_BOMB}{chr(10)}---')}\n# %%\nx = 1\n",
    "a header of jupyter that unfolds.py": _commented(
        "---\njupyter:\n"
        + "".join(f"  {line}\n" for line in _BOMB.splitlines())
        + "---\n"
    )
    + "\n# %%\nx = 1\n",
    "a header that unfolds.md": f"---\n{_BOMB}\n---\n\n```python\nx = 1\n```\n",
    "a hidden header that unfolds.md": f"<!--\n\n---\n{_BOMB}\n---\n\n-->\n\n```python\nx = 1\n```\n",
    "options that unfold.md": f"```{{code-cell}}\n---\n{_BOMB}\n---\nx = 1\n```\n",
    "options behind colons.md": "```{code-cell}\n\n"
    + "".join(f":{line}\n" for line in _BOMB.splitlines())
    + "x = 1\n```\n",
    "a header that makes objects.py": "# ---\n# a: !!python/name:os.sep\n# ---\n\n# %%\nx = 1\n",
    "a deep header.py": f"# ---\n# a: {'[' * 3000}\n# ---\n\n# %%\nx = 1\n",
    "a header without end.py": "# ---\n" + "# a: 1\n" * 21_000,
    "many cells.py": "# %%\n" * 21_000,
    "a long marker.py": f"# %% {'a=' * 50_000}1\nx = 1\n",
    "deep tags.py": f"# %% tags={'[' * 900}\nx = 1\n",
    "deep options.py": f"# %% {'{' * 1900}\nx = 1\n",
    "deep metadata.md": f'+++ {{"a": {"[" * 1900}\n\n```{{code-cell}}\nx = 1\n```\n',
    "letters of control.py": "# %%\nx = '\x1c'\n",
    "a pandoc notebook.md": "---\njupyter:\n  jupytext:\n    text_representation:\n      extension: .md\n"
    "      format_name: pandoc\n---\n\n```python\nx = 1\n```\n",
}


@pytest.mark.parametrize("name", _TEXTS)
def test_a_text_that_grows_or_lies_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(_TEXTS[name], encoding="utf-8")
    with pytest.raises(PipeError) as caught:
        read_notebook(path)
    assert len(caught.value.message) < 500
    assert caught.value.hint


def test_what_is_not_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    (tmp_path / "lost.py").symlink_to(tmp_path / "lost.py")
    (tmp_path / "huge.md").touch()
    with (tmp_path / "huge.md").open("r+b") as file:
        file.truncate(1 << 40)
    for name in ("zero.py", "lost.py", "huge.md"):
        with pytest.raises(PipeError):
            read_notebook(tmp_path / name)


def test_settings_of_jupytext_that_are_programs_are_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "executed"
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    program = f"open({str(canary)!r}, 'w').close()\n"
    for name in (
        "jupytext.py",
        ".jupytext.py",
        "jupytext_config.py",
        "sitecustomize.py",
    ):
        (folder / name).write_text(program)
    path = folder / "sub" / "a.py"
    path.write_text(f'# %% tags=["stage:a"]\n{program}')
    for command in ("check", "plan"):
        assert run_command([command, "a.py"], folder / "sub").code == 0
    with pytest.raises(PipeError):
        accept(folder / "jupytext.py", {})
    assert not canary.exists()


def test_a_pair_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "a.ipynb").write_text("not for strangers")
    path = folder / "a.py"
    for formats in (
        "../ipynb,py:percent",
        "..//ipynb,py",
        "\x00/ipynb,py",
        "ipynb" * 2000,
        "py,py,,:",
    ):
        header = (
            f"# ---\n# jupyter:\n#   jupytext:\n#     formats: {formats!r}\n# ---\n\n"
        )
        path.write_text(f'{header}# %% tags=["stage:a"]\nx = 1\n')
        done = run_command(["check", "a.py"], folder)
        assert done.code in {0, 2}
        assert "Traceback" not in done.output
        assert "not for strangers" not in done.output
