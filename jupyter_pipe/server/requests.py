"""Turns what a client asks for into what the engine runs: the saved notebook, compiled now.

Raises NotebookError, CompileError, ParameterError.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_pipe.events import StageState
from jupyter_pipe.server.payloads import StartRequest

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs import Run

__all__ = ["make_request"]

_DONE = frozenset({StageState.succeeded, StageState.cached})


def make_request(
    notebook: Path, request: StartRequest, *, run_id: str | None = None, resumed: Run | None = None
) -> RunRequest:
    """The run that is asked for. One that resumes another keeps its parameters and its stages."""
    from jupyter_pipe.compiler import compile_notebook
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs.parameters import resolve_parameters

    compiled = compile_notebook(notebook)
    names = [stage.name for stage in compiled.pipeline.stages]
    parameters = resolve_parameters(
        compiled.pipeline.parameters,
        texts=request.parameters,
        values=_values(resumed),
        environment=os.environ,
    )
    return RunRequest(
        pipeline=compiled.pipeline,
        files=compiled.files,
        notebook=notebook,
        parameters=parameters,
        targets=request.targets or _targets(resumed, names),
        from_=request.from_,
        force=request.force,
        use_cache=request.cache,
        keep_going=request.keep_going,
        trigger="jupyterlab",
        command=("jupyter", "pipe", "run", notebook.name),
        run_id=run_id,
        resumed_from=resumed.run_id if resumed else None,
        resumed_stages=tuple(stage.name for stage in resumed.stages if stage.state in _DONE)
        if resumed
        else (),
    )


def _values(resumed: Run | None) -> dict[str, Any]:
    """The values that the earlier run was given, where they were not the notebook's."""
    given = resumed.facts.parameters if resumed else ()
    return {each.name: each.value for each in given if each.changed}


def _targets(resumed: Run | None, names: list[str]) -> tuple[str, ...]:
    """The same stages, if the earlier run was of some only."""
    if resumed is None or len(resumed.stages) >= len(names):
        return ()
    took_part = {stage.name for stage in resumed.stages}
    return tuple(name for name in names if name in took_part)
