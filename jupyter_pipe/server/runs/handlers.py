"""The routes of runs."""

from __future__ import annotations

from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.payloads import (
    DebugRequest,
    NoteRequest,
    StartRequest,
    SubmitRequest,
)
from jupyter_pipe.server.runs.service import RUN_ID, STAGE

__all__ = ["ROUTES"]

# The report is a document of its own: no script, no network, whatever a notebook's
# output holds.
_REPORT_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"


class RunHandler(PipeHandler):
    """The base of handlers about runs; `root` is the folder that holds them."""

    auth_resource = "pipeline_runs"

    @property
    def root(self) -> str:
        return self.text("root")


class RunsHandler(RunHandler):
    """`GET runs` lists, `POST runs` starts."""

    @allowed("read")
    async def get(self) -> None:
        """List."""
        self.answer(
            await self.work(self.services.runs.list, self.root, self.text("notebook"))
        )

    @allowed("execute")
    async def post(self) -> None:
        """Start."""
        self.answer(
            await self.start(self.services.runs.start, self.body(StartRequest)), 202
        )


class EnginesHandler(RunHandler):
    """`GET engines?notebook=PATH` lists, `POST engines` has one run a notebook."""

    @allowed("read")
    async def get(self) -> None:
        """List."""
        self.answer(await self.work(self.services.runs.engines, self.text("notebook")))

    @allowed("execute")
    async def post(self) -> None:
        """Submit."""
        self.answer(
            await self.start(self.services.runs.submit, self.body(SubmitRequest)), 202
        )


class OneRunHandler(RunHandler):
    """`GET` reads a run, `DELETE` removes it."""

    @allowed("read")
    async def get(self, run_id: str) -> None:
        """Read."""
        self.answer(await self.work(self.services.runs.read, self.root, run_id))

    @allowed("write")
    async def delete(self, run_id: str) -> None:
        """Remove."""
        await self.work(self.services.runs.delete, self.root, run_id)
        self.set_status(204)
        self.finish()


class NoteHandler(RunHandler):
    """`PUT runs/ID/note`: what people write on a run."""

    @allowed("write")
    async def put(self, run_id: str) -> None:
        """Write it; answers the run as its list shows it."""
        request = self.body(NoteRequest)
        self.answer(
            await self.work(self.services.runs.annotate, self.root, run_id, request)
        )


class CancelHandler(RunHandler):
    """`POST runs/ID/cancel`."""

    @allowed("execute")
    async def post(self, run_id: str) -> None:
        """Cancel. 202 if the run will end, 200 if it has ended already."""
        run = await self.work(self.services.runs.cancel, self.root, run_id)
        self.answer(run, 200 if run.is_final else 202)


class ResumeHandler(RunHandler):
    """`POST runs/ID/resume`."""

    @allowed("execute")
    async def post(self, run_id: str) -> None:
        """Resume."""
        self.answer(await self.start(self.services.runs.resume, self.root, run_id), 202)


class DebugHandler(RunHandler):
    """`POST runs/ID/debug`: a notebook to try a stage out."""

    @allowed("write")
    async def post(self, run_id: str) -> None:
        """Write the notebook."""
        request = self.body(DebugRequest)
        self.answer(
            await self.work(self.services.runs.debug, self.root, run_id, request)
        )


class EventsHandler(RunHandler):
    """`GET runs/ID/events?since=SEQ`."""

    @allowed("read")
    async def get(self, run_id: str) -> None:
        """Read what happened."""
        since = self.number("since")
        self.answer(
            await self.work(self.services.runs.events, self.root, run_id, since)
        )


class LogHandler(RunHandler):
    """`GET runs/ID/log?offset=BYTES&stage=NAME`."""

    @allowed("read")
    async def get(self, run_id: str) -> None:
        """Read a part of the log."""
        where = (self.root, run_id, self.text("stage"), self.number("offset"))
        self.answer(await self.work(self.services.runs.log, *where))


class ReportHandler(RunHandler):
    """`GET runs/ID/report`: HTML."""

    @allowed("read")
    async def get(self, run_id: str) -> None:
        """Read the report."""
        html = await self.work(self.services.runs.report, self.root, run_id)
        self.set_header("Content-Security-Policy", _REPORT_POLICY)
        self.finish(html, set_content_type="text/html; charset=UTF-8")


class ExecutedHandler(RunHandler):
    """`GET runs/ID/stages/STAGE/notebook`: the executed notebook."""

    @allowed("read")
    async def get(self, run_id: str, stage: str) -> None:
        """Read the executed notebook."""
        self.finish(
            await self.work(self.services.runs.executed, self.root, run_id, stage)
        )


class OutputsHandler(RunHandler):
    """`GET runs/ID/stages/STAGE/outputs`: outputs by source cell."""

    @allowed("read")
    async def get(self, run_id: str, stage: str) -> None:
        """Read the outputs."""
        self.answer(
            await self.work(self.services.runs.outputs, self.root, run_id, stage)
        )


_RUN = f"runs/({RUN_ID})"
ROUTES = [
    ("runs", RunsHandler),
    ("engines", EnginesHandler),
    (_RUN, OneRunHandler),
    (f"{_RUN}/note", NoteHandler),
    (f"{_RUN}/cancel", CancelHandler),
    (f"{_RUN}/resume", ResumeHandler),
    (f"{_RUN}/debug", DebugHandler),
    (f"{_RUN}/events", EventsHandler),
    (f"{_RUN}/log", LogHandler),
    (f"{_RUN}/report", ReportHandler),
    (f"{_RUN}/stages/({STAGE})/notebook", ExecutedHandler),
    (f"{_RUN}/stages/({STAGE})/outputs", OutputsHandler),
]
