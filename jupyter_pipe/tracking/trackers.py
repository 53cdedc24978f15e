"""The contract of trackers, and which one an address means.

    default                          MLflow: SQLite below `.jupyter_pipe/`, or as MLFLOW_TRACKING_URI says
    sqlite:///…, http://…, …         MLflow, at this URI
    openlineage+file:///…            events of OpenLineage, one line each, in a file
    openlineage+http://…             the same, sent to a server
    NAME+REST                        the tracker that a package offers as NAME, by the entry point
                                     `jupyter_pipe.trackers`

Raises TrackingError.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from jupyter_pipe.errors import TrackingError
from jupyter_pipe.tracking.told import Told

__all__ = ["DEFAULT", "Tracker", "open_tracker", "require_address"]

DEFAULT = "default"
_GROUP = "jupyter_pipe.trackers"


class Tracker(Protocol):
    """Keeps what it is told about runs.

    It is told about a run again and again, with more each time, and once more after it
    was killed: telling it the same twice must change nothing. Whatever it raises means
    that nothing was told; it will be told again.
    """

    def tell(self, told: Told) -> None:
        """Bring what is kept of this run to what it is now."""


Factory = Callable[[str, Path], Tracker]
"""Makes a tracker of the rest of an address and the root, the folder that holds
`.jupyter_pipe/`."""


def open_tracker(address: str, root: Path) -> Tracker:
    """The tracker that an address means. Nothing is reached yet."""
    require_address(address)
    name, plus, rest = address.partition("+")
    if plus and "/" not in name:
        if name == "openlineage":
            from jupyter_pipe.tracking.openlineage_tracker import OpenLineageTracker

            return OpenLineageTracker(rest)
        offered = entry_points(group=_GROUP, name=name)
        if offered:
            factory: Factory = next(iter(offered)).load()
            return factory(rest, root)
    from jupyter_pipe.tracking.mlflow_tracker import MlflowTracker

    return MlflowTracker("" if address == DEFAULT else address, root)


def require_address(address: str) -> None:
    """Raises TrackingError for what is no address, and for one with a password, which
    records would keep."""
    if address == DEFAULT:
        return
    if "://" not in address and "+" not in address:
        raise TrackingError(
            f"'{address}' is no address of a tracker.",
            code="track_address",
            hint="For example: --track, --track http://localhost:5000, --track openlineage+file:///tmp/runs.jsonl",
        )
    parts = urlsplit(address)
    if parts.password:
        raise TrackingError(
            "The address of the tracker holds a password, which would stand in the run's record.",
            code="track_address",
            hint="Give it by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
