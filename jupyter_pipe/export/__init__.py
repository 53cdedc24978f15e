"""The pipeline in the language of another engine, each task of which calls
`jupyter-pipe run-stage`.

An exporter is one module of `modules` or `manifests` with an `Exporter`: a `Plan` goes
in, the text of one file comes out. Packages add theirs with the entry point group
`jupyter_pipe.exporters`. Parameters stay parameters of the engine, and reach the stages
as environment variables, `JUPYTER_PIPE_NAME`. What files need to know of how they were
made stands in their second line.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from importlib import metadata

import msgspec
from msgspec import Struct

from jupyter_pipe.export.plan import ExportError, Options, Plan, comment, plan_of

__all__ = [
    "BUILT_IN",
    "ExportError",
    "Exporter",
    "Options",
    "Plan",
    "export_text",
    "exporter_names",
    "find_exporter",
    "left_out",
    "plan_of",
    "read_options",
]

GROUP = "jupyter_pipe.exporters"
# Told in Python, and told in anything else.
_MODULES = (
    "airflow",
    "dagster",
    "flyte",
    "kedro",
    "kfp",
    "luigi",
    "metaflow",
    "prefect",
    "sagemaker",
    "zenml",
)
_MANIFESTS = (
    "argo",
    "azureml",
    "databricks",
    "dockerfile",
    "dvc",
    "github",
    "gitlab",
    "make",
    "pachyderm",
    "slurm",
    "snakemake",
)
BUILT_IN = tuple(sorted((*_MODULES, *_MANIFESTS)))
# For example `# options: {"engine": "make", "package": "/app/q", "run_root": "."}`.
_OPTIONS_LINE = "# options: "


class Exporter(Struct, frozen=True):
    """How to write for one engine.

    `file` is the usual name of the file, with `{name}` and `{label}` of the pipeline.
    `carries` says what of a stage's options and of the pipeline the engine is told:
    `cpus`, `memory`, `gpus`, `limits`, `timeout`, `secrets`, `image`, `schedule`. Paths
    are as tasks see them: `absolute`, or `relative` to the folder of the file. With
    `root` tasks share a folder or URL, which has no usual place where `needs_root`;
    else the engine carries their bundles. `companions` are files beside it that belong
    to the user: they are written once.
    """

    engine: str
    title: str
    file: str
    write: Callable[[Plan], str]
    carries: frozenset[str] = frozenset()
    # Or `any`, of make and Snakemake: their tasks start where the engine was called.
    paths: str = "absolute"
    root: bool = False
    needs_root: bool = False
    needs_image: bool = False
    companions: Callable[[Plan], dict[str, str]] = lambda plan: {}


def exporter_names() -> dict[str, str]:
    """The names of all exporters, with the distribution of those that others added."""
    added = {
        point.name: point.dist.name if point.dist else ""
        for point in metadata.entry_points(group=GROUP)
    }
    # Ours come last: an entry point called `make` takes the place of none of them.
    return {**added, **dict.fromkeys(BUILT_IN, "")}


def find_exporter(engine: str) -> Exporter:
    """The exporter of that name. Raises ExportError if there is none, or if it cannot
    be loaded."""
    if engine in BUILT_IN:
        room = "modules" if engine in _MODULES else "manifests"
        found: Exporter = importlib.import_module(
            f"{__name__}.{room}.{engine}"
        ).EXPORTER
        return found
    for point in metadata.entry_points(group=GROUP, name=engine):
        return _loaded(point)
    raise ExportError(
        f"There is no exporter {engine!r}.",
        code="export_unknown",
        hint=f"There are: {', '.join(sorted(exporter_names()))}.",
    )


def _loaded(point: metadata.EntryPoint) -> Exporter:
    try:
        found = point.load()
    except Exception as error:
        # Importing a module of others runs their code, which may raise anything.
        raise ExportError(
            f"The exporter {point.name!r} ({point.value}) cannot be loaded: {error}",
            code="export_unknown",
        ) from error
    if isinstance(found, Exporter):
        return found
    raise ExportError(
        f"{point.value} is not a jupyter_pipe.export.Exporter.", code="export_unknown"
    )


def export_text(exporter: Exporter, plan: Plan) -> str:
    """The file, with a head that says what it is and how it was made."""
    if exporter.needs_image:
        for task in plan.tasks:
            if not task.image:
                raise ExportError(
                    f"Stage '{task.name}' has no container image.",
                    code="export_image",
                    hint="Name one that has jupyter_pipe, the package and its requirements: --image IMAGE, "
                    "or tag the stage image:IMAGE.",
                )
    options = json.dumps(
        {"engine": exporter.engine, **msgspec.to_builtins(plan.options)}
    )
    head = f"# {comment(plan.name)}, exported by jupyter_pipe: edit the notebook, and export again.\n"
    return f"{head}{_OPTIONS_LINE}{_without_braces(options)}\n{exporter.write(plan)}"


def _without_braces(text: str) -> str:
    """The JSON object with nothing in it that an engine could take for a template."""
    # Escapes of JSON, so that reading needs to undo nothing. The outer braces are the
    # only ones outside a text, as all options are texts.
    inner = (
        text[1:-1]
        .replace("{", "\\u007b")
        .replace("}", "\\u007d")
        .replace("$", "\\u0024")
    )
    return f"{{{inner}}}"


def read_options(text: str) -> tuple[str, Options] | None:
    """The engine and the options that a file was exported with; None if it is not from
    here."""
    for line in text.splitlines()[:3]:
        if line.startswith(_OPTIONS_LINE):
            try:
                told = msgspec.json.decode(line.removeprefix(_OPTIONS_LINE))
                return told["engine"], msgspec.convert(told, Options)
            except (msgspec.MsgspecError, KeyError, TypeError):
                return None
    return None


def left_out(exporter: Exporter, plan: Plan) -> list[str]:
    """What the notebook says and the engine has no word for, for people: `schedule (0 6
    * * *)`."""
    found = (
        [f"schedule ({plan.schedule})"]
        if plan.schedule and "schedule" not in exporter.carries
        else []
    )
    # Each with the value of a stage without such a tag, of which nothing is lost.
    for word, field, plain in (
        ("memory", "memory_bytes", None),
        ("gpus", "gpus", 0),
        ("limits", "limits", {}),
        ("timeout", "timeout_seconds", None),
    ):
        stages = [task.name for task in plan.tasks if getattr(task, field) != plain]
        if stages and word not in exporter.carries:
            found.append(f"{word} of {', '.join(stages)}")
    return found
