"""The page *Service*: what runs, what it answered and refused, and how fast."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import asdict

from jupyter_pipe.server.operations.payloads import (
    ServicePage,
    ServiceShown,
    TrafficBucket,
    TrafficOfVersion,
)
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.serving.announcing import Running, running_services
from jupyter_pipe.serving.traffic.summary import TrafficSummary, summarise_log

__all__ = ["service_page"]

# A whole day, since nights differ from days.
_SECONDS = 24 * 3600.0


def service_page(place: Place) -> ServicePage:
    """The services of the folder over the last day."""
    until = time.time()
    since = until - _SECONDS
    return ServicePage(since, tuple(_services(place, since, until)))


def _services(place: Place, since: float, until: float) -> Iterator[ServiceShown]:
    """Those that run, and those that have run and left a log."""
    for path in place.services():
        running = running_services(path)
        if running or (path / "log").is_dir():
            summary = summarise_log(path / "log", since, until)
            yield _shown(path.name, running[0] if running else None, summary)


def _shown(name: str, running: Running | None, summary: TrafficSummary) -> ServiceShown:
    """A service as the page shows it; one that does not run has its past traffic
    alone."""
    unread = ", ".join(summary.damaged)
    return ServiceShown(
        name=name,
        address=running.address if running else "",
        target=Path(running.target).name if running else name,
        workers=running.workers if running else 0,
        mode=running.mode if running else "",
        share=running.share if running else 0.0,
        started=running.started if running else None,
        versions=tuple(TrafficOfVersion(**asdict(each)) for each in summary.versions),
        buckets=tuple(TrafficBucket(**asdict(each)) for each in summary.buckets),
        latency=summary.latency,
        looked=summary.looked,
        refusals=summary.refusals,
        problem=f"Files of the request log that cannot be read: {unread}."
        if unread
        else "",
    )
