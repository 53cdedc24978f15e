"""Keeps what went live on this disk, so that a worker that starts again needs neither
registry nor luck.

    bundles/DIGEST/    copies of versions, which nobody replaces while they are loaded
    live.json          which of them each role had last, signed
    refused.json       versions that did not go live, with the reason, signed

A copy is loaded under the same rules as what it was copied from. Raises SourceAwayError
for a folder that changes while it is copied.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.model import from_json, to_json
from jupyter_pipe.scoring.bundle import read_manifest
from jupyter_pipe.serving.sources import Release, SourceAwayError, bundle_digest
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Keeper", "refusals"]

_LIVE = "live.json"
_REFUSED = "refused.json"
_PURPOSE = "serving"
# Champion, challenger and those before them.
_KEPT = 4
# Another worker may be loading a copy that it found a moment ago.
_SETTLED_SECONDS = 3600.0


class _Known(Struct, frozen=True):
    """A version as `live.json` has it."""

    name: str
    version: str
    digest: str


class _Live(Struct, frozen=True):
    roles: dict[str, _Known] = {}


class _Refused(Struct, frozen=True):
    """Why, by the version's digest."""

    reasons: dict[str, str] = {}


class Keeper:
    """`folder` is that of one model, `.jupyter_pipe/serving/NAME`."""

    def __init__(self, folder: Path, *, trust: bool = False) -> None:
        self._folder = folder
        self._bundles = folder / "bundles"
        self._trust = trust

    def keep(self, release: Release) -> Release:
        """The same version in a folder of ours."""
        place = self._bundles / release.digest
        if not place.is_dir():
            self._copy(release, place)
        # What is asked for counts as young: `_clean` goes by this time.
        os.utime(place)
        return replace(release, folder=place)

    def _copy(self, release: Release, place: Path) -> None:
        self._bundles.mkdir(parents=True, exist_ok=True)
        # On the same disk, or it could not be renamed.
        made = Path(tempfile.mkdtemp(prefix=".copy-", dir=self._bundles))
        try:
            # What the manifest does not name does not belong to the bundle.
            names = (
                "bundle.json",
                *read_manifest(release.folder, trust=self._trust).digests,
            )
            for name in names:
                shutil.copyfile(
                    release.folder / name, made / Path(name).name, follow_symlinks=False
                )
            # The folder may have been replaced between the question and the copy.
            if bundle_digest(made) != release.digest:
                raise SourceAwayError(
                    f"The bundle '{release.folder}' is being replaced."
                )
            with contextlib.suppress(OSError):  # another worker was first
                made.rename(place)
        except OSError as error:
            why = error.strerror or error
            raise SourceAwayError(
                f"The bundle '{release.folder}' cannot be copied: {why}."
            ) from None
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._clean(place)

    def _clean(self, newest: Path) -> None:
        """Remove copies that no role has had for a while, and what an interrupted copy
        left."""
        live = {known.digest for known in self._read().roles.values()}
        found = sorted(self._bundles.iterdir(), key=_changed, reverse=True)
        oldest = time.time() - _SETTLED_SECONDS
        for path in found[_KEPT:]:
            if path != newest and path.name not in live and _changed(path) < oldest:
                shutil.rmtree(path, ignore_errors=True)

    def remember(self, role: str, release: Release) -> None:
        """Write down that this version is live. A disk that is full does not end the
        service."""
        known = _Known(release.name, release.version, release.digest)
        roles = {**self._read().roles, role: known}
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(
                self._folder / _LIVE, sign(_PURPOSE, _LIVE, to_json(_Live(roles)))
            )

    def remembered(self, role: str) -> Release | None:
        """The version that was live last, if its copy is still there."""
        known = self._read().roles.get(role)
        if known is None:
            return None
        place = self._bundles / known.digest
        return (
            Release(known.name, known.version, place, known.digest)
            if place.is_dir()
            else None
        )

    def note_refusal(self, release: Release, reason: str) -> None:
        """Write down why this version does not go live, or with an empty reason that it
        does."""
        reasons = refusals(self._folder)
        if reasons.get(release.digest, "") == reason:
            return
        others = {
            digest: why for digest, why in reasons.items() if digest != release.digest
        }
        kept = {**others, release.digest: reason} if reason else others
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(
                self._folder / _REFUSED,
                sign(_PURPOSE, _REFUSED, to_json(_Refused(kept))),
            )

    def _read(self) -> _Live:
        try:
            return from_json(read_record(self._folder / _LIVE, _PURPOSE, _LIVE), _Live)
        except UNREADABLE:
            return _Live()


def refusals(folder: Path) -> dict[str, str]:
    """The versions that the service of a model refused, by the digest of their bundle,
    with the reason."""
    try:
        return from_json(
            read_record(folder / _REFUSED, _PURPOSE, _REFUSED), _Refused
        ).reasons
    except UNREADABLE:
        return {}


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
