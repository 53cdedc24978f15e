"""The notebook run whole, top to bottom in one kernel: what a pipeline is measured against.

Needs nothing of the compiler. Where asked to, it stores the values that hold at the end of a
stage's last cell, so that they can be compared by content with what the pipeline stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.protocol import StageContext, StageResult
from jupyter_pipe.engine.worker import Execution, execute
from jupyter_pipe.model import Cell, Notebook, Pipeline, ReplayKind, Stage
from jupyter_pipe.verify.outputs import Outputs, cell_outputs

__all__ = ["WholeRun", "run_whole"]


class WholeRun(msgspec.Struct, frozen=True):
    """`outputs` by cell id; `digests` by stage and variable, where the stage's cells are adjacent."""

    outputs: dict[str, Outputs]
    digests: dict[str, dict[str, str]]


def run_whole(
    notebook: Notebook,
    pipeline: Pipeline,
    *,
    folder: Path,
    workdir: Path,
    hash_seed: int,
    environment: Mapping[str, str],
) -> WholeRun:
    """Run every code cell but those tagged `skip`, in order. Raises StageFailure where the notebook
    itself fails, and KernelError."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [cell for cell in notebook.code_cells if cell.source.strip() and "skip" not in cell.tags]
    closing = _closing_stages(pipeline, [cell.id for cell in cells])
    # The engine sets execution counts through the kernel side, so that must be there from the start.
    beginning = _write_context(Stage("notebook", (), "", ""), folder, workdir)
    made: list[dict[str, Any]] = []
    for cell in cells:
        made.append(_user_cell(cell))
        made += [_boundary_cell(stage, folder, workdir) for stage in closing.get(cell.id, ())]
    executed = folder / "executed.ipynb"
    execute(
        {"cells": made, "metadata": _metadata(notebook), "nbformat": 4, "nbformat_minor": 5},
        notebook.kernel,
        Execution(
            stage="notebook",
            folder=workdir,
            scratch=folder,
            executed=executed,
            prelude=(bootstrap_source(beginning),),
            numbers={cell.id: cell.number for cell in cells},
            environment={**environment, "PYTHONHASHSEED": str(hash_seed)},
        ),
    )
    digests = {stage.name: _read_digests(folder, stage) for stages in closing.values() for stage in stages}
    return WholeRun(cell_outputs(json.loads(executed.read_bytes())), digests)


def _closing_stages(pipeline: Pipeline, order: Sequence[str]) -> dict[str, list[Stage]]:
    """Last cell -> stages whose cells are neighbours in the notebook and end there."""
    place = {cell_id: position for position, cell_id in enumerate(order)}
    closing: dict[str, list[Stage]] = {}
    for stage in pipeline.stages:
        places = sorted(place[cell_id] for cell_id in stage.cells if cell_id in place)
        if places and stage.outputs and places == list(range(places[0], places[-1] + 1)):
            closing.setdefault(order[places[-1]], []).append(stage)
    return closing


def _user_cell(cell: Cell) -> dict[str, Any]:
    return _cell(cell.id, cell.source, "cell", list(cell.tags))


def _boundary_cell(stage: Stage, folder: Path, workdir: Path) -> dict[str, Any]:
    context = _write_context(stage, folder, workdir)
    names = ", ".join(json.dumps(name) for name in stage.outputs)
    source = f'{bootstrap_source(context)}\n__import__("jupyter_pipe_kernel").store_outputs({names})'
    return _cell(f"jupyter-pipe-{stage.name}", source, "outputs", [])


def _write_context(stage: Stage, folder: Path, workdir: Path) -> Path:
    context = folder / f"{stage.name}.context.json"
    definitions = {
        name: {"source": replay.source, "digest": replay.digest, "cell_id": replay.cell_id}
        for replay in stage.replays
        if replay.kind in {ReplayKind.function, ReplayKind.class_}
        for name in replay.names
    }
    context.write_bytes(
        msgspec.json.encode(
            StageContext(
                run_id="verify",
                stage=stage.name,
                attempt=1,
                store=str(folder / "artifacts"),
                result=str(_result_path(folder, stage)),
                workdir=str(workdir),
                outputs=stage.outputs,
                optional=stage.outputs,
                definitions=definitions,
            )
        )
    )
    return context


def _read_digests(folder: Path, stage: Stage) -> dict[str, str]:
    try:
        result = msgspec.json.decode(_result_path(folder, stage).read_bytes(), type=StageResult)
    except (OSError, msgspec.MsgspecError):
        return {}
    return {name: payload.ref.digest for payload in result.outputs for name in payload.names}


def _result_path(folder: Path, stage: Stage) -> Path:
    return folder / f"{stage.name}.result.json"


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
        "kernelspec": {"name": notebook.kernel, "display_name": notebook.kernel, "language": "python"},
        "language_info": {"name": "python"},
    }
