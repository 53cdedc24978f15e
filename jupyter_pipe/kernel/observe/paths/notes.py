"""Files and folders that a stage touched: what it learned of each, and what it left
there.

The first touch counts. What the stage itself made before it read it is not an input;
what it overwrites after reading is digested before it is gone. Everything else is left
to the host by size, time and inode.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .digests import MISSING, digest_file, digest_names, entries
from .rules import PathRules

__all__ = ["FileNotes", "State", "Where", "state_of"]

_FEW_BYTES = 16 << 20
"""What is digested while the stage runs, where nobody knows whether it will be
needed."""
_NAMES = 500
_LIMIT = 20_000

# The functions themselves: a stage's own lookups go through what stands in `os`
# meanwhile.
_stat = os.stat


class Where(NamedTuple):
    """The cell and line of the first touch."""

    cell_id: str = ""
    line: int = 0


class State(NamedTuple):
    """What lay at a path at some moment."""

    size: int
    mtime_ns: int
    inode: int
    is_folder: bool
    ctime_ns: int


def state_of(path: str) -> State | None:
    """None if there is nothing, or nothing that can be looked at."""
    try:
        found = _stat(path)
    # ValueError: a path with a null byte in it.
    except (OSError, ValueError):
        return None
    is_folder = stat.S_ISDIR(found.st_mode)
    return State(
        found.st_size, found.st_mtime_ns, found.st_ino, is_folder, found.st_ctime_ns
    )


@dataclass(slots=True)
class FileNote:
    """One path. `before` is what lay there at the first touch.

    `made`: nothing of that was left when the stage first read it. `appended`: it was
    only added to. `module`: it was read to be executed. `watched`: a program or a
    library in native code may write it. `link` is where a symbolic link led when
    somebody looked at that, as the host reads it (`-> TARGET`).
    """

    where: Where
    before: State | None
    read: bool = False
    asked: bool = False
    timed: bool = False
    module: bool = False
    written: bool = False
    made: bool = False
    watched: bool = False
    guessed: bool = False
    link: str = ""
    appended: bool = False
    digest: str = ""


@dataclass
class Listing:
    where: Where
    digest: str
    names: list[str]


@dataclass
class FileNotes:
    """All paths are absolute. `temporary` are folders and files that `tempfile` made
    for the stage, `emptied` what it removed with all that was in it, `touched` what has
    been touched since `take` was asked."""

    rules: PathRules
    files: dict[str, FileNote] = field(default_factory=dict)
    listings: dict[tuple[str, str], Listing] = field(default_factory=dict)
    temporary: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    complete: bool = True

    def read(self, path: str, where: Where, *, module: bool = False) -> None:
        """The content was read, or would have been if there were any."""
        note = self._note(path, where)
        # What the stage made itself says nothing about what came before it.
        if note is not None and not note.made:
            note.read = True
            note.module = note.module or module

    def ask(self, path: str, where: Where, *, timed: bool = False) -> None:
        """Somebody asked whether it is there; `timed`: also when it was last
        changed."""
        note = self._note(path, where)
        if note is not None and not note.made:
            note.asked = note.asked or not timed
            note.timed = note.timed or timed

    def ask_link(self, path: str, where: Where) -> None:
        """Somebody asked whether it is a link, or where it leads."""
        note = self._note(path, where)
        if note is not None and not note.made:
            note.link = note.link or _link_of(path, note.before)

    def write(self, path: str, where: Where, *, keeps: bool = False) -> None:
        """It is about to be written; `keeps` some of what was there."""
        note = self._note(path, where)
        if note is None:
            return
        self.secure(path, note)
        note.written = True
        # `open(path, "w")` forgets what was there; `"r+"` keeps it, so what is read
        # later may still be from before.
        if not note.read and (not keeps or note.before is None):
            note.made = True

    def append(self, path: str, where: Where) -> None:
        """Something is about to be added to what there is, which nobody looks at."""
        note = self._note(path, where)
        if (
            note is None
            or note.made
            or note.read
            or note.written
            or note.before is None
        ):
            return
        note.appended = True
        # Of a log of gigabytes the size says enough: it only grows.
        if note.before.size <= _FEW_BYTES and state_of(path) == note.before:
            with contextlib.suppress(OSError):
                note.digest = digest_file(path)

    def remove(self, path: str, where: Where, *, forgiving: bool = False) -> None:
        """It is about to be removed, a folder with all that is in it. Who finds nothing
        to remove would do something else if there were something, unless it is
        `forgiving`."""
        self.emptied.add(path)
        for one in self._walk(path, _LIMIT):
            note = self._note(one, where)
            if note is not None:
                self.secure(one, note)
                is_missed = note.before is None and not note.written and not forgiving
                note.asked = note.asked or is_missed
                note.written = note.made = True

    def empty(self, path: str, where: Where) -> None:
        """A program may remove the folder: what is there at the stage's end counts,
        whatever else it does."""
        if self._note(path, where) is not None:
            self.emptied.add(path)

    def move(self, source: str, target: str, where: Where) -> None:
        """One path is about to become the other."""
        # Asked before the move: afterwards nothing lies there any more.
        inside = [one for one in self._walk(source, _LIMIT) if one != source]
        self.read(source, where)
        self.remove(source, where)
        self.write(target, where)
        for one in inside:
            self.write(target + one[len(source) :], where)

    def use(self, path: str, where: Where) -> None:
        """It may be read and written, now or later, by somebody who does not tell."""
        note = self._note(path, where)
        if note is None or note.made:
            return
        note.watched = True
        note.read = note.read or note.before is not None
        # Who asked whether it exists, and then made it, depends on that it was not
        # there.
        note.made = note.before is None and not note.asked
        self.secure(path, note, _FEW_BYTES)

    def look_into(self, path: str, pattern: str, where: Where) -> None:
        """The names in a folder were read, as far as they match the pattern."""
        note = self.files.get(path)
        if (
            (path, pattern) in self.listings
            or self._is_temporary(path)
            or (note is not None and note.made)
        ):
            return
        try:
            names = entries(path, pattern)
        except OSError:
            self.ask(path, where)
            return
        # A stage that writes `out/` and then lists it would else depend on its own
        # files.
        own = {one for one in names if self._is_own(f"{path}/{one.rstrip('/')}")}
        names = [one for one in names if one not in own]
        self.touched.add(path)
        self.listings[path, pattern] = Listing(where, digest_names(names), names)

    def secure(self, path: str, note: FileNote, limit: int | None = None) -> None:
        """Digests what was read before it is overwritten; what is larger than `limit`
        is not."""
        if not note.read or note.digest or note.before is None or note.before.is_folder:
            return
        # A digest of gigabytes, on the chance that somebody overwrites them, would cost
        # more than the stage.
        if limit is not None and note.before.size > limit:
            return
        # Changed since the first touch: its digest would be that of another content.
        if state_of(path) == note.before:
            with contextlib.suppress(OSError):
                note.digest = digest_file(path)

    def secure_small(self, budget: int = _FEW_BYTES) -> None:
        """Before a program runs, which may overwrite anything: what is small and was
        read."""
        for path, note in self.files.items():
            size = note.before.size if note.before is not None else 0
            if note.read and not note.digest and size <= budget:
                budget -= size
                self.secure(path, note)

    def tree(self, folder: str, limit: int) -> Iterator[tuple[str, bool]]:
        """The files and folders below a folder that count: path, whether it is a
        folder."""
        for path in self._walk(folder, limit):
            yield path, os.path.isdir(path)

    def _walk(self, path: str, limit: int) -> Iterator[str]:
        """A path and what lies below it; at most `limit` of them."""
        todo = [path + "/"]
        for _ in range(limit):
            if not todo:
                return
            one = todo.pop()
            yield one.rstrip("/")
            # A folder that a link leads to is not gone into: it may contain the link.
            if one.endswith("/") and not os.path.islink(one[:-1]):
                with contextlib.suppress(OSError):
                    todo.extend(one + name for name in entries(one))
        self.complete = self.complete and not todo

    def _note(self, path: str, where: Where) -> FileNote | None:
        note = self.files.get(path)
        if note is None and not self._is_temporary(path):
            if len(self.files) >= _LIMIT:
                self.complete = False
                return None
            note = self.files[path] = FileNote(where, state_of(path))
        self.touched.add(path)
        return note

    def _is_own(self, path: str) -> bool:
        note = self.files.get(path)
        return self._is_temporary(path) or (note is not None and note.made)

    def _is_temporary(self, path: str) -> bool:
        if not self.temporary:
            return False
        return any(path == one or path.startswith(one + "/") for one in self.temporary)

    def take(self) -> dict[str, Any]:
        """What is new since this was asked last, for `merge` in another process."""
        touched, self.touched = self.touched, set()
        return {
            "emptied": [*self.emptied],
            "files": {
                path: _fields_of(self.files[path])
                for path in touched
                if path in self.files
            },
            "listings": [
                (path, pattern, one.where, one.digest, one.names)
                for (path, pattern), one in self.listings.items()
                if path in touched
            ],
        }

    def merge(self, record: dict[str, Any]) -> None:
        """Adds what another process of the stage has noted. What the stage itself made
        is not an input."""
        self.emptied.update(record["emptied"])
        for path, fields in record["files"].items():
            there = FileNote(
                **{
                    **fields,
                    "where": Where(*fields["where"]),
                    "before": _state(fields["before"]),
                }
            )
            here = self.files.setdefault(path, there)
            if here is not there:
                _merge(here, there)
        for path, pattern, where, digest, names in record["listings"]:
            self.listings.setdefault(
                (path, pattern), Listing(Where(*where), digest, names)
            )

    def reports(self) -> dict[str, list[dict[str, Any]]]:
        """`read`, `written`, `emptied` and `modules` of the `Observations`, now that
        the stage is over."""
        found: dict[str, list[dict[str, Any]]] = {
            "read": [],
            "written": [],
            "modules": [],
        }
        # A model that is saved with `rmtree` and `makedirs` leaves a folder, and not
        # only files.
        found["emptied"] = [*self._emptied_reports()]
        # Who lists a folder knows that it is there, and the notebook's own always is.
        listed = {self.rules.folder, *(path for path, _ in self.listings)}
        for path, note in self.files.items():
            for name, report in _read_reports(note):
                if report.get("aspect") != "presence" or path not in listed:
                    found[name].append(self._place(path, note.where, report))
            report = _left_report(note, path)
            if report:
                found["written"].append(self._place(path, note.where, report))
        for (path, pattern), listing in self.listings.items():
            report = _listing_report(listing.digest, listing.names)
            # `glob("*.csv")` need not run again for a new `.txt`.
            report |= {"pattern": pattern} if pattern else {}
            found["read"].append(self._place(path, listing.where, report))
        return found

    def _emptied_reports(self) -> Iterator[dict[str, Any]]:
        """The folders that were removed and made again, with those below them, as they
        are now."""
        for path in sorted(self.emptied & self.files.keys()):
            below = self.tree(path, _LIMIT) if os.path.isdir(path) else ()
            for folder in [one for one, is_folder in below if is_folder]:
                names = entries(folder)
                report = _listing_report(digest_names(names), names)
                yield self._place(folder, self.files[path].where, report)

    def _place(self, path: str, where: Where, report: dict[str, Any]) -> dict[str, Any]:
        return {
            "path": self.rules.shown(path),
            **report,
            "cell_id": where.cell_id,
            "line": where.line,
        }


def _link_of(path: str, state: State | None) -> str:
    try:
        return f"-> {os.readlink(path)}"
    except OSError:
        return MISSING if state is None else "folder" if state.is_folder else "file"


def _fields_of(note: FileNote) -> dict[str, Any]:
    return {name: getattr(note, name) for name in FileNote.__slots__}


def _state(fields: list[Any] | None) -> State | None:
    return State(*fields) if fields is not None else None


def _merge(here: FileNote, there: FileNote) -> None:
    """Adds what another process noted of the same path: what it read counts only if the
    stage has not made the file itself."""
    if not here.made:
        here.read, here.asked = here.read or there.read, here.asked or there.asked
        here.timed, here.module = here.timed or there.timed, here.module or there.module
        here.digest, here.link = here.digest or there.digest, here.link or there.link
    here.written, here.watched = (
        here.written or there.written,
        here.watched or there.watched,
    )


def _read_reports(note: FileNote) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the stage learned of one path; what says more stands for what says less."""
    before = note.before
    if note.link:
        yield "read", {"aspect": "link", "digest": note.link}
    if before is None:
        if note.read or note.asked or note.timed:
            yield "read", {"aspect": "presence", "digest": MISSING}
        return
    if note.timed:
        yield "read", {"aspect": "times", "digest": str(before.mtime_ns)}
    yield from _content_reports(note, before)


def _content_reports(
    note: FileNote, before: State
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What was seen of a file or folder that was there: its content, what was only
    added to, or its kind."""
    if note.read and not before.is_folder:
        yield (
            ("modules" if note.module else "read"),
            {**_stat_report(before), "digest": note.digest},
        )
    elif note.appended and not note.asked:
        yield "read", {**_stat_report(before), "digest": note.digest, "appended": True}
    elif note.read or note.asked:
        yield (
            "read",
            {"aspect": "presence", "digest": "folder" if before.is_folder else "file"},
        )


def _left_report(note: FileNote, path: str) -> dict[str, Any]:
    """What the stage left at a path; empty if it did not write it, or removed what it
    had made itself."""
    if not (note.written or note.watched):
        return {}
    now = state_of(path)
    if (not note.written and now == note.before) or (
        now is None and note.before is None
    ):
        return {}
    flags = {"existed": note.before is not None, "guessed": note.guessed}
    return {**_written_report(now), **{name: True for name, on in flags.items() if on}}


def _listing_report(digest: str, names: list[str]) -> dict[str, Any]:
    return {"aspect": "listing", "digest": digest, "names": names[:_NAMES]}


def _written_report(now: State | None) -> dict[str, Any]:
    if now is None:
        return {"aspect": "presence", "digest": MISSING}
    if now.is_folder:
        return {"aspect": "presence", "digest": "folder"}
    return _stat_report(now)


def _stat_report(state: State) -> dict[str, Any]:
    times = {"mtime_ns": state.mtime_ns, "ctime_ns": state.ctime_ns}
    return {"size": state.size, **times, "inode": state.inode}
