"""Programs that the stage starts, and sockets that it opens, turned into notes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..calendar_use import CalendarNotes
from ..contacts import ContactNotes, shown_url
from ..environment import VariableNotes
from ..paths.events import FileEvents
from ..paths.notes import State, Where, state_of
from ..places import Places
from .commands import Command, read_command

__all__ = ["ProgramEvents"]

_FILES = 1_000
"""How many files of a folder that a program is given are looked at, and how many of the
notebook's folder to see what programs change."""
# The standard library and others look at the machine by programs of the system.
_ABOUT_THE_MACHINE = (
    "/platform.py",
    "/ctypes/util.py",
    "/uuid.py",
    "/font_manager.py",
    "/_osx_support.py",
)
_TERMINALS = "/ptyprocess/"


class ProgramEvents:
    """`variables`, `contacts` and `calendar` are where a command's own inputs are
    noted. Of a worker the stage itself sees what its programs change."""

    def __init__(
        self,
        files: FileEvents,
        variables: VariableNotes,
        contacts: ContactNotes,
        calendar: CalendarNotes,
    ) -> None:
        self._files = files
        self._places: Places = files.places
        self._variables = variables
        self._contacts = contacts
        self._calendar = calendar
        self.is_worker = False
        self._before: dict[str, State | None] = {}
        self._began: int | None = None

    def handlers(self) -> dict[str, Callable[..., None]]:
        """By the name of the event."""
        return {
            "subprocess.Popen": self.started,
            "os.system": lambda command: self.ran(os.fsdecode(command), ""),
            "os.exec": lambda path, argv, environment: self.ran(_texts(argv), ""),
            "os.posix_spawn": lambda path, argv, environment: self.ran(
                _texts(argv), ""
            ),
            "os.spawn": lambda mode, path, argv, environment: self.ran(
                _texts(argv), ""
            ),
            "pty.spawn": lambda argv: self.ran(_texts(argv), ""),
            "os.forkpty": self.started_in_terminal,
            **dict.fromkeys(
                ("socket.connect", "socket.sendto", "socket.sendmsg"),
                lambda socket, address: self.connected(address),
            ),
            "socket.getaddrinfo": lambda host, port, *_: self.resolved(host, port),
            **dict.fromkeys(
                ("socket.gethostbyname", "socket.gethostbyaddr"),
                lambda host: self.resolved(host, None),
            ),
            "urllib.Request": lambda url, *_: self.requested(url),
        }

    def started(
        self, executable: Any, argv: Any, folder: Any, environment: Any
    ) -> None:
        """`subprocess`"""
        magic = self._places.main_frame()
        script = _script_of_cell(magic)
        if script:
            self.ran(script, folder, magic)
        elif isinstance(argv, (str, bytes, os.PathLike)):
            self.ran([os.fsdecode(argv)], folder)
        else:
            self.ran(_texts(argv), folder)

    def started_in_terminal(self) -> None:
        """`!command`, by way of pexpect: the command stands in its frame."""
        frame = self._places.calling_frame()
        while frame is not None:
            if _TERMINALS in frame.f_code.co_filename and "argv" in frame.f_locals:
                self.ran(
                    _texts(frame.f_locals["argv"]), frame.f_locals.get("cwd") or ""
                )
                return
            frame = frame.f_back

    def ran(
        self, command: str | list[str], folder: Any, frame: FrameType | None = None
    ) -> None:
        """A program is about to start, by the code of the frame."""
        frame = frame or self._places.calling_frame()
        caller = self._places.find(frame)
        if caller is None or caller.importing or _is_about_the_machine(frame):
            return
        root = os.path.abspath(os.fsdecode(folder)) if folder else os.getcwd()
        self._note(read_command(command, root), self._places.where(caller))
        self._watch()

    def _note(self, found: Command, where: Where) -> None:
        self._files.notes.secure_small()
        self._note_paths(found, where)
        for name in found.variables:
            self._variables.read(name, os.environ.get(name), where)
        if found.environment:
            self._variables.read_all(dict(os.environ), where)
        for name in found.unknown:
            self._contacts.add("program", name, where)
        self._calendar.always = self._calendar.always or found.calendar

    def _note_paths(self, found: Command, where: Where) -> None:
        """Passes on the paths of a command as notes: what it reads, only looks for,
        lists or writes."""
        for path in (*found.read, *found.contents):
            self._read(path, where)
        for path in found.asked:
            if self._files.path(path):
                self._files.notes.ask(path, where)
        for path, pattern in (*found.names, *((tree, "") for tree in found.trees)):
            self._list(path, pattern, where)
        for path in found.trees:
            self._list_tree(path, where)
        for path in found.emptied:
            if self._files.path(path):
                self._files.notes.empty(path, where)
        for path in found.written:
            self._files.written(path, keeps=True)

    def _read(self, path: str, where: Where) -> None:
        """A file, or all that lies in a folder."""
        notes = self._files.notes
        for one, is_folder in (
            notes.tree(path, _FILES) if self._files.path(path) else ()
        ):
            if is_folder:
                notes.look_into(one, "", where)
            elif os.path.exists(one):
                notes.use(one, where)
            else:
                notes.read(one, where)

    def _list(self, path: str, pattern: str, where: Where) -> None:
        if self._files.path(path):
            self._files.notes.look_into(path, pattern, where)

    def _list_tree(self, path: str, where: Where) -> None:
        for one, is_folder in (
            self._files.notes.tree(path, _FILES) if self._files.path(path) else ()
        ):
            if is_folder:
                self._files.notes.look_into(one, "", where)

    def _watch(self) -> None:
        """Remembers what lies in the notebook's folder, unless a program is running
        there already."""
        if self._began is None and not self.is_worker:
            self._before = self._states()
            self._began = time.time_ns()

    def _states(self) -> dict[str, State | None]:
        notes, complete = self._files.notes, self._files.notes.complete
        tree = notes.tree(self._files.rules.folder, _FILES)
        states = {path: state_of(path) for path, is_folder in tree if not is_folder}
        notes.complete = (
            complete  # of a large folder, some is not watched: that is not an input
        )
        return states

    def settle(self) -> None:
        """The cell is over: what changed in the folder since a program started was
        probably its doing."""
        if self._began is None:
            return
        after = self._states()
        for path in after.keys() | self._before.keys():
            state = after.get(path)
            if state != self._before.get(path) and self._files.path(path):
                self._guess(path, self._before.get(path), state)
        self._before, self._began = {}, None

    def _guess(self, path: str, before: State | None, after: State | None) -> None:
        """Notes that a file was probably written by a program, since it changed while
        one ran and the stage itself did not write it."""
        notes = self._files.notes
        note = notes.files.get(path)
        if note is not None and note.written:
            return
        notes.write(
            path,
            note.where if note is not None else Where(self._places.cell_id),
            keeps=True,
        )
        note = notes.files.get(path)
        if note is not None:
            note.guessed = True
            note.before = note.before if note.read or note.asked else before
            note.made = note.made or (
                before is None and not note.read and not note.asked
            )

    def connected(self, address: Any) -> None:
        """A socket. One that is connected already sends to no address."""
        caller = self._places.find() if address is not None else None
        if caller is not None:
            self._contacts.connect(address, self._places.where(caller))

    def resolved(self, host: Any, port: Any) -> None:
        """The address of a host was looked up."""
        caller = self._places.find()
        if caller is not None:
            self._contacts.resolve(host, port, self._places.where(caller))

    def requested(self, url: Any) -> None:
        """`urllib.request`: the whole address is known."""
        caller = self._places.find()
        if caller is not None and not str(url).startswith(("file:", "data:")):
            self._contacts.add(
                "network", shown_url(str(url)), self._places.where(caller)
            )


def _is_about_the_machine(frame: FrameType | None) -> bool:
    for _ in range(8):
        if frame is None:
            return False
        if (
            frame.f_code.co_filename.endswith(_ABOUT_THE_MACHINE)
            or "/loky/" in frame.f_code.co_filename
        ):
            return True
        frame = frame.f_back
    return False


def _script_of_cell(frame: FrameType | None) -> str:
    """The body of a `%%bash` cell, which its program reads from a pipe."""
    for _ in range(30):
        if frame is None:
            return ""
        if frame.f_code.co_name == "shebang" and "cell" in frame.f_locals:
            line = str(frame.f_locals.get("line", ""))
            program = (
                os.path.basename(line.split(maxsplit=1)[0]) if line.split() else ""
            )
            return (
                str(frame.f_locals["cell"])
                if program in ("sh", "bash")
                else f"{program} -"
            )
        frame = frame.f_back
    return ""


def _texts(argv: Any) -> list[str]:
    if isinstance(argv, (str, bytes, os.PathLike)):
        return [os.fsdecode(argv)]
    return [os.fsdecode(one) for one in argv]
