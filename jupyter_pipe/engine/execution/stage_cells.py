"""The cells of a stage notebook: what each is for, and how it is made ready to run.

Pure: notebooks are nbformat's JSON as plain dicts. Which inputs and outputs a stage has
may have changed since the package was compiled (`input_changed`), so those cells follow
the pipeline.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_pipe.errors import ParameterError
from jupyter_pipe.model import Stage
from jupyter_pipe.notebook.parameters import parameter_names, set_parameters

__all__ = [
    "first_number",
    "is_users",
    "leading_cells",
    "number_of",
    "prepare_notebook",
    "role_of",
    "source_position",
    "text_of",
    "will_run",
]

# papermill's word, and Kale's.
_PARAMETERS = frozenset({"parameters", "pipeline-parameters"})
_KERNEL_SIDE = '__import__("jupyter_pipe_kernel")'


def prepare_notebook(
    notebook: Mapping[str, Any],
    stage: Stage,
    *,
    inputs: Sequence[str],
    literals: Mapping[str, str],
) -> dict[str, Any]:
    """A copy of the stage notebook with parameters set, and inputs and outputs as they
    are now.

    Raises ParameterError if the notebook lacks a parameter that the stage should have.
    """
    made = copy.deepcopy(dict(notebook))
    cells = [_ready(cell) for cell in made["cells"]]
    _set_parameters(cells, stage, literals)
    cells = [cell for cell in cells if role_of(cell) not in {"inputs", "outputs"}]
    first = next(
        (place for place, cell in enumerate(cells) if is_users(cell)), len(cells)
    )
    cells.insert(first, _our_cell("inputs", "load_inputs", inputs))
    cells.append(_our_cell("outputs", "store_outputs", stage.outputs))
    made["cells"] = cells
    return made


def role_of(cell: Mapping[str, Any]) -> str:
    """`replay`, `parameters`, `inputs`, `cell`, `outputs`; a notebook that is not a
    stage has only cells of the user."""
    return str(cell["metadata"].get("jupyter_pipe", {}).get("role", "cell"))


def is_users(cell: Mapping[str, Any]) -> bool:
    """Whether the user wrote the cell."""
    return role_of(cell) == "cell"


def will_run(cell: Mapping[str, Any]) -> bool:
    """Whether there is code in the cell."""
    return bool(cell["cell_type"] == "code" and text_of(cell).strip())


def text_of(cell: Mapping[str, Any]) -> str:
    """The source as one text; the file may hold it as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def number_of(cell: Mapping[str, Any], numbers: Mapping[str, int | None]) -> int | None:
    """The cell's number in the source notebook, if it is known."""
    meta = cell["metadata"].get("jupyter_pipe", {})
    return numbers.get(str(meta.get("source_cell", cell.get("id", ""))))


def first_number(
    cells: Iterable[Mapping[str, Any]], numbers: Mapping[str, int | None]
) -> int | None:
    """The number of the first of the user's cells that will run, if it is known."""
    for cell in cells:
        if is_users(cell) and will_run(cell):
            return number_of(cell, numbers)
    return None


def leading_cells(cells: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """The places of the cells that run before the inputs are loaded: `replay` and
    `parameters`. None in a notebook that loads none."""
    found: list[int] = []
    for index, cell in enumerate(cells):
        if role_of(cell) == "inputs":
            return tuple(found)
        if will_run(cell):
            found.append(index)
    return ()


def source_position(cell: Mapping[str, Any], line: int) -> tuple[str | None, int]:
    """The id of the user's cell that a line of a cell comes from, and its line
    there."""
    meta = cell["metadata"].get("jupyter_pipe", {})
    pairs = [pair for pair in meta.get("lines", ()) if pair[0] <= line]
    if pairs:
        here, there = pairs[-1]
        line = line - here + there
    return meta.get("source_cell", cell.get("id")), line


def _ready(cell: dict[str, Any]) -> dict[str, Any]:
    cell["source"] = text_of(cell)
    cell.setdefault("metadata", {})
    if role_of(cell) == "replay":
        _put_at_its_lines(cell)
    return cell


def _put_at_its_lines(cell: dict[str, Any]) -> None:
    """Have each statement of a replayed cell stand where it stands in the user's cell.

    Warnings, logs and `f_lineno` name the line of a function, and the notebook shows
    its own: `cell.py:6: UserWarning`.
    """
    meta = cell["metadata"].get("jupyter_pipe", {})
    pairs = meta.get("lines", ())
    if not pairs:
        return
    written = cell["source"].split("\n")
    ends = [here for here, _ in pairs[1:]] + [len(written) + 1]
    # IPython takes empty lines away from the beginning of a cell.
    made = ["#"] if pairs[0][1] > 1 else []
    lines = []
    for (here, there), end in zip(pairs, ends, strict=True):
        made += [""] * (there - 1 - len(made))
        lines.append([len(made) + 1, there])
        made += written[here - 1 : end - 1]
    cell["source"], meta["lines"] = "\n".join(made), lines


def _set_parameters(
    cells: Sequence[dict[str, Any]], stage: Stage, literals: Mapping[str, str]
) -> None:
    missing = {name for name in stage.own_parameters if name in literals}
    for cell in cells:
        if role_of(cell) == "parameters" or _PARAMETERS & set(
            cell["metadata"].get("tags", ())
        ):
            missing.difference_update(parameter_names(cell["source"]))
            cell["source"] = set_parameters(cell["source"], literals)
    if missing:
        names = ", ".join(sorted(missing))
        raise ParameterError(
            f"The notebook of stage {stage.name!r} has no parameter {names}.",
            code="package_stale",
            hint="Compile the notebook again: jupyter pipe compile NOTEBOOK",
        )


def _our_cell(role: str, function: str, names: Sequence[str]) -> dict[str, Any]:
    listed = ", ".join(json.dumps(name, ensure_ascii=False) for name in sorted(names))
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"pipe-{role}",
        "metadata": {
            "jupyter": {"source_hidden": True},
            "jupyter_pipe": {"role": role},
        },
        "outputs": [],
        "source": f"{_KERNEL_SIDE}.{function}({listed})",
    }
