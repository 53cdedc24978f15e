"""Runs a case as its notebook and as its pipeline, without kernels, through everything
else.

The compiler, the stage notebooks, the payload format, the guard and the machine that
decides what runs (again) are the real ones; only papermill and the kernel are replaced
by a fork (`zygote`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.compiler import Compiled, compile_notebook
from jupyter_pipe.compiler.graph import rewire
from jupyter_pipe.engine.attempts import attempt as stage_module
from jupyter_pipe.engine.attempts.attempt import StageWork, run_stage
from jupyter_pipe.engine.attempts.executors import outcome_message
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.papermill_engine import Execution
from jupyter_pipe.engine.execution.stage_cells import is_users
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.machine import Machine, Options
from jupyter_pipe.engine.scheduling.priorities import Capacity
from jupyter_pipe.engine.scheduling.stage_inputs import given_to, protected_names
from jupyter_pipe.events import StageFailed
from jupyter_pipe.notebook import read_notebook
from jupyter_pipe.notebook.parameters import set_parameters
from jupyter_pipe.runs.model import Failure
from tests.forking import ForkingProcesses

__all__ = [
    "ENOUGH",
    "Forks",
    "Outcome",
    "attempt",
    "run_as_notebook",
    "run_as_pipeline",
    "run_stage_cells",
]

VARYING = re.compile(r"0x[0-9a-fA-F]{6,}|CPU times: .*\nWall time: .*")
"""What differs from run to run: addresses of objects, and what `%time` prints."""
MAY_RAISE = "raises-exception"
ENOUGH = 100
"""More workers than any case has stages: all that may run in parallel is offered at
once."""


@dataclass
class Outcome:
    """What each of the user's cells printed, by cell id, and how the first failing one
    failed."""

    outputs: dict[str, str] = field(default_factory=dict)
    error: str = ""
    events: list[Any] = field(default_factory=list)

    def take(self, reply: Mapping[str, Any]) -> None:
        # a shell command of the notebook writes to a terminal here, to a pipe in a
        # kernel
        texts = {
            name: text.replace("\r\n", "\n") for name, text in reply["outputs"].items()
        }
        self.outputs.update(
            {name: VARYING.sub("…", text) for name, text in texts.items()}
        )
        if reply["error"] and not self.error:
            self.error = "cell {id}: {ename}: {evalue}".format(**reply["error"])

    def note(self, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, StageFailed) and not self.error:
            self.error = f"{event.stage}: {event.ename}: {event.evalue}"


class Forks:
    """Runs cells in forks. `sabotage` is a statement to run in every stage before
    anything else, for tests of the tests."""

    def __init__(self, scratch: Path) -> None:
        self.sabotage = ""
        self._scratch = scratch
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "agg",
        }
        program = Path(__file__).with_name("zygote.py")
        self._processes = ForkingProcesses(program, environment=environment)
        self._jobs = 0

    def run(
        self, folder: Path, cells: list[dict[str, Any]], environment: Mapping[str, str]
    ) -> dict[str, Any]:
        self._jobs += 1
        reply = self._scratch / f"{self._jobs}.json"
        job = {
            "folder": str(folder),
            "cells": cells,
            "environment": dict(environment),
            "reply": str(reply),
        }
        self._processes.ask(job, _code_in(folder))
        if not reply.exists():
            raise RuntimeError(
                f"the cells in {folder} took too long, or killed their process"
            )
        answer: dict[str, Any] = json.loads(reply.read_text(encoding="utf-8"))
        reply.unlink()
        reply.with_suffix(".out").unlink()
        return answer

    def close(self) -> None:
        self._processes.close()


def _code_in(folder: Path) -> str:
    """Of the whole notebook, since a stage also gets values of libraries that it does
    not import."""
    files = sorted([*folder.glob("*.ipynb"), *folder.glob("*.py")])
    return "".join(file.read_text(encoding="utf-8") for file in files)


def run_as_notebook(
    forks: Forks, path: Path, literals: Mapping[str, str] | None = None
) -> Outcome:
    """All cells but skipped ones from top to bottom in one namespace."""
    cells = [
        {
            "id": cell.id,
            "source": set_parameters(cell.source, literals or {})
            if "parameters" in cell.tags
            else cell.source,
            "user": True,
            "may_raise": MAY_RAISE in cell.tags,
        }
        for cell in read_notebook(path).code_cells
        if "skip" not in cell.tags
    ]
    outcome = Outcome()
    outcome.take(forks.run(path.parent, cells, {}))
    return outcome


def run_as_pipeline(
    forks: Forks,
    path: Path,
    literals: Mapping[str, str] | None = None,
    *,
    backwards: bool = False,
) -> Outcome:
    """Stage by stage; of stages that may run in parallel the first, or the last, in the
    notebook's order runs first. Raises CompileError."""
    compiled = compile_notebook(path)
    run = _PipelineRun(forks, path, compiled, dict(literals or {}))
    with (
        patch.object(stage_module, "execute", run.execute),
        patch("os.fsync", lambda _: None),
    ):
        run.go(backwards=backwards)
    return run.outcome


class _PipelineRun:
    """The shell around the machine; attempts run one at a time."""

    def __init__(
        self, forks: Forks, path: Path, compiled: Compiled, literals: dict[str, str]
    ) -> None:
        self.outcome = Outcome()
        self._forks = forks
        self._path = path
        self._literals = literals
        self._numbers = {cell.id: cell.number for cell in read_notebook(path).cells}
        self._folder = path.parent / ".jupyter_pipe"
        for name, content in compiled.files.items():
            if name.startswith("notebooks/"):
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / name).write_bytes(content)
        self._machine = Machine(compiled.pipeline, Options(Capacity(ENOUGH)), rewire)

    def go(self, *, backwards: bool) -> None:
        launches: list[ms.Launch] = []
        todo: list[ms.Message] = [ms.Begin()]
        while todo or launches:
            if not todo:
                order = {
                    stage.name: place
                    for place, stage in enumerate(self._machine.pipeline.stages)
                }
                launches.sort(
                    key=lambda launch: order[launch.stage], reverse=not backwards
                )
                todo.append(self._attempt(launches.pop()))
            for instruction in self._machine.handle(todo.pop(0)):
                match instruction:
                    case ms.Check(stage, turn):
                        todo.append(ms.StageChecked(stage, turn, "new"))
                    case ms.Launch():
                        launches.append(instruction)
                    case ms.Log(event):
                        self.outcome.note(event)
                    case ms.Finish():
                        return

    def _attempt(self, launch: ms.Launch) -> ms.Message:
        return attempt(
            self._machine,
            launch,
            package=str(self._folder),
            run_folder=str(self._folder / "run"),
            store=str(self._folder / "artifacts"),
            workdir=str(self._path.parent),
            literals=self._literals,
            numbers=self._numbers,
        )

    def execute(
        self, notebook: Mapping[str, Any], _kernel: str, execution: Execution
    ) -> None:
        """Stands in for papermill."""
        run_stage_cells(self._forks, notebook, execution, self.outcome)


def attempt(machine: Machine, launch: ms.Launch, **fields: Any) -> ms.Message:
    """One attempt at a stage, here and now; `fields` are the rest of its
    `StageWork`."""
    pipeline, results = machine.pipeline, machine.results
    given = given_to(pipeline, launch.stage, results)
    work = StageWork(
        run_id="run",
        pipeline=pipeline,
        stage=launch.stage,
        attempt=launch.attempt,
        given=given,
        protect=protected_names(pipeline, launch.stage, given, results),
        **fields,
    )
    return outcome_message(work, run_stage(work))


def run_stage_cells(
    forks: Forks, notebook: Mapping[str, Any], execution: Execution, outcome: Outcome
) -> None:
    """The cells of a stage notebook in a fork. Raises StageFailure, as papermill's
    engine does."""
    cells = [
        _silent(source)
        for source in (forks.sabotage or "None", bootstrap_source(execution.context))
    ]
    for cell in notebook["cells"]:
        if not is_users(cell):
            cells.append(_silent(cell["source"]))
            continue
        number = execution.numbers[cell["id"]]
        cells.append(
            _silent(f'__import__("jupyter_pipe_kernel").set_execution_count({number})')
        )
        may_raise = MAY_RAISE in cell["metadata"].get("tags", ())
        cells.append(
            {
                "id": cell["id"],
                "source": cell["source"],
                "user": True,
                "may_raise": may_raise,
            }
        )
    reply = forks.run(execution.folder, cells, execution.environment)
    outcome.take(reply)
    if reply["error"]:
        failure = Failure(reply["error"]["ename"], reply["error"]["evalue"])
        raise StageFailure(
            failure, msgspec.convert(reply["error"]["observed"], Observations)
        )


def _silent(source: str) -> dict[str, Any]:
    return {"id": "", "source": source, "user": False}
