"""Metaflow: `python NAME_metaflow.py run --NAME VALUE`. A step a stage, and steps that
only split and join: Metaflow's branches end where they began, so stages that cross
others wait for all of these. The report is the step's card; metrics and gates are in
`stages`. Secrets come from the environment."""

from __future__ import annotations

import math

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.branches import Step, steps_of
from jupyter_pipe.export.plan import Plan, PlanParameter, Task, distinct

__all__ = ["EXPORTER"]

# Names of FlowSpec and of the command line that it makes, and those of this file.
_RESERVED = frozenset(
    [
        "cmd",
        "datastore",
        "decospecs",
        "end",
        "foreach_stack",
        "help",
        "html",
        "index",
        "input",
        "main",
        "max_log_size",
        "max_num_splits",
        "max_workers",
        "merge_artifacts",
        "name",
        "namespace",
        "next",
        "origin_run_id",
        "params",
        "params_file",
        "run_id",
        "run_id_file",
        "script_name",
        "stages",
        "start",
        "tag",
        "tags",
        "task_id",
        "this",
        "user_namespace",
    ]
)
_HEAD = """\
import json
import os
import subprocess
import sys
import tempfile

from metaflow import FlowSpec, Parameter, card, current, resources{schedule_name}, step

COMMAND = {command}
ROOT = {root}


def run_stage(flow, name, reads):
    variables = {{variable: str(getattr(flow, each)) for variable, each in reads.items()}}
    with tempfile.TemporaryDirectory() as folder:
        result, report = os.path.join(folder, "result.json"), os.path.join(folder, "report.html")
        run_id = f"{{current.flow_name}}-{{current.run_id}}"
        run = ["--run-id", run_id, "--retry", "--result", result, "--html", report]
        process = subprocess.Popen(
            [*COMMAND, name, "--run-root", ROOT, *run], env={{**os.environ, **variables}}
        )
        try:
            code = process.wait()
        finally:
            process.terminate()
        told = {{}}
        if os.path.exists(result):
            with open(result) as file:
                told = json.load(file)
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                flow.html = file.read()
    flow.stages = {{**flow.stages, name: told}}
    if code:
        print(f"Stage {{name}} ended with exit code {{code}}: see its log.", file=sys.stderr)
        sys.exit(code)


def joined(inputs):
    return {{name: told for each in inputs for name, told in each.stages.items()}}


{schedule}class {cls}(FlowSpec):
    {documentation}

{parameters}
    @step
    def start(self):
        self.stages = {{}}
        self.next({first})
{steps}
    @step
    def end(self):
        pass


if __name__ == "__main__":
    {cls}()
"""


def _write(plan: Plan) -> str:
    """A flow whose steps and parameters have names of their own: they are attributes of
    one class."""
    names = distinct((each.name for each in plan.parameters), _RESERVED)
    tasks = {task.name: task for task in plan.tasks}
    # Metaflow refuses a step that is called `Fit`, or has letters beyond ASCII.
    taken = _RESERVED | set(names.values())
    keys = distinct(tasks, taken, is_ascii=True, is_lower=True)
    after = {
        keys[task.name]: [keys[name] for name in task.after] for task in plan.tasks
    }
    first, *steps = steps_of(after, "start", "end")
    stages = {keys[name]: task for name, task in tasks.items()}
    schedule = f"@schedule(cron={plan.schedule!a})\n" if plan.schedule else ""
    return _HEAD.format(
        command=ascii(plan.command),
        root=ascii(plan.options.run_root),
        schedule_name=", schedule" if plan.schedule else "",
        schedule=schedule,
        cls=_class_name(plan.label),
        documentation=ascii(plan.description),
        parameters="".join(
            _parameter(each, names[each.name]) for each in plan.parameters
        ),
        first=_next(first),
        steps="".join(_step(each, stages.get(each.name), names) for each in steps),
    )


def _class_name(label: str) -> str:
    """`HomeValueFlow` of `home-value`. A label may begin with a digit, a class may
    not."""
    name = "".join(word.capitalize() for word in label.split("-")) + "Flow"
    return name if name.isidentifier() else f"Pipeline{name}"


def _parameter(parameter: PlanParameter, name: str) -> str:
    told = f"type={parameter.type_}, default={parameter.default!a}, help={parameter.description!a}"
    return f"    {name} = Parameter({name!r}, {told})\n"


def _step(step: Step, task: Task | None, names: dict[str, str]) -> str:
    if task is None:
        # Metaflow merges no attributes of branches that differ: the join does.
        lines = ["self.stages = joined(inputs)" if step.joins else "pass"]
        decorators = []
    else:
        reads = {each.variable: names[each.name] for each in task.parameters}
        lines = [f"run_stage(self, {task.name!r}, {reads})"]
        decorators = [f"@resources({_resources(task)})", "@card(type='html')"]
    given = "self, inputs" if step.joins else "self"
    body = [*decorators, "@step", f"def {step.name}({given}):"]
    body += [f"    {line}" for line in (*lines, f"self.next({_next(step)})")]
    return "\n" + "".join(f"    {line}\n" for line in body)


def _next(step: Step) -> str:
    return ", ".join(f"self.{name}" for name in step.following)


def _resources(task: Task) -> str:
    # Whole processors and megabytes are Metaflow's units: `cpus:0.5` takes one.
    memory = (
        f", memory={math.ceil(task.memory_bytes / 2**20)}" if task.memory_bytes else ""
    )
    gpus = f", gpu={task.gpus}" if task.gpus else ""
    return f"cpu={max(1, math.ceil(task.cpus))}{memory}{gpus}"


EXPORTER = Exporter(
    engine="metaflow",
    title="Metaflow",
    file="{name}_metaflow.py",
    write=_write,
    carries=frozenset({"timeout", "secrets", "cpus", "memory", "gpus", "schedule"}),
    root=True,
)
