"""The executed notebook on disk follows the kernel, also when it falls silent after a
word."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook, new_output

from jupyter_pipe.engine.execution.notebook_saving import ExecutedNotebook


def printed(path: Path) -> list[str]:
    return [
        output["text"]
        for cell in json.loads(path.read_text())["cells"]
        for output in cell["outputs"]
    ]


def test_the_last_word_before_a_silence_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "executed.ipynb"
    notebook = new_notebook(cells=[new_code_cell("work()")])
    executed = ExecutedNotebook(notebook, str(path))

    async def kernel() -> None:
        executed.autosave_cell()
        # Two messages right after a save, and then nothing any more.
        executed._due = time.monotonic() + 0.05
        for word in ("epoch 1\n", "epoch 2\n"):
            notebook.cells[0].outputs.append(new_output("stream", text=word))
            executed.autosave_cell()
        assert printed(path) == []  # not each message costs a save
        while printed(path) != ["epoch 1\n", "epoch 2\n"]:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(kernel(), 60))


def test_what_is_saved_at_the_end_is_not_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "executed.ipynb"
    executed = ExecutedNotebook(new_notebook(), str(path))

    async def kernel() -> None:
        executed._due = time.monotonic() + 60
        executed.autosave_cell()
        assert executed._made_up is not None
        executed.save_now()
        assert executed._made_up is None

    asyncio.run(kernel())
    executed.autosave_cell()  # outside of a loop nothing is planned
    assert executed._made_up is None
