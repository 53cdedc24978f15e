"""Snakemake: `snakemake -s NAME.smk --cores 2 --config days=730`. A file marks each stage as done."""

from __future__ import annotations

from jupyter_pipe.compiler.codegen.source import quoted
from jupyter_pipe.export.tasks import Tasks, comment, default_text, parameters_of, variable
from jupyter_pipe.model import Pipeline, Stage

__all__ = ["write"]


def write(pipeline: Pipeline, tasks: Tasks) -> str:
    """A snakefile with a rule a stage."""
    marks = [_mark(stage.name) for stage in pipeline.stages]
    head = [
        f"# {comment(pipeline.name)}, exported by jupyter_pipe:",
        "# snakemake -s FILE --cores N [--config NAME=VALUE ...]",
        "# Paths are as seen from the folder in which snakemake is called; --config run_id=ID names the run.",
        'run_id = str(config.get("run_id", "snakemake"))',
        "defaults = {",
        *(f"    {quoted(each.name)}: {quoted(default_text(each))}," for each in pipeline.parameters),
        "}",
        "parameters = {name: str(config.get(name, default)) for name, default in defaults.items()}",
        "",
        "",
        "rule:",
        f"    input: {', '.join(marks)}",
    ]
    rules = [line for stage in pipeline.stages for line in _rule(pipeline, stage, tasks)]
    return "\n".join([*head, *rules]) + "\n"


def _rule(pipeline: Pipeline, stage: Stage, tasks: Tasks) -> list[str]:
    read = parameters_of(pipeline, stage)
    given = [f"    params: {', '.join(f'{each.name}=parameters[{each.name!r}]' for each in read)}"]
    before = [f"    input: {', '.join(map(_mark, pipeline.upstream(stage.name)))}"]
    variables = " ".join(f"{variable(each.name)}={{params.{each.name}:q}}" for each in read)
    command = tasks.command(stage, run_id="\0", attempt="\0\0").replace("{", "{{").replace("}", "}}")
    command = command.replace("\0\0", "{resources.attempt}").replace("\0", "{run_id:q}")
    return [
        "",
        "",
        f"rule {stage.name}:",
        *(before if pipeline.upstream(stage.name) else []),
        f"    output: touch({_mark(stage.name)})",
        *(given if read else []),
        f"    threads: {max(1, round(stage.options.cpus))}",
        f"    resources: {_resources(stage)}",
        f"    retries: {stage.options.retries}",
        f"    shell: {quoted(f'{variables} {command}'.lstrip())}",
    ]


def _resources(stage: Stage) -> str:
    wanted = ["attempt=lambda wildcards, attempt: attempt"]
    if stage.options.memory_bytes:
        wanted.append(f"mem_mb={stage.options.memory_bytes // 10**6}")
    if stage.options.gpus:
        wanted.append(f"gpu={stage.options.gpus}")
    return ", ".join(wanted)


def _mark(stage: str) -> str:
    return f'f".jupyter_pipe/done/{{run_id}}/{stage}"'
