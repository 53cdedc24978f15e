"""Decisions: state and signals in, records out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jupyter_pipe.loop import (
    Alarm,
    LoopSettings,
    RunSeen,
    Signals,
    State,
    fold,
    pending,
    tick,
)
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Compare, Notify, Promote, Register, Start
from jupyter_pipe.loop.deciding.tick import MOST_ATTEMPTS

SETTINGS = LoopSettings(files=("*.csv",), cooldown_seconds=60, model="m")
AUTO = replace(SETTINGS, promote="auto")
CHANGED = Signals(next_run_id="r1", data="D1", changed=("a.csv is new",))
BEGAN = rc.Began(time=0.0)


def after(*found: rc.Record) -> State:
    return fold([BEGAN, *found])


def decided(
    run_id: str = "r1", data: str = "D1", time: float = 100.0, **facts: object
) -> rc.RunDecided:
    triggers = facts.pop("triggers", (rc.Trigger("files", data, "a.csv is new"),))
    return rc.RunDecided(
        time=time, key="k", run_id=run_id, triggers=triggers, data=data, **facts
    )


def ended(outcome: str = "green", run_id: str = "r1", **facts: object) -> rc.RunEnded:
    return rc.RunEnded(time=200.0, run_id=run_id, outcome=outcome, **facts)


def kinds(found: tuple[rc.Record, ...]) -> list[str]:
    return [type(one).__name__ for one in found]


def started(
    settings: LoopSettings, state: State, signals: Signals, now: float = 1000.0
) -> list[str]:
    """The kinds of the triggers of the run that starts, none if none does."""
    found = tick(settings, state, signals, now)
    return [
        one.kind
        for record in found
        if isinstance(record, rc.RunDecided)
        for one in record.triggers
    ]


def test_the_first_tick_only_begins() -> None:
    assert tick(SETTINGS, State(), replace(CHANGED, commit="c"), 5.0) == (
        rc.Began(time=5.0, commit="c"),
    )


def test_a_changed_file_starts_one_run() -> None:
    (run,) = tick(SETTINGS, after(), CHANGED, 1000.0)
    assert isinstance(run, rc.RunDecided)
    assert (run.run_id, run.data, run.triggers[0].kind) == ("r1", "D1", "files")
    state = after(run)
    assert pending(state) == (Start(run),)
    assert tick(SETTINGS, state, CHANGED, 1001.0) == ()


@pytest.mark.parametrize(
    "outcome", ["green", "gate", "failed", "contract", "cancelled", "unstarted"]
)
def test_the_same_data_never_starts_a_second_run(outcome: str) -> None:
    assert started(SETTINGS, after(decided(), ended(outcome)), CHANGED) == []
    assert started(
        SETTINGS, after(decided(), ended(outcome)), replace(CHANGED, data="D2")
    ) == ["files"]


def test_data_that_comes_back_is_not_what_the_last_run_saw() -> None:
    state = after(decided(), ended(), decided("r2", "D2"), ended(run_id="r2"))
    assert started(SETTINGS, state, CHANGED) == ["files"]


def test_what_comes_during_a_run_starts_one_run_afterwards() -> None:
    commit = replace(SETTINGS, commit=True)
    signals = replace(CHANGED, data="D2", commit="c2", run=RunSeen("r1"))
    assert tick(commit, after(decided()), signals, 1000.0) == ()
    assert started(commit, after(decided(), ended()), signals) == ["files", "commit"]


@pytest.mark.parametrize(
    ("now", "starts"), [(100.0, False), (159.0, False), (160.0, True), (40.0, True)]
)
def test_cooldown_counts_from_the_start_of_the_last_run(
    now: float, starts: bool
) -> None:
    """A clock that was set back does not make the loop wait for the future."""
    signals = replace(CHANGED, data="D2")
    assert bool(started(SETTINGS, after(decided(), ended()), signals, now)) is starts


def test_files_that_are_being_written_are_waited_for() -> None:
    signals = replace(CHANGED, touched=998.0)
    assert started(SETTINGS, after(), signals, 1000.0) == []
    assert started(SETTINGS, after(), signals, 1003.0) == ["files"]


def test_another_run_of_the_notebook_is_waited_for() -> None:
    assert started(SETTINGS, after(), replace(CHANGED, busy="other")) == []


@pytest.mark.parametrize("kind", ["schedule", "drift", "quality", "commit"])
def test_no_trigger_retrains_on_data_that_was_refused(kind: str) -> None:
    settings = replace(
        SETTINGS, schedule="0 6 * * *", drift=True, quality=True, commit=True
    )
    alarm = (Alarm(kind, "1", "moved"),) if kind in ("drift", "quality") else ()
    signals = replace(
        CHANGED,
        due=900.0 if kind == "schedule" else None,
        commit="c" if kind == "commit" else "",
        alarms=alarm,
    )
    state = after(decided(), ended("contract"))
    (held,) = tick(settings, state, signals, 1000.0)
    assert isinstance(held, rc.Held)
    assert [one.kind for one in held.triggers] == [kind]
    # Once, not at each look; and what repairs the data starts a run.
    state = fold([held], state)
    assert tick(settings, state, replace(signals, due=None), 1001.0) == ()
    assert "files" in started(settings, state, replace(signals, data="D2"))


def test_bad_data_is_told_once() -> None:
    state = after(
        decided(changed=("b.csv is new",)),
        ended("contract", problems=("raw: 'km' is in miles",)),
    )
    (notice,) = pending(state)
    assert isinstance(notice, Notify)
    assert "b.csv is new" in notice.text
    assert "'km' is in miles" in notice.text
    assert pending(fold([rc.Notified(key=notice.key)], state)) == ()
    assert tick(SETTINGS, state, CHANGED, 1000.0) == ()


def test_a_run_that_was_cut_off_starts_again_some_times() -> None:
    state = after(decided(), ended("interrupted"))
    signals = replace(CHANGED, next_run_id="r2")
    for attempt in range(2, MOST_ATTEMPTS + 1):
        (again,) = tick(SETTINGS, state, signals, 210.0)
        assert isinstance(again, rc.RunDecided)
        assert (again.run_id, again.key, again.attempt) == ("r2", "k", attempt)
        state = fold([again, ended("interrupted", "r2")], state)
    (given_up,) = tick(SETTINGS, state, signals, 210.0)
    assert isinstance(given_up, rc.RunEnded)
    assert given_up.outcome == "failed"
    assert tick(SETTINGS, fold([given_up], state), signals, 1000.0) == ()


def test_a_clock_that_was_set_back_lets_the_schedule_go_on() -> None:
    far = after(
        decided(time=9e9, triggers=(rc.Trigger("schedule", "9", ""),), due=9e9), ended()
    )
    (reset,) = tick(SETTINGS, far, Signals(), 1000.0)
    assert isinstance(reset, rc.ClockSetBack)
    state = fold([reset], far)
    assert state.base == 1000.0
    assert started(SETTINGS, state, replace(CHANGED, data="D2"), 1001.0) == ["files"]


def test_a_schedule_is_used_up_by_its_run() -> None:
    settings = replace(SETTINGS, schedule="0 6 * * *")
    (run,) = tick(settings, after(), Signals(next_run_id="r", due=900.0), 1000.0)
    assert isinstance(run, rc.RunDecided)
    assert after(run).base == 900.0


def test_an_alarm_starts_exactly_one_run() -> None:
    settings = replace(SETTINGS, drift=True)
    signals = Signals(
        next_run_id="r1", data="D1", alarms=(Alarm("drift", "1", "price moved"),)
    )
    (run,) = tick(settings, after(), signals, 1000.0)
    assert isinstance(run, rc.RunDecided)
    state = after(run, ended())
    assert tick(settings, state, signals, 2000.0) == ()
    assert started(SETTINGS, after(), signals) == []
    assert "price moved" in pending(state)[-1].text


# Models


def version(
    verdict: str | None = None, champion: int | None = 1, **facts: object
) -> State:
    found: list[rc.Record] = [
        decided(),
        ended(candidate=True),
        rc.Registered(run_id="r1", version=2),
    ]
    if verdict is not None:
        found.append(
            rc.Compared(
                version=2, champion=champion, verdict=verdict, reason="r", **facts
            )
        )
    return after(*found)


def test_a_model_goes_its_way_step_by_step() -> None:
    (end,) = tick(
        AUTO, after(decided()), replace(CHANGED, run=RunSeen("r1", "green")), 300.0
    )
    state = after(decided(), end)
    assert pending(state) == (Register("r1"),)
    assert pending(version()) == (Compare(2),)
    (promote,) = tick(AUTO, version("better"), Signals(champion=1), 300.0)
    assert promote == rc.PromoteDecided(time=300.0, version=2, champion=1)
    assert pending(fold([promote], version("better"))) == (Promote(2, 1, "r"),)


def test_without_promotion_nothing_is_registered() -> None:
    (end,) = tick(
        SETTINGS, after(decided()), replace(CHANGED, run=RunSeen("r1", "green")), 300.0
    )
    assert pending(after(decided(), end)) == ()


@pytest.mark.parametrize("verdict", ["worse", "undecided"])
def test_what_did_not_win_is_never_promoted(verdict: str) -> None:
    assert tick(AUTO, version(verdict), Signals(champion=1), 300.0) == ()


def test_a_comparison_with_an_older_champion_is_made_again() -> None:
    (again,) = tick(AUTO, version("better", champion=1), Signals(champion=7), 300.0)
    assert isinstance(again, rc.PromoteRefused)
    assert pending(fold([again], version("better"))) == (Compare(2),)


def test_an_undecided_comparison_waits_for_more_labels() -> None:
    state = version("undecided", evidence="E1")
    assert tick(AUTO, state, Signals(champion=1, evidence="E1"), 300.0) == ()
    assert kinds(tick(AUTO, state, Signals(champion=1, evidence="E2"), 300.0)) == [
        "PromoteRefused"
    ]


def test_a_person_is_asked_once_and_answers_in_the_registry() -> None:
    ask = replace(SETTINGS, promote="ask")
    (asked,) = tick(ask, version("better"), Signals(champion=1), 300.0)
    assert asked == rc.AskDecided(time=300.0, version=2)
    state = fold([asked], version("better"))
    assert [type(one) for one in pending(state)] == [Notify]
    assert tick(ask, state, Signals(champion=1), 301.0) == ()
    yes = tick(ask, state, Signals(champion=2), 302.0)
    no = tick(ask, state, Signals(champion=1, rejected=frozenset({2})), 302.0)
    assert [one.promoted for one in (*yes, *no) if isinstance(one, rc.Answered)] == [
        True,
        False,
    ]


def test_new_data_starts_a_run_while_a_person_is_asked() -> None:
    ask = replace(SETTINGS, promote="ask")
    state = fold([rc.AskDecided(version=2)], version("better"))
    assert started(ask, state, replace(CHANGED, data="D2", champion=1)) == ["files"]


def test_an_approved_run_is_taken_up_where_it_is_resumed() -> None:
    state = after(decided(), ended("waiting"))
    assert "waits for you" in pending(state)[0].text
    (end,) = tick(AUTO, state, Signals(resumed=RunSeen("r9", "green")), 300.0)
    assert isinstance(end, rc.RunEnded)
    assert (end.run_id, end.outcome, end.candidate) == ("r9", "green", True)
    assert tick(AUTO, state, Signals(resumed=RunSeen("r9")), 300.0) == ()
