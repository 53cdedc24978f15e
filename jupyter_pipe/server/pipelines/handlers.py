"""The routes of pipelines."""

from __future__ import annotations

from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.pipelines.frames import Task

__all__ = ["ROUTES"]


class AnalysingHandler(PipeHandler):
    """The base of handlers that analyse a notebook: elsewhere, whatever it holds."""

    threads = "analysing"

    async def analyse(self, kind: str) -> None:
        """Answer with what the method `kind` of `PipelineService` gives for the
        request's body."""
        task = Task(kind, str(self.services.root.folder), self.request.body)
        reply = await self.work(self.services.analysis.ask, task)
        if reply.defect:
            raise RuntimeError(f"a defect of jupyter_pipe, in {kind}:\n{reply.defect}")
        self.set_status(reply.status)
        self.finish(reply.body)


class CheckHandler(AnalysingHandler):
    """`POST check`: diagnostics of a notebook, saved or not. Writes nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Check."""
        await self.analyse("check")


class CompileHandler(AnalysingHandler):
    """`POST compile`: writes the package."""

    @allowed("write")
    async def post(self) -> None:
        """Compile."""
        await self.analyse("compile")


class GraphHandler(AnalysingHandler):
    """`POST graph`: the picture of several notebooks that are one pipeline. Writes
    nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Draw."""
        await self.analyse("graph")


class PlanHandler(AnalysingHandler):
    """`POST plan`: what would run and why. Runs nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Plan."""
        await self.analyse("plan")


class SuggestHandler(AnalysingHandler):
    """`POST suggest`: stages for a notebook, saved or not. Writes nothing."""

    @allowed("read")
    async def post(self) -> None:
        """Suggest."""
        await self.analyse("suggest")


ROUTES = [
    ("check", CheckHandler),
    ("compile", CompileHandler),
    ("graph", GraphHandler),
    ("plan", PlanHandler),
    ("suggest", SuggestHandler),
]
