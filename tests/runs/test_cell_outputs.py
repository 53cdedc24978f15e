"""What is read of executed notebooks for reports, logs and cards."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_pipe.runs.report.cell_outputs import printed_text, read_executed


def test_the_traceback_of_a_recursion_has_each_frame_once(tmp_path: Path) -> None:
    """A kernel writes a thousand of them, which flooded the report, the log and the
    card."""
    lines = ["Traceback", *["in deep"] * 900, "RecursionError"]
    error = {
        "output_type": "error",
        "ename": "RecursionError",
        "evalue": "",
        "traceback": lines,
    }
    cell = {
        "cell_type": "code",
        "id": "a",
        "source": "deep()",
        "metadata": {},
        "outputs": [error],
    }
    path = tmp_path / "executed.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    (read,) = read_executed(path)
    assert read.outputs[0]["traceback"] == [
        "Traceback",
        "in deep",
        "… 899 more",
        "RecursionError",
    ]
    assert printed_text(path).count("in deep") == 1
