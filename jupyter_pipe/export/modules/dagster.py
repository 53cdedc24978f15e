"""Dagster: `dagster dev -f NAME_dagster.py`, or `dagster job execute -f NAME_dagster.py
-j pipeline_NAME`. An asset a stage, with its code's digest as version; gates are asset
checks. Parameters are the configuration of the resource that has the job's name;
secrets come from the environment. Such files can be merged."""

from __future__ import annotations

import math

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, Task, distinct

__all__ = ["EXPORTER", "asset_keys", "job_name"]

_HEAD = """\
import json
import os
import subprocess
import tempfile

import dagster as dg

COMMAND = {command}
ROOT = {root}
NAME = {name!r}
# Variable: the parameter, its type, its default, whether it must be given, what it is.
PARAMETERS = {{
{parameters}
}}
# Asset: the stage, the assets before it, its code's digest, how often it is tried again, the variables that
# it reads, its gates, what it asks of Kubernetes.
STAGES = {{
{stages}
}}


@dg.resource({{name: dg.Field(*told) for name, *told in PARAMETERS.values()}})
def parameters(context):
    return context.resource_config


def run_stage(context, key, stage, reads):
    values = getattr(context.resources, NAME)
    given = {{variable: str(values[PARAMETERS[variable][0]]) for variable in reads}}
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "result.json")
        attempt = str(context.op_execution_context.retry_number + 1)
        run_id = context.run.tags.get("jupyter_pipe/run", context.run_id)
        run = ["--run-id", run_id, "--attempt", attempt, "--result", result]
        process = subprocess.Popen(
            [*COMMAND, stage, "--run-root", ROOT, *run], env={{**os.environ, **given}}
        )
        try:
            code = process.wait()
        finally:
            process.terminate()
        told = {{"metrics": {{}}, "gates": [], "outputs": {{}}}}
        if os.path.exists(result):
            with open(result) as file:
                told = json.load(file)
    for number, gate in enumerate(told["gates"]):
        shown = {{name: str(value) for name, value in gate["values"].items()}}
        yield dg.AssetCheckResult(
            asset_key=[NAME, key], check_name=f"gate_{{number}}", passed=gate["passed"], metadata=shown
        )
    metadata = {{**told["metrics"], **{{f"value {{name}}": str(it) for name, it in told["outputs"].items()}}}}
    if code:
        # Exit codes 2, 3 and 4 would come out the same in another attempt.
        raise dg.Failure(f"Exit code {{code}}: see the log of this stage.", metadata, allow_retries=code == 1)
    yield dg.MaterializeResult(asset_key=[NAME, key], metadata=metadata)


def asset(key, stage, before, code, retries, reads, gates, resources):
    checks = [
        dg.AssetCheckSpec(f"gate_{{number}}", asset=[NAME, key], description=gate)
        for number, gate in enumerate(gates)
    ]

    @dg.asset(
        key=[NAME, key],
        deps=[[NAME, each] for each in before],
        group_name=NAME,
        code_version=code,
        retry_policy=dg.RetryPolicy(max_retries=retries, delay=1),
        check_specs=checks,
        required_resource_keys={{NAME}},
        op_tags={{"dagster-k8s/config": {{"container_config": {{"resources": resources}}}}}},
    )
    def stage_asset(context):
        yield from run_stage(context, key, stage, reads)

    return stage_asset


job = dg.define_asset_job(NAME, dg.AssetSelection.groups(NAME), description={description})
defs = dg.Definitions(
    assets=[asset(key, *told) for key, told in STAGES.items()],
    jobs=[job],
    schedules=[{schedule}],
    resources={{NAME: parameters}},
)
"""


def _write(plan: Plan) -> str:
    keys = asset_keys(plan)
    return _HEAD.format(
        command=ascii(plan.command),
        root=ascii(plan.options.run_root),
        name=job_name(plan),
        parameters="\n".join(map(_parameter, plan.parameters)),
        stages="\n".join(_stage(task, keys) for task in plan.tasks),
        description=ascii(plan.description),
        schedule=f"dg.ScheduleDefinition(job=job, cron_schedule={plan.schedule!a})"
        if plan.schedule
        else "",
    )


def job_name(plan: Plan) -> str:
    """The name of the job, of its group of assets, and of the resource that has the
    parameters."""
    # Dagster keeps names such as `context` for itself.
    return f"pipeline_{plan.label.replace('-', '_')}"


def asset_keys(plan: Plan) -> dict[str, str]:
    """What the asset of each stage is called, behind the job's name."""
    # Dagster's rule for names is ^[A-Za-z0-9_]+$, and stages may have other letters.
    return distinct((task.name for task in plan.tasks), frozenset(), is_ascii=True)


def _parameter(parameter: PlanParameter) -> str:
    # None must be given: each has the notebook's value.
    told = f"{parameter.name!a}, {parameter.type_}, {parameter.default!a}, False, {parameter.description!a}"
    return f"    {parameter.variable!a}: ({told}),"


def _stage(task: Task, keys: dict[str, str]) -> str:
    told = (
        task.name,
        [keys[name] for name in task.after],
        task.digest,
        task.retries,
        [each.variable for each in task.parameters],
        list(task.gates),
        _resources(task),
    )
    return f"    {keys[task.name]!a}: {told!a},"


def _resources(task: Task) -> dict[str, dict[str, str]]:
    """As Kubernetes has them, for deployments of Dagster that run there."""
    requests = {"cpu": f"{task.cpus:g}"}
    if task.memory_bytes:
        requests["memory"] = str(math.ceil(task.memory_bytes))
    limits = {"limits": task.devices} if task.devices else {}
    return {"requests": requests, **limits}


EXPORTER = Exporter(
    engine="dagster",
    title="Dagster",
    file="{name}_dagster.py",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "cpus", "memory", "gpus", "limits", "schedule"}
    ),
    root=True,
)
