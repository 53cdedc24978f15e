"""Runs lists of cells, each list in a fork of one process that has imported the
libraries.

A program of its own, with the libraries as its arguments: jobs come as lines of JSON on
standard input, each is answered by a line on standard output when its reply file is
written. A fork gives every stage what a kernel gives it (a `__main__`, ambient state
and modules of its own) in milliseconds instead of seconds.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import io
import json
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

SECONDS = 300  # on machines on which much else runs


def main() -> None:
    shell = _shell()
    sys.path.insert(0, "")
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        if os.fork() == 0:
            _run(shell, json.loads(line))
        os.wait()
        answers.write("\n")
        answers.flush()


def _shell() -> Any:
    for library in sys.argv[1:]:
        importlib.import_module(library)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=config)
    shell._showtraceback = lambda *_: None
    # Crash safety is tested elsewhere; here it would take most of the time.
    os.fsync = lambda _: None
    _preload_kernel_side()
    shell.run_cell("None", silent=True)
    gc.freeze()
    return shell


def _preload_kernel_side() -> None:
    """Its modules, so that forks find them; `bootstrap_source` runs the package itself
    anew."""
    folder = Path(__file__).parents[2] / "jupyter_pipe" / "kernel"
    name = "jupyter_pipe_kernel"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    sys.modules[name].preload()


def _run(shell: Any, job: dict[str, Any]) -> None:
    """Runs in the fork; never returns."""
    signal.alarm(SECONDS)
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    # Every kernel draws entropy of its own.
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    output = Path(job["reply"]).with_suffix(".out")
    with open(output, "w+b", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), encoding="utf-8"
        )
        warnings.simplefilter("ignore")
        reply = _run_cells(shell, job, file)
    Path(job["reply"]).write_text(json.dumps(reply), encoding="utf-8")
    os._exit(0)


def _run_cells(shell: Any, job: dict[str, Any], file: Any) -> dict[str, Any]:
    outputs: dict[str, str] = {}
    for cell in job["cells"]:
        sys.stdout.flush()
        begin = file.seek(0, os.SEEK_END)
        result = shell.run_cell(
            cell["source"], store_history=cell["user"], silent=not cell["user"]
        )
        sys.stdout.flush()
        file.seek(begin)
        text = file.read().decode("utf-8", errors="replace")
        if cell["user"]:
            outputs[cell["id"]] = text
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not cell.get("may_raise"):
            return {
                "outputs": outputs,
                "error": {
                    "id": cell["id"],
                    "ename": type(error).__name__,
                    "evalue": str(error),
                    "observed": _observations(),
                },
            }
    return {"outputs": outputs, "error": None}


def _observations() -> dict[str, Any]:
    """What a stage had touched when it broke."""
    sessions = sys.modules["jupyter_pipe_kernel"]._sessions
    return sessions[0].observations() if sessions else {}


if __name__ == "__main__":
    main()
