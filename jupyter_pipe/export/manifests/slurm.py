"""SLURM: `bash NAME.slurm.sh` submits a job a stage, each after those that it needs;
`squeue` and `sacct` show them, `scancel` ends them. Parameters and secrets come from
the environment in which that is called."""

from __future__ import annotations

import math
import shlex

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task, comment

__all__ = ["EXPORTER"]


def _write(plan: Plan) -> str:
    logs = shlex.quote(f"{plan.options.run_root}/.jupyter_pipe/slurm")
    lines = [
        "# [JUPYTER_PIPE_NAME=VALUE ...] bash FILE; SBATCH_PARTITION and the like are Slurm's own.",
        *(
            f"# Parameter {each.variable}, else {comment(each.text)}"
            for each in plan.parameters
        ),
        "set -euo pipefail",
        'export RUN_ID="${RUN_ID:-$(date -u +%Y%m%d-%H%M%S)-$$}"',
        f"mkdir -p {logs}",
    ]
    for task in plan.tasks:
        lines += _submit(plan, task, logs)
    return "\n".join([*lines, 'echo "run $RUN_ID"']) + "\n"


def _submit(plan: Plan, task: Task, logs: str) -> list[str]:
    """The lines that submit the stage's job, behind those of the stages before it."""
    # SLURM counts whole processors (`cpus:0.5` takes one), and its M are 2**20 bytes.
    options = [
        f"--job-name={plan.label}.{task.name}",
        f"--cpus-per-task={max(1, math.ceil(task.cpus))}",
    ]
    options += (
        [f"--mem={math.ceil(task.memory_bytes / 2**20)}M"] if task.memory_bytes else []
    )
    options += [f"--gpus={task.gpus}"] if task.gpus else []
    # Minutes, of which one is for the kernel's start and end: the stage's own limit
    # comes first.
    options += (
        [f"--time={math.ceil(task.seconds_in_all / 60) + 1}"]
        if task.seconds_in_all
        else []
    )
    # Of several such options sbatch would take the last.
    licences = ",".join(f"{key}:{it}" for key, it in sorted(task.limits.items()))
    options += [f"--licenses={licences}"] if licences else []
    after = ":".join(f"$job_{name}" for name in task.after)
    # By default a job behind one that failed stays pending for ever, with the reason
    # DependencyNeverSatisfied.
    depends = (
        f' --dependency="afterok:{after}" --kill-on-invalid-dep=yes' if after else ""
    )
    # $RUN_ID is for the shell of the node: `--export=ALL` takes it there, as it does
    # parameters and secrets.
    command = shlex.quote(f"exec {plan.in_root(task, chr(34) + '$RUN_ID' + chr(34))}")
    place = f"--output={logs}/%x-%j.log --export=ALL"
    return [
        f"job_{task.name}=$(sbatch --parsable {shlex.join(options)} {place}{depends} --wrap {command})",
        f'echo "{task.name} $job_{task.name}"',
    ]


EXPORTER = Exporter(
    engine="slurm",
    title="SLURM",
    file="{name}.slurm.sh",
    write=_write,
    carries=frozenset({"timeout", "secrets", "cpus", "memory", "gpus", "limits"}),
    root=True,
)
