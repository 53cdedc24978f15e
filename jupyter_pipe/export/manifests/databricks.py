"""Databricks: a bundle, `databricks bundle deploy` and `databricks bundle run NAME
--params days=730`. A job with a task a stage, all on one cluster of the run, so that
one user signs their results. Values travel through a volume (`--run-root /Volumes/…`).
Secrets are keys of the scope that has the pipeline's name."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import ExportError, Plan, PlanParameter, Task, unevaluated

__all__ = ["DEFAULT_RUNTIME", "EXPORTER", "Surroundings", "job_of", "quartz"]

DEFAULT_RUNTIME = "16.4.x-scala2.12"
"""The version of Databricks' runtime where nobody names another."""

# Cron counts Sunday as 0 and as 7, Quartz as 1: names mean the same to both.
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_FILES = "${workspace.file_path}"
# A machine without workers: stages are Python, and Spark only keeps their cluster.
_SINGLE_NODE = {
    "spark.databricks.cluster.profile": "singleNode",
    "spark.master": "local[*]",
}


class Surroundings(Struct, frozen=True):
    """Where a job finds what it needs: the compiled `package`, its `requirements`, the
    machine and the runtime; and what its tasks call the run."""

    package: str
    requirements: str
    node_type_id: str = "${var.node_type_id}"
    spark_version: str = "${var.spark_version}"
    run_id: str = "databricks-{{job.run_id}}"


def _write(plan: Plan) -> str:
    import yaml

    package = f"{_FILES}/{_plain(plan.options.package)}"
    job = job_of(plan, Surroundings(package, f"{package}/requirements.txt"))
    variables = {
        "node_type_id": {
            "description": "the machine: i3.xlarge, Standard_DS3_v2, n2-highmem-4, …"
        },
        "spark_version": {
            "description": "the runtime of Databricks",
            "default": DEFAULT_RUNTIME,
        },
    }
    document = {
        "bundle": {"name": plan.label},
        "variables": variables,
        "resources": {"jobs": {plan.label.replace("-", "_"): job}},
    }
    text: str = yaml.safe_dump(
        document,
        sort_keys=False,
        width=1000,
        allow_unicode=True,
        default_flow_style=None,
    )
    return text


def job_of(plan: Plan, where: Surroundings) -> dict[str, Any]:
    """The settings of the job, as bundles and the Jobs API have them. Raises
    ExportError for values that Databricks would replace."""
    # Above 1, since Databricks skips a run that would be one too many, even if its
    # parameters are others.
    job: dict[str, Any] = {"name": _plain(plan.name), "max_concurrent_runs": 4}
    if plan.description:
        job["description"] = _plain(plan.description)
    if plan.parameters:
        job["parameters"] = [_parameter(each) for each in plan.parameters]
    if plan.schedule:
        job["schedule"] = {
            "quartz_cron_expression": quartz(plan.schedule),
            "timezone_id": "UTC",
        }
    job["job_clusters"] = [
        {"job_cluster_key": "stages", "new_cluster": _cluster(plan, where)}
    ]
    job["tasks"] = [_task(plan, task, where) for task in plan.tasks]
    return job


def _parameter(parameter: PlanParameter) -> dict[str, str]:
    return {"name": parameter.name, "default": _plain(parameter.text)}


def _cluster(plan: Plan, where: Surroundings) -> dict[str, Any]:
    """One machine for the run, whose environment has the secrets of all stages."""
    secrets = sorted({name for task in plan.tasks for name in task.secrets})
    made = {
        "spark_version": where.spark_version,
        "node_type_id": where.node_type_id,
        "num_workers": 0,
        "spark_conf": _SINGLE_NODE,
        # By this tag and the settings above Databricks knows a single node.
        "custom_tags": {"ResourceClass": "SingleNode"},
    }
    if secrets:
        made["spark_env_vars"] = {
            name: f"{{{{secrets/{plan.label}/{name}}}}}" for name in secrets
        }
    return made


def _task(plan: Plan, task: Task, where: Surroundings) -> dict[str, Any]:
    """A task that calls our command line with its words, which no shell reads."""
    # Tasks share the environment of the cluster, so parameters are words instead.
    given = [
        word
        for each in task.parameters
        for word in ("-p", f"{each.name}={{{{job.parameters.{each.name}}}}}")
    ]
    run = [
        "--run-root",
        _plain(plan.options.run_root),
        "--run-id",
        where.run_id,
        "--retry",
    ]
    made: dict[str, Any] = {"task_key": task.name}
    if task.after:
        made["depends_on"] = [{"task_key": name} for name in task.after]
    made["job_cluster_key"] = "stages"
    # Only the command knows which ends are worth another attempt.
    made["max_retries"] = 0
    if task.seconds_in_all:
        made["timeout_seconds"] = task.seconds_in_all
    made["libraries"] = [{"requirements": where.requirements}]
    made["python_wheel_task"] = {
        "package_name": "jupyter_pipe",
        "entry_point": "jupyter-pipe",
        "parameters": ["run-stage", where.package, task.name, *run, *given],
    }
    return made


def quartz(cron: str) -> str:
    """The schedule as Quartz writes it: seconds first, Sunday is not 0, and one of the
    two days is a question mark. Raises ExportError if both days are given, of which
    cron takes either and Quartz has no word."""
    minute, hour, day, month, weekday = cron.split()
    if weekday == "*":
        return f"0 {minute} {hour} {day} {month} ?"
    if day != "*":
        raise ExportError(
            f"Databricks cannot keep the schedule {cron!r}: it names days of the month and of the week.",
            code="export_value",
            hint="Leave one of them at *.",
        )
    return f"0 {minute} {hour} ? {month} {','.join(map(_weekdays, weekday.split(',')))}"


def _weekdays(part: str) -> str:
    """`1-5` is `MON-FRI`, `*/2` is `SUN/2`."""
    days, slash, step = part.partition("/")
    first, hyphen, last = days.partition("-")
    return _weekday(first) + hyphen + _weekday(last) + slash + step


def _weekday(day: str) -> str:
    # Of `*/2`, which counts from Sunday.
    if day == "*":
        return "SUN"
    return _DAYS[int(day)] if day.isdecimal() else day.upper()


def _plain(text: str) -> str:
    """Bundles evaluate the one, jobs the other."""
    return unevaluated(text, "Databricks", "${", "{{")


EXPORTER = Exporter(
    engine="databricks",
    title="Databricks",
    file="databricks.yml",
    write=_write,
    carries=frozenset({"timeout", "secrets", "schedule"}),
    paths="relative",
    root=True,
    needs_root=True,
)
