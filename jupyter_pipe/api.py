"""The Python API: compile a notebook, run it, look at the run.

    import jupyter_pipe

    pipeline = jupyter_pipe.compile_notebook("home_value.ipynb")
    run = jupyter_pipe.run("home_value.ipynb", parameters={"weeks": 8})
    run.metrics["best_mae"]

    started = jupyter_pipe.start("home_value.ipynb")  # returns at once
    started.wait().metrics["best_mae"]

Raises NotebookError, CompileError, ParameterError and RunError; a run whose stages fail
is returned, with `run.state` and the failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.model import Pipeline

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.handle import RunHandle
    from jupyter_pipe.runs.model import Run, RunOptions

__all__ = ["compile_notebook", "run", "start"]


def compile_notebook(
    path: str | Path | Sequence[str | Path],
    *,
    output: str | Path | None = None,
    force: bool = False,
) -> Pipeline:
    """Compile a notebook, write its package (default: `STEM_pipeline/` beside it),
    return the DAG. A list of paths, or the path of a `pipeline.toml`, is one pipeline
    of several notebooks (default: `NAME_pipeline/` beside the list).

    `force` replaces generated files that were edited by hand.
    """
    # Imported where it is used: `import jupyter_pipe` stands at the top of notebooks,
    # and must cost nothing.
    from jupyter_pipe.compiler import write_package
    from jupyter_pipe.compiler.named import compile_named

    folder = Path(output) if output is not None else None
    named = compile_named(_paths(path), output=folder)
    write_package(named.compiled, named.folder, force=force)
    return named.compiled.pipeline


def run(
    path: str | Path | Sequence[str | Path],
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
    """Run a notebook, a compiled package, or several notebooks as one pipeline: a list
    of their paths, or the path of a `pipeline.toml`. Return the run when it is over.

    `parameters` are Python values; `targets` limits the run to these stages and what
    they need; `workers` is the number of stages at a time (default: the cores); `root`
    is the folder, or the URL, that gets `.jupyter_pipe/`, `workdir` where stages run
    (default for both: the notebook's folder).
    """
    from jupyter_pipe.engine import run_pipeline
    from jupyter_pipe.runs.model import RunOptions

    options = RunOptions(
        targets=tuple(targets),
        workers=workers,
        keep_going=keep_going,
        strict=strict,
        use_cache=use_cache,
    )
    return run_pipeline(_request(path, options, parameters, root, workdir))


def start(
    path: str | Path | Sequence[str | Path],
    *,
    parameters: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
    workers: int | None = None,
    keep_going: bool = False,
    strict: bool = False,
    use_cache: bool = True,
    root: str | Path | None = None,
    workdir: str | Path | None = None,
) -> RunHandle:
    """Start what `run` runs, and return at once.

    The run goes on in a thread of this process, which waits for it when it ends; one
    whose process is killed is `interrupted`, and can be resumed. Raises what `run`
    raises before its first stage.
    """
    from jupyter_pipe.handle import start_run
    from jupyter_pipe.runs.model import RunOptions

    options = RunOptions(
        targets=tuple(targets),
        workers=workers,
        keep_going=keep_going,
        strict=strict,
        use_cache=use_cache,
    )
    return start_run(_request(path, options, parameters, root, workdir))


def _paths(path: str | Path | Sequence[str | Path]) -> list[Path]:
    # A text is a sequence of texts as well.
    named = [path] if isinstance(path, str | Path) else path
    return [Path(each) for each in named]


def _request(
    path: str | Path | Sequence[str | Path],
    options: RunOptions,
    parameters: Mapping[str, Any] | None,
    root: str | Path | None,
    workdir: str | Path | None,
) -> RunRequest:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.engine.targets import open_several
    from jupyter_pipe.runs.parameters import resolve_parameters
    from jupyter_pipe.runs.remote import local_root
    from jupyter_pipe.runs.store import RunStore

    # A root may be a URL, which is worked on in a local copy.
    store = None if root is None else RunStore(local_root(root))
    target = open_several(_paths(path), store)
    return RunRequest(
        target=target,
        options=options,
        parameters=resolve_parameters(target.pipeline.parameters, values=parameters),
        workdir=None if workdir is None else Path(workdir),
        trigger="api",
    )
