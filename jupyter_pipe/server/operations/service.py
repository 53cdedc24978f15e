"""What the server does for the Operations tab: one method a page. Blocks; knows nothing
of HTTP."""

from __future__ import annotations

from msgspec import Struct

from jupyter_pipe.server.operations.payloads import (
    AnswerRequest,
    DataPage,
    LabelRequest,
    LabelsPage,
    LoopPage,
    ModelsPage,
    MonitoringPage,
    PageRequest,
    ServicePage,
    StudiesPage,
    WaitingPage,
)
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.server.paths import Root

__all__ = ["AnswerOrder", "LabelOrder", "OperationsService"]


class AnswerOrder(Struct, frozen=True):
    """An answer, and where its question stands."""

    page: PageRequest
    said: AnswerRequest


class LabelOrder(Struct, frozen=True):
    """A label, and where its row stands."""

    page: PageRequest
    said: LabelRequest


class OperationsService:
    """Pages of folders below one root. What a page needs is imported when it is asked
    for."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def waiting(self, request: PageRequest) -> WaitingPage:
        """What waits for a person."""
        from jupyter_pipe.server.operations.waiting import waiting_page

        return waiting_page(Place(self._root, request))

    def answer(self, order: AnswerOrder) -> WaitingPage:
        """Approve or reject; what waits afterwards."""
        from jupyter_pipe.server.operations.waiting import answer

        return answer(Place(self._root, order.page), order.said)

    def models(self, request: PageRequest) -> ModelsPage:
        """Versions of models."""
        from jupyter_pipe.server.operations.models import models_page

        return models_page(Place(self._root, request))

    def data(self, request: PageRequest) -> DataPage:
        """Values, their profiles and contracts."""
        from jupyter_pipe.server.operations.data import data_page

        return data_page(Place(self._root, request))

    def studies(self, request: PageRequest) -> StudiesPage:
        """Sweeps and their trials."""
        from jupyter_pipe.server.operations.studies import studies_page

        return studies_page(Place(self._root, request))

    def service(self, request: PageRequest) -> ServicePage:
        """Services and their traffic."""
        from jupyter_pipe.server.operations.services import service_page

        return service_page(Place(self._root, request))

    def loop(self, request: PageRequest) -> LoopPage:
        """The notebook's loop."""
        from jupyter_pipe.server.operations.loops import loop_page

        return loop_page(Place(self._root, request))

    def monitoring(self, request: PageRequest) -> MonitoringPage:
        """What services were asked, beside what their models were made for."""
        from jupyter_pipe.server.operations.monitoring import monitoring_page

        return monitoring_page(Place(self._root, request))

    def labels(self, request: PageRequest) -> LabelsPage:
        """Rows that wait for a label."""
        from jupyter_pipe.server.operations.labelling import labels_page

        return labels_page(Place(self._root, request))

    def label(self, order: LabelOrder) -> LabelsPage:
        """Write a label down; what waits afterwards."""
        from jupyter_pipe.server.operations.labelling import label_row

        return label_row(Place(self._root, order.page), order.said)
