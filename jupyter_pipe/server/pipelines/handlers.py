"""The routes of pipelines."""

from __future__ import annotations

from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.payloads import CheckRequest, CompileRequest, PlanRequest, SuggestRequest

__all__ = ["ROUTES"]


class CheckHandler(PipeHandler):
    """`POST check`: diagnostics of a notebook, saved or not. Writes nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Check."""
        self.answer(await self.work(self.services.pipelines.check, self.body(CheckRequest)))


class CompileHandler(PipeHandler):
    """`POST compile`: writes the package."""

    @allowed("write")
    async def post(self) -> None:
        """Compile."""
        self.answer(await self.work(self.services.pipelines.compile, self.body(CompileRequest)))


class PlanHandler(PipeHandler):
    """`POST plan`: what would run and why. Runs nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Plan."""
        self.answer(await self.work(self.services.pipelines.plan, self.body(PlanRequest)))


class SuggestHandler(PipeHandler):
    """`POST suggest`: stages for a notebook, saved or not. Writes nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Suggest."""
        self.answer(await self.work(self.services.pipelines.suggest, self.body(SuggestRequest)))


ROUTES = [
    ("check", CheckHandler),
    ("compile", CompileHandler),
    ("plan", PlanHandler),
    ("suggest", SuggestHandler),
]
