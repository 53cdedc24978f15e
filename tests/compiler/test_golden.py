"""Notebook in, package beside it: the text is compared and every package is run.

`UPDATE_GOLDEN=1 python -m pytest tests/compiler/test_golden.py` writes the packages anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_pipe.compiler import compile_notebook, write_package
from tests.compiler.notebooks import Cells, write_notebook
from tests.compiler.oracle import notebook_prints, package_prints

pytestmark = pytest.mark.processes

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*/*.ipynb"))


def notebook(name: str) -> Path:
    return GOLDEN / name / f"{name}.ipynb"


def is_compared(name: str) -> bool:
    # The graph has tests of its own, and versions are those of the machine.
    return name not in {"pipeline.json", "requirements.txt"}


@pytest.mark.parametrize("name", NAMES)
def test_the_package_is_the_one_beside_the_notebook(name: str, tmp_path: Path) -> None:
    compiled = compile_notebook(notebook(name))
    expected = GOLDEN / name / f"{name}_pipeline"
    files = {path: data for path, data in compiled.files.items() if is_compared(path)}
    if os.environ.get("UPDATE_GOLDEN"):
        for path in expected.rglob("*.*"):
            path.unlink()
        for path, data in files.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_bytes(data)
    found = {
        p.relative_to(expected).as_posix(): p.read_text()
        for p in expected.rglob("*.*")
        if p.suffix != ".pyc"
    }
    assert {path: data.decode() for path, data in files.items()} == found


@pytest.mark.parametrize("name", NAMES)
def test_the_package_prints_what_the_notebook_prints(name: str, tmp_path: Path) -> None:
    assert package_prints(notebook(name), tmp_path / "out") == notebook_prints(
        notebook(name)
    )


@pytest.mark.parametrize("name", NAMES)
def test_generated_modules_pass_a_linter(name: str) -> None:
    rules = ["--select", "E4,E7,E9,E501,F", "--ignore", "E731", "--line-length", "110"]
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            *rules,
            "--exclude",
            "scripts,*.ipynb",
            GOLDEN / name,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def run_module(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    package = folder.name.removesuffix("_pipeline")
    command = [sys.executable, "-m", package, *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def packaged(folder: Path, cells: Cells) -> Path:
    path = write_notebook(folder / "small.ipynb", cells)
    write_package(compile_notebook(path), folder / "small_pipeline")
    return folder / "small_pipeline"


KINDS = """fast = True
kind: Literal["a", "b"] = "a"  # which, of 100% of them
sizes = [1, 2]
name = 'x "quoted"'
limit: float | None = None
thing: object = "text"
help = 3"""


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("", 'True a [1, 2] x "quoted" None text 3'),
        (
            "--no-fast --kind b --sizes [3] --limit 2.5 --thing 5 --help 4",
            'False b [3] x "quoted" 2.5 5 4',
        ),
    ],
)
def test_parameters_of_every_type_are_options(
    tmp_path: Path, arguments: str, printed: str
) -> None:
    show = "print(fast, kind, sizes, name, limit, thing, help)"
    cells = [
        ("from typing import Literal", []),
        (KINDS, ["parameters"]),
        (show, ["stage:show"]),
    ]
    folder = packaged(tmp_path, cells)
    assert run_module(folder, *arguments.split()).stdout.strip() == printed
    assert run_module(folder, "--kind", "c").returncode == 2
    assert "'3 x' is no Python literal" in run_module(folder, "--sizes", "3 x").stderr


def test_a_changed_parameter_is_new_in_each_run(tmp_path: Path) -> None:
    cells = [
        ("xs = [1]", ["parameters"]),
        ("xs.append(2)", ["stage:a"]),
        ("print(xs)", ["stage:b"]),
    ]
    code = "import small; small.run(); small.run()"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=packaged(tmp_path, cells),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split("\n")[:2] == ["[1, 2]", "[1, 2]"]


def test_a_module_beside_the_notebook_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(
        "def text():\n    return open('data.txt').read()"
    )
    (tmp_path / "data.txt").write_text("data")
    cells = [("import beside\nprint(beside.text())", ["stage:a"])]
    folder = packaged(tmp_path, cells)
    ended = run_module(folder)
    assert (ended.stdout.strip(), ended.stderr) == ("data", "")


def test_a_package_runs_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "orders.ipynb"
    path.write_bytes(notebook("orders").read_bytes())
    folder = tmp_path / "orders_pipeline"
    write_package(compile_notebook(path), folder)
    shown = run_module(folder, "--help").stdout
    assert "--days DAYS" in shown
    assert "how many days of orders to make (default: 30)" in shown
    ended = run_module(folder, "--days", "9", "--discount", "0.2", "--region", "North")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Orders in North" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("average = ")
    failed = run_module(folder, "--discount", "-5")
    assert failed.returncode == 3
    assert failed.stderr.startswith("gate failed: average < largest.price  (average = ")
    assert run_module(folder, "--days", "many").returncode == 2


def test_gates_and_metrics_may_read_what_stands_at_module_level(tmp_path: Path) -> None:
    cells = [
        ("LIMIT = 3\ndef double(x):\n    return 2 * x", []),
        ("y = double(1)", ["stage:a", "metric:LIMIT", "gate:double(y) > LIMIT"]),
        ("y = eval('y + LIMIT')", ["stage:b", "metric:y", "gate:double(y) < LIMIT"]),
    ]
    ended = run_module(packaged(tmp_path, cells))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "gate failed: double(y) < LIMIT  (LIMIT = 3, " in ended.stderr
