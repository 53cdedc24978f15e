"""Which names of notebooks, pipelines, stages and parameters we work with.

They become file names, targets of make, variables, and lines of comments and logs. A
pipeline that comes from a file may have been written by anybody, so its names are
checked before they are used. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath, PureWindowsPath

from jupyter_pipe.errors import PackageError, PipeError
from jupyter_pipe.model import Pipeline, Stage
from jupyter_pipe.notebook.grammar import stage_name_problem

__all__ = ["file_name_problem", "require_sound_names"]

# Controls, line ends that are not ASCII, changes of the writing direction, halves of
# surrogate pairs.
_UNPRINTABLE = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_LONGEST_NAME_BYTES = 200


def _is_unprintable(name: str) -> bool:
    # Compiling the expression takes longer than a run that changes nothing has for all
    # its names.
    return not name.isprintable() and re.search(_UNPRINTABLE, name) is not None


def file_name_problem(name: str) -> str | None:
    """The end of a sentence about a name that cannot be part of a file's name; None if
    it can."""
    if _is_unprintable(name):
        return "has a character that cannot be printed"
    if name in {"", ".", ".."} or set(name) & {"/", "\\"}:
        return "is not the name of a file"
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        return f"is longer than {_LONGEST_NAME_BYTES} bytes"
    return None


def require_sound_names(
    pipeline: Pipeline, error: type[PipeError] = PackageError
) -> None:
    """Raises `error` if a name of the pipeline could lead to another file or be read as
    something else."""
    for kind, name, problem in _problems(pipeline):
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        raise error(
            f"The {kind} {shown!r} of the pipeline {problem}.",
            code="pipeline_name_invalid",
            hint="Compile the notebook again: names that come from it are all right.",
        )


def _problems(pipeline: Pipeline) -> Iterator[tuple[str, str, str]]:
    """`(kind, name, end of a sentence)` for each that is wrong."""
    problem = file_name_problem(pipeline.name)
    if problem:
        yield "name", pipeline.name, problem
    if _is_unprintable(pipeline.source.notebook):
        yield (
            "notebook",
            pipeline.source.notebook,
            "has a character that cannot be printed",
        )
    yield from _notebook_problems(pipeline)
    notebooks = {each.name for each in pipeline.notebooks}
    for parameter in pipeline.parameters:
        if not _own_name(parameter.name, notebooks).isidentifier():
            yield "parameter", parameter.name, "is not a Python name"
    known = Counter(stage.name for stage in pipeline.stages)
    for stage in pipeline.stages:
        yield from _stage_problems(stage, _own_name(stage.name, notebooks))
        if known[stage.name] > 1:
            yield "stage name", stage.name, "stands twice"
    for edge in pipeline.edges:
        for name in (edge.from_, edge.to):
            if name not in known:
                yield "edge's end", name, "is not one of its stages"


def _notebook_problems(pipeline: Pipeline) -> Iterator[tuple[str, str, str]]:
    """As `_problems`, of the notebooks, where a pipeline has several."""
    for each in pipeline.notebooks:
        if not each.name.isidentifier():
            yield "notebook", each.name, "is not a Python name"
        if _is_unprintable(f"{each.source.notebook}{each.folder}"):
            yield (
                "notebook",
                each.source.notebook,
                "has a character that cannot be printed",
            )


def _own_name(name: str, notebooks: Collection[str]) -> str:
    """The name within its notebook, where a pipeline has several: `train.fit` is `fit`
    of `train`."""
    prefix, dot, own = name.partition(".")
    return own if dot and prefix in notebooks else name


def _stage_problems(stage: Stage, own_name: str) -> Iterator[tuple[str, str, str]]:
    """As `_problems`, of what one stage names."""
    broken = stage_name_problem(own_name)
    problem = broken[1] if broken else file_name_problem(stage.name)
    if problem:
        yield "stage name", stage.name, problem
    for path in (stage.notebook, stage.module):
        if not _is_inside(path):
            yield "path", path, "leads out of its package"
    for secret in stage.options.secrets:
        if not (secret.isascii() and secret.isidentifier()):
            yield "secret", secret, "is not the name of an environment variable"
    for contract in stage.options.contracts:
        # `sales` is part of a file's name, `sales=schema` two variables.
        if not all(name.isidentifier() for name in contract.split("=", 1)):
            yield "contract", contract, "does not name a variable"


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    is_absolute = PurePosixPath(path).is_absolute() or bool(PureWindowsPath(path).drive)
    return (
        bool(parts)
        and not is_absolute
        and ".." not in parts
        and not _is_unprintable(path)
    )
