"""Turns what a client asks for into what the engine runs: the saved notebook, compiled
now.

Raises NotebookError, CompileError, ParameterError.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.server.payloads import StartRequest

if TYPE_CHECKING:
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.runs import RunOptions, RunStore

__all__ = ["make_request", "resume_request"]


def make_request(
    notebook: Path,
    asked: StartRequest,
    *,
    run_id: str | None = None,
    keep: bool = True,
    content: bytes | None = None,
) -> RunRequest:
    """A new run of the notebook, or of those that a `pipeline.toml` lists. With
    `keep=False` nothing is written; `content` stands in for the file of a notebook."""
    from jupyter_pipe.engine import RunRequest, open_target
    from jupyter_pipe.engine.targets import open_several
    from jupyter_pipe.runs.parameters import resolve_parameters

    if notebook.suffix == ".toml":
        target = open_several([notebook], keep=keep)
    else:
        target = open_target(notebook, keep=keep, content=content)
    return RunRequest(
        target=target,
        options=_options(asked),
        parameters=resolve_parameters(
            target.pipeline.parameters, texts=asked.parameters, environment=os.environ
        ),
        trigger="jupyterlab",
        command=("jupyter", "pipe", "run", notebook.name),
        run_id=run_id,
    )


def resume_request(store: RunStore, run_id: str, *, new_run_id: str) -> RunRequest:
    """A run that continues one of the store, as that one ran."""
    from jupyter_pipe.engine import RunRequest
    from jupyter_pipe.engine.targets import (
        open_earlier,
        options_to_resume,
        request_to_resume,
    )

    earlier = store.read(run_id)
    target = open_earlier(earlier, store)
    request = RunRequest(
        target=target,
        options=options_to_resume(target.pipeline, earlier),
        trigger="jupyterlab",
        command=("jupyter", "pipe", "resume", run_id),
        run_id=new_run_id,
    )
    return request_to_resume(request, earlier)


def _options(asked: StartRequest) -> RunOptions:
    from jupyter_pipe.runs import RunOptions

    return RunOptions(
        targets=asked.targets,
        from_=asked.from_,
        force=asked.force,
        use_cache=asked.cache,
        keep_going=asked.keep_going,
    )
