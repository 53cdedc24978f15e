"""Which names of notebooks, pipelines, stages and parameters we work with.

They become file names, targets of make, variables, and lines of comments and logs. A
pipeline that comes from a file may have been written by anybody, so its names are
checked before they are used. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

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
        return _NOT_PRINTED.problem
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
    yield from _wrong("notebook", [pipeline.source.notebook], _NOT_PRINTED)
    notebooks = {each.name for each in pipeline.notebooks}
    yield from _wrong("notebook", notebooks, _NOT_PYTHON)
    for each in pipeline.notebooks:
        yield from _wrong("notebook", [each.source.notebook, each.folder], _NOT_PRINTED)
    parameters = (_own_name(each.name, notebooks) for each in pipeline.parameters)
    yield from _wrong("parameter", parameters, _NOT_PYTHON)
    known = Counter(stage.name for stage in pipeline.stages)
    for stage in pipeline.stages:
        yield from _stage_problems(stage, _own_name(stage.name, notebooks))
    once = _Rule("stands twice", lambda name: known[name] == 1)
    yield from _wrong("stage name", known, once)
    a_stage = _Rule("is not one of its stages", known.__contains__)
    for edge in pipeline.edges:
        yield from _wrong("edge's end", [edge.from_, edge.to], a_stage)


class _Rule(NamedTuple):
    """`problem` ends the sentence about a name that is not `sound`."""

    problem: str
    sound: Callable[[str], bool]


def _wrong(
    kind: str, names: Iterable[str], rule: _Rule
) -> Iterator[tuple[str, str, str]]:
    """As `_problems`, of names of one kind."""
    return ((kind, name, rule.problem) for name in names if not rule.sound(name))


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
    yield from _wrong("path", [stage.notebook, stage.module], _OUTSIDE)
    yield from _wrong("secret", stage.options.secrets, _NOT_ENVIRONMENT)
    yield from _wrong("contract", stage.options.contracts, _NOT_CONTRACT)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    is_absolute = PurePosixPath(path).is_absolute() or bool(PureWindowsPath(path).drive)
    return (
        bool(parts)
        and not is_absolute
        and ".." not in parts
        and not _is_unprintable(path)
    )


def _is_environment_name(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _names_variables(contract: str) -> bool:
    """`sales` is part of a file's name, `sales=schema` two variables."""
    return all(map(str.isidentifier, contract.split("=", 1)))


_NOT_PRINTED = _Rule(
    "has a character that cannot be printed", lambda name: not _is_unprintable(name)
)
_NOT_PYTHON = _Rule("is not a Python name", str.isidentifier)
_OUTSIDE = _Rule("leads out of its package", _is_inside)
_NOT_ENVIRONMENT = _Rule(
    "is not the name of an environment variable", _is_environment_name
)
_NOT_CONTRACT = _Rule("does not name a variable", _names_variables)
