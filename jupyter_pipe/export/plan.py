"""The plan of tasks: what any engine has to know of a pipeline, as data. Pure.

`plan_of` makes it from a pipeline and `Options`; exporters turn it into text. Raises
ExportError for what no engine could carry unharmed.
"""

from __future__ import annotations

import ast
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from jupyter_pipe.compiler.graph import select
from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Parameter, Pipeline, Stage
from jupyter_pipe.runs.parameters import ENVIRONMENT_PREFIX, IN_NOTEBOOK
from jupyter_pipe.trust.keys import KEY_VARIABLE

__all__ = [
    "ExportError",
    "Options",
    "Plan",
    "PlanParameter",
    "Task",
    "comment",
    "distinct",
    "escaped",
    "kubernetes_names",
    "one_device",
    "parameters_yaml",
    "plan_of",
    "task_names",
    "unevaluated",
]

_SIMPLE = frozenset({"int", "float", "str", "bool"})
# Variables of ours that a parameter's would be taken for.
_TAKEN = frozenset({KEY_VARIABLE, "JUPYTER_PIPE_RUN_ID", "JUPYTER_PIPE_STAGE"})


class ExportError(PipeError):
    """The pipeline cannot be written for that engine as it is."""


class Options(Struct, frozen=True, omit_defaults=True):
    """What an export is told besides the pipeline: `package` is the compiled package
    and `run_root` the folder or URL that all tasks reach, both as the tasks see them;
    `image` is the container of stages that name none; `command` is how tasks call
    jupyter-pipe; `claim` is Kubernetes' volume claim for a root that is a folder
    (default: that of the pipeline's name)."""

    # Defaults are not written into files: an option that is added later leaves the
    # files that do not use it as they are, and `--check` quiet.
    package: str = ""
    run_root: str = ""
    image: str = ""
    command: str = "jupyter-pipe"
    claim: str = ""


class PlanParameter(Struct, frozen=True):
    """A parameter. `type_` is `int`, `float`, `str` or `bool`, and `str` for all that
    engines have no form for: then `default` is Python's notation of the value. `text`
    is the default as an environment variable has it."""

    name: str
    type_: str
    default: Any
    text: str
    choices: tuple[Any, ...] = ()
    description: str = ""

    @property
    def variable(self) -> str:
        """The environment variable from which stages take it."""
        return f"{ENVIRONMENT_PREFIX}{self.name.upper()}"

    def typed(self, name: str) -> str:
        """As an argument of a function in Python, called `name` there: `days: int =
        365`."""
        return f"{name}: {self.type_} = {self.default!a}"


class Task(Struct, frozen=True):
    """A stage. `after` are its direct predecessors, `take` all stages whose bundles it
    needs, both in notebook order. `contracts` are files of the package. `digest`
    changes with its code, modules, requirements and contracts. `limits` maps resources
    to amounts."""

    name: str
    after: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    parameters: tuple[PlanParameter, ...] = ()
    secrets: tuple[str, ...] = ()
    retries: int = 0
    timeout_seconds: float | None = None
    cpus: float = 1.0
    memory_bytes: int | None = None
    gpus: int = 0
    limits: dict[str, str] = {}
    image: str = ""
    cache: bool = True
    metrics: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    notebook: str = ""
    contracts: tuple[str, ...] = ()
    digest: str = ""

    @property
    def seconds_in_all(self) -> int | None:
        """The time limit of an engine that leaves further attempts to the command: that
        of all of them, in whole seconds."""
        # Three attempts of 90 seconds are 270, or the engine would end the second one.
        return (
            math.ceil(self.timeout_seconds) * (self.retries + 1)
            if self.timeout_seconds
            else None
        )

    @property
    def devices(self) -> dict[str, str]:
        """Kind -> amount of what `gpus:` and `limit:` tags ask for, as Kubernetes has
        it."""
        # For example {"nvidia.com/gpu": "1", "example.org/fpga": "1"}.
        return {
            **({"nvidia.com/gpu": str(self.gpus)} if self.gpus else {}),
            **self.limits,
        }


class Plan(Struct, frozen=True):
    """All tasks, in notebook order."""

    name: str
    description: str
    schedule: str | None
    options: Options
    parameters: tuple[PlanParameter, ...]
    tasks: tuple[Task, ...]

    @property
    def command(self) -> list[str]:
        """What all tasks' commands begin with: the name of the stage comes next."""
        # Several words where it is `--command "conda run -n lab jupyter-pipe"`.
        return [*shlex.split(self.options.command), "run-stage", self.options.package]

    def words(self, task: Task) -> list[str]:
        """The command of a task, word by word, without where its values come from and
        go to."""
        return [*self.command, task.name]

    def in_root(self, task: Task, run_id: str, *, attempt: str = "") -> str:
        """A shell command in a root that all tasks share. `run_id` and `attempt` stand
        as they are, in the engine's own notation; without `attempt` the command itself
        tries again."""
        # `run_id` is `"$RUN_ID"` for make, `{run_id:q}` for Snakemake: it brings its
        # own quotes, and joining it with the words would add others.
        words = shlex.join([*self.words(task), "--run-root", self.options.run_root])
        return f"{words} --run-id {run_id} " + (
            f"--attempt {attempt}" if attempt else "--retry"
        )

    def with_bundles(self, task: Task, folder: str) -> list[str]:
        """A command whose values are in folders `folder/STAGE`."""
        taken = [word for name in task.take for word in ("--take", f"{folder}/{name}")]
        return [
            *self.words(task),
            *taken,
            "--leave",
            f"{folder}/{task.name}",
            "--retry",
        ]

    @property
    def label(self) -> str:
        """The name in lower case letters, digits and hyphens, as most engines want
        one."""
        # The cut may fall behind a hyphen, with which no name of Kubernetes may end. Of
        # a name in another alphabet nothing is left.
        return (
            re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:50].strip("-")
            or "pipeline"
        )


def task_names(pipeline: Pipeline) -> dict[str, str]:
    """What engines call each stage. `train.fit`, of several notebooks, is `train__fit`:
    most of them want identifiers, and `run-stage` takes either name."""
    notebooks = {each.name for each in pipeline.notebooks}
    found: dict[str, str] = {}
    for stage in pipeline.stages:
        notebook, _, own = stage.name.partition(".")
        is_joined = notebook in notebooks
        name = f"{notebook}{IN_NOTEBOOK}{own}" if is_joined else stage.name
        found[stage.name] = escaped(name, frozenset(found.values()))
    return found


def plan_of(
    pipeline: Pipeline, options: Options, digests: Mapping[str, str] | None = None
) -> Plan:
    """The plan. `digests` is the digest of each stage's code (`export.digests`)."""
    for path in (options.package, options.run_root, options.command):
        if not path.isprintable():
            raise ExportError(
                f"The path {path!r} has a character that the tasks' commands cannot hold.",
                code="export_value",
                hint="Name another folder with --package or --run-root.",
            )
    _require_own_folders(pipeline)
    parameters = {each.name: _parameter(each) for each in pipeline.parameters}
    _require_distinct(parameters)
    names = task_names(pipeline)
    tasks = tuple(
        _task(pipeline, stage, parameters, options, digests or {}, names)
        for stage in pipeline.stages
    )
    return Plan(
        name=pipeline.name,
        description=pipeline.description,
        schedule=pipeline.schedule,
        options=options,
        parameters=tuple(parameters.values()),
        tasks=tasks,
    )


def _require_own_folders(pipeline: Pipeline) -> None:
    """Tasks run in folders of the run, where the notebooks' own are made anew: these
    have to lie below that of the pipeline."""
    for each in pipeline.notebooks:
        if Path(each.folder).is_absolute() or ".." in Path(each.folder).parts:
            raise ExportError(
                f"The notebook '{each.source.notebook}' does not lie below the folder of {pipeline.name}, "
                "and tasks run in a folder of the run.",
                code="export_path",
                hint="Move the list, or the first of the notebooks, above all of them.",
            )


def _require_distinct(parameters: Mapping[str, PlanParameter]) -> None:
    """Of several notebooks, two could be called the same: `a.b__c` and `a__b.c`."""
    seen: dict[str, str] = {}
    for name, parameter in parameters.items():
        if "." in name and seen.setdefault(parameter.variable, name) != name:
            raise ExportError(
                f"The parameters {seen[parameter.variable]!r} and {name!r} would both be passed as "
                f"{parameter.variable}.",
                code="export_value",
                hint="Give one of them another name.",
            )


def _task(
    pipeline: Pipeline,
    stage: Stage,
    parameters: Mapping[str, PlanParameter],
    options: Options,
    digests: Mapping[str, str],
    names: Mapping[str, str],
) -> Task:
    """The stage as engines see it: what comes before, what it takes with it, its
    limits."""
    told = stage.options
    return Task(
        name=names[stage.name],
        after=tuple(names[name] for name in pipeline.upstream(stage.name)),
        # All stages that it depends on, directly or not: with bundles there is no root
        # in which it could find the value of one further up.
        take=tuple(
            names[name]
            for name in select(pipeline, targets=[stage.name])
            if name != stage.name
        ),
        parameters=tuple(
            each for name, each in parameters.items() if name in stage.parameters
        ),
        secrets=told.secrets,
        retries=told.retries,
        timeout_seconds=told.timeout_seconds,
        cpus=told.cpus,
        memory_bytes=told.memory_bytes,
        gpus=told.gpus,
        limits=told.limits,
        image=told.image or options.image,
        # `cache:off` is a cache that lasts no seconds.
        cache=told.cache_seconds != 0,
        metrics=tuple(metric.name for metric in stage.metrics),
        gates=tuple(gate.expression for gate in stage.gates),
        inputs=tuple(each.name for each in stage.inputs),
        outputs=stage.outputs,
        notebook=stage.notebook,
        contracts=_contracts(pipeline, stage),
        digest=digests.get(stage.name, ""),
    )


def _contracts(pipeline: Pipeline, stage: Stage) -> tuple[str, ...]:
    """The contracts of the stage's values, as files of the package."""
    joined = pipeline.notebook_of(stage.name)
    notebook = f"{joined.name}." if joined else ""
    # For example contracts/X.yaml, and of several notebooks contracts/train.X.yaml.
    names = (f"{notebook}{value}" for value in stage.options.watched)
    return tuple(
        f"contracts/{name}.yaml" for name in names if name in pipeline.contract_digests
    )


def _parameter(parameter: Parameter) -> PlanParameter:
    text = _text_of(parameter)
    # A NUL would end the variable, and half of a surrogate pair has no bytes in UTF-8.
    if re.search("[\0\ud800-\udfff]", text):
        raise ExportError(
            f"The value of parameter {parameter.name!r} has a character that the environment cannot hold.",
            code="export_value",
            hint="Tasks get parameters from the environment. Change the value in the notebook.",
        )
    # A whole number may be the default of a float; None, infinities and lists are text
    # to engines.
    fits = {"float": ("float", "int")}.get(parameter.type_, (parameter.type_,))
    is_simple = parameter.type_ in _SIMPLE and type(parameter.default).__name__ in fits
    made = PlanParameter(
        name=parameter.name.replace(".", IN_NOTEBOOK),
        type_=parameter.type_ if is_simple else "str",
        default=parameter.default if is_simple else text,
        text=text,
        choices=parameter.choices,
        description=parameter.description,
    )
    if made.variable in _TAKEN:
        raise ExportError(
            f"A parameter {parameter.name!r} would be passed as {made.variable}, which means something else.",
            code="export_value",
            hint="Give the parameter another name.",
        )
    return made


def _text_of(parameter: Parameter) -> str:
    if parameter.default is None and parameter.literal.lstrip("bBrRuU")[:1] in {
        "'",
        '"',
    }:
        # Half of a surrogate pair, which JSON does not have.
        value = ast.literal_eval(parameter.literal)
        return value if isinstance(value, str) else parameter.literal
    return (
        parameter.default if isinstance(parameter.default, str) else parameter.literal
    )


def unevaluated(text: str, engine: str, *marks: str, what: str = "") -> str:
    """The text, for engines that evaluate what stands behind one of the marks and have
    no way to write it so that it stays. `what` it is, else it is shown. Raises
    ExportError."""
    for mark in marks:
        if mark in text:
            raise ExportError(
                f"{engine} would evaluate what stands behind {mark} in {what or repr(text)}.",
                code="export_value",
                hint=f"Choose a name, path or value without {mark}.",
            )
    return text


def one_device(task: Task, engine: str) -> dict[str, str]:
    """What the task asks for, for engines with a place for one kind only. Raises
    ExportError where there are more: they would keep the last."""
    if len(task.devices) > 1:
        raise ExportError(
            f"Stage '{task.name}' asks for {' and '.join(task.devices)}, and {engine} has a place for one "
            "kind of device.",
            code="export_value",
            hint="Leave one of its limit: and gpus: tags, or export to an engine that has all of them.",
        )
    return task.devices


def parameters_yaml(plan: Plan) -> str:
    """The parameters with their defaults, for engines that read them from a file."""
    import yaml

    values = {each.name: each.default for each in plan.parameters}
    # In the order and the letters of the notebook: people edit this file.
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    return text


def comment(text: str) -> str:
    """Text of the user's that can stand at the end of a comment's line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    # A backslash at the end would make the next line part of the comment.
    return shown.rstrip("\\ ") or "''"


def distinct(
    names: Iterable[str],
    reserved: frozenset[str],
    *,
    is_ascii: bool = False,
    is_lower: bool = False,
) -> dict[str, str]:
    """What an engine calls each of the names, so that no two are the same and none is
    reserved. Names do not begin with an underscore: `_x` becomes `x`, and `x_` where
    `x` is taken."""
    called: dict[str, str] = {}
    for name in names:
        short = re.sub(r"[^A-Za-z0-9_]", "_", name) if is_ascii else name
        short = short.lower() if is_lower else short
        called[name] = escaped(
            short.lstrip("_") or "x", reserved | set(called.values())
        )
    return called


def kubernetes_names(names: Iterable[str], *taken: str) -> dict[str, str]:
    """At most 50 lower case letters, digits and hyphens for each of the names, none of
    them `taken`."""
    found: dict[str, str] = {}
    for name in names:
        short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "stage"
        label, more = short[:50].strip("-"), ""
        # `fit_A` and `fit_a` are both `fit-a`: the second becomes `fit-a-x`.
        while label in found.values() or label in taken:
            more += "-x"
            # Cut again, so that it stays within the 50 letters.
            label = short[: 50 - len(more)].strip("-") + more
        found[name] = label
    return found


def escaped(name: str, reserved: frozenset[str]) -> str:
    """The name, with an underscore more where the engine has one like it."""
    while name in reserved:
        name += "_"
    return name
