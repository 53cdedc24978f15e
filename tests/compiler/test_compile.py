from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ipykernel
import msgspec
import pytest

import jupyter_pipe
from jupyter_pipe.compiler import check_notebook, compile_notebook
from jupyter_pipe.compiler.schema import pipeline_schema
from jupyter_pipe.errors import CompileError, NotebookError
from jupyter_pipe.model import Diagnostic, EffectKind, Severity
from jupyter_pipe.trust.signatures import sign
from tests.compiler.notebooks import Cells, write_notebook

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "pipeline.schema.json"


def compiled_notebooks(path: Path) -> dict[str, dict[str, Any]]:
    files = compile_notebook(path).files
    return {
        name: json.loads(data)
        for name, data in files.items()
        if name.endswith(".ipynb")
    }


def roles(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (cell["metadata"]["jupyter_pipe"]["role"], "".join(cell["source"]))
        for cell in notebook["cells"]
    ]


def refused(path: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(CompileError) as caught:
        compile_notebook(path)
    return tuple(
        item for item in caught.value.diagnostics if item.severity is Severity.error
    )


def test_a_stage_notebook_holds_what_the_kernel_needs_in_order(tmp_path: Path) -> None:
    cells: Cells = [
        ("import math", []),
        ("n: int = 2", ["parameters"]),
        ("def root(x):\n    return math.pow(x, 1 / n)\n", []),
        (
            "xs = [root(x) for x in range(9)]\nxs",
            ["stage:load", "metric:total", "hide-input"],
        ),
        ("total = sum(xs);", []),
        ("ys = [root(x) for x in xs]", ["stage:again"]),
    ]
    notebooks = compiled_notebooks(write_notebook(tmp_path / "roots.ipynb", cells))
    assert roles(notebooks["notebooks/load.ipynb"]) == [
        ("replay", "import math"),
        ("parameters", "n = 2"),
        ("replay", "def root(x):\n    return math.pow(x, 1 / n)"),
        ("cell", "xs = [root(x) for x in range(9)]\nxs"),
        ("cell", "total = sum(xs);"),
        ("outputs", '__import__("jupyter_pipe_kernel").store_outputs("total", "xs")'),
    ]
    assert ("inputs", '__import__("jupyter_pipe_kernel").load_inputs("xs")') in roles(
        notebooks["notebooks/again.ipynb"]
    )
    own = notebooks["notebooks/load.ipynb"]["cells"][3]
    assert own["id"] == own["metadata"]["jupyter_pipe"]["source_cell"] == "c4"
    assert own["metadata"]["tags"] == ["stage:load", "metric:total", "hide-input"]
    replay = notebooks["notebooks/load.ipynb"]["cells"][2]["metadata"]["jupyter_pipe"]
    assert (replay["source_cell"], replay["lines"]) == ("c3", [[1, 1]])


def test_stage_notebooks_are_valid(tmp_path: Path) -> None:
    import nbformat

    path = tmp_path / "orders.ipynb"
    path.write_bytes(
        (Path(__file__).parents[1] / "golden" / "orders" / "orders.ipynb").read_bytes()
    )
    for name, notebook in compiled_notebooks(path).items():
        nbformat.validate(nbformat.from_dict(notebook))
        assert notebook["metadata"]["kernelspec"]["name"] == "python3", name


def test_parameters_of_a_cell_that_a_stage_owns_stay_in_it(tmp_path: Path) -> None:
    cells: Cells = [
        ("n = 10\nm = n * 2", ["parameters"]),
        ("print(m, n)", ["stage:show"]),
    ]
    compiled = compile_notebook(write_notebook(tmp_path / "own.ipynb", cells))
    setup = json.loads(compiled.files["notebooks/setup.ipynb"])
    assert [role for role, _ in roles(setup)] == ["cell", "outputs"]
    assert setup["cells"][0]["metadata"]["tags"] == ["parameters"]
    assert [parameter.name for parameter in compiled.pipeline.parameters] == ["n"]


def test_what_runs_have_learned_is_compiled_in(tmp_path: Path) -> None:
    cells: Cells = [
        ("a = [1]", ["stage:one"]),
        ("import lib\nlib.push(a)", ["stage:two"]),
        ("a", ["stage:three"]),
    ]
    (tmp_path / "lib.py").write_text("def push(xs): xs.append(2)")
    path = write_notebook(tmp_path / "learns.ipynb", cells)
    before = compile_notebook(path).pipeline
    (tmp_path / ".jupyter_pipe").mkdir()
    learned = tmp_path / ".jupyter_pipe" / "effects.json"
    known = {
        "learns": {"two": {"mutates": ["a"]}},
        "other": {"three": {"mutates": ["a"]}},
    }
    said = json.dumps(known).encode()
    learned.write_bytes(said)
    assert compile_notebook(path).pipeline == before  # anybody could have said so
    learned.write_bytes(sign("learned", "", said))
    after = compile_notebook(path).pipeline
    assert after.stage("three").inputs[0].from_ == "two"
    assert EffectKind.mutates in {
        effect.kind for effect in after.stage("two").effects if effect.name == "a"
    }
    learned.write_text("{")
    assert compile_notebook(path).pipeline == before


@pytest.mark.parametrize(
    ("cells", "code", "cell", "line"),
    [
        ([("x = 1", ["stage:a", "timeout:soon"])], "PIPE101", 1, None),
        (
            [("x = 1", ["stage:a"]), ("y = x", ["stage:b", "after:z"])],
            "PIPE107",
            2,
            None,
        ),
        (
            [("x = 1", ["stage:a"]), ("y = 1\nif y:\nprint(x)", ["stage:b"])],
            "PIPE200",
            2,
            3,
        ),
        (
            [("x = 1", ["stage:a"]), ("print(x)\nprint(xx)", ["stage:b"])],
            "PIPE201",
            2,
            2,
        ),
        (
            [("d = 1", []), ("x = 1", ["stage:setup"]), ("d", ["stage:b"])],
            "PIPE112",
            1,
            None,
        ),
    ],
)
def test_mistakes_are_errors_with_their_place(
    tmp_path: Path, cells: Cells, code: str, cell: int, line: int | None
) -> None:
    errors = refused(write_notebook(tmp_path / "wrong.ipynb", cells))
    (error,) = (item for item in errors if item.code == code)
    assert (error.cell, error.line) == (cell, line)
    assert error.message
    assert error.hint


def test_a_cycle_is_named_with_its_path(tmp_path: Path) -> None:
    cells: Cells = [
        ("a = 1", ["stage:x"]),
        ("b = a", ["stage:y"]),
        ("c = b", ["stage:x"]),
        ("c", ["stage:z"]),
    ]
    messages = " ".join(
        error.message
        for error in refused(write_notebook(tmp_path / "cycle.ipynb", cells))
    )
    assert "x" in messages
    assert "y" in messages


def test_all_mistakes_are_shown_at_once_in_notebook_order(tmp_path: Path) -> None:
    cells: Cells = [
        ("x = 1", ["stage:a", "cpus:none"]),
        ("def f(:", ["stage:b"]),
        ("print(unknown)", ["stage:c", "after:nobody"]),
    ]
    errors = refused(write_notebook(tmp_path / "wrong.ipynb", cells))
    assert [error.cell for error in errors] == sorted(
        error.cell or 0 for error in errors
    )
    assert {error.code for error in errors} >= {
        "PIPE101",
        "PIPE107",
        "PIPE200",
        "PIPE201",
    }


def test_a_kernel_that_is_not_installed_is_a_warning(tmp_path: Path) -> None:
    spec = {"name": "no-such-kernel", "display_name": "Gone", "language": "python"}
    path = write_notebook(
        tmp_path / "n.ipynb", [("import msgspec", ["stage:a"])], kernelspec=spec
    )
    compiled = compile_notebook(path)
    assert [(item.code, item.severity) for item in check_notebook(path)] == [
        ("PIPE120", Severity.warning)
    ]
    assert compiled.pipeline.kernel == "no-such-kernel"
    assert (
        b"# not installed when this was compiled: msgspec"
        in compiled.files["requirements.txt"]
    )


def test_requirements_are_pinned_as_installed(tmp_path: Path) -> None:
    (tmp_path / "beside.py").touch()
    path = write_notebook(
        tmp_path / "n.ipynb",
        [("import msgspec, json, beside\nmsgspec, json, beside", ["stage:a"])],
    )
    lines = compile_notebook(path).files["requirements.txt"].decode().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        f"ipykernel=={ipykernel.__version__}",
        f"msgspec=={msgspec.__version__}",
        f"jupyter_pipe=={jupyter_pipe.__version__}",
    ]


def test_the_package_does_not_depend_on_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(
        tmp_path / "n.ipynb", [("a = 1", ["stage:a"]), ("print(a)", ["stage:b"])]
    )
    expected = compile_notebook(path).files
    monkeypatch.chdir(tmp_path)
    assert compile_notebook("n.ipynb").files == expected
    elsewhere = compile_notebook(path, output=tmp_path / "build" / "deep")
    assert elsewhere.pipeline.source.notebook == "../../n.ipynb"


def test_nothing_is_written_by_compiling(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", [("a = 1", ["stage:a"])])
    before = path.read_bytes()
    compile_notebook(path)
    check_notebook(path)
    assert [item.name for item in tmp_path.iterdir()] == ["n.ipynb"]
    assert path.read_bytes() == before


def test_what_is_no_notebook_stays_a_notebook_error(tmp_path: Path) -> None:
    with pytest.raises(NotebookError):
        compile_notebook(tmp_path / "missing.ipynb")


def test_the_published_schema_is_current_and_holds_for_a_package() -> None:
    import jsonschema

    schema = pipeline_schema()
    if os.environ.get("UPDATE_GOLDEN"):
        SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")
    assert json.loads(SCHEMA.read_text()) == schema
    orders = Path(__file__).parents[1] / "golden" / "orders" / "orders.ipynb"
    written = json.loads(compile_notebook(orders).files["pipeline.json"])
    jsonschema.Draft202012Validator(schema).validate(written)


def test_no_byte_hangs_on_the_hash_seed(tmp_path: Path) -> None:
    printed = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "tests.compiler.digests", str(tmp_path), "12"]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        printed.add(done.stdout)
    assert len(printed) == 1
