"""Where versions come from: a source says which version is the current one and where
its folder lies.

Asking is cheap, since a service asks all the time. Raises SourceAwayError if a source
cannot be asked now, which leaves running what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_pipe.errors import PipeError
from jupyter_pipe.registry import lineage
from jupyter_pipe.scoring.bundle import MANIFEST, read_manifest

__all__ = ["FolderSource", "Release", "Source", "SourceAwayError", "bundle_digest"]


@dataclass(frozen=True)
class Release:
    """One version that may be served: what it is called, and the bundle on this disk.
    `digest` is the SHA-256 of its description, which has the digests of all other
    files; the signature does not count."""

    name: str
    version: str
    folder: Path
    digest: str

    def is_same(self, other: Release) -> bool:
        """Whether both are one version, wherever it lies."""
        return (self.name, self.version, self.digest) == (
            other.name,
            other.version,
            other.digest,
        )


class SourceAwayError(PipeError):
    """The source cannot be asked at the moment."""

    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(
            message, code="source_away", hint="What is loaded is served on."
        )


class Source(Protocol):
    """Says what the current version is."""

    def current(self) -> Release | None:
        """The version to serve; None if there is none. Raises SourceAwayError, and
        PipeError for a version that must not be served."""

    def check(self) -> None:
        """Raise PipeError for a user's mistake, before a service starts. A source that
        is away is none."""


class FolderSource:
    """A bundle's folder. Its version is the run whose values it holds; whoever proves
    the notebook again replaces it, and the service follows."""

    def __init__(self, folder: Path, *, trust: bool = False) -> None:
        self._folder = folder
        self._trust = trust
        self._stamp: tuple[int, int, int] | None = None
        self._known: Release | None = None

    def check(self) -> None:
        """Whether there is a bundle, signed by somebody who is trusted."""
        read_manifest(self._folder, trust=self._trust)

    def current(self) -> Release:
        """The bundle that the folder holds now."""
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError as error:
            raise SourceAwayError(
                f"The bundle '{self._folder}' cannot be read: {error.strerror}."
            ) from None
        # Asked every second: reading the whole bundle each time would be work for
        # nothing.
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._known is None or stamp != self._stamp:
            digest = bundle_digest(self._folder)
            manifest = read_manifest(self._folder, trust=self._trust)
            self._known = Release(manifest.name, manifest.run_id, self._folder, digest)
            self._stamp = stamp
        return self._known


def bundle_digest(folder: Path) -> str:
    """The digest of a bundle, as the registry has it. Raises SourceAwayError."""
    try:
        return lineage.bundle_digest(folder)
    except OSError as error:
        raise SourceAwayError(
            f"The bundle '{folder}' cannot be read: {error.strerror}."
        ) from None
