"""What all exports have in common: the command of a stage, and what its tasks are told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Parameter, Pipeline, Stage
from jupyter_pipe.runs.parameters import ENVIRONMENT_PREFIX

__all__ = ["ExportError", "Tasks", "default_text", "parameters_of", "variable"]


class ExportError(PipeError):
    """The pipeline cannot be written for that engine as it is."""


@dataclass(frozen=True)
class Tasks:
    """Where tasks find what they need: `package` is the compiled package and `run_root` the folder or
    URL that all share, both as the tasks see them; `image` is the container's, for engines with containers.
    """

    package: str
    run_root: str
    image: str = ""

    def command(self, stage: Stage, run_id: str, attempt: str = "") -> str:
        """A shell command. `run_id` and `attempt` stand as they are, in the engine's own notation."""
        words = ["jupyter-pipe", "run-stage", self.package, stage.name, "--run-root", self.run_root]
        counted = f" --attempt {attempt}" if attempt else ""
        return f"{shlex.join(words)} --run-id {run_id}{counted}"


def variable(parameter: str) -> str:
    """The environment variable from which a stage takes the parameter."""
    return f"{ENVIRONMENT_PREFIX}{parameter.upper()}"


def default_text(parameter: Parameter) -> str:
    """The notebook's value, as the command line or the environment would give it."""
    return parameter.default if isinstance(parameter.default, str) else parameter.literal


def parameters_of(pipeline: Pipeline, stage: Stage) -> list[Parameter]:
    """The parameters that the stage reads."""
    return [each for each in pipeline.parameters if each.name in stage.parameters]
