"""Turns a notebook into a pipeline and the package that people review and engines
run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_pipe.compiler.compile import (
        check_notebook,
        compile_notebook,
        default_output,
        draft_of,
        draft_pipeline,
    )
    from jupyter_pipe.compiler.compiled import Compiled
    from jupyter_pipe.compiler.package import read_package, stale_files, write_package

__all__ = [
    "Compiled",
    "check_notebook",
    "compile_notebook",
    "default_output",
    "draft_of",
    "draft_pipeline",
    "read_package",
    "stale_files",
    "write_package",
]

_PLACES = {
    "Compiled": "compiled",
    "read_package": "package",
    "stale_files": "package",
    "write_package": "package",
}


def __getattr__(name: str) -> Any:
    # Running a package in which nothing changed must not pay for the analyzer.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES.get(name, 'compile')}")
    return getattr(module, name)
