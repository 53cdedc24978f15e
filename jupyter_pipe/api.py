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
    from jupyter_pipe.engine import RunRequest, open_target, run_pipeline
    from jupyter_pipe.runs.model import RunOptions
    from jupyter_pipe.runs.parameters import resolve_parameters
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    target = open_target(path, None if root is None else RunStore(local_root(root)))
    options = RunOptions(
        targets=tuple(targets),
        workers=workers,
        keep_going=keep_going,
        strict=strict,
        use_cache=use_cache,
    )
    return run_pipeline(
        RunRequest(
            target=target,
            options=options,
            parameters=resolve_parameters(target.pipeline.parameters, values=parameters),
            workdir=None if workdir is None else Path(workdir),
            trigger="api",
        )
    )
