"""The notebooks that every engine really runs, and what must come of them.

`trial run`: other parameters, a secret, an attempt that fails, a pair side by side, a
false gate, a local module, a name with a space; two runs of it at once. Then
`home_value` with its module, in a place where nothing was before. Values, metrics and
what each cell shows are those of a local run and of the notebook, run top to bottom.
Each engine is given a folder of its own.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from msgspec import Struct
from nbclient import NotebookClient

from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.export import Options, find_exporter, plan_of
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.verify.outputs import Outputs, cell_outputs
from tests.cli.conftest import write_notebook
from tests.engines.seconds import measured

# Each test starts a dozen kernels, one after the other: a limit for a machine that is
# very busy.
LIMIT_SECONDS = 1200
# The Pythons of two environments that have the engines.
ENGINES = Path(os.environ["ENGINES_PYTHON"])
FLOWS = Path(os.environ["FLOWS_PYTHON"])
EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
COMMAND = str(Path(sys.executable).parent / "jupyter-pipe")
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
HELPER = "def total(xs):\n    return sum(xs)\n"
Values = dict[str, int | float]
# One that succeeds and one whose gate is false, and of the second notebook one.
GOOD: Values = {"count": 5, "limit": 1000.0}
GATED: Values = {"count": 7, "limit": 1.0}
GATED_TOTAL = 21 * (7 + len(WORD))
# Where runs leave what they have; `homes` holds the second notebook.
RUN_FOLDERS = ("good", "gated", "home", "homes")
HOMES: Values = {"holdout_weeks": 3, "n_estimators": 50}


class Engine(Struct, frozen=True):
    """How a test has an engine run an exported file.

    `run` takes the file, the parameters that differ, and a new folder, whose name is
    that of the run: the engine's command may keep there what it needs, and bundles are
    left below it. Gives the command's exit code; None where that says nothing of the
    run. `told` is what the engine itself tells of such a run, with bundles: `metrics`,
    and where it knows them `exit_code` and `attempt`. `output` is where to export to,
    with `{name}`; `options` are others.
    """

    run: Callable[[Path, Values, Path], int | None]
    told: Callable[[Path], dict[str, Any]] = lambda left: result_in(left, "join")
    options: tuple[str, ...] = ()
    output: str = ""


class Expected(Struct, frozen=True):
    """What a notebook comes to: what each cell shows when it is run top to bottom, and
    of each stage of a local run the digests of its values, and its metrics."""

    cells: dict[str, Outputs]
    values: dict[str, dict[str, str]]
    metrics: dict[str, Any]


def check_runs(name: str, engine: Engine) -> None:
    """Two runs of `trial run` at once, of which one has a false gate, then one of
    `home_value`."""
    exporter = find_exporter(name)
    file = exported(name, NAME, engine)
    runs = {"good": GOOD, "gated": GATED}
    with measured(name), ThreadPoolExecutor(2) as pool:
        codes = dict(
            zip(
                runs,
                pool.map(
                    lambda left: engine.run(file, runs[left.name], left),
                    [made(Path(each).absolute()) for each in runs],
                ),
                strict=True,
            )
        )
    assert not codes["good"]
    assert codes["gated"] != 0
    wanted = expected(NAME)
    if exporter.root:
        good, gated = check_root(wanted)
    else:
        good, gated = Path("good"), Path("gated")
        check_told(engine.told(good), engine.told(gated), wanted)
    check_stages(wanted, good)
    assert "make" in newest_stages(gated)
    assert not list(Path().rglob("canary"))
    check_homes(name, engine)


def check_root(wanted: Expected) -> tuple[Path, Path]:
    """Both runs lie in one root, and know nothing of each other. Gives the folders of
    the good one and of the other."""
    store = RunStore(Path("root"))
    runs = {run.exit_code: run for run in store.list()}
    assert len(store.list()) == 2
    assert set(runs) == {0, 3}
    good, gated = runs[0], runs[3]
    assert (good.state.value, good.metrics) == ("succeeded", wanted.metrics)
    assert gated.metrics == {"total": GATED_TOTAL}
    assert good.stage("make").attempts == gated.stage("make").attempts == 2
    assert gated.stage("join").attempts == 1
    return store.folder(good.run_id).path, store.folder(gated.run_id).path


def check_told(
    good: Mapping[str, Any], gated: Mapping[str, Any], wanted: Expected
) -> None:
    """What the engine tells of both."""
    assert good["metrics"] == wanted.metrics
    assert (gated["exit_code"], gated.get("attempt", 1)) == (3, 1)
    assert gated.get("metrics", {"total": GATED_TOTAL}) == {"total": GATED_TOTAL}


def check_homes(name: str, engine: Engine) -> None:
    """The second notebook, in a folder of its own: its module, its contract and its
    data have to come along."""
    before = Path.cwd()
    homes = Path("homes").absolute()
    homes.mkdir()
    for source in EXAMPLES.glob("home_*"):
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, homes / source.name)
    os.chdir(homes)
    try:
        assert main(["compile", "home_value.ipynb"]) == 0
        file = exported(name, "home_value", engine)
        assert not engine.run(file, HOMES, made(homes / "home"))
        wanted = expected("home_value")
        left = Path("home")
        if find_exporter(name).root:
            (run,) = RunStore(Path("root")).list()
            assert run.metrics == wanted.metrics
            left = RunStore(Path("root")).folder(run.run_id).path
        check_stages(wanted, left)
    finally:
        os.chdir(before)


def exported(name: str, notebook: str, engine: Engine) -> Path:
    """The file for the package of that notebook in this folder; what tasks share lies
    in `root`."""
    plan = plan_of(compile_notebook(Path(f"{notebook}.ipynb")).pipeline, Options())
    exporter = find_exporter(name)
    given = [*engine.options]
    if exporter.root:
        given += ["--run-root", str(made(Path("root").absolute()))]
    if engine.output:
        given += ["-o", engine.output.format(name=plan.label)]
    command = ["export", name, f"{notebook}_pipeline", "--command", COMMAND, *given]
    assert main(command) == 0
    usual = exporter.file.format(name=plan.name, label=plan.label)
    return Path(engine.output.format(name=plan.label) or usual).absolute()


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def variables(values: Values) -> dict[str, str]:
    """Parameters as environment variables of ours."""
    return {f"JUPYTER_PIPE_{key.upper()}": str(it) for key, it in values.items()}


def pairs(values: Values) -> list[str]:
    """Parameters as words: `count=5`."""
    return [f"{name}={value}" for name, value in values.items()]


def carried_out(
    *command: str | Path,
    cwd: Path = Path(),
    log: Path | None = None,
    **environment: str,
) -> int:
    """Runs the engine's own command to its end. What it prints goes to `log`, if
    any."""
    with contextlib.ExitStack() as stack:
        printed = stack.enter_context(log.open("wb")) if log else None
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdout=printed,
            stderr=subprocess.STDOUT if log else None,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    return done.returncode


def exit_code_in(log: Path) -> int:
    """The exit code of the stage that failed, where an engine has it only in what it
    prints."""
    text = log.read_text(encoding="utf-8", errors="replace")
    (code,) = set(re.findall(r"Stage \w+ ended with exit code (\d+)", text))
    return int(code)


@functools.cache
def expected(notebook: str) -> Expected:
    """What comes of the notebook on this machine without any engine, in a folder of its
    own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = HOMES
        if notebook == NAME:
            values = GOOD
            write_notebook(folder / f"{NAME}.ipynb", CELLS)
            (folder / "helper.py").write_text(HELPER)
        else:
            for source in EXAMPLES.glob("home_*"):
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, folder / source.name)
        environment = {"MARKS": name, "TOKEN": "sesame-open"}
        given = [word for each in pairs(values) for word in ("-p", each)]
        run = [COMMAND, "run", f"{notebook}.ipynb", *given]
        assert carried_out(*run, cwd=folder, **environment) == 0
        (local,) = RunStore(folder).list()
        stages = RunStore(folder).folder(local.run_id).path / "stages"
        return Expected(
            cells=shown_by(folder / f"{notebook}.ipynb", environment, **values),
            values={each.name: values_of(each) for each in stages.iterdir()},
            metrics=dict(local.metrics),
        )


def values_of(stage: Path) -> dict[str, str]:
    """Name -> digest of each value that a stage has left in its folder."""
    told = json.loads((stage / "result.json").read_text(encoding="utf-8"))
    return {",".join(each["names"]): each["ref"]["digest"] for each in told["outputs"]}


def shown_by(
    notebook: Path, environment: Mapping[str, str] | None = None, **values: object
) -> dict[str, Outputs]:
    """Cell -> what it shows when the notebook is run top to bottom, with these values
    for its parameters."""
    document = nbformat.read(notebook, as_version=4)
    for cell in document.cells:
        if {"parameters", "pipeline-parameters"} & set(cell.metadata.get("tags", ())):
            given = "\n".join(f"{name} = {value}" for name, value in values.items())
            cell.source = f"{cell.source}\n{given}"
    NotebookClient(
        document,
        timeout=LIMIT_SECONDS,
        resources={"metadata": {"path": str(notebook.parent)}},
    ).execute(env={**os.environ, **(environment or {})})
    return cell_outputs(document)


def check_stages(wanted: Expected, left: Path) -> None:
    """What a run has left below this folder is what the notebook comes to."""
    newest = newest_stages(left)
    assert set(newest) == set(wanted.values)
    for stage, folder in newest.items():
        assert values_of(folder) == wanted.values[stage], stage
    check_cells(wanted.cells, len(wanted.values), left)


def check_cells(shown: dict[str, Outputs], stages: int, left: Path = Path()) -> None:
    """What engines have left below this folder shows the same, in the newest run of
    each stage."""
    newest = newest_stages(left)
    assert len(newest) == stages
    for folder in newest.values():
        text = (folder / "executed.ipynb").read_text(encoding="utf-8")
        for cell, outputs in cell_outputs(json.loads(text)).items():
            assert outputs == shown[cell], f"{folder}: {cell}"


def newest_stages(left: Path) -> dict[str, Path]:
    """Stage -> the newest of its folders: bundles are copied from engine to engine."""
    found = _by_age(left.rglob("stages/*/executed.ipynb"))
    return {path.parent.name: path.parent for path in found}


def result_in(left: Path, stage: str) -> dict[str, Any]:
    """What `--result` has told of the stage somewhere below the folder: its file has
    the name that the exporter gave it."""
    for path in left.rglob("*"):
        told = _json_of(path)
        if told.get("stage") == stage and "exit_code" in told:
            return told
    raise AssertionError(f"no result of {stage} in {left}")


def _json_of(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _by_age(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def check_edited(folder: Path, submit: Sequence[str], total: int) -> None:
    """The notebook with another last cell, submitted again: what it says now is run, and
    its gate, which is false, is tried once. `total` is what it came to before."""
    source, tags = CELLS[-1]
    edited = (f"{source}\ntotal = total + 1", tags)
    write_notebook(folder / f"{NAME}.ipynb", [*CELLS[:-1], edited])
    assert main([*submit, "-p", "limit=1", "--follow"]) == 3
    assert newest_run().stage("join").attempts == 1
    assert newest_run().metrics == {"total": total + 1}
    assert not list(Path().rglob("canary"))


def check_failing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A stage that fails in an engine that is configured as `team`: it is tried once,
    and `show` says what was wrong and in which line."""
    fails = write_notebook(folder / "fails.ipynb", [("x = 1\n\nx / 0", ["stage:only"])])
    assert main(["submit", "team", fails.name, "--follow"]) == 1
    assert newest_run().stage("only").attempts == 1
    capfd.readouterr()
    assert main(["show", "latest"]) == 0
    assert "ZeroDivisionError" in (said := capfd.readouterr().out)
    assert "line 3" in said


def is_started(run_id: str, stage: str) -> bool:
    """Whether the stage of that run here goes on, as far as its log says."""
    return RunStore(Path()).read(run_id).stage(stage).state.value == "running"


def newest_run() -> Run:
    return RunStore(Path()).list()[0]


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
