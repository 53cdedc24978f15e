"""What of which run has been told to which tracker: `tracking.json` in the run's
folder.

A run is in the outbox of a tracker until its last event has been told. The file is
written after the tracker has answered, so a kill between the two means that something
is told twice, never that it is lost. It is signed: an address that others wrote there
would be sent whatever the run has.
"""

from __future__ import annotations

from msgspec import Struct

from jupyter_pipe.cache.replacing import replace_file
from jupyter_pipe.model import from_json, to_json
from jupyter_pipe.runs.store import RunFolder, RunStore
from jupyter_pipe.tracking.told import Sweep, Told
from jupyter_pipe.tracking.trackers import Tracker
from jupyter_pipe.trust.records import UNREADABLE, read_record
from jupyter_pipe.trust.signatures import sign

__all__ = ["Outbox", "read_outbox", "tell", "waiting"]

_FILE = "tracking.json"
_PURPOSE = "tracking"


class Outbox(Struct, frozen=True):
    """Address -> the number of the last event that was told there, 0 for none; and
    whether that was the run's last."""

    told: dict[str, int] = {}
    done: tuple[str, ...] = ()


def read_outbox(folder: RunFolder) -> Outbox:
    """What has been told of a run. A record that is damaged, or somebody else's, tells
    nothing: all is told again."""
    try:
        return from_json(
            read_record(folder.path / _FILE, _PURPOSE, folder.path.name), Outbox
        )
    except UNREADABLE:
        return Outbox()


def enlist(folder: RunFolder, address: str) -> None:
    """Put a run into the outbox of a tracker, before anything is told."""
    found = read_outbox(folder)
    if address not in found.told:
        _write(folder, Outbox({**found.told, address: 0}, found.done))


def tell(
    tracker: Tracker,
    address: str,
    store: RunStore,
    run_id: str,
    *,
    again: bool = False,
    sweep: Sweep = "unknown",
) -> bool:
    """Tell a tracker what is new of a run. Returns whether that was all that there ever
    will be.

    Raises whatever the tracker raises; nothing counts as told then. `again` tells even
    what was told.
    """
    folder = store.folder(run_id)
    found = read_outbox(folder)
    if address in found.done and not again:
        return True
    told = Told(store, run_id, sweep=sweep)
    if told.seq > found.told.get(address, 0) or told.run.is_final or again:
        tracker.tell(told)
        done = {*found.done, address} if told.run.is_final else {*found.done}
        _write(folder, Outbox({**found.told, address: told.seq}, tuple(sorted(done))))
    return told.run.is_final


def waiting(store: RunStore) -> list[tuple[str, str]]:
    """Runs that have ended and of which a tracker has not heard all: (run, address),
    oldest first."""
    found = []
    # The store lists the newest first.
    for run_id in reversed(store.ids()):
        outbox = read_outbox(store.folder(run_id))
        found += [
            (run_id, address) for address in outbox.told if address not in outbox.done
        ]
    return found


def _write(folder: RunFolder, outbox: Outbox) -> None:
    replace_file(folder.path / _FILE, sign(_PURPOSE, folder.path.name, to_json(outbox)))
