"""Counts of a service, for Prometheus. With several workers, each counts in files that
the others can read.

The files are those of `prometheus_client`'s multiprocess mode: they survive a worker
that is killed, so what it had accepted and not answered is known afterwards.
"""

from __future__ import annotations

import os
from collections import Counter as Totals
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from jupyter_pipe.serving.settings import FOLDER_VARIABLE

__all__ = ["Metrics", "Sample", "lost_with_worker"]

_PREFIX = "jupyter_pipe_"
# Buckets of the histogram.
_SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
Sample = tuple[str, dict[str, str], float]


class Metrics:
    """All that is counted. What each means stands in the texts that Prometheus
    shows."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._own = own

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{_PREFIX}{name}", text, labels, registry=own)

        self.accepted = counter(
            "accepted", "Requests for predictions that a worker began to read."
        )
        self.answers = counter(
            "answers", "Answers to them.", "version", "role", "status"
        )
        self.rows = counter(
            "rows", "Rows that were given a prediction.", "version", "role"
        )
        self.refusals = counter(
            "refusals", "Requests that the contract refused.", "column", "rule"
        )
        self.remarks = counter(
            "remarks", "Unusual rows that were answered.", "column", "rule"
        )
        self.log_lines = counter(
            "log_lines", "Answers that were written to the request log."
        )
        self.log_lost = counter(
            "log_lost", "Answers that were not written to the request log.", "cause"
        )
        self.lost = counter(
            "lost_requests", "Requests in flight in a worker that died."
        )
        self.shadows = counter(
            "shadow_rows", "Rows that a shadow scored after the answer.", "version"
        )
        self.differences = counter(
            "shadow_differences",
            "Rows of which a shadow's prediction is another one.",
            "version",
        )
        self.shadow_lost = counter(
            "shadow_lost", "Requests that no shadow scored, for lack of time."
        )
        self.fallbacks = counter(
            "fallbacks",
            "Requests that the challenger failed and the champion answered.",
            "version",
        )
        self.swaps = counter("swaps", "Versions that took over.", "role")
        self.refused = counter(
            "refused_versions", "Versions that did not go live.", "role"
        )
        self.seconds = Histogram(
            f"{_PREFIX}request_seconds",
            "From the first byte of a request to its answer.",
            ["version"],
            buckets=_SECONDS,
            registry=own,
        )
        self.live = Gauge(
            f"{_PREFIX}live",
            "1 for each version that is live, in each worker.",
            ["role", "name", "version", "digest"],
            # A worker that died serves nothing any more.
            multiprocess_mode="livesum",
            registry=own,
        )

    def text(self) -> bytes:
        """All counts of all workers, in Prometheus' text format."""
        return generate_latest(_registry_of_all() or self._own)

    def samples(self) -> list[Sample]:
        """The same as values: name without our prefix, labels, value."""
        registry = _registry_of_all() or self._own
        return [
            (sample.name.removeprefix(_PREFIX), dict(sample.labels), sample.value)
            for metric in registry.collect()
            for sample in metric.samples
        ]


def _registry_of_all() -> CollectorRegistry | None:
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return None
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


def lost_with_worker(folder: Path, pid: int) -> tuple[int, int]:
    """What a worker that died took with it: requests in flight, and answers that were
    not written down."""
    # Prometheus' client names its files by kind and process: `counter_4711.db`.
    files = [str(path) for path in folder.glob(f"*_{pid}.db")]
    collect: Any = MultiProcessCollector.merge
    totals: Totals[str] = Totals()
    for metric in collect(files, accumulate=True):
        for sample in metric.samples:
            totals[sample.name.removeprefix(_PREFIX)] += int(sample.value)
    in_flight = totals["accepted_total"] - totals["answers_total"]
    unwritten = (
        totals["answers_total"] - totals["log_lines_total"] - totals["log_lost_total"]
    )
    return max(0, in_flight), max(0, unwritten)
