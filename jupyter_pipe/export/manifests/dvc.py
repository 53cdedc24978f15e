"""DVC: `dvc repro`, `dvc exp run -S days=730`. A bundle is an output, so that DVC's
cache decides what runs and `dvc push` shares it; metrics are DVC's metrics. Parameters
are in params.yaml, and no shell reads them."""

from __future__ import annotations

import shlex
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, Task, parameters_yaml

__all__ = ["EXPORTER"]

_BUNDLES = ".jupyter_pipe/dvc"


def _write(plan: Plan) -> str:
    import yaml

    stages = {task.name: _stage(plan, task) for task in plan.tasks}
    text: str = yaml.safe_dump(
        {"stages": stages}, sort_keys=False, width=1000, allow_unicode=True
    )
    return text


def _stage(plan: Plan, task: Task) -> dict[str, Any]:
    metrics = f"{_BUNDLES}/{task.name}.json"
    words = [*plan.with_bundles(task, _BUNDLES), "--result", metrics]
    words += ["-f", "params.yaml"] if plan.parameters else []
    package = plan.options.package
    stage: dict[str, Any] = {
        "cmd": _plain(shlex.join(words)),
        "deps": [
            *(_plain(f"{package}/{path}") for path in (task.notebook, *task.contracts)),
            _plain(f"{package}/requirements.txt"),
            *(f"{_BUNDLES}/{name}" for name in task.take),
        ],
        "outs": [f"{_BUNDLES}/{task.name}"],
        # Git keeps this small file, so that `dvc metrics diff` compares commits.
        "metrics": [{metrics: {"cache": False}}],
        # Of modules beside the notebook DVC knows nothing: this changes with them when
        # it is exported again.
        "meta": {"code": task.digest},
    }
    if task.parameters:
        # Keys without the name of a file are keys of params.yaml.
        stage["params"] = [each.name for each in task.parameters]
    if not task.cache:
        stage["always_changed"] = True
    return stage


def _plain(text: str) -> str:
    # DVC fills in ${…} from params.yaml, unless a backslash stands before it.
    return text.replace("${", "\\${")


EXPORTER = Exporter(
    engine="dvc",
    title="DVC",
    file="dvc.yaml",
    write=_write,
    carries=frozenset({"timeout", "secrets"}),
    paths="relative",
    companions=lambda plan: {"params.yaml": parameters_yaml(plan)},
)
