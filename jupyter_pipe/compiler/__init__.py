"""Turns a notebook into a pipeline and the package that people review and engines run."""

from __future__ import annotations

from jupyter_pipe.compiler.compile import (
    Compiled,
    check_notebook,
    compile_notebook,
    default_output,
    draft_pipeline,
)
from jupyter_pipe.compiler.package import read_package, stale_files, write_package

__all__ = [
    "Compiled",
    "check_notebook",
    "compile_notebook",
    "default_output",
    "draft_pipeline",
    "read_package",
    "stale_files",
    "write_package",
]
