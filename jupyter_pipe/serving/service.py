"""One worker's service: the parts, made from settings, and what happens around an
answer."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_pipe.errors import PipeError
from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.serving.live.batching import Batcher
from jupyter_pipe.serving.live.following import Follower, News
from jupyter_pipe.serving.live.keeping import Keeper
from jupyter_pipe.serving.live.models import Model
from jupyter_pipe.serving.live.rehearsal import Rehearsal
from jupyter_pipe.serving.live.routing import Role, Routing
from jupyter_pipe.serving.opening import open_source
from jupyter_pipe.serving.settings import Settings
from jupyter_pipe.serving.sources import Source
from jupyter_pipe.serving.traffic.log import RequestLog
from jupyter_pipe.serving.traffic.metrics import Metrics
from jupyter_pipe.serving.traffic.places import model_folder
from jupyter_pipe.serving.traffic.records import Shadowed
from jupyter_pipe.serving.web.answers import Answer, answer_rows, failed, refused
from jupyter_pipe.serving.web.reading import RequestError

__all__ = ["Service"]

_MOST_SHADOWS = 100


class Service:
    """`tell` hears what happens to versions. `sources` are opened from the settings if
    none are given. With a `rehearsal`, a version is loaded in another process first."""

    def __init__(
        self,
        settings: Settings,
        tell: Callable[[News], None] = lambda news: None,
        sources: dict[Role, Source] | None = None,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._told = tell
        found = _open_sources(settings) if sources is None else sources
        routing = Routing(mode=settings.mode, share=settings.share)
        self.follower = Follower(
            found,
            routing,
            self._tell,
            keeper=Keeper(
                model_folder(Path(settings.root), settings.target), trust=settings.trust
            ),
            rehearsal=rehearsal,
            trust=settings.trust,
            poll_seconds=settings.poll_seconds,
        )
        self._batcher = Batcher()
        self._shown: list[tuple[str, ...]] = []
        self._shadowing = Batcher() if settings.mode == "shadow" else None
        metrics = self.metrics
        self.log = None
        if settings.log is not None:
            self.log = RequestLog(
                settings.log,
                wrote=metrics.log_lines.inc,
                lost=lambda count, cause: metrics.log_lost.labels(cause).inc(count),
            )

    def start(self) -> None:
        """Load what there is, and begin to follow the sources."""
        self.follower.start()

    def close(self) -> None:
        """End: what was answered is written down."""
        self.follower.close()
        self._batcher.close()
        if self._shadowing is not None:
            self._shadowing.close()
        if self.log is not None:
            self.log.close()

    @property
    def routing(self) -> Routing:
        """What is live at this moment."""
        return self.follower.routing

    async def answer(self, body: bytes) -> Answer:
        """The answer to a request for predictions."""
        routing = self.routing
        if self._batcher.waiting >= self.settings.most_waiting:
            error = RequestError(
                429, "Too many requests are waiting.", "Send it again in a moment."
            )
            return refused(error, routing.champion, "champion", [])
        try:
            return await answer_rows(
                body, routing, self._batcher, self.settings.most_rows
            )
        except PipeError as error:
            return refused(error, routing.champion, "champion", [])
        except Exception:
            logging.getLogger(__name__).exception("A request met a defect.")
            return failed(routing.champion)

    async def after(self, answer: Answer, at: float, seconds: float) -> None:
        """Count an answer that was sent, write it down, and ask the shadow."""
        shadow = self.routing.shadow
        if shadow is not None and answer.status == 200:
            self._ask_shadow(shadow, answer, at)
        self._count(answer, seconds)
        if self.log is not None:
            self.log.add(answer.logged(at, seconds))

    def _count(self, answer: Answer, seconds: float) -> None:
        metrics = self.metrics
        version = answer.model.release.version if answer.model else ""
        metrics.seconds.labels(version).observe(seconds)
        if answer.status == 200:
            metrics.rows.labels(version, answer.role).inc(len(answer.predictions))
        if answer.problem is not None and answer.problem.rule:
            metrics.refusals.labels(answer.problem.column, answer.problem.rule).inc()
        if answer.fallback is not None:
            metrics.fallbacks.labels(answer.fallback.release.version).inc()
        for remark in answer.remarks:
            metrics.remarks.labels(remark.column, remark.rule).inc()
        # The last of all: what a worker accepted and did not count here was in flight
        # when it died.
        metrics.answers.labels(version, answer.role, str(answer.status)).inc()

    def _ask_shadow(self, shadow: Model, answer: Answer, at: float) -> None:
        if self._shadowing is None:
            return
        if self._shadowing.waiting >= _MOST_SHADOWS:
            self.metrics.shadow_lost.inc()
            return
        task = asyncio.get_running_loop().create_task(self._shadow(shadow, answer, at))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)

    async def _shadow(self, shadow: Model, answer: Answer, at: float) -> None:
        if self._shadowing is None:
            return
        scored = await self._shadowing.score(shadow, answer.rows)
        version = shadow.release.version
        self.metrics.shadows.labels(version).inc(len(scored.predictions))
        pairs = zip(answer.predictions, scored.predictions, strict=False)
        different = sum(not agree([one], [other], exact=False) for one, other in pairs)
        self.metrics.differences.labels(version).inc(different)
        if self.log is not None:
            self.log.add(
                Shadowed(
                    answer.id,
                    at,
                    version,
                    shadow.release.digest,
                    tuple(scored.predictions),
                )
            )

    def _tell(self, news: News) -> None:
        if news.kind == "live":
            self.metrics.swaps.labels(news.role).inc()
            self._show_live()
        elif news.kind == "refused":
            self.metrics.refused.labels(news.role).inc()
        logging.getLogger(__name__).info("%s: %s", news.role, news.text)
        self._told(news)

    def _show_live(self) -> None:
        routing = self.routing
        live: list[tuple[Role, Model | None]] = [
            ("champion", routing.champion),
            ("challenger", routing.challenger),
        ]
        for labels in self._shown:
            self.metrics.live.labels(*labels).set(0)
        self._shown = [
            (role, model.release.name, model.release.version, model.release.digest[:12])
            for role, model in live
            if model is not None
        ]
        for labels in self._shown:
            self.metrics.live.labels(*labels).set(1)

    def status(self) -> dict[str, Any]:
        """Versions, traffic and refusals, for the page. Counts are those of all
        workers."""
        follower, routing = self.follower, self.routing
        roles: tuple[Role, ...] = ("champion", "challenger")
        live = [
            {
                "role": role,
                **model.identity,
                "since": follower.since.get(role),
                "run": model.manifest.run_id,
            }
            for role in roles
            if (model := routing.model(role)) is not None
        ]
        counts = [
            {"what": name, **labels, "count": value}
            for name, labels, value in self.metrics.samples()
            if name.endswith("_total") and value
        ]
        return {
            "live": live,
            "problems": dict(follower.problems),
            "mode": routing.mode,
            "share": routing.share,
            "counts": counts,
            "worker": os.getpid(),
            "at": time.time(),
        }


_TASKS: set[asyncio.Task[None]] = set()
"""Tasks that nobody waits for must be held, or they may be collected as garbage."""


def _open_sources(settings: Settings) -> dict[Role, Source]:
    sources: dict[Role, Source] = {"champion": open_source(settings.target, settings)}
    if settings.mode:
        sources["challenger"] = open_source(settings.challenger, settings)
    return sources
