"""Versions of the distributions that a stage imports, in the kernel's interpreter.

Asking an interpreter costs a tenth of a CPU-second, so answers are kept until something
is installed there: installers add and remove folders in `site-packages`, which shows in
its mtime.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec

from jupyter_pipe.cache.fingerprint import digest_of
from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.compiler.codegen.requirements import ask_versions
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["environment_digest", "find_versions", "python_of"]

_Known = dict[str, dict[str, str]]


def find_versions(
    interpreter: Path | None, modules: Collection[str], folder: Path
) -> _Known:
    """Top-level module -> {distribution: version}; `folder` keeps earlier answers."""
    if interpreter is None:
        return {}
    # Modules of Python come with its version, which is among the settings.
    wanted = sorted(set(modules) - set(sys.stdlib_module_names))
    environment = environment_digest(interpreter)
    path = folder / "versions" / f"{environment}.json"
    known = _read(path, environment)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        answer = ask_versions(interpreter, unknown)
        known.update({name: dict(answer.get(name, ())) for name in unknown})
        with contextlib.suppress(OSError):  # a store that is only ours to read
            replace_file(
                path, sign("versions", environment, msgspec.json.encode(known))
            )
    return {name: known[name] for name in wanted}


def python_of(interpreter: Path | None) -> str:
    """The version of this interpreter, of another one the file that its links lead to,
    whose name has the version: `/usr/bin/python3.12`. Asking it would take longer than
    a run in which nothing has changed."""
    if interpreter is None:
        return ""
    if interpreter.absolute() == Path(sys.executable).absolute():
        return sys.version.partition(" ")[0]
    return os.path.realpath(interpreter)


def _read(path: Path, environment: str) -> _Known:
    try:
        return msgspec.json.decode(
            read_record(path, "versions", environment), type=_Known
        )
    except UNREADABLE:
        return {}


def environment_digest(interpreter: Path) -> str:
    """Changes whenever something is installed for the interpreter, or removed."""
    prefix = interpreter.absolute().parent.parent
    folders = [
        *prefix.glob("lib/python*/site-packages"),
        prefix / "Lib" / "site-packages",
    ]
    if interpreter.absolute() == Path(sys.executable).absolute():
        # In a virtual environment that sees the system's packages, those count, too.
        folders += [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    states = sorted(
        {f"{each}:{each.stat().st_mtime_ns}" for each in folders if each.is_dir()}
    )
    return digest_of("\n".join([str(interpreter), *states]))
