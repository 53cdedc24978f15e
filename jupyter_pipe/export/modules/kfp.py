"""Kubeflow Pipelines 2: `python NAME_kfp.py` writes NAME.yaml. A component a stage;
what stages leave are artifacts of KFP, so no folder is shared. Metrics, gates and the
report are shown by its UI, and its cache is asked with the digest of the stage's
code."""

from __future__ import annotations

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import ExportError, Plan, PlanParameter, Task, one_device

__all__ = ["EXPORTER"]

# Names that a component uses, and that a parameter of it would hide.
_RESERVED = frozenset({"run_stage", "take", "variables"})
_HEAD = """\
from kfp import compiler, dsl{kubernetes}
from kfp.dsl import HTML, Artifact, Input, Metrics, Output


def run_stage(command, take, variables, values, report, metrics):
    # Sent away as text with each component, so it imports what it needs.
    import json
    import os
    import subprocess

    given = {{"JUPYTER_PIPE_" + name.upper(): str(value) for name, value in variables.items()}}
    taken = [word for each in take for word in ("--take", each.path)]
    files = ["--leave", values.path, "--html", report.path, "--result", metrics.path]
    code = subprocess.run([*command, *taken, *files], env={{**os.environ, **given}}).returncode
    with open(metrics.path) as file:
        told = json.load(file)
    for name, value in told["metrics"].items():
        if isinstance(value, (int, float)):
            metrics.log_metric(name, value)
        else:
            metrics.metadata[name] = str(value)
    for gate in told["gates"]:
        metrics.metadata["gate " + gate["expression"]] = str(gate["passed"])
    values.metadata.update(told["outputs"])
    if code:
        raise SystemExit(code)
"""
# KFP runs a component by a module of its own, so the image has to have kfp: with
# `install_kfp_package` each pod would begin by installing it.
_COMPONENT = """

@dsl.component(base_image={image}, install_kfp_package=False, additional_funcs=[run_stage])
def stage_{name}(
    {artifacts},
    {values},
):
    take, variables = [{take}], {{{variables}}}
    run_stage({command}, take, variables, pipe_values, pipe_report, pipe_metrics)
"""


def _write(plan: Plan) -> str:
    """A module for the compiler of Kubeflow Pipelines. Raises ExportError for names
    that it uses itself."""
    for each in plan.parameters:
        if each.name.startswith(("pipe_", "from_", "_")) or each.name in _RESERVED:
            raise ExportError(
                f"Parameter {each.name!r} may have the name of something of the exporter's own.",
                code="export_value",
                hint="Give it a name that does not begin with pipe_, from_ or an underscore, and is none of "
                f"{', '.join(sorted(_RESERVED))}.",
            )
    # kfp-kubernetes is a package of its own, imported only by files that use it.
    needs = any(task.secrets or task.timeout_seconds for task in plan.tasks)
    parts = [_HEAD.format(kubernetes=", kubernetes" if needs else "")]
    parts += [_component(plan, task) for task in plan.tasks]
    given = ", ".join(f"{_typed(each)} = {each.default!a}" for each in plan.parameters)
    told = f"name={plan.label!r}, description={plan.description!a}"
    parts.append(f"\n\n@dsl.pipeline({told})\ndef pipeline({given}):\n")
    parts += [line for task in plan.tasks for line in _use(plan, task)]
    end = f"compiler.Compiler().compile(pipeline, {plan.label + '.yaml'!r})"
    return "".join([*parts, f'\n\nif __name__ == "__main__":\n    {end}\n'])


def _component(plan: Plan, task: Task) -> str:
    artifacts = [
        *(f"from_{name}: Input[Artifact]" for name in task.take),
        "pipe_values: Output[Artifact]",
        "pipe_report: Output[HTML]",
        "pipe_metrics: Output[Metrics]",
    ]
    # Nobody passes it: KFP's cache compares arguments, and so the code of the stage.
    values = [f"pipe_code: str = {task.digest!r}"]
    values += [f"{_typed(each)} = {each.default!a}" for each in task.parameters]
    variables = ", ".join(f"{each.name!r}: {each.name}" for each in task.parameters)
    return _COMPONENT.format(
        image=ascii(task.image or "python:3.12"),
        name=task.name,
        artifacts=", ".join(artifacts),
        values=", ".join(values),
        variables=variables,
        take=", ".join(f"from_{name}" for name in task.take),
        command=ascii([*plan.words(task), "--retry"]),
    )


def _use(plan: Plan, task: Task) -> list[str]:
    """The lines that call the component in the pipeline."""
    given = [f"from_{name}=task_{name}.outputs['pipe_values']" for name in task.take]
    given += [f"{each.name}={each.name}" for each in task.parameters]
    made = f"task_{task.name}"
    lines = [
        f"{made} = stage_{task.name}({', '.join(given)})",
        f"{made}.set_display_name({task.name!r}).set_cpu_request('{task.cpus:g}')",
    ]
    lines += [f"{made}.set_caching_options(False)"] if not task.cache else []
    lines += (
        [f"{made}.set_memory_request('{task.memory_bytes}')"]
        if task.memory_bytes
        else []
    )
    for kind, amount in one_device(task, EXPORTER.title).items():
        lines.append(
            f"{made}.set_accelerator_type({kind!a}).set_accelerator_limit({amount!a})"
        )
    if task.secrets:
        keys = {name: name for name in task.secrets}
        lines.append(
            f"kubernetes.use_secret_as_env({made}, secret_name={plan.label!r}, secret_key_to_env={keys})"
        )
    if task.seconds_in_all:
        lines.append(f"kubernetes.set_timeout({made}, {task.seconds_in_all})")
    return [f"    {line}\n" for line in lines]


def _typed(parameter: PlanParameter) -> str:
    return f"{parameter.name}: {parameter.type_}"


EXPORTER = Exporter(
    engine="kfp",
    title="Kubeflow Pipelines 2",
    file="{name}_kfp.py",
    write=_write,
    carries=frozenset(
        {"timeout", "secrets", "cpus", "memory", "gpus", "limits", "image"}
    ),
)
