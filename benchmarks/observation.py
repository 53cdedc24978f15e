"""What observation costs: CPU seconds of the same work with and without it, in turn,
each in a process.

    python benchmarks/observation.py [--rounds 5] [--markdown] [NOTEBOOK ...]

The work: a stage that does nothing, 10,000 files that are opened once, one file that is
opened 10,000 times, 10,000 lookups of files and variables, and the cells of the example
notebooks in one IPython shell. Only the work itself is measured, with the beginning and
the end of the observation, and neither the start of the process nor the import of
libraries: a kernel has forked from one that has imported them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import layout

ROOT = Path(__file__).parent.parent
OPENS = 10_000
WORK = {
    "nothing": "value = 1",
    "10,000 files": f"for number in range({OPENS}):\n    open(f'files/{{number}}').close()",
    "one file, 10,000 times": f"for number in range({OPENS}):\n    open('files/1').close()",
    "10,000 lookups": f"import os\nfor number in range({OPENS // 2}):\n"
    "    os.path.exists(f'files/{number}'), os.environ.get(f'NAME_{number % 10}')",
}
BARS = {"nothing": 0.01, "10,000 files": 0.3, "one file, 10,000 times": 0.3}
"""How many CPU seconds more each may take; notebooks may take 3 % more."""


def main() -> int:
    """Prints the table; the exit code says whether a bar was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--observed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(
            json.dumps(work(options.work, observed=options.observed)),
            file=sys.__stdout__,
        )
        return 0
    notebooks = options.notebooks or sorted(
        (ROOT / "example_notebooks").glob("*.ipynb")
    )
    rows = [("work", "", "CPU s plain", "CPU s observed", "more", "ratio")]
    missed = 0
    for name in (*WORK, *(str(path.resolve()) for path in notebooks)):
        plain, observed = paired(name, options.rounds)
        more = observed - plain
        missed += more > BARS.get(
            name, max(0.03 * plain, 0.01) if name not in WORK else float("inf")
        )
        ratio = f"{observed / plain:.3f}" if plain > 0.001 else ""
        rows.append(
            (
                Path(name).name,
                "",
                f"{plain:.4f}",
                f"{observed:.4f}",
                f"{more:+.4f}",
                ratio,
            )
        )
    print(layout(rows, markdown=options.markdown))
    return int(missed > 0)


def paired(name: str, rounds: int) -> tuple[float, float]:
    """The medians of both, each round one of either."""
    costs: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds):
        for observed in (False, True) if number % 2 else (True, False):
            costs[observed].append(_measure(name, observed=observed))
            print(
                f"{Path(name).name}: {'observed' if observed else 'plain'} {costs[observed][-1]:.4f}",
                file=sys.stderr,
            )
    return statistics.median(costs[False]), statistics.median(costs[True])


def _measure(name: str, *, observed: bool) -> float:
    argv = [
        sys.executable,
        "-m",
        "benchmarks.observation",
        "--work",
        name,
        *(["--observed"] if observed else []),
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def work(name: str, *, observed: bool) -> float:
    """The CPU seconds of one piece of work in this process, its threads included."""
    from jupyter_pipe.kernel.observe.observer import Observer

    with tempfile.TemporaryDirectory() as scratch:
        cells = [WORK[name]] if name in WORK else _cells(Path(name))
        folder = Path(scratch) if name in WORK else Path(name).parent
        (Path(scratch) / "files").mkdir()
        for number in range(OPENS) if "file" in name and name in WORK else ():
            (Path(scratch) / "files" / str(number)).touch()
        os.chdir(folder)
        _import_libraries(cells)
        scope: dict[str, Any] = {"__name__": "__main__"}
        run = _runner(scope) if name in WORK else _shell(Path(scratch), scope)
        began = time.process_time()
        observer = Observer(scope, str(folder)) if observed else None
        if observer is not None:
            observer.begin()
        for number, cell in enumerate(cells):
            if observer is not None:
                observer.enter(str(number))
            run(cell)
        if observer is not None:
            observer.stop()
            json.dumps(observer.report())
            assert not observer.problems, observer.problems
        return time.process_time() - began


def _import_libraries(cells: list[str]) -> None:
    """As the parent of a warm kernel does, before anything is observed."""
    for cell in cells:
        for node in ast.walk(ast.parse(cell)):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            names += (
                [node.module]
                if isinstance(node, ast.ImportFrom) and node.module
                else []
            )
            for name in names:
                with contextlib.suppress(
                    ImportError
                ):  # a module beside the notebook is not imported before
                    importlib.import_module(name)


def _runner(scope: dict[str, Any]) -> Callable[[str], Any]:
    return lambda cell: exec(compile(cell, "<cell>", "exec"), scope)


def _shell(scratch: Path, scope: dict[str, Any]) -> Callable[[str], Any]:
    """What runs a cell in an IPython shell that shows nothing."""
    os.environ["IPYTHONDIR"] = str(scratch)
    os.environ["MPLBACKEND"] = "agg"
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    sys.path.insert(0, "")
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, user_ns=scope)
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end of this process

    def run(cell: str) -> None:
        result = shell.run_cell(cell)
        result.raise_error()

    return run


def _cells(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


if __name__ == "__main__":
    sys.exit(main())
