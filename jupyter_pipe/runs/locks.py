"""Locks between processes: a file that names its holder.

A lock whose holder died is broken (see `processes`), and so is one that names nobody
since it was damaged. Who holds one for long asks now and then whether it `holds_lock`
still. Raises OSError as the disk does.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import asdict

from jupyter_pipe.runs.model import Process
from jupyter_pipe.runs.processes import this_process
from jupyter_pipe.trust.records import UNREADABLE, read_regular_file

__all__ = ["Holder", "find_holder", "free_lock", "holds_lock", "take_lock"]


class Holder(Process, frozen=True):
    """The process that holds a lock, for the run `run_id`."""

    run_id: str = ""


_decoder = msgspec.json.Decoder(Holder)
_NOBODY = Holder(pid=0, start="", host="")


def take_lock(
    path: Path, run_id: str, *, is_held: Callable[[Holder], bool]
) -> Holder | None:
    """Take the lock, which appears whole or not at all. Returns who has it instead,
    None if we do.

    `is_held` tells whether a holder still has a right to it.
    """
    # Written aside and linked: a lock appears with its holder in it.
    mine = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    mine.write_bytes(
        msgspec.json.encode(Holder(**asdict(this_process()), run_id=run_id))
    )
    try:
        while not _link(mine, path):
            holder = _read(path)
            # None: it was freed between the two looks, so try again.
            if holder not in (None, _NOBODY) and is_held(holder):
                return holder
            if holder is not None:
                _remove(path, holder)
    finally:
        mine.unlink(missing_ok=True)
    return None


def find_holder(path: Path) -> Holder | None:
    """Who has the lock, None if nobody has."""
    holder = _read(path)
    return None if holder == _NOBODY else holder


def holds_lock(path: Path) -> bool:
    """Whether the lock still names this process."""
    me = this_process()
    holder = _read(path)
    return holder is not None and (holder.pid, holder.start) == (me.pid, me.start)


def free_lock(path: Path) -> None:
    """Give back a lock that was taken."""
    path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


def _read(path: Path) -> Holder | None:
    """Who holds the lock: None if it was freed meanwhile, nobody if it was damaged."""
    try:
        return _decoder.decode(read_regular_file(path, follow=False))
    except FileNotFoundError:
        return None
    except UNREADABLE:
        return _NOBODY


def _remove(path: Path, expected: Holder) -> None:
    """Two processes may find the same dead lock; the slower must not remove the
    faster's new one."""
    aside = path.with_name(f"{path.name}.dead.{os.getpid()}.{threading.get_ident()}")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    if _read(aside) != expected:
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    aside.unlink()
