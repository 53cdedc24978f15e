"""The routes of pipelines."""

from __future__ import annotations

from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.payloads import CheckRequest, CompileRequest, PlanRequest, SuggestRequest

__all__ = ["ROUTES"]


class AnalysingHandler(PipeHandler):
    """The base of handlers that compile."""

    threads = "analysing"


class CheckHandler(AnalysingHandler):
    """`POST check`: diagnostics of a notebook, saved or not. Writes nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Check."""
        self.answer(await self.work(self.services.pipelines.check, self.body(CheckRequest)))


class CompileHandler(AnalysingHandler):
    """`POST compile`: writes the package."""

    @allowed("write")
    async def post(self) -> None:
        """Compile."""
        self.answer(await self.work(self.services.pipelines.compile, self.body(CompileRequest)))


class PlanHandler(AnalysingHandler):
    """`POST plan`: what would run and why. Runs nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Plan."""
        self.answer(await self.work(self.services.pipelines.plan, self.body(PlanRequest)))


class SuggestHandler(AnalysingHandler):
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
