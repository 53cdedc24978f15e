"""The notebook that every engine really runs, and what must come of it.

Other parameters, a secret, an attempt that fails, a pair side by side, a false gate, a local module, a name
with a space. Values are those of a local run; each engine is given a folder of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore

# Each test starts a dozen kernels, one after the other: a limit for a machine that is very busy.
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
    ("import helper\na = helper.total(xs)", ["stage:left"]),
    ("b = len(xs) + len(word)", ["stage:right"]),
    ("total = a * b", ["stage:join", "metric:total", "gate:total < limit"]),
]
NAME = "trial run"


def exported(engine: str, *options: str) -> None:
    command = str(Path(sys.executable).parent / "jupyter-pipe")
    assert main(["export", engine, f"{NAME}_pipeline", "--command", command, *options]) == 0


def carried_out(*command: str, **environment: str) -> int:
    """Runs the engine's own command to its end."""
    done = subprocess.run(command, env={**os.environ, **environment}, check=False, timeout=LIMIT_SECONDS)
    return done.returncode


def newest_run() -> Run:
    return RunStore(Path()).list()[0]


def check_runs(run: Callable[[str], int]) -> None:
    """In a root: one that succeeds after an attempt that failed, and one whose gate is false."""
    assert run("1000.0") == 0
    good = newest_run()
    assert (good.state.value, good.metrics) == ("succeeded", {"total": 10 * (5 + len(WORD))})
    assert good.stage("make").attempts == 2
    assert run("1.0") != 0
    failed = newest_run()
    assert failed.run_id != good.run_id
    assert (failed.exit_code, failed.stage("join").attempts) == (3, 1)
    assert not Path("canary").exists()


def check_results(run: Callable[[str], int], result: Callable[[], Path]) -> None:
    """The same with bundles: `result` is where the last stage tells of itself."""
    assert run("1000.0") == 0
    assert json.loads(result().read_text())["metrics"] == {"total": 10 * (5 + len(WORD))}
    assert run("1.0") != 0
    assert not Path("canary").exists()


def free_port() -> str:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def wait(until: Callable[[], bool]) -> None:
    """Asks again until it is so; the limit is for a machine that is very busy."""
    ends = time.monotonic() + LIMIT_SECONDS / 2
    while not until():
        assert time.monotonic() < ends
        time.sleep(0.3)
