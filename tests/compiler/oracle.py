"""Runs a notebook top to bottom, and its compiled package, in forks (`printing`); gives what they print."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.compiler import compile_notebook, write_package
from tests.forking import ForkingProcesses

LIBRARIES = ("IPython.core.interactiveshell", "matplotlib", "pandas")
SKLEARN = ("sklearn.linear_model", "sklearn.neighbors")
TIMES = ("CPU times:", "Wall time:")
ADDRESS = re.compile(r"<(?:[^<>]|<locals>|<lambda>)* at 0x[0-9a-f]+>")
RAISED = re.compile(r"(?:\w+\.)*(\w+(?:Error|Exception)(?::.*|$))")
TRACEBACKS = ("Traceback ", "-----")

_processes = ForkingProcesses(Path(__file__).with_name("printing.py"), LIBRARIES, SKLEARN)


def notebook_prints(path: Path) -> list[str]:
    """The lines that the cells print in one kernel, in order, without prompts."""
    return _printed({"notebook": str(path)}, path)


def package_prints(path: Path, output: Path, parameters: Mapping[str, Any] | None = None) -> list[str]:
    """The lines that `run()` of the compiled package prints."""
    compiled = compile_notebook(path, output=output)
    write_package(compiled, output)
    package = Path(compiled.pipeline.stages[0].module).parent.name
    job = {"output": str(output), "package": package, "parameters": dict(parameters or {})}
    return _printed(job, path)


def close() -> None:
    """Ends the processes that fork; the next call starts others."""
    _processes.close()


def _printed(job: dict[str, Any], notebook: Path) -> list[str]:
    with tempfile.NamedTemporaryFile() as log:
        sent = {**job, "folder": str(notebook.parent), "log": log.name}
        answer = _processes.ask(sent, sklearn="sklearn" in notebook.read_text(encoding="utf-8"))
        assert json.loads(answer), f"{job} took too long"
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
