"""What the loop knows, folded from its records. Pure; does no I/O.

Records of a kind that contradict each other cannot come from one loop, so nothing here
checks for them: the later record holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.settings import TriggerKind

__all__ = ["Candidate", "Notice", "State", "fold"]

# Not a run that went well, nor one that somebody cancelled and knows about.
_TOLD = frozenset({"contract", "gate", "failed", "waiting", "unstarted"})


class Candidate(Struct, frozen=True):
    """A model on its way. `version` is None until it is registered, `verdict` empty
    until it is compared; `promoting` says that its promotion is decided, `asked` that a
    person was asked for that."""

    run_id: str
    version: int | None = None
    verdict: rc.Verdict | None = None
    champion: int | None = None
    reason: str = ""
    evidence: str = ""
    promoting: bool = False
    asked: bool = False


class Notice(Struct, frozen=True):
    """Something that people are told once."""

    key: str
    time: float
    text: str


class State(Struct, frozen=True):
    """The loop at one moment.

    `base` is the time up to which the schedule was considered, `run` what is under way,
    `last` the latest run that was decided, `ended` how that one came out. `handled` are
    the ids of the triggers that were last used up, by kind. `candidate` is a model that
    is not decided upon yet, `owed` are notices that nobody has been sent.
    """

    began: float | None = None
    base: float = 0.0
    run: rc.RunDecided | None = None
    last: rc.RunDecided | None = None
    ended: rc.RunEnded | None = None
    handled: dict[TriggerKind, str] = {}
    candidate: Candidate | None = None
    promoted: int | None = None
    owed: tuple[Notice, ...] = ()


def fold(found: Iterable[rc.Record], state: State | None = None) -> State:
    """The state after these records, which are in order."""
    state = state or State()
    for record in found:
        state = _CHANGES[type(record)](state, record)
    return state


def _began(state: State, record: rc.Began) -> State:
    handled: dict[TriggerKind, str] = {"commit": record.commit} if record.commit else {}
    return replace(state, began=record.time, base=record.time, handled=handled)


def _set_back(state: State, record: rc.ClockSetBack) -> State:
    # The cooldown counts from a time that has not come yet, so it is over.
    last = replace(state.last, time=0.0) if state.last else None
    return replace(state, base=record.time, last=last)


def _decided(state: State, record: rc.RunDecided) -> State:
    used = _use_up(state, record.triggers, record.due)
    alarms = [one.text for one in record.triggers if one.kind in ("drift", "quality")]
    owed = used.owed
    # Of a run that starts again they have been told.
    if alarms and record.attempt == 1:
        owed = _owe(
            used,
            f"alarm:{record.key}",
            record.time,
            f"{'; '.join(alarms)}. Run {record.run_id} starts.",
        )
    return replace(used, run=record, last=record, owed=owed)


def _ended(state: State, record: rc.RunEnded) -> State:
    owed = state.owed
    if record.outcome in _TOLD:
        owed = _owe(
            state, f"run:{record.run_id}", record.time, _ending_text(state, record)
        )
    candidate = Candidate(record.run_id) if record.candidate else state.candidate
    return replace(state, run=None, ended=record, candidate=candidate, owed=owed)


def _ending_text(state: State, record: rc.RunEnded) -> str:
    said = {
        "contract": "The data broke its contract, so nothing was trained.",
        "gate": "A gate failed.",
        "waiting": "The run waits for you.",
        "unstarted": "The run could not start.",
    }.get(record.outcome, "The run failed.")
    changed = state.last.changed if state.last else ()
    since = (
        f" New since the last good run: {', '.join(changed)}."
        if changed and record.outcome != "waiting"
        else ""
    )
    problems = "".join(f"\n{line}" for line in record.problems)
    return f"{said}{since} Run {record.run_id}.{problems}"


def _held(state: State, record: rc.Held) -> State:
    return _use_up(state, record.triggers, record.due)


def _use_up(state: State, triggers: Iterable[rc.Trigger], due: float | None) -> State:
    # Only the latest of each kind: data that comes back after other data is not what
    # the last run used.
    handled = {**state.handled, **{one.kind: one.id for one in triggers}}
    return replace(state, handled=handled, base=state.base if due is None else due)


def _registered(state: State, record: rc.Registered) -> State:
    return replace(state, candidate=Candidate(record.run_id, record.version))


def _unregistered(state: State, record: rc.Unregistered) -> State:
    text = f"The model of run {record.run_id} could not be registered: {record.reason}"
    return replace(
        state,
        candidate=None,
        owed=_owe(state, f"register:{record.run_id}", record.time, text),
    )


def _compared(state: State, record: rc.Compared) -> State:
    if state.candidate is None or state.candidate.version != record.version:
        return state
    candidate: Candidate | None = replace(
        state.candidate,
        verdict=record.verdict,
        champion=record.champion,
        reason=record.reason,
        evidence=record.evidence,
    )
    if record.verdict != "worse":
        return replace(state, candidate=candidate)
    text = f"Version {record.version} was not promoted: {record.reason}"
    owed = _owe(state, f"version:{record.version}", record.time, text)
    return replace(state, candidate=None, owed=owed)


def _ask_decided(state: State, record: rc.AskDecided) -> State:
    if state.candidate is None:
        return state
    asked = replace(state.candidate, asked=True)
    text = f"Version {record.version} waits for you to promote it: {asked.reason}"
    return replace(
        state,
        candidate=asked,
        owed=_owe(state, f"version:{record.version}", record.time, text),
    )


def _promote_decided(state: State, record: rc.PromoteDecided) -> State:
    made = state.candidate or Candidate("", record.version)
    return replace(state, candidate=replace(made, promoting=True))


def _promoted(state: State, record: rc.Promoted) -> State:
    reason = (
        f": {state.candidate.reason}"
        if state.candidate and state.candidate.reason
        else "."
    )
    text = f"Version {record.version} is champion now{reason}"
    owed = _owe(state, f"version:{record.version}", record.time, text)
    return replace(state, candidate=None, promoted=record.version, owed=owed)


def _refused(state: State, record: rc.PromoteRefused) -> State:
    if record.again and state.candidate:
        return replace(
            state, candidate=Candidate(state.candidate.run_id, record.version)
        )
    text = f"Version {record.version} was not promoted: {record.reason}"
    owed = _owe(state, f"version:{record.version}", record.time, text)
    return replace(state, candidate=None, owed=owed)


def _answered(state: State, record: rc.Answered) -> State:
    return replace(
        state,
        candidate=None,
        promoted=record.version if record.promoted else state.promoted,
    )


def _notified(state: State, record: rc.Notified) -> State:
    return replace(
        state, owed=tuple(one for one in state.owed if one.key != record.key)
    )


def _owe(state: State, key: str, time: float, text: str) -> tuple[Notice, ...]:
    """A notice whose key is owed already takes its place: only the newest is of
    interest."""
    return (*(one for one in state.owed if one.key != key), Notice(key, time, text))


_CHANGES: dict[type, Callable[[State, Any], State]] = {
    rc.Began: _began,
    rc.ClockSetBack: _set_back,
    rc.RunDecided: _decided,
    rc.RunEnded: _ended,
    rc.Held: _held,
    rc.Registered: _registered,
    rc.Unregistered: _unregistered,
    rc.Compared: _compared,
    rc.AskDecided: _ask_decided,
    rc.PromoteDecided: _promote_decided,
    rc.Promoted: _promoted,
    rc.PromoteRefused: _refused,
    rc.Answered: _answered,
    rc.Notified: _notified,
}
