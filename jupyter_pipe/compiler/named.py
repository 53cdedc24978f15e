"""What the words of a command name, compiled: one notebook, or several that are one
pipeline.

Raises NotebookError, CompileError and ContractError.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.compiler.compile import compile_notebook, default_output
from jupyter_pipe.compiler.compiled import Compiled
from jupyter_pipe.compiler.notebook_list import list_notebooks
from jupyter_pipe.compiler.several import compile_several
from jupyter_pipe.notebook.file_kinds import names_several

__all__ = ["NamedPipeline", "compile_named"]


class NamedPipeline(Struct, frozen=True):
    """`compiled` for a package in `folder`; `source` is the notebook, or the file that
    lists several, or the first of them."""

    compiled: Compiled
    folder: Path
    source: Path


def compile_named(
    paths: Sequence[Path], *, output: Path | None = None
) -> NamedPipeline:
    """Compile a notebook; or a `pipeline.toml`, the folder of one, or notebooks in the
    order in which they would be run. Writes nothing."""
    if not names_several(paths):
        folder = output or default_output(paths[0])
        compiled = compile_notebook(paths[0], output=folder)
        return NamedPipeline(compiled, folder, paths[0])
    listed = list_notebooks(paths)
    folder = output or listed.default_output
    return NamedPipeline(compile_several(listed, output=folder), folder, listed.path)
