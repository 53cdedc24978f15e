"""Apache Airflow 3: a DAG file for the folder of DAGs, one Python task a stage.
Parameters are the DAG's typed params; one that the pipeline does not have fails the
run. Secrets come from the worker's environment. Tasks have some tries more than their
stages: for workers that die, or find no server while Airflow starts."""

from __future__ import annotations

import re
from typing import Any

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan, PlanParameter, Task

__all__ = ["EXPORTER", "dag_name"]

# With Airflow's growing delays about two minutes: so long may its server be away.
_SPARE_TRIES = 6
_TYPES = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
_HEAD = '''\
import os
import signal
import subprocess
from datetime import timedelta

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param

PARAMS = {params}


def run_stage(command, names, tries, run_id, ti, params, dag_run):
    """Exit codes 2, 3 and 4 would come out the same in another attempt. `tries` are the stage's own: the
    task has some more for workers that die."""
    unknown = sorted(set(dag_run.conf or ()) - set(PARAMS))
    if unknown:
        raise AirflowFailException(f"The pipeline has no parameter {{unknown[0]!r}}.")
    given = {{f"JUPYTER_PIPE_{{name.upper()}}": str(params[name]) for name in names}}
    run = ["--run-id", run_id.replace(":", "-"), "--attempt", str(ti.try_number)]
    running, ended = [], []

    def end(*_):
        ended.append(True)
        for process in running:
            process.terminate()

    # Airflow ends a task with this signal, and kills it some seconds later.
    signal.signal(signal.SIGTERM, end)
    process = subprocess.Popen([*command, *run], env={{**os.environ, **given}})
    running.append(process)
    if ended:  # while it was started
        process.terminate()
    try:
        code = process.wait()
    except BaseException as problem:  # the time limit
        process.terminate()
        if ti.try_number >= tries:
            raise AirflowFailException(str(problem)) from problem
        raise
    if code in (2, 3, 4) or (code and ti.try_number >= tries):
        raise AirflowFailException(f"Exit code {{code}}: see the log above.")
    if code:
        raise AirflowException(f"Exit code {{code}}: see the log above.")


with DAG(
    {dag_id},
    description={description},
    schedule={schedule},
    catchup=False,
    params=PARAMS,
) as dag:
'''
_TASK = """\
    stage_{name} = PythonOperator(
        task_id={task_id},
        python_callable=run_stage,
        op_args=[{command}, {names}, {tries}],
        retries={retries},
        retry_delay=timedelta(seconds=1),
        retry_exponential_backoff=True,
        execution_timeout={timeout},
    )
"""


def _write(plan: Plan) -> str:
    params = "".join(
        f"\n    {each.name!r}: {_param(each)}," for each in plan.parameters
    )
    head = _HEAD.format(
        params=f"{{{params}\n}}" if params else "{}",
        dag_id=repr(dag_name(plan)),
        description=ascii(plan.description),
        schedule=ascii(plan.schedule),
    )
    order = [
        f"    [{', '.join(f'stage_{name}' for name in task.after)}] >> stage_{task.name}\n"
        for task in plan.tasks
        if task.after
    ]
    return (
        head
        + "\n".join(
            [*(_task(plan, task) for task in plan.tasks), "".join(order)]
        ).rstrip("\n")
        + "\n"
    )


def dag_name(plan: Plan) -> str:
    """The id of the DAG: the pipeline's name, in the characters that Airflow allows."""
    # Airflow's rule for keys is ^[\w.-]+$: `trial run` is `trial_run`.
    return re.sub(r"[^\w.-]+", "_", plan.name, flags=re.ASCII)


def _param(parameter: PlanParameter) -> str:
    told: dict[str, Any] = {"type": _TYPES[parameter.type_]}
    if parameter.choices:
        told["enum"] = list(parameter.choices)
    if parameter.description:
        told["description"] = parameter.description
    return f"Param({', '.join([ascii(parameter.default), *(f'{key}={it!a}' for key, it in told.items())])})"


def _task(plan: Plan, task: Task) -> str:
    # Of one attempt: further ones are Airflow's own.
    seconds = task.timeout_seconds
    return _TASK.format(
        name=task.name,
        task_id=repr(task.name),
        command=ascii([*plan.words(task), "--run-root", plan.options.run_root]),
        names=[each.name for each in task.parameters],
        tries=task.retries + 1,
        retries=task.retries + _SPARE_TRIES,
        timeout=f"timedelta(seconds={seconds:g})" if seconds else "None",
    )


EXPORTER = Exporter(
    engine="airflow",
    title="Apache Airflow 3",
    file="{name}_dag.py",
    write=_write,
    carries=frozenset({"timeout", "secrets", "schedule"}),
    root=True,
    needs_root=True,
)
