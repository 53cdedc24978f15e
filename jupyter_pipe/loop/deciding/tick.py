"""The decisions of one moment: `tick(settings, state, signals, now)`. Pure; does no
I/O, reads no clock.

Triggers are levels, not edges: what differs from what the last run used. So whatever
comes while a run goes on, or within the cooldown, is still there when its time has
come, and starts one run, not several. What is decided is decided once: of each kind the
trigger that was last used up is known by its id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.settings import ALARMS, LoopSettings
from jupyter_pipe.loop.deciding.signals import RunSeen, Signals
from jupyter_pipe.loop.deciding.state import Candidate, State
from jupyter_pipe.render.words import seconds_text

__all__ = ["MOST_ATTEMPTS", "tick", "waits_for"]

# What kills a run each time, such as too little memory, will kill the next one.
MOST_ATTEMPTS = 3
# Clocks of machines differ by seconds, and a correction by that little is no reason to
# start anew.
CLOCK_SLACK_SECONDS = 90.0
_BAD = frozenset({"contract"})
_MOST_NAMED = 4


def tick(
    settings: LoopSettings, state: State, signals: Signals, now: float
) -> tuple[rc.Record, ...]:
    """What is decided now, in this order; nothing if there is nothing to decide. Called
    again with the state after these records, it goes on from there."""
    if state.began is None:
        return (rc.Began(time=now, commit=signals.commit),)
    if state.base > now + CLOCK_SLACK_SECONDS:
        return (rc.ClockSetBack(time=now, was=state.base),)
    if state.run is not None:
        return tuple(_run_ended(settings, state.run, signals.run, now))
    if _waits(state) and signals.resumed is not None:
        return tuple(_resumed(settings, signals.resumed, now))
    decided = _decide_on_candidate(settings, state, signals, now)
    return decided or _decide_on_run(settings, state, signals, now)


def waits_for(
    settings: LoopSettings, state: State, signals: Signals, now: float
) -> str:
    """Why triggers that are there start nothing yet; empty if nothing holds them up."""
    if signals.busy:
        return f"run {signals.busy} goes on"
    if signals.changed and 0 <= now - signals.touched < settings.settle_seconds:
        return "files are still being written"
    # Between starts, not from an end to a start: a schedule keeps its pace however long
    # runs take.
    since = now - state.last.time if state.last else settings.cooldown_seconds
    # A clock that was set back must not make the loop wait for years.
    if 0 <= since < settings.cooldown_seconds:
        return f"cooldown, {seconds_text(settings.cooldown_seconds - since)} more"
    return ""


# The run under way


def _run_ended(
    settings: LoopSettings, run: rc.RunDecided, seen: RunSeen | None, now: float
) -> Iterator[rc.Record]:
    if seen is None or seen.outcome is None:
        return
    yield _ending(settings, seen, now)


def _ending(settings: LoopSettings, seen: RunSeen, now: float) -> rc.RunEnded:
    outcome = seen.outcome or "failed"
    candidate = outcome == "green" and settings.promote != "never"
    return rc.RunEnded(
        time=now,
        run_id=seen.run_id,
        outcome=outcome,
        problems=seen.problems,
        candidate=candidate,
    )


def _waits(state: State) -> bool:
    """Whether the last run waits for a person's approval."""
    return state.ended is not None and state.ended.outcome == "waiting"


def _resumed(settings: LoopSettings, seen: RunSeen, now: float) -> Iterator[rc.Record]:
    if seen.outcome is not None:
        yield _ending(settings, seen, now)


# The model


def _decide_on_candidate(
    settings: LoopSettings, state: State, signals: Signals, now: float
) -> tuple[rc.Record, ...]:
    """Only a version that won against the present champion is promoted, or waits to
    be."""
    found = state.candidate
    if (
        found is None
        or found.version is None
        or found.verdict is None
        or found.promoting
    ):
        return ()
    if signals.champion == found.version:
        return (rc.Answered(time=now, version=found.version, promoted=True),)
    if found.version in signals.rejected:
        return (rc.Answered(time=now, version=found.version, promoted=False),)
    if _is_outdated(found, signals):
        return (
            rc.PromoteRefused(
                time=now, version=found.version, reason=_OUTDATED, again=True
            ),
        )
    if found.verdict != "better" or found.asked:
        return ()
    if settings.promote == "auto":
        return (
            rc.PromoteDecided(time=now, version=found.version, champion=found.champion),
        )
    return (rc.AskDecided(time=now, version=found.version),)


_OUTDATED = "the comparison was with another champion, or on fewer labels"


def _is_outdated(found: Candidate, signals: Signals) -> bool:
    """Whether the comparison would be another one today. One that was decided stands
    while labels come in; one that could not be decided is made again with them."""
    more = found.verdict == "undecided" and signals.evidence != found.evidence
    return more or signals.champion != found.champion


# The next run


def _decide_on_run(
    settings: LoopSettings, state: State, signals: Signals, now: float
) -> tuple[rc.Record, ...]:
    """A run for all triggers that are there, unless something holds them up."""
    if signals.busy:
        return ()
    again = _again(state, signals, now)
    if again:
        return again
    triggers = tuple(_triggers(settings, state, signals))
    if not triggers or waits_for(settings, state, signals, now):
        return ()
    # A due time that is not used up by a decision stays due.
    due = signals.due if any(one.kind == "schedule" for one in triggers) else None
    if _is_known_to_be_bad(state, signals):
        reason = (
            f"the data is what run {state.ended.run_id if state.ended else ''} refused"
        )
        return (rc.Held(time=now, triggers=triggers, reason=reason, due=due),)
    return (
        rc.RunDecided(
            time=now,
            key=run_key(triggers, signals.data),
            run_id=signals.next_run_id,
            triggers=triggers,
            data=signals.data,
            changed=signals.changed,
            due=due,
        ),
    )


def _again(state: State, signals: Signals, now: float) -> tuple[rc.Record, ...]:
    """A run that was cut off starts again, some times; what it had computed is found in
    the cache."""
    last, ended = state.last, state.ended
    if last is None or ended is None or ended.outcome != "interrupted":
        return ()
    if last.attempt >= MOST_ATTEMPTS:
        problem = f"It was interrupted {MOST_ATTEMPTS} times."
        return (
            rc.RunEnded(
                time=now, run_id=ended.run_id, outcome="failed", problems=(problem,)
            ),
        )
    return (
        rc.RunDecided(
            time=now,
            key=last.key,
            run_id=signals.next_run_id,
            triggers=last.triggers,
            data=last.data,
            changed=last.changed,
            attempt=last.attempt + 1,
        ),
    )


def _triggers(
    settings: LoopSettings, state: State, signals: Signals
) -> Iterator[rc.Trigger]:
    """Everything that asks for a run now and has not had one."""
    for one in _levels(settings, signals):
        if state.handled.get(one.kind) != one.id:
            yield one


def _levels(settings: LoopSettings, signals: Signals) -> Iterator[rc.Trigger]:
    """Everything that differs from what the last run used, handled or not."""
    if not signals.has_run:
        yield rc.Trigger("first", "first", "nothing has run yet")
    if signals.changed:
        yield rc.Trigger(
            "files", signals.data, ", ".join(signals.changed[:_MOST_NAMED])
        )
    if signals.due is not None:
        yield rc.Trigger(
            "schedule", f"{signals.due:.0f}", f"the schedule {settings.schedule}"
        )
    if settings.commit and signals.commit:
        yield rc.Trigger("commit", signals.commit, f"commit {signals.commit[:8]}")
    yield from _alarms(settings, signals)


def _alarms(settings: LoopSettings, signals: Signals) -> Iterator[rc.Trigger]:
    """Alarms of one kind are one trigger. New data makes it another one: what did not
    help before may help now."""
    for kind in ALARMS:
        found = [one for one in signals.alarms if one.kind == kind]
        if found and settings.wants(kind):
            identity = f"{','.join(one.id for one in found)}@{signals.data}"
            yield rc.Trigger(kind, identity, "; ".join(one.text for one in found))


def _is_known_to_be_bad(state: State, signals: Signals) -> bool:
    """Whether the last run refused just this data: another one would refuse it
    again."""
    if state.ended is None or state.last is None or state.ended.outcome not in _BAD:
        return False
    return bool(signals.data) and state.last.data == signals.data


def run_key(triggers: Iterable[rc.Trigger], data: str) -> str:
    """What makes a run this run: its triggers and the data's digest."""
    text = "\n".join([*sorted(f"{one.kind}:{one.id}" for one in triggers), data])
    # Sorted above: the same triggers in another order are the same run.
    return hashlib.sha256(text.encode()).hexdigest()[:16]
