"""Runs notebooks and compiled packages, each in a fork of one process that has imported
the libraries.

A program of its own, with the kind of its jobs and the libraries as its arguments:
pytest's process has threads by the time these tests run, and a fork of it can wait for
a lock that no thread of its own holds. Jobs come as lines of JSON on standard input;
each is answered by a line on standard output: true, or false where the fork took too
long.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

SKIPPED = {"skip"}
SECONDS = 300  # on machines on which much else runs


def main() -> None:
    kind, *libraries = sys.argv[1:]
    for library in ("asyncio", "IPython.core.interactiveshell", *libraries):
        importlib.import_module(library)
    shell = _shell() if kind == "notebook" else None
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _child(json.loads(line), shell)
        _, status = os.waitpid(child, 0)
        answers.write(
            json.dumps(
                not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGALRM
            )
            + "\n"
        )
        answers.flush()


def _child(job: dict[str, Any], shell: Any) -> None:
    """Runs in the fork; never returns."""
    signal.alarm(SECONDS)
    code = 1
    try:
        log = os.open(job["log"], os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
        # They name the line of a cell, or of a module.
        warnings.simplefilter("ignore")
        os.chdir(job["folder"])
        if shell is not None:
            _run_cells(Path(job["notebook"]), shell)
        else:
            _run_package(job["output"], job["package"], job["parameters"])
        code = 0
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os._exit(code)


def _run_package(output: str, package: str, parameters: dict[str, Any]) -> None:
    sys.path[:0] = [str(Path.cwd()), output]
    importlib.import_module(package).run(**parameters)


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    quiet = Config(
        {
            "HistoryManager": {"enabled": False},
            "InteractiveShell": {"colors": "NoColor"},
        }
    )
    shell = InteractiveShell.instance(config=quiet)
    shell.display_formatter.formatters["text/plain"].pprint = False
    shell.displayhook.write_output_prompt = lambda: None
    shell.run_cell("None", silent=True)
    return shell


def _run_cells(path: Path, shell: Any) -> None:
    sys.path.insert(0, str(path.parent))
    for cell in json.loads(path.read_bytes())["cells"]:
        tags = cell["metadata"].get("tags", [])
        source = "".join(cell["source"])
        if (
            cell["cell_type"] == "code"
            and source.strip()
            and not SKIPPED.intersection(tags)
        ):
            result = shell.run_cell(source, store_history=True)
            if not result.success and "raises-exception" not in tags:
                return


if __name__ == "__main__":
    main()
