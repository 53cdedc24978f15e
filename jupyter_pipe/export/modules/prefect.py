"""Prefect 3: `python NAME_prefect.py [NAME=VALUE …]` runs the flow, `python
NAME_prefect.py serve` waits for runs that Prefect's page or its schedule starts. A task
run a stage; metrics and gates are artifacts. Secrets come from the environment, else
from Prefect's secret blocks."""

from __future__ import annotations

import re

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task, comment, distinct

__all__ = ["EXPORTER", "flow_name", "parameter_names"]

# What Prefect keeps for itself, and what the flow uses.
_RESERVED = frozenset(
    {"model_config", "return_state", "run_stages", "self", "wait_for"}
)
_HEAD = """\
import json
import os
import subprocess
import sys
import tempfile

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.system import Secret
from prefect.futures import wait
from prefect.runtime import flow_run, task_run

COMMAND = {command}
ROOT = {root}
# Stage: those before it, the variables that it reads, its secrets, how often it is tried again.
STAGES = {{
{stages}
}}


class StageError(Exception):
    def __init__(self, name, code):
        super().__init__(name, code)
        self.code = code

    def __str__(self):
        return f"Stage {{self.args[0]}} ended with exit code {{self.code}}: see its log."


def is_worth_retrying(task, task_run, state):
    # Exit codes 2, 3 and 4 would come out the same in another attempt.
    try:
        state.result()
    except Exception as error:
        return getattr(error, "code", 1) == 1


def show(name, path):
    with open(path) as file:
        told = json.load(file)
    rows = [f"| {{key}} | {{value}} |" for key, value in told["metrics"].items()]
    for gate in told["gates"]:
        rows.append(f"| `{{gate['expression']}}` | {{'passed' if gate['passed'] else 'failed'}} |")
    if rows:
        key = "".join(it if it.isascii() and it.isalnum() else "-" for it in f"stage-{{name}}".lower())
        create_markdown_artifact("| | |\\n| --- | --- |\\n" + "\\n".join(rows), key=key, description=name)


@task(retry_delay_seconds=1, retry_condition_fn=is_worth_retrying)
def run_stage(name, variables, secrets):
    log, blocks = get_run_logger(), [each for each in secrets if each not in os.environ]
    loaded = {{each: Secret.load(each.lower().replace("_", "-")).get() for each in blocks}}
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "result.json")
        run_id = os.environ.get("JUPYTER_PIPE_RUN_ID") or str(flow_run.id)
        run = ["--run-id", run_id, "--attempt", str(task_run.run_count or 1), "--result", result]
        process = subprocess.Popen(
            [*COMMAND, name, "--run-root", ROOT, *run],
            env={{**os.environ, **variables, **loaded}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        try:
            for line in process.stdout:
                log.info("%s", line.rstrip())
            code = process.wait()
        finally:
            process.terminate()
        if os.path.exists(result):
            show(name, result)
    if code:
        raise StageError(name, code)


def run_stages(values):
    futures = {{}}
    for name, (before, reads, secrets, retries) in STAGES.items():
        stage = run_stage.with_options(name=name, task_run_name=name, retries=retries)
        given = {{each: str(values[each]) for each in reads}}
        futures[name] = stage.submit(name, given, secrets, wait_for=[futures[each] for each in before])
    wait(list(futures.values()))
    for future in futures.values():
        future.result()


@flow(name={name}, description={description})
def pipeline({signature}):
    {documentation}
    run_stages({{{values}}})


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        pipeline.serve({label!r}, cron={cron})
    try:
        pipeline(**dict(each.split("=", 1) for each in sys.argv[1:]))
    except StageError as error:
        sys.exit(error.code)
"""


def _write(plan: Plan) -> str:
    names = parameter_names(plan)
    # Prefect's page shows what the docstring's `Args:` says of each parameter.
    documented = "".join(
        f"\n    {names[each.name]}: {comment(each.description)}"
        for each in plan.parameters
        if each.description
    )
    return _HEAD.format(
        command=ascii(plan.command),
        root=ascii(plan.options.run_root),
        stages="\n".join(map(_stage, plan.tasks)),
        name=ascii(flow_name(plan)),
        description=ascii(plan.description),
        signature=", ".join(each.typed(names[each.name]) for each in plan.parameters),
        documentation=ascii(f"{comment(plan.description)}\n\nArgs:{documented}"),
        values=", ".join(
            f"{each.variable!r}: {names[each.name]}" for each in plan.parameters
        ),
        label=plan.label,
        cron=ascii(plan.schedule),
    )


def flow_name(plan: Plan) -> str:
    """The pipeline's name without the characters that Prefect does not take."""
    return re.sub(r"[/%&<>]", "-", plan.name)


def parameter_names(plan: Plan) -> dict[str, str]:
    """What the flow calls each parameter."""
    return distinct((each.name for each in plan.parameters), _RESERVED)


def _stage(task: Task) -> str:
    reads = [each.variable for each in task.parameters]
    return f"    {task.name!r}: ({list(task.after)}, {reads}, {list(task.secrets)}, {task.retries}),"


EXPORTER = Exporter(
    engine="prefect",
    title="Prefect 3",
    file="{name}_prefect.py",
    write=_write,
    carries=frozenset({"timeout", "secrets", "schedule"}),
    root=True,
)
