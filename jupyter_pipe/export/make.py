"""GNU make: `make -j2 -f NAME.mk`, and `make -f NAME.mk train` for a stage with what it needs.

Parameters come from the environment, as they do for every command of ours, so nothing is said of
them but a comment.
"""

from __future__ import annotations

from jupyter_pipe.export.tasks import Tasks, comment, variable
from jupyter_pipe.model import Parameter, Pipeline

__all__ = ["write"]

# Stages are identifiers, so none has this name.
_ALL = "all-stages"


def write(pipeline: Pipeline, tasks: Tasks) -> str:
    """A makefile whose targets are the stages."""
    names = [stage.name for stage in pipeline.stages]
    lines = [
        f"# {comment(pipeline.name)}, exported by jupyter_pipe: make -j2 -f FILE [STAGE]",
        "# Paths are as seen from the folder in which make is called.",
        *map(_about, pipeline.parameters),
        "",
        "RUN_ID ?= $(shell date -u +%Y%m%d-%H%M%S)-make",
        "export RUN_ID := $(RUN_ID)",
        f".PHONY: {_ALL} {' '.join(names)}",
        f"{_ALL}: {' '.join(names)}",
    ]
    for stage in pipeline.stages:
        command = tasks.command(stage, run_id='"$RUN_ID"').replace("$", "$$")
        lines += ["", f"{stage.name}: {' '.join(pipeline.upstream(stage.name))}".rstrip(), f"\t{command}"]
    return "\n".join(lines) + "\n"


def _about(parameter: Parameter) -> str:
    name, value = parameter.name, comment(parameter.literal)
    return f"# Parameter {name}: {variable(name)}=... make (in the notebook {value})"
