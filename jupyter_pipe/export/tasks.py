"""What all exports have in common: the command of a stage, and what its tasks are told."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass

from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Parameter, Pipeline, Stage
from jupyter_pipe.runs.parameters import ENVIRONMENT_PREFIX

__all__ = ["ExportError", "Tasks", "comment", "default_text", "parameters_of", "variable"]


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
        """A shell command in one line. `run_id` and `attempt` stand as they are, in the engine's own
        notation. Raises ExportError for a path that fits in no line."""
        for place in (self.package, self.run_root):
            if not place.isprintable():
                raise ExportError(
                    f"The path {place!r} has a character that the tasks' commands cannot hold.",
                    code="export_value",
                    hint="Name another folder with --package or --run-root.",
                )
        words = ["jupyter-pipe", "run-stage", self.package, stage.name, "--run-root", self.run_root]
        counted = f" --attempt {attempt}" if attempt else ""
        return f"{shlex.join(words)} --run-id {run_id}{counted}"


def variable(parameter: str) -> str:
    """The environment variable from which a stage takes the parameter."""
    return f"{ENVIRONMENT_PREFIX}{parameter.upper()}"


def default_text(parameter: Parameter) -> str:
    """The notebook's value, as the command line or the environment would give it. Raises ExportError if
    that is a text that no environment can hold."""
    text = _text_of(parameter)
    if re.search("[\0\ud800-\udfff]", text):
        raise ExportError(
            f"The value of parameter {parameter.name!r} has a character that the environment cannot hold.",
            code="export_value",
            hint="Tasks get parameters from the environment. Change the value in the notebook.",
        )
    return text


def _text_of(parameter: Parameter) -> str:
    if parameter.default is None and parameter.literal.lstrip("bBrRuU")[:1] in {"'", '"'}:
        # Half of a surrogate pair, which JSON does not have.
        value = ast.literal_eval(parameter.literal)
        return value if isinstance(value, str) else parameter.literal
    return parameter.default if isinstance(parameter.default, str) else parameter.literal


def comment(text: str) -> str:
    """Text of the user's that can stand at the end of a comment's line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    # A backslash at the end would make the next line part of the comment.
    return shown.rstrip("\\ ") or "''"


def parameters_of(pipeline: Pipeline, stage: Stage) -> list[Parameter]:
    """The parameters that the stage reads."""
    return [each for each in pipeline.parameters if each.name in stage.parameters]
