"""Completes what a kernel noted, right after its stage has ended: digests that it left
to the host.

A file that has changed since the stage read it has no digest that anybody could give:
it gets one that equals none, so that the result is not reused.
"""

from __future__ import annotations

from msgspec.structs import replace

from jupyter_pipe.artifacts.protocol import Observations, ObservedPath, ObservedVariable
from jupyter_pipe.observe.comparison import has_stat, with_stat
from jupyter_pipe.observe.digests import (
    FOLDER,
    MISSING,
    file_digest,
    is_settled,
    listing_digest,
    presence_of,
    variable_digest,
)
from jupyter_pipe.observe.present import OWN_VARIABLES, Present
from jupyter_pipe.observe.words import may_be_shown

__all__ = ["CHANGED_MEANWHILE", "settle"]

CHANGED_MEANWHILE = "changed since it was read"


def settle(observed: Observations, present: Present) -> Observations:
    """The observations with every digest filled in. Variables count as the kernel was
    given them: what it adds by itself, or earlier stages set, is accounted for
    elsewhere. `present.day` is the day on which the stage began: one that went on past
    midnight may have asked before."""
    return replace(
        observed,
        calendar=observed.calendar
        # Of two days the earlier: a stage that began before midnight may have asked
        # then.
        and min(observed.calendar, present.day or observed.calendar),
        read=tuple(_settle_read(one, present) for one in observed.read),
        modules=tuple(_settle_read(one, present) for one in observed.modules),
        written=tuple(_settle_written(one, present) for one in observed.written),
        variables=tuple(
            _settle_variable(one, present)
            for one in observed.variables
            # The runner's own differ in each run.
            if not one.name.startswith(OWN_VARIABLES)
        ),
    )


def _settle_read(one: ObservedPath, present: Present) -> ObservedPath:
    """Fills in the digest that the kernel left open. If the file has changed since the
    stage read it, the digest says so and matches no content; times too recent to tell a
    later write are dropped."""
    # A listing needs no look at the disk: the kernel has noted the names.
    if one.aspect == "listing":
        return one if one.digest else replace(one, digest=listing_digest(one.names))
    if one.aspect == "presence":
        # Whether something is there was asked once; what is there now answers as well.
        return (
            one
            if one.digest
            else replace(one, digest=presence_of(present.path(one.path)))
        )
    if one.aspect in ("times", "link"):
        return one
    if not one.digest:
        try:
            status = present.path(one.path).stat()
        except OSError:
            return replace(one, digest=CHANGED_MEANWHILE)
        if not has_stat(one, status):
            return replace(one, digest=CHANGED_MEANWHILE)
        digest = file_digest(present.path(one.path), status)
        return replace(with_stat(one, present), digest=digest)
    return one if is_settled(one.mtime_ns, one.ctime_ns) else replace(one, mtime_ns=0)


def _settle_written(one: ObservedPath, present: Present) -> ObservedPath:
    path = present.path(one.path)
    # What the stage wrote and removed again is left as missing.
    if one.digest == MISSING or one.aspect != "content":
        return replace(one, digest=presence_of(path), aspect="presence")
    if path.is_dir():
        return replace(one, digest=FOLDER, aspect="presence")
    return replace(with_stat(one, present), digest=file_digest(path))


def _settle_variable(one: ObservedVariable, present: Present) -> ObservedVariable:
    value = present.variable(one.name)
    shown = value or ""
    if one.name == "*" or not may_be_shown(one.name, shown, present.secrets):
        shown = ""
    return replace(one, digest=variable_digest(value, present.salt), shown=shown)
