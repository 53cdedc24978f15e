"""Finds the distributions that the stages import, pinned as the kernel's environment
has them.

Asks the interpreter of the notebook's kernelspec, which need not have jupyter_pipe. A
kernelspec that is not installed is not an error here: compiling goes on without pins,
and a warning says so.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template
from typing import Any

from jupyter_pipe.notebook.kernel_names import is_kernel_name
from jupyter_pipe.trust.records import read_regular_file

__all__ = [
    "ask_versions",
    "find_interpreter",
    "kernel_environment",
    "read_kernelspec",
    "requirement_lines",
]

# A cold interpreter on a network drive takes many seconds to answer.
_TIMEOUT_SECONDS = 60
# `python -c` looks for modules in the current folder first, where a `json.py` may be
# anybody's.
_WITHOUT_CURRENT_FOLDER = (
    "import sys; sys.path[:] = [entry for entry in sys.path if entry]; "
    "exec(compile(open(sys.argv[1], encoding='utf-8').read(), sys.argv[1], 'exec'))"
)


def find_interpreter(kernel: str) -> Path | None:
    """The interpreter that the kernelspec `kernel` starts; None if no such kernelspec
    is installed."""
    spec = read_kernelspec(kernel)
    if spec is not None:
        # argv is not run here: only its first word, the interpreter, is of interest.
        return _resolved(str(spec["argv"][0]))
    # jupyter_client offers its own interpreter as `python3` even where nobody installed
    # a kernelspec.
    return Path(sys.executable) if kernel == "python3" else None


def kernel_environment(kernel: str, given: Mapping[str, str]) -> dict[str, str]:
    """The variables with which the kernelspec `kernel` starts its kernel where those
    `given` are set.

    As jupyter_client does: `{"env": {"PATH": "/opt/solver:${PATH}"}}` puts a folder
    before the given ones.
    """
    added = (read_kernelspec(kernel) or {}).get("env")
    pairs = added.items() if isinstance(added, dict) else ()
    return {
        **given,
        **{name: Template(str(text)).safe_substitute(given) for name, text in pairs},
    }


def read_kernelspec(kernel: str) -> dict[str, Any] | None:
    """The first that is installed under this name and says what it starts; None if none
    does."""
    from jupyter_core.paths import jupyter_path

    if not is_kernel_name(kernel):
        return None
    for folder in jupyter_path("kernels"):
        try:
            # A megabyte is more than any kernelspec: what is larger is not read.
            spec = json.loads(
                read_regular_file(Path(folder, kernel, "kernel.json"), 1 << 20)
            )
            spec["argv"][0]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        return dict(spec)
    return None


def _resolved(command: str) -> Path | None:
    """jupyter_client starts `python`, without a path, as its own interpreter.

    What is only found relative to the current folder is not found: that folder may be
    anybody's.
    """
    if re.fullmatch(r"python(3(\.\d+)?)?", command):
        return Path(sys.executable)
    if (
        os.path.isabs(command)
        and os.path.isfile(command)
        and os.access(command, os.X_OK)
    ):
        return Path(command)
    # Only for what is not named by its path: with what it imports itself, this takes a
    # fiftieth of a run in which nothing changed.
    import shutil

    found = shutil.which(command)
    return Path(found) if found and os.path.isabs(found) else None


def requirement_lines(
    modules: Collection[str], interpreter: Path | None, folder: Path
) -> tuple[str, ...]:
    """The lines of `requirements.txt` for top-level `modules`, those in `folder` and
    Python's own left out.

    Without an interpreter, or where it has no such module, the line is a comment.
    """
    # Sorted, so that the cached answer below is found again.
    wanted = sorted(name for name in set(modules) if not _is_own(name, folder))
    found = ask_versions(interpreter, wanted) if interpreter and wanted else {}
    pins = {
        f"{name}=={version}"
        for module in wanted
        for name, version in found.get(module, ())
    }
    # A comment, as `pip install -r` would stop at a name without a version that exists
    # nowhere.
    missing = tuple(
        f"# not installed when this was compiled: {name}"
        for name in wanted
        if name not in found
    )
    return (*sorted(pins, key=str.lower), *missing)


def _is_own(name: str, folder: Path) -> bool:
    beside = (folder / f"{name}.py", folder / name)
    return (
        not name
        or name in sys.stdlib_module_names
        # `import helpers` where helpers.py or the folder helpers lies beside the
        # notebook.
        or any(path.exists() for path in beside)
    )


def ask_versions(
    interpreter: Path, modules: list[str]
) -> dict[str, list[tuple[str, str]]]:
    """Top-level module -> the distributions that provide it in the interpreter, with
    versions."""
    if _is_this(interpreter):
        return _ask_here(tuple(modules), _installed())
    import subprocess

    from jupyter_pipe.compiler.codegen import providers

    try:
        answer = subprocess.run(
            [str(interpreter), "-c", _WITHOUT_CURRENT_FOLDER, str(providers.__file__)],
            input=json.dumps(modules),
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
            # Not the notebook's folder: a `json.py` there would be imported.
            cwd=interpreter.parent,
        )
        answered: dict[str, list[tuple[str, str]]] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return answered


@functools.lru_cache(maxsize=64)
def _ask_here(
    modules: tuple[str, ...], installed: tuple[tuple[str, int], ...]
) -> dict[str, list[tuple[str, str]]]:
    """Two thirds of a compilation's time, where it is asked anew: a server and tests
    compile often.

    The answer holds as long as what is `installed` does.
    """
    from jupyter_pipe.compiler.codegen import providers

    return providers.providers(modules)


def _installed() -> tuple[tuple[str, int], ...]:
    """The folders of the path, each with the time of its last change: who installs or
    removes makes one."""
    folders = [folder for folder in sys.path if os.path.isdir(folder)]
    return tuple((folder, os.stat(folder).st_mtime_ns) for folder in folders)


def _is_this(interpreter: Path) -> bool:
    # Not resolved: a virtual environment's interpreter is a link to another one's.
    return os.path.abspath(interpreter) == os.path.abspath(sys.executable)
