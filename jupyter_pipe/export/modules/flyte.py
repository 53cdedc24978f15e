"""Flyte 2: `flyte run --local NAME_flyte.py pipeline --days 730`, or without `--local`
on the cluster that Flyte's configuration names. A task a stage; what stages leave are
`flyte.io.Dir`s of Flyte, so no folder is shared. Flyte's cache is asked with the digest
of the stage's code, the report is the task's, and the pipeline returns the metrics.
Secrets are Flyte's, by the same name."""

from __future__ import annotations

import math

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task, distinct, kubernetes_names

__all__ = ["EXPORTER"]

# Names that the pipeline and its tasks use, and that a parameter of them would hide.
_RESERVED = frozenset(
    {"after", "asyncio", "bundles", "dict", "done", "found", "run_stage"}
)
_HEAD = """\
import asyncio
import html
import json
import os
import tempfile

import flyte
import flyte.report
from flyte.io import Dir

COMMAND = {command}
IMAGE = {image}


class StageError(Exception):
    pass


async def run_stage(name, variables, bundles):
    given = {{variable: str(value) for variable, value in variables.items()}}
    # On this machine Flyte takes the folder where it is: it stays, as all that Flyte leaves there does.
    leave = os.path.join(tempfile.mkdtemp(prefix="bundle-"), "values")
    with tempfile.TemporaryDirectory() as folder:
        result, report = os.path.join(folder, "result.json"), os.path.join(folder, "report.html")
        take = [word for each in bundles for word in ("--take", await each.download())]
        files = ["--leave", leave, "--result", result, "--html", report, "--retry"]
        process = await asyncio.create_subprocess_exec(
            *COMMAND, name, *take, *files, env={{**os.environ, **given}}
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                page = f'<iframe srcdoc="{{html.escape(file.read())}}" width="100%" height="900"></iframe>'
            await flyte.report.replace.aio(page, do_flush=True)
        if code:
            raise StageError(f"Stage {{name}} ended with exit code {{code}}: see its log.")
        with open(result) as file:
            told = json.load(file)["metrics"]
        metrics = {{key: float(value) for key, value in told.items() if isinstance(value, (int, float))}}
        return await Dir.from_local(leave), metrics


def environment(name, **told):
    return flyte.TaskEnvironment({label!r} + name, **{{"image": IMAGE, **told}})

"""
_TASK = """

stage_{stage}_environment = environment({suffix!r}, {told})


@stage_{stage}_environment.task(short_name={stage!r}, report=True, {options})
async def stage_{stage}({signature}) -> tuple[Dir, dict[str, float]]:
    return await run_stage({stage!r}, {{{variables}}}, bundles)
"""
_PIPELINE = """

pipeline_environment = environment("-pipeline", depends_on=[{environments}])


@pipeline_environment.task({schedule})
async def pipeline({signature}) -> dict[str, float]:
    async def after(task, before, **given):
        bundles = [bundle for bundle, _ in await asyncio.gather(*before)]
        return await task(bundles=bundles, **given)

    done = {{}}
{calls}
    found = await asyncio.gather(*done.values())
    return {{key: value for _, metrics in found for key, value in metrics.items()}}
"""


def _write(plan: Plan) -> str:
    """A module with a task a stage and the task `pipeline`, which runs them as their
    predecessors end."""
    names = {task.name: f"stage_{task.name}" for task in plan.tasks}
    parameters = distinct(
        (each.name for each in plan.parameters), _RESERVED | set(names.values())
    )
    head = _HEAD.format(
        command=ascii(plan.command),
        image=ascii(plan.options.image or "auto"),
        label=plan.label,
    )
    pipeline = _PIPELINE.format(
        environments=", ".join(f"{name}_environment" for name in names.values()),
        schedule=_schedule(plan),
        signature=", ".join(
            each.typed(parameters[each.name]) for each in plan.parameters
        ),
        calls="\n".join(
            _call(task, names[task.name], parameters) for task in plan.tasks
        ),
    )
    tasks = [
        _task(plan, task, number, parameters)
        for number, task in enumerate(plan.tasks, 1)
    ]
    return "".join([head, *tasks, pipeline])


def _task(plan: Plan, task: Task, number: int, parameters: dict[str, str]) -> str:
    """The environment and the task of a stage; `number` counts stages from 1."""
    given = [each.typed(parameters[each.name]) for each in task.parameters]
    # Flyte's own version would come from the body of the function in the file, which
    # is the same whatever the notebook says.
    cache = (
        f"flyte.Cache('override', version_override={task.digest!r})"
        if task.cache
        else "'disable'"
    )
    options = [f"cache={cache}"]
    options += [f"timeout={task.seconds_in_all}"] if task.seconds_in_all else []
    return _TASK.format(
        stage=task.name,
        # Letters of ASCII, digits and single hyphens are all that Flyte takes, and `Fit`
        # and `fit` would be one environment.
        suffix=f"-{number}-{kubernetes_names([task.name])[task.name]}",
        told=_environment(plan, task),
        options=", ".join(options),
        signature=", ".join(["bundles: list[Dir]", *given]),
        variables=", ".join(
            f"{each.variable!r}: {parameters[each.name]}" for each in task.parameters
        ),
    )


def _environment(plan: Plan, task: Task) -> str:
    """The machine of a task, its secrets, and its image if it has one of its own."""
    resources = [f"cpu={task.cpus:g}"]
    resources += (
        [f"memory='{math.ceil(task.memory_bytes / 2**20)}Mi'"]
        if task.memory_bytes
        else []
    )
    resources += [f"gpu={task.gpus}"] if task.gpus else []
    told = f"resources=flyte.Resources({', '.join(resources)})"
    if task.secrets:
        secrets = ", ".join(
            f"flyte.Secret({name!r}, as_env_var={name!r})" for name in task.secrets
        )
        told += f", secrets=[{secrets}]"
    if task.image != plan.options.image:
        told += f", image={task.image!a}"
    return told


def _call(task: Task, name: str, parameters: dict[str, str]) -> str:
    before = ", ".join(f"done[{each!r}]" for each in task.take)
    given = "".join(
        f", {parameters[each.name]}={parameters[each.name]}" for each in task.parameters
    )
    return f"    done[{task.name!r}] = asyncio.ensure_future(after({name}, [{before}]{given}))"


def _schedule(plan: Plan) -> str:
    if plan.schedule is None:
        return ""
    return (
        f"triggers=flyte.Trigger('schedule', automation=flyte.Cron({plan.schedule!a}))"
    )


EXPORTER = Exporter(
    engine="flyte",
    title="Flyte 2",
    file="{name}_flyte.py",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "cpus", "memory", "gpus", "schedule", "image"}
    ),
)
