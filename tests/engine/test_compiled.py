"""Compiling before a run happens once, and again whenever anything that the compiler
reads changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_pipe import compiler
from jupyter_pipe.engine.compiling import compile_for_run
from jupyter_pipe.errors import CompileError
from jupyter_pipe.model import Learned
from jupyter_pipe.runs.learned_effects import add_learned
from jupyter_pipe.runs.store import RunStore


def write(path: Path, **sources: str) -> Path:
    cells = [
        {
            "id": f"c{number}",
            "cell_type": "code",
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        | {"metadata": {"tags": [f"stage:{stage}"]}}
        for number, (stage, source) in enumerate(sources.items())
    ]
    metadata = {
        "kernelspec": {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write(tmp_path / "n.ipynb", a="import helper\nx = [helper.k]", b="print(x)")


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The notebooks that were analysed."""
    done: list[Path] = []
    real = compiler.compile_notebook

    def counted(path: Path) -> compiler.Compiled:
        done.append(path)
        return real(path)

    monkeypatch.setattr(compiler, "compile_notebook", counted, raising=False)
    return done


def test_an_unchanged_notebook_is_analysed_once(
    notebook: Path, compilations: list[Path]
) -> None:
    store = RunStore(notebook.parent)
    first, second = compile_for_run(notebook, store), compile_for_run(notebook, store)
    assert len(compilations) == 1
    assert first == second
    assert (store.state_folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    "change", ["notebook", "module", "knowledge", "effects", "damage"]
)
def test_what_the_compiler_reads_counts(
    notebook: Path, compilations: list[Path], change: str
) -> None:
    folder = notebook.parent
    store = RunStore(folder)
    compile_for_run(notebook, store)
    match change:
        case "notebook":
            write(notebook, a="x = [2]", b="print(x)")
        case "module":
            (folder / "helper.py").write_text("k = 1")
        case "knowledge":
            (folder / "pyproject.toml").write_text("[tool.jupyter_pipe.knowledge]\n")
        case "effects":
            add_learned(store.state_folder, "n", "b", Learned(("x",)))
        case "damage":
            kept = next((store.state_folder / "cache" / "compiled").iterdir())
            kept.write_bytes(kept.read_bytes()[:-9])
    again = compile_for_run(notebook, store)
    assert len(compilations) == 2
    assert again == compiler.compile_notebook(notebook)


def test_what_does_not_compile_is_not_kept(notebook: Path) -> None:
    write(notebook, a="x = y_misspelt")
    for _ in range(2):
        with pytest.raises(CompileError):
            compile_for_run(notebook, RunStore(notebook.parent))


def test_a_folder_that_cannot_be_written_costs_only_time(
    notebook: Path, tmp_path: Path, compilations: list[Path]
) -> None:
    (tmp_path / ".jupyter_pipe").write_text("in the way")
    store = RunStore(tmp_path)
    assert compile_for_run(notebook, store) == compile_for_run(notebook, store)
    assert len(compilations) == 2
