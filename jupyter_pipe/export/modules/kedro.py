"""Kedro: a module with `create_pipeline()`, for `src/PACKAGE/pipelines/NAME/`. Nodes
are stages; their bundles are datasets, so Kedro's runners and its catalog move them.
`conf/base/parameters.yml` holds the parameters."""

from __future__ import annotations

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, parameters_yaml

__all__ = ["EXPORTER"]

# Kedro names a node's function in its logs by `__name__`, which an instance of a class
# has only if it is given one.
_HEAD = '''\
import json
import os
import subprocess
import tempfile

from kedro.pipeline import node, pipeline

COMMAND = {command}
# Removed when the process ends that runs the pipeline.
BUNDLES = tempfile.TemporaryDirectory(prefix="bundles-")


class Stage:
    """What a node calls: values of parameters and bundles in, a bundle and metrics out."""

    def __init__(self, name, reads, take):
        self.__name__ = self.name = name
        self.reads, self.take = reads, take

    def __call__(self, *given):
        values, bundles = given[: len(self.reads)], given[len(self.reads) :]
        folder = tempfile.mkdtemp(dir=BUNDLES.name)
        result = folder + ".json"
        variables = {{f"JUPYTER_PIPE_{{name.upper()}}": str(it) for name, it in zip(self.reads, values)}}
        take = [word for bundle in bundles for word in ("--take", bundle)]
        command = [*COMMAND, self.name, *take, "--leave", folder, "--result", result, "--retry"]
        subprocess.run(command, env={{**os.environ, **variables}}, check=True)
        with open(result) as file:
            return folder, json.load(file)["metrics"]


# Stage: the parameters that it reads, the stages whose bundles it takes.
STAGES = {{
{stages}
}}


def create_pipeline(**kwargs):
    return pipeline(
        [
            node(
                Stage(name, reads, take),
                [*(f"params:{{each}}" for each in reads), *(f"{{each}}.bundle" for each in take)] or None,
                [f"{{name}}.bundle", f"{{name}}.metrics"],
                name=name,
                tags=[{label!r}],
            )
            for name, (reads, take) in STAGES.items()
        ]
    )
'''


def _write(plan: Plan) -> str:
    stages = "\n".join(
        f"    {task.name!r}: ({[each.name for each in task.parameters]}, {list(task.take)}),"
        for task in plan.tasks
    )
    return _HEAD.format(command=ascii(plan.command), stages=stages, label=plan.label)


EXPORTER = Exporter(
    engine="kedro",
    title="Kedro",
    file="{name}_kedro.py",
    write=_write,
    carries=frozenset({"timeout", "secrets"}),
    companions=lambda plan: {"parameters.yml": parameters_yaml(plan)},
)
