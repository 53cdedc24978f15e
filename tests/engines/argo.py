"""A small Argo Workflows: it reads a manifest as strictly as the published schema does,
puts values where templates stand, and runs the containers' commands on this machine, in
the order of the DAG.

What it knows is what our manifests use: `{{workflow.name}}`,
`{{workflow.parameters.NAME}}`, the expression `{{=asInt(retries) + 1}}`, secrets,
`retryStrategy` with an expression over `lastRetry.exitCode`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

__all__ = ["Manifest", "filled", "is_worth_retrying", "read_manifest", "run"]

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}")


class _Strict(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """As in the CRD: a field that it does not have is an error."""


class Argument(_Strict, frozen=True):
    name: str
    value: str
    enum: list[str] = []
    description: str = ""


class Arguments(_Strict, frozen=True):
    parameters: list[Argument] = []


class KeyRef(_Strict, frozen=True):
    name: str
    key: str


class ValueFrom(_Strict, frozen=True):
    secret_key_ref: KeyRef


class Variable(_Strict, frozen=True):
    name: str
    value: str | None = None
    value_from: ValueFrom | None = None


class Resources(_Strict, frozen=True):
    requests: dict[str, str | int] = {}
    limits: dict[str, str | int] = {}


class Mount(_Strict, frozen=True):
    name: str
    mount_path: str


class Container(_Strict, frozen=True):
    image: str
    command: list[str]
    args: list[str]
    env: list[Variable] = []
    resources: Resources = Resources()
    volume_mounts: list[Mount] = []


class Retry(_Strict, frozen=True):
    limit: str
    retry_policy: Literal["Always", "OnFailure", "OnError", "OnTransientError"]
    expression: str


class Task(_Strict, frozen=True):
    name: str
    template: str
    dependencies: list[str] = []


class Dag(_Strict, frozen=True):
    tasks: list[Task]


class Template(_Strict, frozen=True):
    name: str
    dag: Dag | None = None
    container: Container | None = None
    retry_strategy: Retry | None = None
    active_deadline_seconds: int | None = None


class Spec(_Strict, frozen=True):
    entrypoint: str
    templates: list[Template]
    arguments: Arguments = Arguments()
    volumes: list[dict[str, Any]] = []


class Metadata(_Strict, frozen=True):
    name: str = ""
    generate_name: str = ""
    labels: dict[str, str] = {}


class Manifest(_Strict, frozen=True):
    api_version: Literal["argoproj.io/v1alpha1"]
    kind: Literal["Workflow"]
    metadata: Metadata
    spec: Spec


def read_manifest(text: str) -> Manifest:
    """Raises msgspec.ValidationError for what the schema does not have."""
    return msgspec.convert(yaml.safe_load(text), Manifest)


def run(
    manifest: Manifest, name: str, given: dict[str, str], secrets: Mapping[str, str]
) -> dict[str, int]:
    """Run the workflow `name` with these parameters, two pods at a time. Gives how
    often each task was tried; negative where it failed in the end, and nothing for one
    that never ran."""
    templates = {template.name: template for template in manifest.spec.templates}
    values = {
        each.name: each.value for each in manifest.spec.arguments.parameters
    } | given
    known = {
        "workflow.name": name,
        **{f"workflow.parameters.{key}": value for key, value in values.items()},
    }
    dag = templates[manifest.spec.entrypoint].dag
    assert dag is not None
    started: dict[str, Future[int]] = {}
    with ThreadPoolExecutor(2) as pool:
        # Tasks stand behind those that they depend on, so that no thread waits for one
        # that has none.
        for task in dag.tasks:
            before = [started[each] for each in task.dependencies]
            started[task.name] = pool.submit(
                _pod, templates[task.template], before, known, secrets
            )
    return {
        task: future.result() for task, future in started.items() if future.result()
    }


def _pod(
    template: Template,
    before: list[Future[int]],
    known: Mapping[str, str],
    secrets: Mapping[str, str],
) -> int:
    if any(each.result() <= 0 for each in before):
        return 0
    limit = int(template.retry_strategy.limit) if template.retry_strategy else 0
    for retries in range(limit + 1):
        code = _contained(
            template.container,
            {**known, "=asInt(retries) + 1": str(retries + 1)},
            secrets,
        )
        if code == 0:
            return retries + 1
        if template.retry_strategy is None or not is_worth_retrying(
            template.retry_strategy.expression, code
        ):
            break
    return -(retries + 1)


def is_worth_retrying(expression: str, code: int) -> bool:
    """Expressions such as `lastRetry.exitCode in ['1', '-1']`."""
    found = re.fullmatch(r"lastRetry\.exitCode in \[(.*)\]", expression)
    assert found is not None, expression
    return f"'{code}'" in found[1].split(", ")


def _contained(
    container: Container | None, known: Mapping[str, str], secrets: Mapping[str, str]
) -> int:
    assert container is not None
    environment = dict(os.environ)
    for variable in container.env:
        if variable.value_from is not None:
            environment[variable.name] = secrets[variable.value_from.secret_key_ref.key]
        else:
            environment[variable.name] = filled(variable.value or "", known)
    command = [filled(word, known) for word in (*container.command, *container.args)]
    return subprocess.run(
        command, env=environment, check=False, timeout=1200
    ).returncode


def filled(text: str, known: Mapping[str, str]) -> str:
    """Raises KeyError for a template that Argo would not know either."""
    return _TEMPLATE.sub(lambda found: known[found[1]], text)
