"""What readers in native code say that they are about to touch, turned into notes."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from typing import Any

from ..contacts import ContactNotes, is_url, shown_url
from ..paths.events import FileEvents
from ..paths.notes import Where
from .wrapping import paths_in_query, shown_server, texts_of

__all__ = ["ReaderCalls"]

_MAGIC = re.compile(r"[*?\[]")
_FILES = 10_000
# GDAL and others prefix paths: `zip://data.zip`, `NETCDF:"data.nc":variable`.
_LOCAL_SCHEMES = (
    "zip://",
    "tar://",
    "gzip://",
    "netcdf:",
    "/vsizip/",
    "/vsigzip/",
    "/vsitar/",
    "file://",
)
_MEMORY = frozenset({":memory:", ":default:", ""})


class ReaderCalls:
    """Understands the verbs of the reader tables."""

    def __init__(self, files: FileEvents, contacts: ContactNotes) -> None:
        self._files = files
        self._contacts = contacts
        self._verbs: dict[str, Callable[[str], None]] = {
            "reads": self.reads,
            "writes": self.writes,
            "uses": self.uses,
            "queries": self.queries,
            "mentions": self.mentions,
        }

    def tell(self, verb: str, values: list[Any]) -> None:
        """A call of a wrapped reader."""
        caller = self._files.places.find()
        if caller is None:
            return
        if verb == "contacts":
            self._contacts.add(
                "database", shown_server(values[0]), self._files.places.where(caller)
            )
            return
        if verb == "queries":
            for query in (value for value in values if isinstance(value, str)):
                self.queries(query)
            return
        for text in texts_of(values):
            if is_url(text) and not text.startswith(_LOCAL_SCHEMES):
                self._contacts.add(
                    "network", shown_url(text), self._files.places.where(caller)
                )
            elif text not in _MEMORY:
                self._verbs[verb](_without_scheme(text))

    def reads(self, text: str) -> None:
        """A file, a pattern, or a folder with all that is in it."""
        if _MAGIC.search(text) and not os.path.exists(text):
            self._search(text)
        elif os.path.isdir(text):
            self._tree(os.path.abspath(text))
        else:
            self._files.read(text)

    def writes(self, text: str) -> None:
        """A file, or a folder of which only the library knows what it puts there."""
        if not os.path.isdir(text):
            self._files.written(text)

    def uses(self, text: str) -> None:
        """A file that may be read and written as long as it is open."""
        if os.path.isdir(text):
            self._tree(os.path.abspath(text))
        self._files.used(text)

    def mentions(self, text: str) -> None:
        """A value that is perhaps a path: `read_csv(?)` is given it, and `name = ?` a
        name."""
        if _MAGIC.search(text) or os.path.exists(text):
            self.reads(text)

    def queries(self, text: str) -> None:
        """SQL that may name files, usually on several lines."""
        for path in paths_in_query(text):
            if is_url(path):
                caller = self._files.places.find()
                where = (
                    self._files.places.where(caller) if caller is not None else Where()
                )
                self._contacts.add("network", shown_url(path), where)
            elif _MAGIC.search(path) or os.path.exists(path):
                self.reads(path)
            elif "copy" in text.lower():
                self.writes(path)

    def _search(self, pattern: str) -> None:
        full = os.path.abspath(pattern)
        root = full
        while _MAGIC.search(root):
            root, last = os.path.split(root)
        # Below `data/**/*.csv` and `data/*/x.csv` every folder may get another one that
        # matches.
        if os.path.split(full) == (root, last):
            self._list(root, last)
        else:
            for path, is_folder in self._files.notes.tree(root, _FILES):
                if is_folder:
                    self._list(path, "")
        for path in glob.glob(full, recursive=True):
            # A link that leads nowhere is read, too: it may lead somewhere the next
            # time.
            if not os.path.isdir(path):
                self._files.read(path)

    def _tree(self, folder: str) -> None:
        for path, is_folder in self._files.notes.tree(folder, _FILES):
            self._list(path, "") if is_folder else self._files.read(path)

    def _list(self, folder: str, pattern: str) -> None:
        where = self._files.where(folder) if self._files.path(folder) else None
        if where is not None:
            self._files.notes.look_into(folder, pattern, where)


def _without_scheme(text: str) -> str:
    for scheme in _LOCAL_SCHEMES:
        if text.lower().startswith(scheme):
            rest = text[len(scheme) :]
            return re.split(r"[!:]", rest.strip('"'))[0].split('"')[0]
    return text
