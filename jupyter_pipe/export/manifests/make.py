"""GNU make: `make -j2 -f NAME.mk`, and `make -f NAME.mk train` for a stage with what it
needs.

Parameters come from the environment, as they do for every command of ours, so nothing
is said of them but a comment.
"""

from __future__ import annotations

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, comment

__all__ = ["EXPORTER"]

# Stages are identifiers, so none has this name.
_ALL = "all-stages"


def _write(plan: Plan) -> str:
    names = [task.name for task in plan.tasks]
    lines = [
        "# make -j2 -f FILE [STAGE]; RUN_ID=... names the run.",
        "# Paths are as seen from the folder in which make is called.",
        *map(_about, plan.parameters),
        "",
        # `?=` alone would be asked for each recipe, and each stage be a run of its own.
        # PPID is make itself: two that start in one second differ.
        "RUN_ID ?= $(shell date -u +%Y%m%d-%H%M%S)-$(shell echo $$PPID)",
        "export RUN_ID := $(RUN_ID)",
        # Else a folder called `train` would count as the result of that stage.
        f".PHONY: {_ALL} {' '.join(names)}",
        f"{_ALL}: {' '.join(names)}",
    ]
    for task in plan.tasks:
        # A dollar that the shell should see is doubled for make.
        command = plan.in_root(task, '"$RUN_ID"').replace("$", "$$")
        lines += ["", f"{task.name}: {' '.join(task.after)}".rstrip(), f"\t{command}"]
    return "\n".join(lines) + "\n"


def _about(parameter: PlanParameter) -> str:
    return f"# Parameter {parameter.name}: {parameter.variable}=... make (else {comment(parameter.text)})"


EXPORTER = Exporter(
    engine="make",
    title="GNU make",
    file="{name}.mk",
    write=_write,
    carries=frozenset({"timeout", "secrets"}),
    paths="any",
    root=True,
)
