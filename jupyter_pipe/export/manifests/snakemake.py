"""Snakemake: `snakemake -s NAME.smk --cores 2 --config days=730`. A file marks each
stage of a run as done.

Each call is a run of its own, unless `--config run_id=ID` goes on with one: then a
stage runs again where its code has changed since.
"""

from __future__ import annotations

import re

from jupyter_pipe.compiler.codegen.source import quoted
from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task

__all__ = ["EXPORTER"]

_HEAD = """\
# snakemake -s FILE --cores N [--config NAME=VALUE ...]; --config run_id=ID goes on with a run.
# Paths are as seen from the folder in which snakemake is called.
import os
import time

# Snakemake reads this file again in the processes that it starts: they find the name of the run here.
new_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
run_id = str(config.get("run_id") or os.environ.get("SNAKEMAKE_RUN_ID") or new_id)
os.environ["SNAKEMAKE_RUN_ID"] = run_id
"""


def _write(plan: Plan) -> str:
    marks = [_mark(task.name) for task in plan.tasks]
    head = [
        _HEAD.rstrip("\n"),
        "defaults = {",
        *(f"    {quoted(each.name)}: {quoted(each.text)}," for each in plan.parameters),
        "}",
        "unknown = sorted(set(config) - {*defaults, 'run_id'})",
        "if unknown:",
        '    raise WorkflowError(f"The pipeline has no parameter {unknown[0]!r}.")',
        "parameters = {name: str(config.get(name, default)) for name, default in defaults.items()}",
        "",
        "",
        # The first rule is what is made when no target is named.
        "rule:",
        f"    input: {', '.join(marks)}",
    ]
    return (
        "\n".join([*head, *(line for task in plan.tasks for line in _rule(plan, task))])
        + "\n"
    )


def _rule(plan: Plan, task: Task) -> list[str]:
    read = task.parameters
    # Braces in a name of a file would be a wildcard.
    code = (
        f"{plan.options.package}/{path}" for path in (task.notebook, *task.contracts)
    )
    before = [
        *map(_mark, task.after),
        *(quoted(path.replace("{", "{{").replace("}", "}}")) for path in code),
    ]
    # A prefix, since names of lists' methods (count, index) are reserved.
    # Anything but a function is formatted, as if braces in a value were wildcards.
    values = ", ".join(
        f"pipe_{each.name}=lambda wildcards: parameters[{each.name!r}]" for each in read
    )
    given = [f"    params: {values}"]
    variables = " ".join(
        f"{each.variable}={{params.pipe_{each.name}:q}}" for each in read
    )
    # NUL marks the run's id: these braces are filled in, and all others doubled.
    command = (
        plan.in_root(task, "\0")
        .replace("{", "{{")
        .replace("}", "}}")
        .replace("\0", "{run_id:q}")
    )
    return [
        "",
        "",
        f"rule {task.name}:",
        f"    input: {', '.join(before)}",
        f"    output: touch({_mark(task.name)})",
        *(given if read else []),
        f"    threads: {max(1, round(task.cpus))}",
        *_resources(task),
        f"    shell: {quoted(f'{variables} {command}'.lstrip())}",
    ]


def _resources(task: Task) -> list[str]:
    # Decimal megabytes, as Snakemake has them: 1 GB is mem_mb=1000.
    wanted = [f"mem_mb={task.memory_bytes // 10**6}"] if task.memory_bytes else []
    wanted += [f"gpu={task.gpus}"] if task.gpus else []
    # Snakemake's resources are names of Python: nvidia.com/gpu is nvidia_com_gpu there.
    wanted += [
        f"{re.sub(r'[^0-9A-Za-z]', '_', key)}={amount if amount.isdigit() else quoted(amount)}"
        for key, amount in task.limits.items()
    ]
    return [f"    resources: {', '.join(wanted)}"] if wanted else []


def _mark(stage: str) -> str:
    # Below the run's id, so that another run finds nothing done.
    return f'f".jupyter_pipe/done/{{run_id}}/{stage}"'


EXPORTER = Exporter(
    engine="snakemake",
    title="Snakemake",
    file="{name}.smk",
    write=_write,
    carries=frozenset({"timeout", "secrets", "cpus", "memory", "gpus", "limits"}),
    paths="any",
    root=True,
)
