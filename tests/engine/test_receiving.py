"""Outputs that arrive in very many pieces: taken one by one as nbclient would show
them, all of them, and with an end even if the kernel never tells it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papermill.clientwrap import PapermillNotebookClient

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.engine.execution import output_receiving
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.notebook_saving import ExecutedNotebook
from jupyter_pipe.engine.execution.output_joining import StreamJoiner
from jupyter_pipe.engine.execution.output_receiving import ReceivingClient
from tests.engine.conftest import Runs
from tests.engine.packages import Package

PARENT = "the-cell"

pieces = st.builds(
    lambda name, text: ("stream", {"name": name, "text": text}),
    st.sampled_from(["stdout", "stderr"]),
    st.sampled_from(["a", "b\n", "\r", "", "long text\n"]),
)
shown = st.builds(
    lambda kind, text, name: (
        kind,
        {
            "data": {"text/plain": text},
            "metadata": {},
            "transient": {"display_id": name},
        },
    ),
    st.sampled_from(["display_data", "update_display_data"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["1", "2"]),
)
cleared = st.builds(lambda wait: ("clear_output", {"wait": wait}), st.booleans())


def executed() -> ExecutedNotebook:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    notebook.cells[0].metadata["papermill"] = {}
    return ExecutedNotebook(notebook, None)


def message(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    header = {"msg_type": kind, "msg_id": "m"}
    return {
        "msg_type": kind,
        "header": header,
        "parent_header": {"msg_id": PARENT},
        "content": copy.deepcopy(content),
    }


def as_nbclient(messages: Sequence[tuple[str, dict[str, Any]]]) -> list[Any]:
    client = PapermillNotebookClient(executed(), kernel_name="python3")
    client.clear_before_next_output = False  # as when a cell begins
    outputs: list[Any] = client.nb.cells[0].outputs
    for each in messages:
        client.process_message(message(*each), client.nb.cells[0], 0)
    joiner, joined = StreamJoiner(), []
    for output in outputs:
        joiner.append(joined, output)
    joiner.settle()
    return joined


def as_ours(messages: Sequence[tuple[str, dict[str, Any]]]) -> list[Any]:
    client = ReceivingClient(executed(), "python3", Masker())
    client.clear_before_next_output = False
    cell = client.nb.cells[0]
    for each in messages:
        client.process_message(message(*each), cell, 0)
    client._joiner.settle()
    return list(cell.outputs)


@given(st.lists(st.one_of(pieces, pieces, shown, cleared), max_size=12))
def test_pieces_are_shown_as_nbclient_shows_them(
    messages: list[tuple[str, dict[str, Any]]],
) -> None:
    assert as_ours(messages) == as_nbclient(messages)


class Silent:
    """A kernel that replies and then says `count` things, none of which is that it is
    idle."""

    def __init__(self) -> None:
        self.shell_channel = self

    async def get_msg(self, timeout: float | None) -> dict[str, Any]:
        return {"parent_header": {"msg_id": PARENT}, "content": {"status": "ok"}}


def test_a_kernel_that_falls_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_receiving, "SECONDS_OF_SILENCE", 0.01)

    async def wait() -> None:
        client = ReceivingClient(executed(), "python3", Masker())
        client.kc = Silent()
        never, alive = (
            asyncio.ensure_future(asyncio.sleep(600)),
            asyncio.ensure_future(asyncio.sleep(600)),
        )
        try:
            await client._async_poll_for_reply(
                PARENT, client.nb.cells[0], None, never, alive
            )
        finally:
            alive.cancel()

    with pytest.raises(StageFailure, match="outputs are complete"):
        asyncio.run(wait())


def test_outputs_are_waited_for_as_long_as_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_receiving, "SECONDS_OF_SILENCE", 0.001)

    async def wait() -> Any:
        client = ReceivingClient(executed(), "python3", Masker())
        client.kc = Silent()

        async def come() -> None:
            for _ in range(50):
                client._received += 1
                await asyncio.sleep(0)

        alive = asyncio.ensure_future(asyncio.sleep(600))
        coming = asyncio.ensure_future(come())
        return await client._async_poll_for_reply(
            PARENT, client.nb.cells[0], None, coming, alive
        )

    assert asyncio.run(wait())["content"] == {"status": "ok"}


@pytest.mark.kernel
def test_every_one_of_very_many_pieces_arrives(ran: Runs) -> None:
    """More than the queues between the two processes hold, on both streams."""
    code = "import sys\nfor n in range(6000):\n    print(n, flush=True, file=sys.stderr if n > 3000 else None)"
    (cell,) = ran(Package().stage("a", code)).executed("a")
    assert "".join(output["text"] for output in cell["outputs"]).split() == [
        str(n) for n in range(6000)
    ]
    assert [output["name"] for output in cell["outputs"]] == ["stdout", "stderr"]
