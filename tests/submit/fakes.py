"""Servers that speak the published APIs of Argo, Kubeflow Pipelines and Databricks, as
far as we use them.

They take no field that the API does not have, and carry out what they are sent on this
machine. Images, volumes and clusters are what a stand-in leaves out. What the engines'
own models say of the same requests and answers is asked in tests/engines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tests.engines.argo import Container, Manifest, filled, is_worth_retrying
from tests.submit.answering import Call, answering
from tests.submit.carrying import Carrying, Task

__all__ = ["FakeArgo", "FakeDatabricks", "FakeEngine", "FakeKfp", "serving"]

Answer = tuple[int, Any]


class FakeEngine:
    """What all of them have: a token, troubles, runs by the names that the engine gives
    them."""

    api = ""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.secrets = secrets
        # What stages find on the machines of a cluster, and not here.
        self.surroundings: dict[str, str] = {}
        self.token = "sesame"
        self.status = 200
        self.loses = 0
        self.runs: dict[str, dict[str, Any]] = {}
        self.carried: dict[str, Carrying] = {}
        self.sent: list[Call] = []
        self.answered: list[tuple[str, Any]] = []

    def answer(self, call: Call) -> Answer:
        """Lost is the answer to what begins a run, not the run."""
        self.sent.append(call)
        if self.status != 200:
            return self.status, self.problem("not now")
        if call.token == "Bearer of a guest":
            return 403, self.problem("guests may not")
        if call.token != f"Bearer {self.token}":
            return 401, self.problem("token not valid")
        count = len(self.runs)
        code, found = self.told(call)
        if len(self.runs) > count and self.loses:
            self.loses -= 1
            return 502, None
        if code == 200:
            self.answered.append((f"{call.method} {call.path}", found))
        return code, found

    def told(self, call: Call) -> Answer:
        raise NotImplementedError

    def problem(self, message: str) -> Any:
        return {"code": 16, "message": message}

    def carry_out(self, name: str, tasks: Mapping[str, Task]) -> None:
        for task in tasks.values():
            task.environment = {**self.surroundings, **task.environment}
        self.carried[name] = Carrying(tasks)

    def close(self) -> None:
        for each in self.carried.values():
            each.close()


class _Strict(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field that the API does not have is an error."""


class WorkflowRequest(_Strict, frozen=True):
    namespace: str
    workflow: Manifest


class FakeArgo(FakeEngine):
    """Workflows, whose pods are processes."""

    phases = {
        "waiting": "Pending",
        "running": "Running",
        "succeeded": "Succeeded",
        "failed": "Failed",
        "omitted": "Omitted",
        "cancelled": "Failed",
    }

    def told(self, call: Call) -> Answer:
        parts = call.path.removeprefix("/api/v1/workflows/").split("/")
        if call.method == "POST":
            return self.create(parts[0], call.body)
        if parts[1] not in self.runs or parts[0] != "team":
            return 404, self.problem(f'workflows.argoproj.io "{parts[1]}" not found')
        if parts[2:] == ["terminate"] and call.method == "PUT":
            assert call.body == {"namespace": parts[0], "name": parts[1]}
            self.runs[parts[1]]["spec"]["shutdown"] = "Terminate"
            self.carried[parts[1]].terminate()
        return 200, {**self.runs[parts[1]], "status": self.workflow_status(parts[1])}

    def create(self, namespace: str, body: Any) -> Answer:
        try:
            asked = msgspec.convert(body, WorkflowRequest)
        except msgspec.ValidationError as error:
            return 400, self.problem(str(error))
        name = asked.workflow.metadata.name
        if namespace != asked.namespace or not re.fullmatch(
            r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name
        ):
            return 400, self.problem("metadata.name: Invalid value")
        if name in self.runs:
            return 409, self.problem(f'workflows.argoproj.io "{name}" already exists')
        self.runs[name] = body["workflow"]
        self.carry_out(name, self.tasks(asked.workflow, name))
        return 200, body["workflow"]

    def tasks(self, manifest: Manifest, name: str) -> dict[str, Task]:
        templates = {each.name: each for each in manifest.spec.templates}
        values = {
            f"workflow.parameters.{it.name}": it.value
            for it in manifest.spec.arguments.parameters
        }
        known = {"workflow.name": name, **values}
        dag = templates[manifest.spec.entrypoint].dag
        assert dag is not None
        found = {}
        for task in dag.tasks:
            template = templates[task.template]
            assert template.container is not None
            retry = template.retry_strategy
            limit, expression = (
                (int(retry.limit), retry.expression) if retry else (0, "")
            )
            found[task.template] = Task(
                _words_of(template.container, known),
                list(task.dependencies),
                self.environment(template.container, known),
                _again(limit, expression),
            )
        return found

    def environment(
        self, container: Container, known: Mapping[str, str]
    ) -> dict[str, str]:
        return {
            each.name: self.secrets[each.value_from.secret_key_ref.key]
            if each.value_from
            else filled(each.value or "", known)
            for each in container.env
        }

    def workflow_status(self, name: str) -> dict[str, Any]:
        carried = self.carried[name]
        nodes: dict[str, Any] = {
            name: {"id": name, "type": "DAG", "templateName": "all-stages"}
        }
        for template, state in carried.states.items():
            told = {
                "templateName": template,
                "displayName": template,
                "phase": self.phases[state],
            }
            tries = carried.attempts[template]
            if tries > 1:
                nodes[f"{name}-{template}-0"] = {
                    **told,
                    "type": "Pod",
                    "phase": "Failed",
                }
                nodes[f"{name}-{template}"] = {**told, "type": "Retry"}
            elif tries or state not in {"waiting", "cancelled"}:
                nodes[f"{name}-{template}"] = {**told, "type": "Pod"}
        state = carried.state()
        message = "Stopped with strategy 'Terminate'" if state == "cancelled" else ""
        return {"phase": self.phases[state], "message": message, "nodes": nodes}


def _words_of(
    container: Container, known: Mapping[str, str]
) -> Callable[[int], list[str]]:
    def words(attempt: int) -> list[str]:
        all_known = {**known, "=asInt(retries) + 1": str(attempt)}
        return [
            filled(word, all_known) for word in (*container.command, *container.args)
        ]

    return words


def _again(limit: int, expression: str) -> Callable[[int, int], bool]:
    return lambda code, attempt: (
        attempt <= limit and is_worth_retrying(expression, code)
    )


class RuntimeConfig(Struct, frozen=True, forbid_unknown_fields=True):
    parameters: dict[str, Any] = {}


class KfpRun(Struct, frozen=True, forbid_unknown_fields=True):
    display_name: str
    experiment_id: str
    pipeline_spec: dict[str, Any]
    runtime_config: RuntimeConfig
    description: str = ""


class FakeKfp(FakeEngine):
    """Runs whose components are processes, and experiments in pages of one."""

    states = {
        "waiting": "PENDING",
        "running": "RUNNING",
        "succeeded": "SUCCEEDED",
        "failed": "FAILED",
        "omitted": "SKIPPED",
        "cancelled": "CANCELED",
    }
    types: Mapping[str, tuple[type, ...]] = {
        "NUMBER_INTEGER": (int,),
        "NUMBER_DOUBLE": (int, float),
        "BOOLEAN": (bool,),
        "STRING": (str,),
    }

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__(secrets)
        self.experiments = [
            {"experiment_id": "e-0", "display_name": "Default", "namespace": "team"}
        ]

    def told(self, call: Call) -> Answer:
        kind, _, rest = call.path.removeprefix("/apis/v2beta1/").partition("/")
        name, _, verb = rest.partition(":")
        if kind == "experiments":
            return (
                self.make_experiment(call.body)
                if call.method == "POST"
                else self.page("experiments", self.experiments, call.query)
            )
        if not name:
            return (
                self.create(call.body)
                if call.method == "POST"
                else self.page("runs", self.found(call.query), call.query)
            )
        if name not in self.runs:
            return 404, self.problem(f"ResourceNotFoundError: Run {name} not found.")
        if verb == "terminate":
            self.carried[name].terminate()
            return 200, {}
        return 200, self.described(name)

    def make_experiment(self, body: Any) -> Answer:
        made = {"experiment_id": f"e-{len(self.experiments)}", **body}
        self.experiments.append(made)
        return 200, made

    def found(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        (told,) = json.loads(query["filter"])["predicates"]
        assert (told["key"], told["operation"]) == ("name", "EQUALS")
        return [
            {"run_id": name, "display_name": run["display_name"]}
            for name, run in self.runs.items()
            if run["display_name"] == told["string_value"]
            and run["experiment_id"] == query["experiment_id"]
        ]

    def page(
        self, kind: str, entries: list[dict[str, Any]], query: Mapping[str, str]
    ) -> Answer:
        start = int(query.get("page_token") or 0)
        more = {"next_page_token": str(start + 1)} if start + 1 < len(entries) else {}
        return 200, {
            kind: entries[start : start + 1],
            "total_size": len(entries),
            **more,
        }

    def create(self, body: Any) -> Answer:
        try:
            asked = msgspec.convert(body, KfpRun)
            spec = asked.pipeline_spec["pipeline_spec"]
            values = self.values(spec, asked.runtime_config.parameters)
        except (msgspec.ValidationError, ValueError) as error:
            return 400, {"error": str(error), "code": 3, "message": str(error)}
        name = f"run-{len(self.runs)}"
        self.runs[name] = body
        self.carry_out(name, self.tasks(asked.pipeline_spec, values))
        return 200, {
            "run_id": name,
            "display_name": asked.display_name,
            "state": "PENDING",
        }

    def values(
        self, spec: Mapping[str, Any], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        declared = spec["root"]["inputDefinitions"]["parameters"]
        for name, value in given.items():
            if type(value) not in self.types[declared[name]["parameterType"]]:
                raise ValueError(f"input parameter {name} has another type")
        return {name: told["defaultValue"] for name, told in declared.items()} | dict(
            given
        )

    def tasks(
        self, document: Mapping[str, Any], values: Mapping[str, Any]
    ) -> dict[str, Task]:
        spec = document["pipeline_spec"]
        platform = document["platform_spec"]["platforms"]["kubernetes"][
            "deploymentSpec"
        ]["executors"]
        found = {}
        for name, task in spec["root"]["dag"]["tasks"].items():
            component = spec["components"][task["componentRef"]["name"]]
            container = spec["deploymentSpec"]["executors"][component["executorLabel"]][
                "container"
            ]
            known = {
                f"$.inputs.parameters['{each}']": _as_text(
                    values[told["componentInputParameter"]]
                )
                for each, told in task.get("inputs", {}).get("parameters", {}).items()
            }
            known |= {
                f"$.outputs.artifacts['{each}'].path": f"{len(self.runs)}-{name}-{each}"
                for each in component["outputDefinitions"]["artifacts"]
            }
            words = [
                filled(word, known)
                for word in (*container["command"], *container["args"])
            ]
            keys = [
                key
                for told in platform[component["executorLabel"]]["secretAsEnv"]
                for key in told["keyToEnv"]
            ]
            found[name] = Task(
                lambda attempt, words=words: words,  # type: ignore[misc]
                task.get("dependentTasks", []),
                {key["envVar"]: self.secrets[key["secretKey"]] for key in keys},
            )
        return found

    def described(self, name: str) -> dict[str, Any]:
        carried = self.carried[name]
        details = [{"task_id": "1", "display_name": "root", "state": "RUNNING"}]
        for number, (task, state) in enumerate(carried.states.items(), 2):
            # A task that nothing has begun has no entry yet.
            if state != "waiting":
                told = {
                    "task_id": str(number),
                    "display_name": task,
                    "state": self.states[state],
                }
                if state == "failed":
                    told["error"] = {"code": 2, "message": "main: Error (exit code 1)"}
                details.append(told)
        state = self.states[carried.state()]
        told = {
            "run_id": name,
            "display_name": self.runs[name]["display_name"],
            "state": state,
        }
        return {**told, "run_details": {"task_details": details}}


def _as_text(value: Any) -> str:
    """As the launcher writes values into commands: a whole number of type double has no
    point."""
    if isinstance(value, bool):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


class JobParameter(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    default: str


class WheelTask(Struct, frozen=True, forbid_unknown_fields=True):
    package_name: str
    entry_point: str
    parameters: list[str]


class Dependency(Struct, frozen=True, forbid_unknown_fields=True):
    task_key: str


class JobTask(Struct, frozen=True, forbid_unknown_fields=True):
    task_key: str
    job_cluster_key: str
    max_retries: int
    libraries: list[dict[Literal["requirements"], str]]
    python_wheel_task: WheelTask
    depends_on: list[Dependency] = []
    timeout_seconds: int = 0


class JobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    max_concurrent_runs: int
    job_clusters: list[dict[str, Any]]
    tasks: list[JobTask]
    parameters: list[JobParameter] = []
    description: str = ""


class FakeDatabricks(FakeEngine):
    """Jobs and runs, whose tasks are processes; lists and runs come in pages."""

    jobs: dict[int, JobSettings]
    lives: Mapping[str, tuple[str, str]] = {
        "waiting": ("BLOCKED", ""),
        "running": ("RUNNING", ""),
        "succeeded": ("TERMINATED", "SUCCESS"),
        "failed": ("TERMINATED", "FAILED"),
        "omitted": ("TERMINATED", "UPSTREAM_FAILED"),
        "cancelled": ("TERMINATED", "CANCELED"),
    }

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__(secrets)
        self.jobs = {}

    def problem(self, message: str) -> Any:
        return {"error_code": "PERMISSION_DENIED", "message": message}

    def told(self, call: Call) -> Answer:
        verb = call.path.removeprefix("/api/2.2/jobs/")
        try:
            if verb == "list":
                return self.listed(call.query)
            if verb == "create":
                number = 100 + len(self.jobs)
                self.jobs[number] = msgspec.convert(call.body, JobSettings)
                return 200, {"job_id": number}
            if verb == "reset":
                self.jobs[call.body["job_id"]] = msgspec.convert(
                    call.body["new_settings"], JobSettings
                )
                return 200, {}
        except msgspec.ValidationError as error:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(error)}
        return self.of_runs(verb, call)

    def of_runs(self, verb: str, call: Call) -> Answer:
        if verb == "run-now":
            return 200, {"run_id": self.start(call.body)}
        name = str(
            call.query["run_id"] if call.method == "GET" else call.body["run_id"]
        )
        if name not in self.runs:
            return 400, {
                "error_code": "INVALID_PARAMETER_VALUE",
                "message": f"Run {name} does not exist.",
            }
        if verb == "runs/cancel":
            self.carried[name].terminate()
            return 200, {}
        return 200, self.described(name, int(call.query.get("page_token") or 0))

    def listed(self, query: Mapping[str, str]) -> Answer:
        found = [
            number for number, job in self.jobs.items() if job.name == query["name"]
        ]
        if "page_token" not in query:
            return 200, {
                "has_more": bool(found),
                **({"next_page_token": "2"} if found else {}),
            }
        return 200, {
            "jobs": [
                {"job_id": it, "settings": {"name": self.jobs[it].name}} for it in found
            ]
        }

    def start(self, body: Mapping[str, Any]) -> int:
        for name, run in self.runs.items():
            if run["idempotency_token"] == body["idempotency_token"]:
                return int(name)
        job = self.jobs[body["job_id"]]
        values = {each.name: each.default for each in job.parameters}
        assert set(body["job_parameters"]) <= set(values)
        known = {
            f"job.parameters.{key}": it
            for key, it in {**values, **body["job_parameters"]}.items()
        }
        secrets = job.job_clusters[0]["new_cluster"].get("spark_env_vars", {})
        environment = {
            name: self.secrets[told[:-2].rpartition("/")[2]]
            for name, told in secrets.items()
        }
        name = str(7000 + len(self.runs))
        self.runs[name] = dict(body)
        self.carry_out(
            name,
            {each.task_key: self.task(each, known, environment) for each in job.tasks},
        )
        return int(name)

    def task(
        self, task: JobTask, known: Mapping[str, str], environment: dict[str, str]
    ) -> Task:
        wheel = task.python_wheel_task
        words = [wheel.entry_point, *(filled(word, known) for word in wheel.parameters)]
        return Task(
            lambda _: words, [each.task_key for each in task.depends_on], environment
        )

    def described(self, name: str, start: int) -> dict[str, Any]:
        """Two tasks a page."""
        carried = self.carried[name]
        tasks = [
            {"task_key": task, "attempt_number": 0, "state": self.life(state)}
            for task, state in carried.states.items()
        ]
        more = {"next_page_token": str(start + 2)} if start + 2 < len(tasks) else {}
        state = self.life(carried.state())
        return {
            "run_id": int(name),
            "state": state,
            "tasks": tasks[start : start + 2],
            **more,
        }

    def life(self, state: str) -> dict[str, str]:
        life, result = self.lives[state]
        return {
            "life_cycle_state": life,
            "state_message": "",
            **({"result_state": result} if result else {}),
        }


@contextmanager
def serving(engine: FakeEngine) -> Iterator[str]:
    """The address of the engine's server."""
    try:
        with answering(engine.answer) as address:
            yield address
    finally:
        engine.close()
