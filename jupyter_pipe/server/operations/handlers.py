"""The routes of the Operations tab."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from jupyter_pipe.server.base import PipeHandler, allowed
from jupyter_pipe.server.operations.deciding import decide
from jupyter_pipe.server.operations.payloads import (
    AnswerRequest,
    DecisionRequest,
    LabelRequest,
    PageRequest,
)
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.server.operations.service import AnswerOrder, LabelOrder
from jupyter_pipe.server.pipelines.frames import Task
from jupyter_pipe.server.pipelines.pool import PAGES
from jupyter_pipe.server.services import Threads

__all__ = ["ROUTES"]


class OperationsHandler(PipeHandler):
    """The base of handlers of pages: put together elsewhere, however long a registry
    takes."""

    auth_resource = "pipeline_operations"
    threads: ClassVar[Threads] = "operating"

    @property
    def asked(self) -> PageRequest:
        return PageRequest(self.text("root"), self.text("notebook"))

    async def show(self, kind: str, request: msgspec.Struct) -> None:
        """Answer with what the method `kind` of `OperationsService` gives."""
        task = Task(kind, str(self.services.root.folder), msgspec.json.encode(request))
        reply = await self.work(self.services.analysis.ask, task, PAGES)
        # Raised here, so that it stands in the server's log with its place.
        if reply.defect:
            raise RuntimeError(f"a defect of jupyter_pipe, in {kind}:\n{reply.defect}")
        self.set_status(reply.status)
        self.finish(reply.body)


class WaitingHandler(OperationsHandler):
    """`GET operations/waiting`."""

    @allowed("read")
    async def get(self) -> None:
        """What waits for a person."""
        await self.show("waiting", self.asked)


class AnswerHandler(OperationsHandler):
    """`POST operations/answer`: approve or reject what a stage left."""

    @allowed("execute")
    async def post(self) -> None:
        """Write the answer down."""
        await self.show("answer", AnswerOrder(self.asked, self.body(AnswerRequest)))


class ModelsHandler(OperationsHandler):
    """`GET operations/models`."""

    @allowed("read")
    async def get(self) -> None:
        """Versions of models."""
        await self.show("models", self.asked)


class DecisionHandler(OperationsHandler):
    """`POST operations/decision`: promote a version, or roll back. It may take
    minutes."""

    threads = "deciding"

    @allowed("execute")
    async def post(self) -> None:
        """Decide."""
        request, asked = self.body(DecisionRequest), self.asked
        self.answer(
            await self.work(
                lambda: decide(Place(self.services.root, asked).store.root, request)
            )
        )


class DataHandler(OperationsHandler):
    """`GET operations/data`."""

    @allowed("read")
    async def get(self) -> None:
        """Values, profiles, contracts."""
        await self.show("data", self.asked)


class StudiesHandler(OperationsHandler):
    """`GET operations/studies`."""

    @allowed("read")
    async def get(self) -> None:
        """Sweeps and trials."""
        await self.show("studies", self.asked)


class ServiceHandler(OperationsHandler):
    """`GET operations/service`."""

    @allowed("read")
    async def get(self) -> None:
        """Services and traffic."""
        await self.show("service", self.asked)


class LoopHandler(OperationsHandler):
    """`GET operations/loop`."""

    @allowed("read")
    async def get(self) -> None:
        """The notebook's loop."""
        await self.show("loop", self.asked)


class MonitoringHandler(OperationsHandler):
    """`GET operations/monitoring`."""

    @allowed("read")
    async def get(self) -> None:
        """What services were asked."""
        await self.show("monitoring", self.asked)


class LabelsHandler(OperationsHandler):
    """`GET operations/labels`."""

    @allowed("read")
    async def get(self) -> None:
        """Rows that wait for a label."""
        await self.show("labels", self.asked)


class LabelHandler(OperationsHandler):
    """`POST operations/label`: the label of a row."""

    @allowed("execute")
    async def post(self) -> None:
        """Write the label down."""
        await self.show("label", LabelOrder(self.asked, self.body(LabelRequest)))


ROUTES = [
    ("operations/waiting", WaitingHandler),
    ("operations/answer", AnswerHandler),
    ("operations/models", ModelsHandler),
    ("operations/decision", DecisionHandler),
    ("operations/data", DataHandler),
    ("operations/studies", StudiesHandler),
    ("operations/service", ServiceHandler),
    ("operations/loop", LoopHandler),
    ("operations/monitoring", MonitoringHandler),
    ("operations/labels", LabelsHandler),
    ("operations/label", LabelHandler),
]
