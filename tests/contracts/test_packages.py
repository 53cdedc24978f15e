"""Contracts that a compiled package carries: what it holds, when it is stale, runs far
from home."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook, stale_files, write_package
from jupyter_pipe.contracts import read_carried_contracts
from jupyter_pipe.engine import open_target
from jupyter_pipe.errors import ContractError
from jupyter_pipe.export.digests import stage_digests
from jupyter_pipe.export.plan import Options, plan_of
from jupyter_pipe.model import Pipeline
from jupyter_pipe.runs.store import RunStore
from tests.compiler.notebooks import write_notebook

Capture = pytest.CaptureFixture[str]
LOAD = """\
import pandas as pd

sales = pd.DataFrame({"area": [50.0 * factor, 80.0, 90.0]})


class Schema:
    def validate(self, frame, lazy):
        assert len(frame) < limit, "too many rows"


schema = Schema()"""
CELLS = [
    ("factor: float = 1.0\nlimit: int = 9", ["parameters"]),
    (LOAD, ["stage:load", "contract:sales", "contract:sales=schema"]),
    ("mean = float(sales['area'].mean())", ["stage:fit", "metric:mean"]),
]
CONTRACT = "policy: stop\ncolumns:\n  area: {type: float, range: [0, 400]}\n"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "sales.contracts").mkdir()
    (tmp_path / "sales.contracts" / "sales.yaml").write_text(CONTRACT)
    return write_notebook(tmp_path / "sales.ipynb", CELLS)


@pytest.fixture
def package(notebook: Path) -> Path:
    folder = notebook.with_name("sales_pipeline")
    write_package(compile_notebook(notebook), folder)
    return folder


def contract_file(notebook: Path) -> Path:
    return notebook.with_name("sales.contracts") / "sales.yaml"


def test_a_package_has_the_contracts_of_its_values(
    notebook: Path, package: Path
) -> None:
    (contract_file(notebook).parent / "other.yaml").write_text("policy: warn\n")
    assert [path.name for path in (package / "contracts").iterdir()] == ["sales.yaml"]
    assert stale_files(compile_notebook(notebook), package) == ()
    beside, carried = (
        open_target(path).contracts(["sales", "mean"]) for path in (notebook, package)
    )
    assert beside == carried
    assert list(carried) == ["sales"]


@pytest.mark.parametrize(
    ("new", "stale"),
    [
        (CONTRACT.replace("400", "500"), ("pipeline.json", "contracts/sales.yaml")),
        (CONTRACT.replace("\n", "\r\n"), ()),
        (None, ("pipeline.json", "contracts/sales.yaml")),
    ],
    ids=["wider", "other line ends", "gone"],
)
def test_a_contract_that_changed_makes_the_package_stale(
    notebook: Path, package: Path, new: str | None, stale: tuple[str, ...]
) -> None:
    if new is None:
        contract_file(notebook).unlink()
    else:
        contract_file(notebook).write_bytes(new.encode())
    compiled = compile_notebook(notebook)
    assert stale_files(compiled, package) == stale
    write_package(compiled, package)
    assert stale_files(compiled, package) == ()
    assert (package / "contracts" / "sales.yaml").exists() is (new is not None)


def test_a_run_of_the_notebook_is_compiled_anew(notebook: Path) -> None:
    before = open_target(notebook)
    contract_file(notebook).write_text(CONTRACT.replace("400", "500"))
    after = open_target(notebook)
    assert before.pipeline.contract_digests != after.pipeline.contract_digests
    contract_file(notebook).unlink()
    assert open_target(notebook).pipeline.contract_digests == {}


@pytest.mark.parametrize(
    "text", [None, "columns: {}\n", CONTRACT.replace("stop", "warn")]
)
def test_a_package_that_lost_its_contract_is_refused(
    package: Path, text: str | None
) -> None:
    file = package / "contracts" / "sales.yaml"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    with pytest.raises(
        ContractError, match=r"contracts/sales\.yaml of the package 'sales_pipeline' is"
    ):
        open_target(package).contracts(["sales"])


def test_version_control_may_change_line_ends(package: Path) -> None:
    file = package / "contracts" / "sales.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    pipeline = open_target(package).pipeline
    assert read_carried_contracts(package, pipeline.contract_digests, ["sales"])


def test_a_contract_that_is_none_does_not_compile(
    notebook: Path, capsys: Capture
) -> None:
    contract_file(notebook).write_text("polcy: stop\n")
    assert main(["compile", str(notebook)]) == 2
    assert "Did you mean 'policy'?" in capsys.readouterr().err
    contract_file(notebook).write_bytes(b"\xff")
    assert main(["compile", str(notebook)]) == 2
    assert "sales.contracts/sales.yaml is not UTF-8" in capsys.readouterr().err
    assert not notebook.with_name("sales_pipeline").exists()


def test_engines_that_reuse_results_judge_by_a_new_contract(
    notebook: Path, package: Path
) -> None:
    def planned() -> tuple[str, tuple[str, ...], Pipeline]:
        pipeline = open_target(package).pipeline
        digests = stage_digests(package, pipeline)
        (load, fit) = plan_of(pipeline, Options("p", "r"), digests).tasks
        assert fit.contracts == ()
        return load.digest, load.contracts, pipeline

    before, files, _ = planned()
    assert files == ("contracts/sales.yaml",)
    contract_file(notebook).write_text(CONTRACT.replace("400", "500"))
    write_package(compile_notebook(notebook), package)
    assert planned()[0] != before


def test_plain_python_says_what_it_leaves_out(package: Path) -> None:
    text = (package / "sales" / "__main__.py").read_text()
    assert (
        "Not judged here: the contract of sales. `jupyter pipe run` judges it." in text
    )


@pytest.mark.kernel
def test_a_package_judges_data_wherever_it_travels(
    notebook: Path,
    package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """In another folder, without the notebook, as an image has it."""
    away = tmp_path / "away"
    shutil.move(package, away / "sales_pipeline")
    contract_file(notebook).unlink()
    write_package(compile_notebook(notebook), away / "bare_pipeline")
    monkeypatch.chdir(away)
    monkeypatch.setenv("CI", "true")

    def said(code: int, *command: str) -> str:
        assert main(list(command)) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    run = ["run", "sales_pipeline", "--root", "."]
    assert "2 stages ran" in said(0, *run)
    assert "+ sales is as its contract says" in said(
        0, "contract", "check", "sales_pipeline"
    )
    assert "sales, column 'area': expected 0 to 400" in said(
        4, *run, "-p", "factor=10.7639"
    )
    store = RunStore(away)
    broken = store.read(store.find("latest"))
    assert (broken.exit_code, broken.stage("fit").state.value) == (4, "skipped")
    assert "too many rows (schema schema)" in said(4, *run, "-p", "limit=2")
    stage = [
        "run-stage",
        "sales_pipeline",
        "load",
        "--run-root",
        ".",
        "--run-id",
        "one",
    ]
    assert "expected 0 to 400" in said(4, *stage, "-p", "factor=10.7639")
    # In CI, what nobody looked at is not fine; elsewhere it is a warning.
    bare = ["run", "bare_pipeline", "--root", "."]
    assert "sales has a contract: tag and no contract file" in said(4, *bare)
    assert "contract_missing" in said(0, *bare, "--no-strict")
