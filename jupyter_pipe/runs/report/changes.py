"""What differs between the notebooks that two runs executed for a stage, as nbdime
tells it.

Only the user's own cells count: their code, and what they showed. Secrets are hidden in
the files already. nbdime comes with the extra `jupyter_pipe[nbdime]`. Starts no
program: neither git nor diff.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from jupyter_pipe.errors import ExtraMissingError
from jupyter_pipe.render.terminal_text import safe_for_terminal
from jupyter_pipe.runs.report.cell_outputs import ExecutedCell, read_executed

__all__ = ["notebook_changes"]

# nbdime compares texts line by line, which takes minutes for long ones.
_LONGEST_TEXT = 50_000
_FIELDS = {
    "stream": ("name", "text"),
    "error": ("ename", "evalue"),
    "execute_result": ("data",),
    "display_data": ("data",),
}

# A list is in no dictionary: it cannot be looked up.
_KINDS = tuple(_FIELDS)


def notebook_changes(before: Path, after: Path) -> str:
    """Lines for people, without colours and codes of terminals; empty where nothing
    differs.

    A notebook that is not there, or is damaged, has no cells. Raises ExtraMissingError.
    """
    try:
        from nbdime.diffing.notebooks import diff_notebooks
        from nbdime.prettyprint import PrettyPrintConfig, pretty_print_diff
        from nbformat import from_dict
    except ImportError:
        raise ExtraMissingError("Comparing executed notebooks", "nbdime") from None
    base, other = (
        from_dict(_notebook(read_executed(path))) for path in (before, after)
    )
    found = diff_notebooks(base, other)
    if not found:
        return ""
    said = io.StringIO()
    config = PrettyPrintConfig(out=said, use_git=False, use_diff=False, use_color=False)
    pretty_print_diff(base, found, "", config)
    return safe_for_terminal(said.getvalue(), colour=False).strip("\n")


def _notebook(cells: tuple[ExecutedCell, ...]) -> dict[str, Any]:
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "metadata": {},
            "source": cell.source,
            "outputs": [
                _output(each)
                for each in cell.outputs
                if each.get("output_type") in _KINDS
            ],
            # It counts what ran in the kernel, and differs without any change.
            "execution_count": None,
        }
        for cell in cells
    ]
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": made,
    }


def _output(output: dict[str, Any]) -> dict[str, Any]:
    """What an output shows. Counts of executions and tracebacks differ where nothing
    else does."""
    kind = str(output["output_type"])
    kept = {name: _cut(output.get(name, "")) for name in _FIELDS[kind]}
    if "data" in kept and not isinstance(kept["data"], dict):
        kept["data"] = {}
    return {"output_type": kind, "metadata": {}, **kept}


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _cut(part) for key, part in value.items()}
    if isinstance(value, list):
        value = "".join(map(str, value))
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
