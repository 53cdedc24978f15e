"""The notebook run whole, top to bottom in one kernel: what a pipeline is measured
against.

Needs nothing of the compiler. It stores the values that hold at the end of a stage's
last cell, so that they can be compared by content with what the pipeline stored; where
it is given what the pipeline stored, it names the first part that differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.protocol import StageContext
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.papermill_engine import (
    Execution,
    StageInterrupted,
    execute,
)
from jupyter_pipe.engine.kernels.interrupts import catch_signals
from jupyter_pipe.engine.request import secrets_of
from jupyter_pipe.engine.scheduling.kernel_definitions import known_definitions
from jupyter_pipe.events import CellFinished, Event
from jupyter_pipe.model import Cell, Notebook, Pipeline, Stage, StageOptions
from jupyter_pipe.runs.masking import masked
from jupyter_pipe.verify.boundaries import (
    Difference,
    Expected,
    read_differences,
    read_digests,
)
from jupyter_pipe.verify.model import Watcher
from jupyter_pipe.verify.outputs import Outputs, cell_outputs

__all__ = ["WholeRun", "run_whole"]

_EXECUTED = "executed.ipynb"

Definitions = dict[str, dict[str, Any]]


class WholeRun(msgspec.Struct, frozen=True):
    """`outputs` by cell id; `digests` by stage and variable, where the stage's cells
    are adjacent; `differences` from what a pipeline stored, in notebook order."""

    outputs: dict[str, Outputs]
    digests: dict[str, dict[str, str]]
    differences: tuple[Difference, ...] = ()


def _is_run(cell: Cell) -> bool:
    # The pipeline leaves them out, so both sides do.
    return bool(cell.source.strip()) and "skip" not in cell.tags


def run_whole(
    notebook: Notebook,
    pipeline: Pipeline,
    *,
    folder: Path,
    workdir: Path,
    environment: Mapping[str, str],
    watcher: Watcher,
    stored: Expected | None = None,
    before: str = "",
    after: str = "",
) -> WholeRun:
    """Run every code cell but those tagged `skip`, in order, between code that is not
    the notebook's. Raises StageFailure where the notebook itself fails, KernelError,
    and KeyboardInterrupt."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [cell for cell in notebook.code_cells if _is_run(cell)]
    closing = _closing_stages(pipeline, [cell.id for cell in cells])
    made: list[dict[str, Any]] = []
    for cell in cells:
        made.append(_user_cell(cell))
        made += [
            _boundary_cell(
                stage, folder, workdir, stored, _definitions(pipeline, stage)
            )
            for stage in closing.get(cell.id, ())
        ]
    _execute(
        notebook,
        [*_hidden_cells(before, "inputs"), *made, *_hidden_cells(after, "outputs")],
        cells,
        folder,
        workdir,
        environment,
        secrets_of(pipeline, environment),
        watcher,
    )
    stages = [stage.name for found in closing.values() for stage in found]
    differences = (
        read_differences(_difference_path(folder, stage), stage) for stage in stages
    )
    return WholeRun(
        cell_outputs(json.loads((folder / _EXECUTED).read_bytes())),
        {stage: read_digests(_result_path(folder, stage)) for stage in stages},
        tuple(one for one in differences if one is not None),
    )


def _execute(
    notebook: Notebook,
    made: list[dict[str, Any]],
    cells: Sequence[Cell],
    folder: Path,
    workdir: Path,
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
    watcher: Watcher,
) -> None:
    def report(event: Event) -> None:
        if isinstance(event, CellFinished):
            watcher.advances(event.position, event.total, "cell")

    # The first Ctrl-C asks the kernel to stop, a second one ends it.
    stop = StopSignal()
    # The engine sets execution counts through the kernel side, so that must be there
    # from the start.
    options = StageOptions(secrets=tuple(secrets))
    beginning = _write_context(
        Stage("notebook", (), "", "", options=options), folder, workdir, {}
    )
    with catch_signals(lambda signal: stop.request(hard=stop.is_set)):
        try:
            execute(
                {
                    "cells": made,
                    "metadata": _metadata(notebook),
                    "nbformat": 4,
                    "nbformat_minor": 5,
                },
                notebook.kernel,
                Execution(
                    stage="notebook",
                    folder=workdir,
                    scratch=folder,
                    executed=folder / _EXECUTED,
                    context=beginning,
                    numbers={cell.id: cell.number for cell in cells},
                    environment=environment,
                    secrets=secrets,
                    report=report,
                    stop=stop,
                ),
            )
        except StageInterrupted:
            raise KeyboardInterrupt from None
        except StageFailure as broken:
            raise StageFailure(masked(broken.failure, Masker(secrets))) from None


def _definitions(pipeline: Pipeline, stage: Stage) -> Definitions:
    """As the stage's own kernel knows them, and those of other stages: values may refer
    to any."""
    known: Definitions = {}
    for each in (*pipeline.stages, stage):
        known.update(known_definitions(pipeline, each))
    return known


def _hidden_cells(source: str, role: str) -> list[dict[str, Any]]:
    return [_cell(f"jupyter-pipe-{role}", source, role, [])] if source else []


def _closing_stages(pipeline: Pipeline, order: Sequence[str]) -> dict[str, list[Stage]]:
    """Last cell -> stages whose cells are neighbours in the notebook and end there."""
    place = {cell_id: position for position, cell_id in enumerate(order)}
    closing: dict[str, list[Stage]] = {}
    for stage in pipeline.stages:
        places = sorted(place[cell_id] for cell_id in stage.cells if cell_id in place)
        if (
            places
            and stage.outputs
            # Only of cells side by side: else a cell of another stage has run in
            # between.
            and places == list(range(places[0], places[-1] + 1))
        ):
            closing.setdefault(order[places[-1]], []).append(stage)
    return closing


def _user_cell(cell: Cell) -> dict[str, Any]:
    return _cell(cell.id, cell.source, "cell", list(cell.tags))


def _boundary_cell(
    stage: Stage,
    folder: Path,
    workdir: Path,
    stored: Expected | None,
    definitions: Definitions,
) -> dict[str, Any]:
    context = _write_context(stage, folder, workdir, definitions)
    if stored is None:
        names = ", ".join(json.dumps(name) for name in stage.outputs)
        call = f"store_outputs({names})"
    else:
        refs = {
            name: msgspec.structs.asdict(ref)
            for name, ref in stored.stages[stage.name].items()
        }
        result = str(_difference_path(folder, stage.name))
        call = f"compare_outputs({str(stored.store)!r}, {refs!r}, {result!r})"
    source = f'{bootstrap_source(context)}\n__import__("jupyter_pipe_kernel").{call}'
    return _cell(f"jupyter-pipe-{stage.name}", source, "outputs", [])


def _write_context(
    stage: Stage, folder: Path, workdir: Path, definitions: Definitions
) -> Path:
    context = folder / f"{stage.name}.context.json"
    context.write_bytes(
        msgspec.json.encode(
            StageContext(
                run_id="verify",
                stage=stage.name,
                attempt=1,
                store=str(folder / "artifacts"),
                result=str(_result_path(folder, stage.name)),
                workdir=str(workdir),
                outputs=stage.outputs,
                # A name that the notebook has not bound is not an error here.
                optional=stage.outputs,
                definitions=definitions,
                secrets=stage.options.secrets,
            )
        )
    )
    return context


def _result_path(folder: Path, stage: str) -> Path:
    return folder / f"{stage}.result.json"


def _difference_path(folder: Path, stage: str) -> Path:
    return folder / f"{stage}.difference.json"


def _cell(cell_id: str, source: str, role: str, tags: list[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"jupyter_pipe": {"role": role}, "tags": tags}
    return {
        "cell_type": "code",
        "id": cell_id,
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }


def _metadata(notebook: Notebook) -> dict[str, Any]:
    return {
        "kernelspec": {
            "name": notebook.kernel,
            "display_name": notebook.kernel,
            "language": "python",
        },
        "language_info": {"name": "python"},
    }
