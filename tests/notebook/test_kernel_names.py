"""A notebook names a kernel; it cannot lead to a program that lies somewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.compiler import compile_notebook, read_package, write_package
from jupyter_pipe.compiler.codegen.requirements import ask_versions, find_interpreter
from jupyter_pipe.engine.kernels.kernelspecs import check_kernel
from jupyter_pipe.errors import KernelError, NotebookError, PackageError
from jupyter_pipe.notebook.kernel_names import is_kernel_name

NAMES = ["python3", "ir", "science-3.12", "a.b", "..a", "conda-env_x"]
OTHERS = [
    "",
    ".",
    "..",
    "../k",
    "../../k",
    "/repo/k",
    "k/../k",
    "a b",
    "k\n",
    "k\0",
    "é",
    "~k",
    "C:k",
    "a" * 101,
]


def notebook_of(path: Path, kernel: str) -> Path:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": ["stage:a"]},
        "source": "x = 1",
    }
    document = {
        "cells": [{**cell, "outputs": [], "execution_count": None}],
        "metadata": {
            "kernelspec": {"name": kernel, "display_name": "k", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[], bool]:
    """A kernelspec in `tmp_path/k` whose program leaves a file. Tells whether it
    ran."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "kernel.json").write_text(
        json.dumps(
            {"argv": [str(program), "-f", "{connection_file}"], "display_name": "k"}
        )
    )
    return ran.exists


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert is_kernel_name(name)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_name(name: str) -> None:
    assert not is_kernel_name(name)
    assert find_interpreter(name) is None
    with pytest.raises(KernelError, match="not the name of a kernel"):
        check_kernel(name)


@pytest.mark.parametrize("relative", [False, True])
def test_a_notebook_cannot_name_a_program(
    tmp_path: Path,
    planted: Callable[[], bool],
    relative: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = tmp_path / "jupyter" / "kernels"
    installed.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(installed.parent))
    name = "../../k" if relative else str(tmp_path / "k")
    assert (installed / name / "kernel.json").is_file()
    with pytest.raises(NotebookError, match="not the name of a kernel"):
        compile_notebook(notebook_of(tmp_path / "a.ipynb", name))
    assert not planted()


def test_nor_can_a_package(tmp_path: Path) -> None:
    write_package(
        compile_notebook(notebook_of(tmp_path / "a.ipynb", "python3")), tmp_path / "p"
    )
    pipeline = tmp_path / "p" / "pipeline.json"
    pipeline.write_text(pipeline.read_text().replace('"python3"', '"../../k"'))
    with pytest.raises(PackageError, match="not the name of a kernel"):
        read_package(tmp_path / "p")


@pytest.mark.parametrize("command", ["./python", "bin/python", "here"])
def test_an_interpreter_is_not_looked_for_in_the_current_folder(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("python", "bin/python", "here"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    spec = tmp_path / "jupyter" / "kernels" / "mine" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(
        json.dumps({"argv": [command, "-f", "{connection_file}"], "display_name": "k"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PATH", ".")
    monkeypatch.chdir(tmp_path)
    assert find_interpreter("mine") is None


def test_asking_for_versions_imports_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "re", "importlib", "collections"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()")
    monkeypatch.chdir(tmp_path)
    # Under another name, since this interpreter is not started to ask it.
    link = tmp_path / "bin" / "python3"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    assert ask_versions(link, ["no_such_module"]) == {}
    assert not (tmp_path / "ran").exists()
    assert not (link.parent / "ran").exists()
