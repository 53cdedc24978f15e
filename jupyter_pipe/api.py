"""The Python API: compile a notebook, run it, look at the run.

    import jupyter_pipe

    pipeline = jupyter_pipe.compile_notebook("home_value.ipynb")
    run = jupyter_pipe.run("home_value.ipynb", parameters={"weeks": 8})
    run.metrics["best_mae"]

Raises NotebookError, CompileError, ParameterError and RunError; a run whose stages fail is
returned, with `run.state` and the failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.model import Pipeline

if TYPE_CHECKING:
    from jupyter_pipe.runs.model import Run

__all__ = ["compile_notebook", "run"]


def compile_notebook(path: str | Path, *, output: str | Path | None = None, force: bool = False) -> Pipeline:
    """Compile a notebook, write its package (default: `STEM_pipeline/` beside it), return the DAG.

    `force` replaces generated files that were edited by hand.
    """
    from jupyter_pipe.compiler import compile_notebook as compile_
    from jupyter_pipe.compiler import default_output, write_package

    folder = Path(output) if output is not None else default_output(path)
    compiled = compile_(path, output=folder)
    write_package(compiled, folder, force=force)
    return compiled.pipeline


def run(
    path: str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
    workers: int | None = None,
    keep_going: bool = False,
    strict: bool = False,
    use_cache: bool = True,
    root: str | Path | None = None,
    workdir: str | Path | None = None,
) -> Run:
    """Run a notebook, or a compiled package, and return the run when it is over.

    `parameters` are Python values; `targets` limits the run to these stages and what they need;
    `workers` is the number of stages at a time (default: the cores); `root` is the folder, or the URL,
    that gets `.jupyter_pipe/`, `workdir` where stages run (default for both: the notebook's folder).
    """
    from jupyter_pipe.compiler import read_package
    from jupyter_pipe.engine import RunRequest, run_pipeline
    from jupyter_pipe.engine.compiling import compile_for_run
    from jupyter_pipe.runs.parameters import resolve_parameters
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    path = Path(path)
    local = local_root(root) if root is not None else None
    compiled = None if path.is_dir() else compile_for_run(path, RunStore(local or path.parent))
    pipeline = compiled.pipeline if compiled else read_package(path)
    return run_pipeline(
        RunRequest(
            package=None if compiled else path,
            pipeline=pipeline,
            files=compiled.files if compiled else {},
            notebook=path if compiled else None,
            parameters=resolve_parameters(pipeline.parameters, values=parameters),
            targets=tuple(targets),
            workers=workers,
            keep_going=keep_going,
            strict=strict,
            use_cache=use_cache,
            root=local,
            workdir=Path(workdir) if workdir is not None else None,
            trigger="api",
        )
    )
