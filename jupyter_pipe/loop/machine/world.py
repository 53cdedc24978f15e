"""The loop's world on this machine: the clock, the disk, processes, the registry,
receivers of notices."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from jupyter_pipe.engine.detached import start_detached
from jupyter_pipe.errors import LoopError
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.deciding.settings import LoopSettings
from jupyter_pipe.loop.deciding.signals import Signals
from jupyter_pipe.loop.deciding.state import State
from jupyter_pipe.loop.machine.history import RunHistory
from jupyter_pipe.loop.machine.log import LoopLog
from jupyter_pipe.loop.machine.models import Models, Monitor, NoModels, no_alarms
from jupyter_pipe.loop.machine.notifying import filled_urls, send_notice
from jupyter_pipe.loop.machine.runner import Order
from jupyter_pipe.loop.machine.watching import watch
from jupyter_pipe.loop.schedule import latest_due
from jupyter_pipe.notebook.file_kinds import notebook_name
from jupyter_pipe.runs.provenance import last_commit
from jupyter_pipe.runs.store import RunStore

__all__ = ["Machine"]


class Machine:
    """Implements `World`. `notebook` is an absolute path; runs are kept in `store`."""

    def __init__(
        self,
        notebook: Path,
        store: RunStore,
        log: LoopLog,
        *,
        models: Models | None = None,
        monitor: Monitor = no_alarms,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._notebook = notebook
        self._store = store
        self._log = log
        self._history = RunHistory(store, notebook)
        self._models = models or NoModels()
        self._monitor = monitor
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    def records(self) -> Sequence[rc.Record]:
        return self._log.records()

    def append(self, record: rc.Record) -> None:
        self._log.append(record)

    def look(self, settings: LoopSettings, state: State) -> Signals:
        """Look at everything that the settings name. Raises PipeError and OSError."""
        runs = self._history.look()
        # The loop's own run is not "another run that goes on".
        own = state.run.run_id if state.run else ""
        reads, workdir = self._history.reads(runs)
        folder = self._notebook.parent
        contracts = sorted(
            folder.glob(f"{notebook_name(self._notebook)}.contracts/*.yaml")
        )
        watched = watch(settings, folder, reads, contracts, workdir)
        signals = Signals(
            next_run_id=self._store.next_run_id(),
            data=watched.data,
            changed=watched.changed,
            touched=watched.touched,
            has_run=bool(runs),
            due=self._due(settings, state),
            commit=last_commit(folder) if settings.commit else "",
            alarms=self._monitor(settings)
            if settings.drift or settings.quality
            else (),
            run=self._history.seen(own) if own else None,
            resumed=self._history.resumed(runs, state.ended.run_id)
            if state.ended
            else None,
            busy=self._history.busy(runs, own),
        )
        return self._with_the_model(signals, settings, state)

    def _due(self, settings: LoopSettings, state: State) -> float | None:
        if not settings.schedule or state.began is None:
            return None
        return latest_due(settings.schedule, settings.timezone, state.base, self.now())

    def _with_the_model(
        self, signals: Signals, settings: LoopSettings, state: State
    ) -> Signals:
        """Asked only while a model is on its way: a registry may be far away."""
        if settings.promote == "never" or state.candidate is None:
            return signals
        return replace(
            signals,
            champion=self._models.champion(),
            rejected=self._models.rejected(),
            evidence=self._models.evidence(),
        )

    def start(self, run: rc.RunDecided, settings: LoopSettings) -> None:
        events = self._store.folder(run.run_id).events
        # A loop that was killed after it had started the run comes here again.
        if events.exists():
            return
        self._store.make_state_folder()
        order = Order(
            str(self._notebook), str(self._store.root), run.run_id, settings.parameters
        )
        said = start_detached(
            "jupyter_pipe.loop.machine.runner",
            msgspec.json.encode(order),
            events,
            self._store.root,
        )
        if said is not None:
            raise _failure(said)

    def register(self, run_id: str, settings: LoopSettings) -> int:
        return self._models.register(run_id)

    def compare(self, version: int, settings: LoopSettings) -> rc.Compared:
        return self._models.compare(version, self.now())

    def promote(self, action: Promote, settings: LoopSettings) -> None:
        self._models.promote(action)

    def notify(self, key: str, text: str, settings: LoopSettings) -> int:
        urls = filled_urls(settings.notify, os.environ)
        return send_notice(
            urls,
            f"{notebook_name(self._notebook)}: {text.partition(chr(10))[0][:120]}",
            text,
        )


def _failure(said: bytes) -> LoopError:
    """What the runner said before it ended."""
    try:
        message, hint = msgspec.json.decode(
            said[said.rfind(b"\n") :], type=tuple[str, str]
        )
    except msgspec.MsgspecError:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        message, hint = f"The runner ended: {' '.join(last) or 'it said nothing'}", ""
    return LoopError(message, code="runner_failed", hint=hint)
