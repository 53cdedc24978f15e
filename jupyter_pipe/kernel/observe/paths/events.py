"""Audit events of files and folders, turned into notes."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..places import MACHINERY, USER, Places
from .digests import entries
from .existence import RESOLVING, aspect_of
from .globbing import Searches
from .notes import FileNotes, Where
from .rules import PathRules

__all__ = ["FileEvents"]

_WRITES = os.O_WRONLY | os.O_RDWR
_BY_DESCRIPTOR = frozenset(
    {"_rmtree_safe_fd", "_rmtree_safe_fd_step", "fwalk", "_fwalk"}
)
_CODE = (".py", ".so", ".pyd", ".pth", ".zip", ".egg")
_NO_FOLDER = -1
_TIMES = re.compile(r"st_[amc]time")


class FileEvents:
    """Knows for each event what it says of which path, and whether that counts.
    `sources` are those of the user's code, as far as it has been executed."""

    def __init__(
        self, notes: FileNotes, rules: PathRules, places: Places, sources: list[str]
    ) -> None:
        self.notes = notes
        self.sources = sources
        self.rules = rules
        self.places = places
        self.searches = Searches()
        self._read: set[str] = set()

    def handlers(self) -> dict[str, Callable[..., None]]:
        """By the name of the event.
        https://docs.python.org/3/library/audit_events.html"""
        return {
            "open": self.opened,
            "os.listdir": self.listed,
            "os.scandir": self.scanned,
            "glob.glob": self.searched,
            "glob.glob/2": self.searched_from,
            "pathlib.Path.glob": self.searched_below,
            "pathlib.Path.rglob": self.searched_deep,
            "os.mkdir": lambda path, mode, folder: self.written(
                path, folder, keeps=True
            ),
            "os.rename": self.renamed,
            "os.remove": self.removed,
            "os.rmdir": self.removed,
            "shutil.rmtree": lambda path, *_: self.removed(
                path, forgiving=self._ignores_errors()
            ),
            "os.link": self.linked,
            "os.symlink": lambda source, target, *_: self.written(target),
            "os.truncate": lambda path, length: self.read_and_written(path),
            **dict.fromkeys(
                ("os.utime", "os.chmod", "os.chown"),
                lambda path, *_: self.secured(path),
            ),
            "os.chdir": lambda path: self._read.clear(),
            "tempfile.mkdtemp": self.made_temporary,
            "tempfile.mkstemp": self.made_temporary,
            "ctypes.dlopen": self.loaded,
            "sqlite3.connect": self.connected,
        }

    def past_libraries(self, opened: Callable[..., None]) -> Callable[..., None]:
        """The handler of `open` for what is not a file of a library, by one look at the
        beginning of its path: an import opens hundreds of these. Nor for what has been
        read already."""
        libraries, linked, known = self.rules.libraries, self.rules.linked, self._read

        def past(path: Any, mode: str | None, flags: int) -> None:
            if path.__class__ is str:
                if path in known and not flags & _WRITES:
                    return
                if (
                    path.startswith(libraries)
                    and "/.." not in path
                    and not path.startswith(linked)
                ):
                    return
            opened(path, mode, flags)

        return past

    def path(self, path: Any) -> str:
        """Absolute; empty if it is none, or one that does not count."""
        if path.__class__ is not str:
            if isinstance(path, int) or path is None:
                return ""
            path = os.fsdecode(path)
        if not path:
            return ""
        if path[0] != "/":
            path = f"{os.getcwd()}/{path}"
        # Tidying takes longer than all of this; one that only looks untidy (`/.hidden`)
        # stays what it is.
        if "/." in path or "//" in path or path[-1] == "/" or path[0] != "/":
            path = os.path.normpath(path)
        return "" if self.rules.is_foreign(path) else path

    def where(self, path: str, *, content: bool = True) -> Where | None:
        """Of the first touch; None if this one does not count. What a library looks for
        while it is imported does not, unless it reads it (`content`)."""
        known = self.notes.files.get(path)
        if known is not None:
            return known.where
        caller = self.places.find()
        if caller is None or (caller.importing and not content):
            return None
        if not caller.direct and self.rules.is_remote(path):
            return None
        return self.places.where(caller)

    def opened(self, path: Any, mode: str | None, flags: int) -> None:
        """`open`, and whatever is built on it."""
        if mode is None and self._is_relative_to_descriptor():
            return
        if flags & _WRITES:
            self._opened_to_write(path, flags)
            return
        self.read(path)
        if path.__class__ is str:
            self._read.add(path)

    def _opened_to_write(self, path: Any, flags: int) -> None:
        if os.path.isdir(path):
            return  # a file without a name, or one that an `opener` names
        keeps = not flags & os.O_TRUNC
        if flags & os.O_EXCL:
            self.asked_for(path)
        if flags & os.O_APPEND and not flags & os.O_RDWR:
            self.added_to(path)
        if keeps and flags & os.O_RDWR:
            self.read_and_written(path)
        else:
            self.written(path, keeps=keeps)

    def asked_for(self, path: Any) -> None:
        """Whether it is there, by who fails if it is."""
        full = self.path(path)
        where = self.where(full) if full else None
        if where is not None:
            self.notes.ask(full, where)

    def added_to(self, path: Any) -> None:
        """It is about to be written, after what there is."""
        full = self.path(path)
        where = self.where(full) if full else None
        if where is not None:
            self.notes.append(full, where)

    def _is_relative_to_descriptor(self) -> bool:
        """`os.open(name, dir_fd=…)`, of which the event says only the name."""
        frame = self.places.calling_frame()
        return frame is not None and frame.f_code.co_name in _BY_DESCRIPTOR

    def read(self, path: Any, *, module: bool = False) -> None:
        """The content. Of a compiled module that of its source."""
        if path.__class__ is str and path.endswith(".pyc"):
            path = _source_of(path)
        full = self.path(path)
        where = self.where(full) if full else None
        if where is not None:
            caller = self.places.find() if full.endswith(_CODE) and not module else None
            module = module or (caller is not None and caller.importing)
            self.notes.read(full, where, module=module)
            if module and full.endswith(".py") and not full.endswith("/__init__.py"):
                # A package of the same name beside it would be imported instead.
                self.notes.ask(f"{full[:-3]}/__init__.py", where)

    def loaded(self, name: Any) -> None:
        """A library of machine code. One without a folder (`libc.so.6`) is looked for
        in the system's."""
        if "/" in os.fsdecode(name or ""):
            self.read(name, module=True)

    def written(
        self, path: Any, folder: int = _NO_FOLDER, *, keeps: bool = False
    ) -> None:
        """`folder` is a descriptor that a relative path is relative to; such paths are
        not followed."""
        full = self.path(path) if folder == _NO_FOLDER else ""
        where = self.where(full) if full else None
        if where is not None:
            self.notes.write(full, where, keeps=keeps)

    def read_and_written(self, path: Any) -> None:
        """Some of what was there stays."""
        self.read(path)
        self.written(path, keeps=True)

    def removed(
        self, path: Any, folder: int | None = _NO_FOLDER, *, forgiving: bool = False
    ) -> None:
        """A file or a folder is about to be removed; `forgiving`, nobody is told if
        there is none."""
        full = self.path(path) if folder in (_NO_FOLDER, None) else ""
        where = self.where(full) if full else None
        if where is not None:
            self.notes.remove(full, where, forgiving=forgiving)

    def _ignores_errors(self) -> bool:
        frame = self.places.calling_frame()
        return frame is not None and frame.f_locals.get("ignore_errors") is True

    def renamed(self, source: Any, target: Any, *_: Any) -> None:
        """One path becomes the other. Either may be one that does not count."""
        old, new = self.path(source), self.path(target)
        if old and new:
            where = self.where(old)
            if where is not None:
                self.notes.move(old, new, where)
        elif old:
            self.removed(source)
        else:
            self.written(target)

    def linked(self, source: Any, target: Any, *_: Any) -> None:
        """A second name for a file, which changes its times."""
        self.read(source)
        self.secured(source)
        self.written(target)

    def secured(self, path: Any) -> None:
        """Its times are about to be set, so that they say nothing any more."""
        full = self.path(path)
        note = self.notes.files.get(full) if full else None
        if note is not None:
            self.notes.secure(full, note)

    def used(self, path: Any) -> None:
        """By a library in native code, in whatever way."""
        full = self.path(path)
        where = self.where(full) if full else None
        if where is not None:
            self.notes.use(full, where)

    def listed(self, path: Any) -> None:
        """The names in a folder."""
        full = self.path("." if path is None else path)
        where = self._where_listed(full) if full else None
        if where is not None:
            for pattern in self.searches.patterns(full, self.places.calling_frame()):
                self.notes.look_into(full, pattern, where)

    def _where_listed(self, full: str) -> Where | None:
        """Who imports lists folders that do not count; but not
        `pkgutil.iter_modules(["plugins"])`."""
        frame = self.places.calling_frame()
        searching = frame is not None and str(frame.f_globals.get("__file__")).endswith(
            "/pkgutil.py"
        )
        return self.where(
            full, content=searching and full not in map(os.path.abspath, sys.path)
        )

    def scanned(self, path: Any) -> None:
        """`os.scandir`: the names, and what its entries may be asked for, of which
        nobody is told. If the user's code has `.stat` anywhere, that counts for each of
        them."""
        self.listed(path)
        full = self.path("." if path is None else path)
        if full:
            self._scanned_links(full)
        if (
            full
            and self.places.is_users_code()
            and any(".stat" in one for one in self.sources)
        ):
            timed = any(_TIMES.search(one) for one in self.sources)
            with contextlib.suppress(OSError):
                for entry in entries(full):
                    self._looked_at(f"{full}/{entry.rstrip('/')}", timed)

    def _scanned_links(self, full: str) -> None:
        """Entries say of a link that it is one, and whether it leads to a file
        (`is_file`, `os.walk`), which the names in a folder do not show."""
        where = self._where_listed(full)
        if where is None or self.searches.patterns(
            full, self.places.calling_frame()
        ) != [""]:
            return
        with contextlib.suppress(OSError), os.scandir(full) as found:
            for link in [one.path for one in found if one.is_symlink()]:
                self.notes.ask_link(link, where)
                self.notes.ask(link, where)

    def _looked_at(self, full: str, timed: bool) -> None:
        where = self.where(full)
        if where is not None:
            self.notes.read(full, where)
            if timed:
                self.notes.ask(full, where, timed=True)

    def searched(self, pattern: Any, *_: Any) -> None:
        """`glob.glob`"""
        self.searches.begin(os.getcwd(), os.fsdecode(pattern))

    def searched_from(self, pattern: Any, _: Any, root: Any, *__: Any) -> None:
        """`glob.glob` with `root_dir`"""
        if root is not None:
            self.searches.begin(
                os.path.abspath(os.fsdecode(root)), os.fsdecode(pattern)
            )

    def searched_below(self, folder: Any, pattern: Any) -> None:
        """`Path.glob`"""
        self.searches.begin(os.path.abspath(os.fsdecode(folder)), os.fsdecode(pattern))

    def searched_deep(self, folder: Any, pattern: Any) -> None:
        """`Path.rglob`"""
        self.searched_below(folder, os.path.join("**", os.fsdecode(pattern)))

    def made_temporary(self, path: Any) -> None:
        """A file or folder of a name that nobody knows."""
        self.notes.temporary.add(os.path.abspath(os.fsdecode(path)))

    def connected(self, database: Any) -> None:
        """`sqlite3.connect`, which reads and writes the file itself."""
        text = (
            os.fsdecode(database)
            if isinstance(database, (str, bytes, os.PathLike))
            else ""
        )
        if text.startswith("file:"):
            from urllib.request import url2pathname

            text = url2pathname(text[len("file:") :].partition("?")[0])
        if text and not text.startswith(":"):
            self.used(text)

    def _aspect(
        self, function: str, full: str, kind: int, callers: Sequence[str]
    ) -> str:
        """What code of this `kind` learns by the function, as `aspect_of` names it;
        empty if nothing."""
        if not callers[0]:
            # A library that looks at a file is about to read it. What else it learns is
            # its own affair.
            passing = {"access": "presence", "readlink": "link"}
            return passing.get(function, "presence" if kind > USER else "times")
        if callers[0] in RESOLVING and not self._may_be_link(function, full):
            return ""
        return aspect_of(function, callers)

    def _may_be_link(self, function: str, full: str) -> bool:
        """Folders on the way are looked at as well: those that are links are read as
        links next."""
        return full.startswith(self.rules.below) and not (
            function == "lstat" and os.path.isdir(full)
        )

    def asked(self, function: str, path: Any, folder: int | None) -> None:
        """`os.stat` and its like. What is learned depends on who asks: `exists`,
        `getmtime`, or the user."""
        if isinstance(path, int) or folder is not None:
            return
        full = self.path(path)
        kind, callers = self.places.askers() if full else (MACHINERY, ("",))
        if kind == MACHINERY:
            return
        aspect = self._aspect(function, full, kind, callers)
        where = self.where(full, content=False) if aspect else None
        if where is None:
            return
        if aspect == "content":
            self.notes.read(full, where)
        elif aspect == "link":
            self.notes.ask_link(full, where)
            if "samefile" in callers:
                self.notes.ask(full, where)  # it fails if there is nothing
        else:
            self.notes.ask(full, where, timed=aspect == "times")


def _source_of(path: str) -> str:
    """`plug.py` of `__pycache__/plug.cpython-311.pyc`."""
    folder, name = os.path.split(path)
    parent, cache = os.path.split(folder)
    return (
        os.path.join(parent, name.partition(".")[0] + ".py")
        if cache == "__pycache__"
        else path
    )
