"""The notebooks that the benchmarks run: the examples, and stages that do next to
nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ONE = "len(pd.Series([1]))"  # so that every stage needs pandas
EXAMPLES = Path(__file__).parent.parent / "example_notebooks"


def chain(stages: int) -> list[dict[str, Any]]:
    """Each stage adds one to what the stage before it left."""
    first = code("start", f"x0 = {ONE}", "stage:s0")
    return [
        code("imports", "import pandas as pd"),
        first,
        *(
            code(f"cell-{n}", f"x{n} = x{n - 1} + {ONE}", f"stage:s{n}")
            for n in range(1, stages)
        ),
    ]


def fan_out(width: int) -> list[dict[str, Any]]:
    """One stage, `width` that only need it, and one that needs them all."""
    first = code("start", f"x = {ONE}", "stage:start")
    middle = [
        code(f"cell-{n}", f"y{n} = x + {ONE}", f"stage:s{n}") for n in range(width)
    ]
    names = ", ".join(f"y{n}" for n in range(width))
    return [
        code("imports", "import pandas as pd"),
        first,
        *middle,
        code("end", f"total = sum([{names}]) + {ONE}", "stage:end"),
    ]


def wide(stages: int, cells: int) -> list[dict[str, Any]]:
    """`cells` cells of ordinary analysis code in `stages` stages that hand frames
    on."""
    made = [
        code(
            "start",
            "import numpy as np\nimport pandas as pd\n\nframe_0 = pd.DataFrame({'a': [1.0, 2.0]})",
        )
    ]
    each = (cells - 1) // stages
    for stage in range(stages):
        source, new = f"frame_{stage}", f"frame_{stage + 1}"
        made.append(
            code(f"open-{stage}", f"{new} = {source}.copy()", f"stage:s{stage}")
        )
        made += [code(f"cell-{stage}-{n}", _analysis(new, n)) for n in range(each - 1)]
    return made


def code(cell_id: str, source: str, *tags: str) -> dict[str, Any]:
    """A code cell as nbformat 4.5 has it."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": source,
    }


def write_notebook(cells: Sequence[dict[str, Any]], path: Path) -> Path:
    """`path`, once it holds a notebook of `cells` for the python3 kernel."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": list(cells),
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
    return path


def _analysis(frame: str, number: int) -> str:
    kinds = (
        f"{frame}['c{number}'] = {frame}['a'] * {number}\n{frame}.head()",
        f"total_{number} = {frame}['a'].sum()\nprint(f'{{total_{number}:.2f}}')",
        f"def scale_{number}(values, by={number}):\n    return [value * by for value in values]\n\n"
        f"scaled_{number} = scale_{number}({frame}['a'])",
        f"for name in {frame}.columns:\n    if {frame}[name].isna().any():\n"
        f"        {frame}[name] = {frame}[name].fillna(0)",
        f"limits_{number} = np.quantile({frame}['a'], [0.1, 0.9])\n"
        f"inside_{number} = {frame}[{frame}['a'].between(*limits_{number})]",
    )
    return kinds[number % len(kinds)]
