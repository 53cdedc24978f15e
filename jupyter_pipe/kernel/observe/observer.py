"""One stage under observation: everything that watches, begun and ended together."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from . import auditing
from .calendar_use import CalendarNotes
from .contacts import ContactNotes
from .environment import EnvironmentWatch, VariableNotes, is_fleeting
from .guarding import Guard
from .imports import ImportWatch
from .paths.events import FileEvents
from .paths.existence import ExistenceWatch
from .paths.notes import FileNotes, Where
from .paths.rules import PathRules
from .places import CELL, STANDARD, USER, Places
from .programs.events import ProgramEvents
from .readers.calls import ReaderCalls
from .readers.tables import find_tables
from .readers.wrapping import ReaderWatch
from .workers import PREPARING, Records, WorkerWatch, start_in_forks

__all__ = ["Observer", "begin_worker"]

_KERNEL_SIDE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Functions of the standard library that look a variable up for somebody else; what
# others look up themselves (the search path of programs, the folder for temporary
# files) is not an input.
_LOOKING_UP = frozenset(
    {
        *(
            "getenv",
            "getenvb",
            "get",
            "__contains__",
            "setdefault",
            "pop",
            "popitem",
            "update",
            "copy",
        ),
        *(
            "keys",
            "values",
            "items",
            "__iter__",
            "__or__",
            "__ror__",
            "__eq__",
            "__init__",
        ),
        *("expandvars", "expanduser", "home"),
    }
)
_INSTALLED = "-packages/"
_running: list[Observer] = []


class Observer:
    """Notes what happens between `begin` and `stop`. `report` gives the `Observations`
    as plain values; `remove` takes away what was wrapped, when the stage's values have
    been stored.

    `namespace` is that of the cells, `folder` where the kernel works. `given` are
    environment variables that earlier stages set, `salt` is the key of the variables'
    digests.
    """

    def __init__(
        self,
        namespace: Mapping[str, Any],
        folder: str,
        salt: str = "",
        given: Collection[str] = (),
    ) -> None:
        folder = os.path.abspath(folder or os.getcwd())
        rules = PathRules(folder, _KERNEL_SIDE)
        self._namespace = namespace
        self.problems: list[str] = []
        self._guard = Guard(self._failed)
        self._places = Places(rules, _KERNEL_SIDE, namespace)
        self._calendar = CalendarNotes()
        self._files = FileEvents(
            FileNotes(rules), rules, self._places, self._calendar.sources
        )
        self._variables = VariableNotes(salt, frozenset(given))
        self._contacts = ContactNotes()
        self._seen: set[str] = set()
        self._recorded = (0, 0)
        self._programs = ProgramEvents(
            self._files, self._variables, self._contacts, self._calendar
        )
        guarded = self._guard.guarded
        readers = ReaderCalls(self._files, self._contacts)
        tables = find_tables()
        self._readers = ReaderWatch(tables, guarded(readers.tell))
        self._existence = ExistenceWatch(guarded(self._files.asked))
        self._environment = EnvironmentWatch(
            guarded(self._looked_up), guarded(self._set), guarded(self._looked_up_all)
        )
        self._records = Records()
        self._workers = WorkerWatch(self._records, _KERNEL_SIDE, folder, salt)
        self._imports = ImportWatch(
            {*tables, *PREPARING},
            guarded(self._arrived),
            guarded(self._missed),
            guarded(self._files.asked_for),
        )

    def begin(self) -> None:
        """From here on everything is noted. An observer that still runs is stopped."""
        # A stage that was cut off in a warm kernel leaves its observer behind.
        for other in [*_running]:
            other.stop()
            other.remove()
        _running.append(self)
        self._guard.note(self._begin)

    def _begin(self) -> None:
        self._readers.begin()
        self._workers.begin()
        start_in_forks(self._prepare_fork)
        self._imports.begin()
        self._existence.begin()
        self._environment.begin()
        handlers = self._files.handlers() | self._programs.handlers()
        rules = self._files.rules
        handlers |= {"compile": self._compiled, "exec": self._executed}
        guarded = {
            event: self._guard.guarded(handler) for event, handler in handlers.items()
        }
        # Audit hooks see each `open` of an import; what is not a path of the user's
        # must cost next to nothing.
        guarded["open"] = self._files.past_libraries(guarded["open"])
        guarded["compile"] = _if_source(guarded["compile"], rules.linked)
        guarded["exec"] = _past_libraries(guarded["exec"], rules.linked)
        auditing.listen(guarded)

    def enter(self, cell_id: str) -> None:
        """The cell begins, and so the one before is over."""
        self._guard.note(self._programs.settle)
        self._places.cell_id = cell_id

    def stop(self) -> None:
        """Nothing is noted any more."""
        if self not in _running:
            return
        self._guard.note(self._programs.settle)
        self._guard.note(self._collect)
        _running.remove(self)
        auditing.listen({})
        start_in_forks(None)
        self._workers.end()
        self._environment.end()
        self._existence.end()
        self._imports.end()

    def remove(self) -> None:
        """Readers are what they were. Functions that the stage holds are pickled by
        name until then."""
        # Not in `stop`: `store_outputs` pickles `pd.read_csv` by name, which must be
        # what it was when it was bound.
        self._readers.end()

    def note_for(self, records: Records) -> None:
        """From here on this is a worker: what it notes is kept for the stage that it
        works for."""
        self._records = records
        self._places.everything = True
        self._programs.is_worker = True
        self._files.notes.touched.clear()
        self._guard.noted = self._record

    def _prepare_fork(self) -> Callable[[], None]:
        records = Records(self._records.prepare())
        return lambda: self.note_for(records)

    def _record(self) -> None:
        notes = self._files.notes
        known = (len(self._variables.values), len(self._contacts.noted))
        # A pool's worker may do nothing but arithmetic for a million tasks.
        if notes.touched or known != self._recorded:
            self._recorded = known
            others = {
                "variables": self._variables.reports(),
                "contacts": self._contacts.reports(),
            }
            self._records.append({**notes.take(), **others})

    def _collect(self) -> None:
        """Only by the stage itself: a fork of it that ends may not."""
        for record in () if self._programs.is_worker else self._records.collect():
            self._files.notes.merge(record)
            self._variables.merge(record["variables"])
            for one in record["contacts"]:
                self._contacts.add(
                    one["kind"], one["name"], Where(one["cell_id"], one["line"])
                )

    def _arrived(self, name: str) -> None:
        watch = self._workers if name in PREPARING else self._readers
        watch.arrived(name)

    def report(self) -> dict[str, Any]:
        """The `Observations`."""
        found: dict[str, Any] = {}
        self._guard.note(self._report, found)
        return {**found, "complete": not self.problems and self._files.notes.complete}

    def _report(self, found: dict[str, Any]) -> None:
        found.update(self._files.notes.reports())
        found["variables"] = self._variables.reports()
        found["contacts"] = self._contacts.reports()
        if self._calendar.is_asked(self._namespace):
            found["calendar"] = datetime.date.today().isoformat()

    def _failed(self, error: Exception) -> None:
        problem = f"{type(error).__name__}: {error}"
        # One that happens at each `open` would fill the log.
        if problem not in self.problems and len(self.problems) < 10:
            self.problems.append(problem)

    def _looked_up(self, mapping: Any, key: Any) -> None:
        """Notes an environment variable that the stage asked for, with cell and line.
        Not noted: what imports ask for, and what libraries ask for if the variable
        belongs to the terminal or the kernel."""
        name = os.fsdecode(key)
        caller = self._places.find() if name not in self._variables.values else None
        if (
            caller is None
            or caller.importing
            or self._places.is_for_itself(_LOOKING_UP)
        ):
            return
        # `TERM` or `JPY_PARENT_PID` differ between two terminals: a library that looks
        # at one does not make the result depend on it.
        if caller.direct or not is_fleeting(name):
            found = mapping._data.get(mapping.encodekey(key))
            value = os.fsdecode(found) if found is not None else None
            self._variables.read(name, value, self._places.where(caller))

    def _looked_up_all(self) -> None:
        caller = self._places.find()
        if (
            caller is None
            or caller.importing
            or self._places.is_for_itself(_LOOKING_UP)
        ):
            return
        found = os.environ._data  # type: ignore[attr-defined]
        values = {
            os.fsdecode(name): os.fsdecode(value) for name, value in found.items()
        }
        self._variables.read_all(values, self._places.where(caller))

    def _set(self, key: Any) -> None:
        self._variables.write(os.fsdecode(key))

    def _missed(self, name: str, folders: list[str]) -> None:
        """A module that is nowhere: where it would be found if it were there."""
        caller = self._places.find() if self._places.is_users_import() else None
        if caller is None:
            return
        last = name.rpartition(".")[2]
        for folder in folders:
            # `try: import local_settings` runs differently once there is such a file.
            for file in (f"{last}.py", f"{last}/__init__.py"):
                full = self._files.path(os.path.join(folder or os.getcwd(), file))
                if full and not self._files.rules.is_remote(full):
                    self._files.notes.ask(full, self._places.where(caller))

    def _compiled(self, source: Any, file: Any) -> None:
        """Source that is about to be executed, if it is the user's."""
        if self._is_users(file):
            self._see(source, file)

    def _executed(self, code: Any) -> None:
        """A module of the user that was compiled before."""
        file = code.co_filename
        if (
            self._places.kind(file) == USER
            and file not in self._seen
            # Functions of that module run as often as they are called.
            and code.co_name == "<module>"
        ):
            with open(file, "rb") as source:
                self._see(source.read(), file)

    def _see(self, source: str | bytes, file: Any) -> None:
        self._seen.add(os.fsdecode(file))
        text = (
            source.decode("utf-8", "replace") if isinstance(source, bytes) else source
        )
        self._calendar.see(text)

    def _is_users(self, file: Any) -> bool:
        kind = self._places.kind(os.fsdecode(file or ""))
        if kind == STANDARD:
            # `exec(text)` in the user's own code, and not `namedtuple` in a library.
            return self._places.is_users_code()
        return kind in (CELL, USER)


def _if_source(
    compiled: Callable[..., None], linked: tuple[str, ...]
) -> Callable[..., None]:
    """The handler of `compile` for what is source and not a library's."""

    def see(source: Any, file: Any) -> None:
        name = str(file)
        if isinstance(source, (str, bytes)) and (
            _INSTALLED not in name or name.startswith(linked)
        ):
            compiled(source, file)

    return see


def _past_libraries(
    executed: Callable[..., None], linked: tuple[str, ...]
) -> Callable[..., None]:
    """The handler of `exec` for code that is not a library's: an import of one is
    thousands of these."""

    def see(code: Any) -> None:
        name = getattr(code, "co_filename", _INSTALLED)
        if _INSTALLED not in name or name.startswith(linked):
            executed(code)

    return see


def begin_worker(folder: str, salt: str, records: str) -> None:
    """In a process that was started to work for a stage: notes until it ends."""
    observer = Observer({}, folder, salt)
    observer.note_for(Records(records))
    observer.begin()
