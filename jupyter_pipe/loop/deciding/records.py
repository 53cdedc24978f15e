"""The lines of `loop.jsonl`: what was decided, and what came of it. Frozen records, no
I/O.

The file is append-only; what the loop knows (`state.State`) is a fold over it. Times
are UTC seconds since the epoch.
"""

from __future__ import annotations

from typing import Literal, Union

import msgspec
from msgspec import Struct

from jupyter_pipe.loop.deciding.settings import TriggerKind
from jupyter_pipe.loop.deciding.signals import Outcome

__all__ = [
    "Answered",
    "AskDecided",
    "Began",
    "ClockSetBack",
    "Compared",
    "Held",
    "Notified",
    "PromoteDecided",
    "PromoteRefused",
    "Promoted",
    "Record",
    "Registered",
    "RunDecided",
    "RunEnded",
    "Trigger",
    "Unregistered",
    "Verdict",
    "decode_record",
    "encode_record",
]

Verdict = Literal["better", "worse", "undecided"]


class _Record(Struct, frozen=True, tag_field="record", kw_only=True):
    time: float = 0.0


class Trigger(Struct, frozen=True):
    """Why a run starts. Of one kind, the same `id` never starts a second run; `text` is
    for people."""

    kind: TriggerKind
    id: str
    text: str


class Began(_Record, frozen=True, tag="began"):
    """The loop saw this notebook for the first time. From here the schedule counts, and
    commits."""

    commit: str = ""


class ClockSetBack(_Record, frozen=True, tag="clock_set_back"):
    """What was noted lies in the future, `was`, so the schedule counts from now."""

    was: float


class RunDecided(_Record, frozen=True, tag="run_decided"):
    """A run is to start, for all of these triggers at once. `key` is made of the
    triggers and the data's digest, `due` the time of the schedule that is used up,
    `attempt` counts runs that were interrupted."""

    key: str
    run_id: str
    triggers: tuple[Trigger, ...]
    data: str = ""
    changed: tuple[str, ...] = ()
    due: float | None = None
    attempt: int = 1


class RunEnded(_Record, frozen=True, tag="run_ended"):
    """How it came out. `candidate` says that its model is to be registered and
    compared."""

    run_id: str
    outcome: Outcome
    problems: tuple[str, ...] = ()
    candidate: bool = False


class Held(_Record, frozen=True, tag="held"):
    """These triggers start nothing, for `reason`; they are used up."""

    triggers: tuple[Trigger, ...]
    reason: str
    due: float | None = None


class Registered(_Record, frozen=True, tag="registered"):
    """The run's model is version `version`; its comparison is next."""

    run_id: str
    version: int


class Unregistered(_Record, frozen=True, tag="unregistered"):
    """The run's model could not be registered."""

    run_id: str
    reason: str


class Compared(_Record, frozen=True, tag="compared"):
    """The version was held against `champion` (None: there was none) on the rows of
    `evidence`."""

    version: int
    champion: int | None
    verdict: Verdict
    reason: str
    evidence: str = ""


class AskDecided(_Record, frozen=True, tag="ask_decided"):
    """The version won, and a person decides: it waits."""

    version: int


class PromoteDecided(_Record, frozen=True, tag="promote_decided"):
    """The version, which won against `champion`, is to take its place."""

    version: int
    champion: int | None


class Promoted(_Record, frozen=True, tag="promoted"):
    version: int


class PromoteRefused(_Record, frozen=True, tag="promote_refused"):
    """The registry did not promote the version. `again` says that the champion is
    another one by now, so that the comparison has to be made again."""

    version: int
    reason: str
    again: bool = False


class Answered(_Record, frozen=True, tag="answered"):
    """A person promoted the version that waited, or rejected it."""

    version: int
    promoted: bool


class Notified(_Record, frozen=True, tag="notified"):
    """The notice `key` went to `receivers`; `problem` says why it did not."""

    key: str
    receivers: int = 0
    problem: str = ""


Record = Union[  # noqa: UP007 - a runtime union, for the decoder
    Began,
    ClockSetBack,
    RunDecided,
    RunEnded,
    Held,
    Registered,
    Unregistered,
    Compared,
    AskDecided,
    PromoteDecided,
    Promoted,
    PromoteRefused,
    Answered,
    Notified,
]

# Made once: a loop that starts reads thousands of lines.
_decoder = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


def encode_record(record: Record) -> bytes:
    """One line, newline included."""
    return _encoder.encode(record) + b"\n"


def decode_record(line: bytes) -> Record:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    record: Record = _decoder.decode(line)
    return record
