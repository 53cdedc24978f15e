"""Runs a notebook top to bottom, and its compiled package, in forked children; gives what they print."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.compiler import compile_notebook, write_package

SKIPPED = {"skip"}
TIMES = ("CPU times:", "Wall time:")
ADDRESS = re.compile(r"<[^<>]*(<locals>)?[^<>]* at 0x[0-9a-f]+>")
RAISED = re.compile(r"(?:\w+\.)*(\w+(?:Error|Exception)(?::.*|$))")
TRACEBACKS = ("Traceback ", "-----")


def notebook_prints(path: Path) -> list[str]:
    """The lines that the cells print in one kernel, in order, without prompts."""
    return _forked(lambda: _run_cells(path), path.parent)


def package_prints(path: Path, output: Path, parameters: Mapping[str, Any] | None = None) -> list[str]:
    """The lines that `run()` of the compiled package prints."""
    compiled = compile_notebook(path, output=output)
    write_package(compiled, output)
    package = Path(compiled.pipeline.stages[0].module).parent.name
    return _forked(lambda: _run_package(output, package, parameters or {}), path.parent)


def _run_package(output: Path, package: str, parameters: Mapping[str, Any]) -> None:
    sys.path[:0] = [str(Path.cwd()), str(output)]
    module = importlib.import_module(package)
    module.run(**parameters)


def _run_cells(path: Path) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    sys.path.insert(0, str(path.parent))
    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "NoColor"}})
    shell = InteractiveShell.instance(config=quiet)
    shell.display_formatter.formatters["text/plain"].pprint = False
    shell.displayhook.write_output_prompt = lambda: None
    for cell in json.loads(path.read_bytes())["cells"]:
        tags = cell["metadata"].get("tags", [])
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.strip() and not SKIPPED.intersection(tags):
            result = shell.run_cell(source, store_history=True)
            if not result.success and "raises-exception" not in tags:
                return


def _forked(action: Callable[[], None], folder: Path) -> list[str]:
    """What `action` prints in a child of its own, whose death hurts nobody."""
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if child == 0:
            _child(action, folder, log.fileno())
        os.waitpid(child, 0)
        log.seek(0)
        lines = [line.rstrip() for line in log.read().decode(errors="replace").splitlines()]
    kept = (ADDRESS.sub("<object>", line) for line in lines if line and not line.startswith(TIMES))
    return list(_without_tracebacks(kept))


def _without_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """Frames differ; what was raised must not."""
    inside = False
    for line in lines:
        raised = RAISED.match(line)
        inside = (inside or line.startswith(TRACEBACKS)) and not raised
        if not inside:
            yield raised.group(1) if raised else line


def _child(action: Callable[[], None], folder: Path, log: int) -> None:
    code = 1
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
        os.chdir(folder)
        action()
        code = 0
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os._exit(code)
