"""Apache Airflow: a DAG file with one BashOperator a stage, for the folder of DAGs. Parameters are
the DAG's params. Secrets of `secret:NAME` tags come from the worker's environment."""

from __future__ import annotations

import re

from jupyter_pipe.compiler.codegen.source import quoted
from jupyter_pipe.export.tasks import Tasks, comment, default_text, parameters_of, variable
from jupyter_pipe.model import Pipeline, Stage

__all__ = ["write"]

_HEAD = '''\
"""{name}, exported by jupyter_pipe."""

from datetime import timedelta

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG({dag_id}, schedule=None, catchup=False, params={params}) as dag:
'''
_TASK = """\
    {name} = BashOperator(
        task_id={task_id},
        bash_command={command},
        env={env},
        append_env=True,
        retries={retries},
        execution_timeout={timeout},
    )
"""


def write(pipeline: Pipeline, tasks: Tasks) -> str:
    """A Python module that defines the DAG."""
    params = {each.name: default_text(each) for each in pipeline.parameters}
    dag_id = re.sub(r"[^\w.-]+", "_", pipeline.name, flags=re.ASCII)
    head = _HEAD.format(name=_plain(pipeline.name), dag_id=quoted(dag_id), params=_literal(params))
    operators = [_operator(pipeline, stage, tasks) for stage in pipeline.stages]
    order = [
        f"    [{', '.join(map(_variable, before))}] >> {_variable(stage.name)}\n"
        for stage in pipeline.stages
        if (before := pipeline.upstream(stage.name))
    ]
    return head + "\n".join([*operators, "".join(order)]).rstrip("\n") + "\n"


def _operator(pipeline: Pipeline, stage: Stage, tasks: Tasks) -> str:
    seconds = stage.options.timeout_seconds
    given = {variable(each.name): f"{{{{ params.{each.name} }}}}" for each in parameters_of(pipeline, stage)}
    return _TASK.format(
        name=_variable(stage.name),
        task_id=quoted(stage.name),
        command=quoted(_command(tasks, stage)),
        env=_literal(given),
        retries=stage.options.retries,
        timeout=f"timedelta(seconds={seconds:g})" if seconds else "None",
    )


def _command(tasks: Tasks, stage: Stage) -> str:
    """Airflow reads the command as a Jinja template; what a path has in common with one is told apart."""
    command = tasks.command(stage, run_id="\0", attempt="\0\0")
    command = re.sub(r"\{(?=[{%#])", "{{ '{' }}", command)
    command = command.replace("\0\0", "{{ ti.try_number }}")
    return command.replace("\0", '\'{{ run_id | replace(":", "-") }}\'')


def _variable(stage: str) -> str:
    """Stages may have names of the module's own."""
    return f"stage_{stage}"


def _literal(value: dict[str, str]) -> str:
    return f"{{{', '.join(f'{quoted(name)}: {quoted(text)}' for name, text in value.items())}}}"


def _plain(text: str) -> str:
    return comment(text).replace("\\", "").replace('"', "")
