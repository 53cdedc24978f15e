"""The notebook that every engine really runs, and what must come of it.

Other parameters, a secret, an attempt that fails, a pair side by side, a false gate, a
local module, a name with a space. Values, metrics and what each cell shows are those of
the notebook, run top to bottom. Each engine is given a folder of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.verify.outputs import Outputs, cell_outputs
from tests.engines.seconds import measured

# Each test starts a dozen kernels, one after the other: a limit for a machine that is
# very busy.
LIMIT_SECONDS = 1200
# The Pythons of two environments that have the engines.
ENGINES = Path(os.environ["ENGINES_PYTHON"])
FLOWS = Path(os.environ["FLOWS_PYTHON"])
WORD = "it's $(touch canary) {y} é"
CELLS = [
    (f"count: int = 3\nlimit: float = 1000.0\nword: str = {WORD!r}", ["parameters"]),
    (
        "import os\nmark = os.path.join(os.environ['MARKS'], f'{count}-{limit}')\n"
        "if not os.path.exists(mark):\n    open(mark, 'w').close()\n    raise OSError('the first attempt')\n"
        "assert os.environ['TOKEN'] == 'sesame-open'\nxs = list(range(count))",
        ["stage:make", "secret:TOKEN", "retries:1"],
    ),
    ("import helper\na = helper.total(xs)\nprint(xs, a)", ["stage:left"]),
    ("b = len(xs) + len(word)\nword", ["stage:right"]),
    (
        "total = a * b\n{'total': total}",
        ["stage:join", "metric:total", "gate:total < limit"],
    ),
]
NAME = "trial run"


_exported: list[str] = []


def exported(engine: str, *options: str) -> None:
    _exported.append(engine)
    command = str(Path(sys.executable).parent / "jupyter-pipe")
    assert (
        main(["export", engine, f"{NAME}_pipeline", "--command", command, *options])
        == 0
    )


def carried_out(*command: str, **environment: str) -> int:
    """Runs the engine's own command to its end."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, check=False, timeout=LIMIT_SECONDS
    )
    return done.returncode


def newest_run() -> Run:
    return RunStore(Path()).list()[0]


def shown_by(notebook: Path, **values: str) -> dict[str, Outputs]:
    """Cell -> what it shows when the notebook is run top to bottom, with these values
    for its parameters."""
    document = nbformat.read(notebook, as_version=4)
    for cell in document.cells:
        if {"parameters", "pipeline-parameters"} & set(cell.metadata.get("tags", ())):
            given = "\n".join(f"{name} = {value}" for name, value in values.items())
            cell.source = f"{cell.source}\n{given}"
    NotebookClient(
        document, timeout=LIMIT_SECONDS, resources={"metadata": {"path": "."}}
    ).execute()
    return cell_outputs(document)


def check_cells(shown: dict[str, Outputs], stages: int) -> None:
    """What engines have left below this folder shows the same, in the newest run of
    each stage."""
    newest = {
        path.parent.name: path
        for path in _by_age(Path().rglob("stages/*/executed.ipynb"))
    }
    assert len(newest) == stages
    for path in newest.values():
        for cell, outputs in cell_outputs(
            json.loads(path.read_text(encoding="utf-8"))
        ).items():
            assert outputs == shown[cell], f"{path}: {cell}"


def _by_age(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def check_runs(run: Callable[[str], int]) -> None:
    """In a root: one that succeeds after an attempt that failed, and one whose gate is
    false."""
    with measured(_exported[-1]):
        assert run("1000.0") == 0
    check_cells(shown_by(Path(f"{NAME}.ipynb"), count="5"), len(CELLS) - 1)
    good = newest_run()
    assert (good.state.value, good.metrics) == (
        "succeeded",
        {"total": 10 * (5 + len(WORD))},
    )
    assert good.stage("make").attempts == 2
    assert run("1.0") != 0
    failed = newest_run()
    assert failed.run_id != good.run_id
    assert (failed.exit_code, failed.stage("join").attempts) == (3, 1)
    assert not Path("canary").exists()


def check_results(
    run: Callable[[str], int], result: Callable[[], Path], *, cells: bool = True
) -> None:
    """The same with bundles: `result` is where the last stage tells of itself. Without
    `cells` the engine keeps bundles where nobody else reads them."""
    with measured(_exported[-1]):
        assert run("1000.0") == 0
    if cells:
        check_cells(shown_by(Path(f"{NAME}.ipynb"), count="5"), len(CELLS) - 1)
    assert json.loads(result().read_text())["metrics"] == {
        "total": 10 * (5 + len(WORD))
    }
    assert run("1.0") != 0
    assert not Path("canary").exists()


def free_port() -> str:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def said(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60
    ).stdout


def wait(until: Callable[[], bool]) -> None:
    """Asks again until it is so; the limit is for a machine that is very busy."""
    ends = time.monotonic() + LIMIT_SECONDS / 2
    while not until():
        assert time.monotonic() < ends
        time.sleep(0.3)
