"""Runs a notebook top to bottom, and its compiled package, in forks (`printing`); gives what they print."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_pipe.compiler import compile_notebook, write_package

TIMES = ("CPU times:", "Wall time:")
ADDRESS = re.compile(r"<[^<>]*(<locals>)?[^<>]* at 0x[0-9a-f]+>")
RAISED = re.compile(r"(?:\w+\.)*(\w+(?:Error|Exception)(?::.*|$))")
TRACEBACKS = ("Traceback ", "-----")


def notebook_prints(path: Path) -> list[str]:
    """The lines that the cells print in one kernel, in order, without prompts."""
    return _printed({"notebook": str(path)}, path.parent)


def package_prints(path: Path, output: Path, parameters: Mapping[str, Any] | None = None) -> list[str]:
    """The lines that `run()` of the compiled package prints."""
    compiled = compile_notebook(path, output=output)
    write_package(compiled, output)
    package = Path(compiled.pipeline.stages[0].module).parent.name
    job = {"output": str(output), "package": package, "parameters": dict(parameters or {})}
    return _printed(job, path.parent)


def close() -> None:
    """Ends the process that forks; the next call starts another."""
    if _process.cache_info().currsize:
        _process().communicate()
        _process.cache_clear()


def _printed(job: dict[str, Any], folder: Path) -> list[str]:
    with tempfile.NamedTemporaryFile() as log:
        process = _process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**job, "folder": str(folder), "log": log.name}) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()), f"{job} took too long"
        lines = [line.rstrip() for line in log.read().decode(errors="replace").splitlines()]
    kept = (ADDRESS.sub("<object>", line) for line in lines if line and not line.startswith(TIMES))
    return list(_without_tracebacks(kept))


@functools.cache
def _process() -> subprocess.Popen[str]:
    program = Path(__file__).with_name("printing.py")
    return subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _without_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """Frames differ; what was raised must not."""
    inside = False
    for line in lines:
        raised = RAISED.match(line)
        inside = (inside or line.startswith(TRACEBACKS)) and not raised
        if not inside:
            yield raised.group(1) if raised else line
