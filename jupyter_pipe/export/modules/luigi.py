"""Luigi: `python NAME_luigi.py All --local-scheduler --workers 2 --days 730`. A task a
stage; a stage of a run is complete when it has a result in the run's root."""

from __future__ import annotations

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, Task, escaped

__all__ = ["EXPORTER"]

_TYPES = {
    "int": "IntParameter",
    "float": "FloatParameter",
    "bool": "BoolParameter",
    "str": "Parameter",
}
# Attributes of luigi.Task and of Stage below, which a parameter would replace.
_RESERVED = frozenset(
    [
        "accepts_messages",
        "available",
        "before",
        "batchable",
        "clone",
        "clone_parent",
        "complete",
        "deps",
        "disable_hard_timeout",
        "disable_window",
        "disabled",
        "event_handler",
        "from_str_params",
        "get_param_names",
        "get_params",
        "get_param_values",
        "get_task_family",
        "get_task_namespace",
        "has_excessive_failures",
        "initialized",
        "input",
        "max_batch_size",
        "no_unpicklable_properties",
        "on_failure",
        "on_success",
        "output",
        "param_args",
        "param_kwargs",
        "priority",
        "process_resources",
        "reads",
        "requires",
        "resources",
        "retry_count",
        "run",
        "run_id",
        "set_progress_percentage",
        "set_status_message",
        "stage",
        "task_family",
        "task_id",
        "task_module",
        "task_namespace",
        "to_str_params",
        "trace",
        "use_cmdline_section",
        "worker_timeout",
    ]
)
_HEAD = """\
import os
import subprocess
import sys
import time

import luigi

COMMAND = {command}
ROOT = {root}
NEW_ID = f"{{time.strftime('%Y%m%d-%H%M%S')}}-{{os.getpid()}}"


class Stage(luigi.Task):
    run_id = luigi.Parameter(default=NEW_ID)
{parameters}
    stage, reads, before = "", {{}}, []

    def requires(self):
        return [self.clone(each) for each in self.before]

    def output(self):
        place = (".jupyter_pipe", "runs", self.run_id, "stages", self.stage, "result.json")
        return luigi.LocalTarget(os.path.join(ROOT, *place))

    def run(self):
        given = {{variable: str(getattr(self, name)) for variable, name in self.reads.items()}}
        command = [*COMMAND, self.stage, "--run-root", ROOT, "--run-id", self.run_id, "--retry"]
        subprocess.run(command, env={{**os.environ, **given}}, check=True)
"""
# One failure ends a task: by then `--retry` has made all attempts.
_TASK = """

class {cls}(Stage):
    stage, reads = {name!r}, {reads}
    before = [{before}]
    retry_count = 1
"""
_END = """

class All(Stage):
    before = [{last}]

    def complete(self):
        return all(each.complete() for each in self.requires())

    def run(self):
        pass


if __name__ == "__main__":
    done = luigi.run(detailed_summary=True)
    sys.exit(0 if done.scheduling_succeeded else 1)
"""


def _write(plan: Plan) -> str:
    parameters = "".join(
        f"    {_name(each)} = {_parameter(each)}\n" for each in plan.parameters
    )
    head = _HEAD.format(
        command=ascii(plan.command),
        root=ascii(plan.options.run_root),
        parameters=parameters.rstrip("\n"),
    )
    # `All` requires the stages for which none waits; they bring the others.
    followed = {name for task in plan.tasks for name in task.after}
    last = ", ".join(
        _class(task.name) for task in plan.tasks if task.name not in followed
    )
    return head + "".join(map(_task, plan.tasks)) + _END.format(last=last)


def _task(task: Task) -> str:
    return _TASK.format(
        cls=_class(task.name),
        name=task.name,
        reads={each.variable: _name(each) for each in task.parameters},
        before=", ".join(map(_class, task.after)),
    )


def _parameter(parameter: PlanParameter) -> str:
    # Luigi's usual flag takes no value: what is True by default could not be False.
    more = (
        ", parsing=luigi.BoolParameter.EXPLICIT_PARSING"
        if parameter.type_ == "bool"
        else ""
    )
    return f"luigi.{_TYPES[parameter.type_]}(default={parameter.default!a}{more})"


def _name(parameter: PlanParameter) -> str:
    return escaped(parameter.name, _RESERVED)


def _class(stage: str) -> str:
    # A family of Luigi's, too: as it is, but for names of this file.
    return escaped(
        stage,
        frozenset({"All", "Stage", "COMMAND", "ROOT", "NEW_ID", "luigi", "os", "sys"}),
    )


EXPORTER = Exporter(
    engine="luigi",
    title="Luigi",
    file="{name}_luigi.py",
    write=_write,
    carries=frozenset({"timeout", "secrets"}),
    root=True,
)
