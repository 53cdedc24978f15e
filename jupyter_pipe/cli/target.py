"""What `NB|DIR` on the command line names: a notebook to compile, or a package to read."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.errors import NotebookError
from jupyter_pipe.model import Pipeline

__all__ = ["is_package", "read_pipeline"]


def is_package(target: str | Path) -> bool:
    """Whether `target` is a compiled package. Raises NotebookError if it is neither."""
    path = Path(target)
    if not path.is_dir():
        return False
    if (path / "pipeline.json").is_file():
        return True
    raise NotebookError(
        f"'{target}' is a folder without pipeline.json.",
        code="not_a_package",
        hint="Name a notebook, or a folder that `jupyter pipe compile` wrote.",
    )


def read_pipeline(target: str | Path) -> Pipeline:
    """The pipeline of a notebook or a package. Raises NotebookError, CompileError, PackageError."""
    from jupyter_pipe.compiler import compile_notebook, read_package

    if is_package(target):
        return read_package(Path(target))
    return compile_notebook(Path(target)).pipeline
