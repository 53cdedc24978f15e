"""The page *Loop*: what it watches, what it did and why, and why a trigger started
nothing."""

from __future__ import annotations

from jupyter_pipe.errors import PipeError
from jupyter_pipe.loop import LoopSettings, Record, read_settings, settings_path
from jupyter_pipe.loop.machine.log import LoopLog, loop_folder
from jupyter_pipe.loop.machine.world import Machine
from jupyter_pipe.loop.status import status_of
from jupyter_pipe.loop.words import record_line
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.server.operations.payloads import LoopLine, LoopPage
from jupyter_pipe.server.operations.places import Place

__all__ = ["loop_page"]

_MOST_LINES = 60


def loop_page(place: Place) -> LoopPage:
    """Of the notebook's loop; an empty page without a notebook."""
    if place.notebook is None:
        return LoopPage(exists=False, file="")
    path = settings_path(place.notebook)
    if not path.is_file():
        # The page says how to write one, so it has to know the name.
        return LoopPage(exists=False, file=path.name)
    log = LoopLog(loop_folder(place.store.state_folder, notebook_name(place.notebook)))
    try:
        return _page(place, path.name, read_settings(place.notebook), log)
    except PipeError as error:
        return LoopPage(exists=True, file=path.name, problem=place.sentence(error))


def _page(place: Place, file: str, settings: LoopSettings, log: LoopLog) -> LoopPage:
    """Looks at files and runs as `loop status` does, but asks neither the registry nor
    the monitor."""
    assert place.notebook is not None
    found = status_of(settings, Machine(place.notebook, place.store, log), log.folder)
    return LoopPage(
        exists=True,
        file=file,
        process=found.process,
        watches=found.watches,
        promote=settings.promote,
        due=found.due,
        next=found.next,
        waiting=found.waiting,
        lines=tuple(_line(each) for each in reversed(log.records()[-_MOST_LINES:])),
    )


def _line(record: Record) -> LoopLine:
    kind = str(type(record).__struct_config__.tag)
    return LoopLine(
        record.time, kind, record_line(record), getattr(record, "run_id", "")
    )
