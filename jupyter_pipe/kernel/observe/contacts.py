"""Whom a stage was in touch with: hosts, database servers, programs. Shown without
credentials."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .paths.notes import Where

__all__ = ["ContactNotes", "is_url", "shown_url"]

_DATABASE_PORTS = frozenset(
    {1433, 1521, 3306, 5432, 6379, 7687, 8123, 9042, 27017, 50000}
)
_URL = re.compile(r"[a-z][a-z0-9+.\-]*://")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})  # noqa: S104 - names, nothing is bound
_LIMIT = 100


def is_url(text: str) -> bool:
    """Whether a reader would look for it elsewhere than in the files of this
    machine."""
    return _URL.match(text) is not None and not text.startswith("file:")


def shown_url(url: str) -> str:
    """Without user, password, query and fragment: any of them may hold a secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url.partition("://")[0] + "://…"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


@dataclass
class ContactNotes:
    """Each kind and name once, with the first place."""

    noted: dict[tuple[str, str], Where] = field(default_factory=dict)
    _thread: threading.local = field(default_factory=threading.local)

    def add(self, kind: str, name: str, where: Where) -> None:
        """`kind` is `network`, `database` or `program`."""
        if len(self.noted) < _LIMIT:
            self.noted.setdefault((kind, name), where)

    def resolve(self, host: Any, port: Any, where: Where) -> None:
        """The address of a host was looked up, in order to connect to it."""
        name = (
            host.decode("ascii", "replace")
            if isinstance(host, bytes)
            else str(host or "")
        )
        self._thread.resolved = str(port)
        self._add_host(name, port, where)

    def connect(self, address: Any, where: Where) -> None:
        """A socket was connected to an address of its family."""
        if isinstance(address, (str, bytes)):
            self._add_local(os.fsdecode(address), where)
            return
        host, port, *_ = address
        # The name, if it was looked up for this, says more than the number.
        if getattr(self._thread, "resolved", None) != str(port):
            self._add_host(str(host), port, where)

    def _add_host(self, host: str, port: Any, where: Where) -> None:
        number = int(port) if str(port).isdigit() else 0
        if number in _DATABASE_PORTS:
            self.add("database", f"{host}:{port}", where)
        elif number or host not in _LOCAL:
            self.add("network", f"{host}:{port}" if port else host, where)

    def _add_local(self, path: str, where: Where) -> None:
        """A socket in the file system: a database server's, or the desktop's, which is
        not an input."""
        if any(word in path.lower() for word in ("sql", "mongo", "redis", "pgsql")):
            self.add("database", path, where)

    def reports(self) -> list[dict[str, Any]]:
        """The `contacts` of the `Observations`."""
        return [
            {"kind": kind, "name": name, "cell_id": where.cell_id, "line": where.line}
            for (kind, name), where in self.noted.items()
        ]
