"""Writes the stage notebooks: what papermill executes, and what is normative.

Pure: a stage in, the content of an nbformat 4.5 file out. The user's own cells stand in
it unchanged, with their ids; what we add around them is marked by
`metadata.jupyter_pipe.role`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_pipe.model import Cell, Notebook, Parameter, Replay, Stage

__all__ = ["stage_notebook"]

_KERNEL_SIDE = '__import__("jupyter_pipe_kernel")'

_JSON = dict[str, Any]


def stage_notebook(
    notebook: Notebook, stage: Stage, parameters: Sequence[Parameter]
) -> dict[str, Any]:
    """The notebook of `stage`: replays and parameters in notebook order, inputs, cells,
    outputs."""
    cells = {cell.id: cell for cell in notebook.code_cells}
    own = [_user_cell(cells[cell_id]) for cell_id in stage.cells]
    ours = [*_prelude(stage, parameters, cells)]
    if stage.inputs:
        # As JSON strings, which Python reads the same way: a name may hold any letter.
        names = ", ".join(
            json.dumps(item.name, ensure_ascii=False) for item in stage.inputs
        )
        ours.append(_our_cell("inputs", f"{_KERNEL_SIDE}.load_inputs({names})"))
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in stage.outputs)
    last = _our_cell("outputs", f"{_KERNEL_SIDE}.store_outputs({names})")
    spec = {
        "display_name": notebook.kernel,
        "language": notebook.language,
        "name": notebook.kernel,
    }
    return {
        "cells": _with_ids([*ours, *own, last]),
        "metadata": {
            "jupyter_pipe": {"stage": stage.name},
            "kernelspec": spec,
            "language_info": {"name": notebook.language},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _prelude(
    stage: Stage, parameters: Sequence[Parameter], cells: Mapping[str, Cell]
) -> list[_JSON]:
    """Replays and parameters, a cell for each cell that they come from, in notebook
    order.

    A default argument may read a parameter, and a parameter may rebind an imported
    name.
    """
    replays: dict[str, list[Replay]] = {}
    # Replays that only unpickling needs are in the definitions of the payload.
    for replay in stage.replays:
        if replay.needed:
            replays.setdefault(replay.cell_id, []).append(replay)
    literals: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        if (
            parameter.name in stage.own_parameters
            # A parameter cell of the stage itself stands among its own cells, where
            # papermill finds it.
            and parameter.cell_id not in stage.cells
        ):
            literals.setdefault(parameter.cell_id, []).append(parameter)
    made = []
    for cell_id in sorted(
        {*replays, *literals}, key=lambda cell_id: cells[cell_id].index
    ):
        if cell_id in literals:
            # The order within a cell is lost: a parameter comes before what replays of
            # that cell read.
            made.append(_parameters_cell(cell_id, literals[cell_id]))
        if cell_id in replays:
            made.append(_replay_cell(cell_id, replays[cell_id]))
    return made


def _replay_cell(cell_id: str, replays: Iterable[Replay]) -> _JSON:
    """`lines` pairs the first line of each definition here with its line in the source
    cell."""
    source, lines, line = [], [], 1
    for replay in replays:
        source.append(replay.source)
        lines.append([line, replay.line])
        line += replay.source.count("\n") + 1
    return _our_cell("replay", "\n".join(source), source_cell=cell_id, lines=lines)


def _parameters_cell(cell_id: str, parameters: Iterable[Parameter]) -> _JSON:
    source = "\n".join(
        f"{parameter.name} = {parameter.literal}" for parameter in parameters
    )
    cell = _our_cell("parameters", source, source_cell=cell_id)
    # papermill injects its own cell behind the first that has this tag.
    cell["metadata"]["tags"] = ["parameters"]
    return cell


def _user_cell(cell: Cell) -> _JSON:
    made = _cell(
        cell.source, {"jupyter_pipe": {"role": "cell", "source_cell": cell.id}}
    )
    made["id"] = cell.id
    if cell.tags:
        made["metadata"]["tags"] = list(cell.tags)
    return made


def _our_cell(role: str, source: str, **more: Any) -> _JSON:
    # Hidden in JupyterLab: people come to see their own cells.
    return _cell(
        source,
        {"jupyter": {"source_hidden": True}, "jupyter_pipe": {"role": role, **more}},
    )


def _cell(source: str, metadata: _JSON) -> _JSON:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "",
        "metadata": metadata,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _with_ids(cells: list[_JSON]) -> list[_JSON]:
    """Give our cells ids that follow from role and place, and that no cell of the user
    has."""
    taken = {cell["id"] for cell in cells}
    counts: dict[str, int] = {}
    for cell in cells:
        role = cell["metadata"]["jupyter_pipe"]["role"]
        # nbformat 4.5 requires ids that are unique in the notebook; a user's cell may
        # have one like ours.
        while not cell["id"]:
            counts[role] = counts.get(role, 0) + 1
            made = f"pipe-{role}-{counts[role]}"
            cell["id"] = "" if made in taken else made
    return cells
