"""Follows the sources: a thread that asks them, loads a new version aside, and lets it
take over.

A version that was refused is not tried again until its source names another one. What
cannot be asked leaves running what runs, and is told among the problems.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from jupyter_pipe.errors import PipeError
from jupyter_pipe.serving.live.keeping import Keeper
from jupyter_pipe.serving.live.models import Model, load_model
from jupyter_pipe.serving.live.rehearsal import Rehearsal
from jupyter_pipe.serving.live.routing import Role, Routing
from jupyter_pipe.serving.sources import Release, Source, SourceAwayError

__all__ = ["Follower", "News"]


@dataclass(frozen=True)
class News:
    """Something that happened to what is live: a version took over, or a problem came
    or went."""

    role: Role
    kind: str
    text: str
    seconds: float = 0.0


class Follower:
    """`routing` is what is live. `tell` hears of everything that changes."""

    def __init__(
        self,
        sources: dict[Role, Source],
        routing: Routing,
        tell: Callable[[News], None] = lambda news: None,
        *,
        keeper: Keeper | None = None,
        rehearsal: Rehearsal | None = None,
        trust: bool = False,
        poll_seconds: float = 1.0,
    ) -> None:
        self.routing = routing
        self.since: dict[Role, float] = {}
        self.problems: dict[Role, str] = {}
        self._sources = sources
        self._tell = tell
        self._keeper = keeper
        self._rehearsal = rehearsal
        self._trust = trust
        self._poll_seconds = poll_seconds
        self._refused: dict[Role, tuple[str, str]] = {}
        self._ended = threading.Event()
        # A thread, since sources read disks, and loading takes the CPU: the loop that
        # answers must not wait.
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Load what there is, then begin to ask in a thread. Where a source cannot be
        asked, or names what is refused, the version is taken that was live last."""
        self.look()
        for role in self._sources:
            if self._keeper is not None and self.routing.model(role) is None:
                release = self._keeper.remembered(role)
                if release is not None and (
                    role == "champion" or role in self.problems
                ):
                    self._try(role, release)
        self._thread.start()

    def _try(self, role: Role, release: Release) -> None:
        """Take a version that was live once. That it cannot be loaded says nothing
        about the source."""
        try:
            self._put(role, self._load_kept(release))
        except Exception as error:
            self._note(
                role,
                f"{self.problems.get(role, '')} What was live last cannot be loaded: {error}",
            )
            return
        self._tell(
            News(
                role,
                "live",
                f"{release.name} {release.version}, which was live last, is live",
            )
        )

    def close(self) -> None:
        """End; a version that is being loaded is loaded to its end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._poll_seconds):
            self.look()

    def look(self) -> None:
        """Ask each source once, and follow."""
        for role, source in self._sources.items():
            try:
                release = source.current()
                self._follow(role, release)
                self._note(
                    role, self._refused[role][1] if role in self._refused else ""
                )
            except SourceAwayError as error:
                self._note(role, error.message)
            except PipeError as error:
                self._note(role, error.message)
            except Exception as error:
                # A source is other people's code, and a bundle is too: neither ends the
                # service.
                self._note(role, f"{type(error).__name__}: {error}")

    def _follow(self, role: Role, release: Release | None) -> None:
        """Brings one role to what the source names. A release that could not be loaded
        is not tried again until another one is named."""
        current = self.routing.model(role)
        if release is None:
            self._refused.pop(role, None)
            if role == "challenger" and current is not None:
                self._put(role, None)
            return
        if current is not None and current.release.is_same(release):
            self._refused.pop(role, None)
            return
        # Loading it again each second would give the same refusal.
        if role in self._refused and self._refused[role][0] == release.digest:
            return
        self._refused.pop(role, None)
        started = time.monotonic()
        try:
            model = self._load(release)
        except SourceAwayError:
            raise
        except Exception as error:
            text = (
                error.message
                if isinstance(error, PipeError)
                else f"{type(error).__name__}: {error}"
            )
            self._refused[role] = (release.digest, text)
            if self._keeper is not None:
                self._keeper.note_refusal(release, text)
            self._tell(News(role, "refused", text))
            return
        self._put(role, model)
        text = f"{release.name} {release.version} is live"
        self._tell(News(role, "live", text, time.monotonic() - started))

    def _load(self, release: Release) -> Model:
        """What another role has loaded, such as a challenger that was promoted, is not
        loaded again."""
        for known in (self.routing.champion, self.routing.challenger):
            if known is not None and known.release.digest == release.digest:
                return replace(
                    known, release=replace(release, folder=known.release.folder)
                )
        return self._load_kept(
            release if self._keeper is None else self._keeper.keep(release)
        )

    def _load_kept(self, release: Release) -> Model:
        if self._rehearsal is not None:
            self._rehearsal.require(release)
        return load_model(release, trust=self._trust)

    def _put(self, role: Role, model: Model | None) -> None:
        """The swap: one assignment."""
        if role == "champion":
            self.routing = replace(self.routing, champion=model)
        else:
            self.routing = replace(self.routing, challenger=model)
        if model is None:
            self.since.pop(role, None)
            return
        self.since[role] = time.time()
        if self._keeper is not None:
            self._keeper.remember(role, model.release)
            self._keeper.note_refusal(model.release, "")

    def _note(self, role: Role, text: str) -> None:
        if text == self.problems.get(role, ""):
            return
        with contextlib.suppress(KeyError):
            del self.problems[role]
        if text:
            self.problems[role] = text
        # It was told as a refusal already.
        known = role in self._refused and self._refused[role][1] == text
        if text and not known:
            self._tell(News(role, "problem", text))
