"""Runs a notebook top to bottom, and its compiled package, in forks (`printing`); gives
what they print."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.compiler import compile_notebook, write_package
from tests.forking import ForkingProcesses

TIMES = ("CPU times:", "Wall time:")
ADDRESS = re.compile(r"<(?:[^<>]|<locals>|<lambda>)* at 0x[0-9a-f]+>")
RAISED = re.compile(r"(?:\w+\.)*(\w+(?:Error|Exception)(?::.*|$))")
TRACEBACKS = ("Traceback ", "-----")

_PROGRAM = Path(__file__).with_name("printing.py")
# A shell that exists would be found by the code of packages, which runs without one.
_ENVIRONMENT = {**os.environ, "MPLBACKEND": "agg"}
_processes = {
    kind: ForkingProcesses(_PROGRAM, kind, environment=_ENVIRONMENT)
    for kind in ("notebook", "package")
}


def notebook_prints(path: Path) -> list[str]:
    """The lines that the cells print in one kernel, in order, without prompts."""
    return _printed({"notebook": str(path)}, path)


def package_prints(
    path: Path, output: Path, parameters: Mapping[str, Any] | None = None
) -> list[str]:
    """The lines that `run()` of the compiled package prints."""
    compiled = compile_notebook(path, output=output)
    write_package(compiled, output)
    package = Path(compiled.pipeline.stages[0].module).parent.name
    job = {
        "output": str(output),
        "package": package,
        "parameters": dict(parameters or {}),
    }
    return _printed(job, path)


def close() -> None:
    """Ends the processes that fork; the next call starts others."""
    for processes in _processes.values():
        processes.close()


def _printed(job: dict[str, Any], notebook: Path) -> list[str]:
    with tempfile.NamedTemporaryFile() as log:
        sent = {**job, "folder": str(notebook.parent), "log": log.name}
        kind = "notebook" if "notebook" in job else "package"
        answer = _processes[kind].ask(sent, notebook.read_text(encoding="utf-8"))
        assert json.loads(answer), f"{job} took too long"
        lines = [
            line.rstrip() for line in log.read().decode(errors="replace").splitlines()
        ]
    kept = (
        ADDRESS.sub("<object>", line)
        for line in lines
        if line and not line.startswith(TIMES)
    )
    return list(_without_tracebacks(kept))


def _without_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """Frames differ; what was raised must not."""
    inside = False
    for line in lines:
        raised = RAISED.match(line)
        inside = (inside or line.startswith(TRACEBACKS)) and not raised
        if not inside:
            yield raised.group(1) if raised else line
