"""How replies and outputs of a cell arrive: nbclient's protocol, for kernels that say
very much.

nbclient validates every piece of a stream against the schema of notebooks, and gives up
30 seconds after a cell has ended if its outputs have not all been taken by then. A cell
that flushes with every line sends them a thousand times as fast as that goes. Here
pieces are taken as they come, and only silence counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from papermill.clientwrap import PapermillNotebookClient

from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.engine.execution.failures import StageFailure
from jupyter_pipe.engine.execution.notebook_saving import ExecutedNotebook
from jupyter_pipe.engine.execution.output_joining import StreamJoiner
from jupyter_pipe.engine.kernels.lifecycle import StageKernel
from jupyter_pipe.events import FailureKind
from jupyter_pipe.runs.model import Failure

__all__ = ["ReceivingClient"]

SECONDS_OF_SILENCE = 30.0
# Messages after which others of this loop, such as a deadline, have their turn.
_AT_ONCE = 50
_STREAMS = frozenset({"stdout", "stderr"})
_LOST = (
    "The cell has ended, but its kernel did not say that its outputs are complete: some may be missing in "
    "the executed notebook."
)

_log = logging.getLogger("jupyter_pipe.engine")
_log.addHandler(logging.NullHandler())


class ReceivingClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no annotations
    """What nbclient asks of its subclasses, and of itself: names that begin with
    `_async` are its own."""

    def __init__(
        self, executed: ExecutedNotebook, kernel_name: str, masker: Masker
    ) -> None:
        super().__init__(executed, kernel_name=kernel_name, log=_log, timeout=None)
        self._masker = masker
        self._joiner = StreamJoiner(masker)
        self._kernel: StageKernel | None = None
        self._reply: dict[str, Any] = {}
        self._received = 0

    async def _async_poll_kernel_alive(self) -> None:
        """nbclient looks once a second; the kernel's end is an event here."""
        assert self._kernel is not None
        await asyncio.shield(self._kernel.exited)
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()

    async def _async_poll_for_reply(
        self,
        msg_id: str,
        cell: Any,
        timeout: int | None,
        task_poll_output_msg: asyncio.Future[Any],
        task_poll_kernel_alive: asyncio.Future[Any],
    ) -> dict[str, Any]:
        """The reply, after all outputs. Raises StageFailure if they stop coming; limits
        of time are ours."""
        reply: dict[str, Any] = {}
        while reply.get("parent_header", {}).get("msg_id") != msg_id:
            reply = await self.kc.shell_channel.get_msg(timeout=None)
        while not task_poll_output_msg.done():
            before = self._received
            await asyncio.wait({task_poll_output_msg}, timeout=SECONDS_OF_SILENCE)
            if not task_poll_output_msg.done() and self._received == before:
                task_poll_output_msg.cancel()
                raise StageFailure(
                    Failure("OutputsLost", _LOST, kind=FailureKind.worker)
                )
        task_poll_kernel_alive.cancel()
        task_poll_output_msg.result()
        return reply

    async def _async_poll_output_msg(
        self, parent_msg_id: str, cell: Any, cell_index: int
    ) -> None:
        """Take what the kernel shows, until it says that this was all."""
        channel = self.kc.iopub_channel
        while True:
            # nbclient first asks whether there is something: half of the time that a
            # message takes.
            _, parts = channel.session.feed_identities(
                await channel.socket.recv_multipart()
            )
            message = channel.session.deserialize(parts)
            self._received += 1
            if self._received % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if message["parent_header"].get("msg_id") != parent_msg_id:
                continue
            if _is_idle(message):
                return
            self.process_message(message, cell, cell_index)

    async def _check_raise_for_error(
        self, cell: Any, cell_index: int, exec_reply: Any
    ) -> None:
        self._reply = (exec_reply or {}).get("content", {})
        await super()._check_raise_for_error(cell, cell_index, exec_reply)

    def process_message(self, msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As papermill's, with secrets hidden in all that the kernel shows. Streams are
        masked when they are joined; those that a widget takes come whole."""
        if self._masker and (self._is_taken(msg) or msg["msg_type"] != "stream"):
            msg = {**msg, "content": _masked_content(self._masker, msg["content"])}
        return super().process_message(msg, *args, **kwargs)

    def output(
        self, outs: list[Any], msg: Any, display_id: str | None, cell_index: int
    ) -> Any:
        """Appended by nbclient, then joined with what came before; pieces of streams
        only joined."""
        if self._is_plain_piece(msg):
            self._joiner.append_text(
                outs, msg["content"]["name"], msg["content"]["text"]
            )
            return None
        made = super().output(outs, msg, display_id, cell_index)
        # Where everything before was cleared, the list may be no longer than it was.
        if made is not None and outs and outs[-1] is made:
            self._joiner.append(outs, outs.pop())
        return made

    def _is_plain_piece(self, msg: Mapping[str, Any]) -> bool:
        """A piece of a stream that goes into the cell, and after which nothing is
        cleared."""
        if (
            msg["msg_type"] != "stream"
            or self.clear_before_next_output
            or self._is_taken(msg)
        ):
            return False
        content = msg["content"]
        return content.get("name") in _STREAMS and isinstance(content.get("text"), str)

    def _is_taken(self, msg: Mapping[str, Any]) -> bool:
        """Whether a widget takes what this message shows."""
        return bool(self.output_hook_stack[msg["parent_header"].get("msg_id")])


def _is_idle(message: Mapping[str, Any]) -> bool:
    return bool(
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
    )


def _masked_content(masker: Masker, content: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"execution_count", "execution_state", "comm_id", "name", "output_type"}
    return {
        key: item if key in kept else masker.value(item)
        for key, item in content.items()
    }
