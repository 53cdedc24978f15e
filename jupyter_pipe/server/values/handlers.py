"""The routes of values."""

from __future__ import annotations

from typing import ClassVar

from jupyter_pipe.server.base import allowed
from jupyter_pipe.server.runs.handlers import RunHandler
from jupyter_pipe.server.runs.service import RUN_ID, STAGE
from jupyter_pipe.server.services import Threads
from jupyter_pipe.server.values.payloads import PreviewRequest

__all__ = ["ROUTES"]


class ValuesHandler(RunHandler):
    """`GET runs/ID/stages/STAGE/values`: what is known of them without loading any."""

    @allowed("read")
    async def get(self, run_id: str, stage: str) -> None:
        """Say what is known."""
        self.answer(
            await self.work(self.services.values.known, self.root, run_id, stage)
        )


class PreviewHandler(RunHandler):
    """`POST runs/ID/stages/STAGE/preview`: loads a value, which runs the code of its
    classes."""

    threads: ClassVar[Threads] = "previewing"

    @allowed("execute")
    async def post(self, run_id: str, stage: str) -> None:
        """Load and describe."""
        name = self.body(PreviewRequest).name
        self.answer(
            await self.work(self.services.values.load, self.root, run_id, stage, name)
        )


ROUTES = [
    (f"runs/({RUN_ID})/stages/({STAGE})/values", ValuesHandler),
    (f"runs/({RUN_ID})/stages/({STAGE})/preview", PreviewHandler),
]
