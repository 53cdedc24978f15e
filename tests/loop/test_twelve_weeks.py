"""Twelve weeks of home sales, told to a loop with a clock of the test's own.

The data, the contract, drift, comparisons and models are real, and so is what follows a
version in the service; runs, the registry and answers are values, so that all of it
takes seconds. Each act ends with what must hold; each mutant at the end is a loop, or a
world, with one rule left out, and is found by the acts that show it.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

pytest.importorskip("sklearn")

import numpy as np
import pandas as pd
from msgspec.structs import replace
from sklearn.ensemble import RandomForestRegressor

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.artifacts.profiling import profile_value
from jupyter_pipe.contracts import Contract, infer_contract, judge, judgement_lines
from jupyter_pipe.contracts import drift as contract_drift
from jupyter_pipe.loop import Alarm, Loop, LoopSettings, RunSeen, Signals, State
from jupyter_pipe.loop.deciding import records as rc
from jupyter_pipe.loop.deciding.actions import Promote
from jupyter_pipe.loop.stepping import ChampionChangedError
from jupyter_pipe.monitoring.statistics import compare as compare_profiles
from jupyter_pipe.registry.comparing import compare as compare_models
from jupyter_pipe.scoring.bundle import load_bundle
from jupyter_pipe.serving.live.following import Follower
from jupyter_pipe.serving.live.models import Model as ServedModel
from jupyter_pipe.serving.live.routing import Role, Routing
from jupyter_pipe.serving.sources import FolderSource, Release
from tests.loop.weeks import MILES, dearer, week_of
from tests.loop.worlds import Killed
from tests.serving.bundles import built, falsify, write_version

COLUMNS = ["area", "rooms", "built", "condition", "lot_area", "km_to_centre"]
SETTINGS = LoopSettings(
    drift=True, promote="auto", model="homes", cooldown_seconds=60, settle_seconds=0
)
WEEK_SECONDS = 7 * 86400.0


class Model:
    """What one run learned: medians and a forest, both frozen."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.medians = rows[COLUMNS].median()
        self.ids = frozenset(rows["sale_id"])
        forest = RandomForestRegressor(20, min_samples_leaf=2, random_state=7, n_jobs=1)
        self.forest = forest.fit(rows[COLUMNS].fillna(self.medians), rows["price"])
        self.profile: Profile = profile_value(rows[COLUMNS])

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        found: np.ndarray = self.forest.predict(rows[COLUMNS].fillna(self.medians))
        return found


@dataclass
class Weeks:
    """The world: weeks that arrived, runs, versions, and a service that always answers
    with one reference."""

    time: float = 1_800_000_000.0
    weeks: dict[int, pd.DataFrame] = field(default_factory=dict)
    labels: list[pd.DataFrame] = field(default_factory=list)
    contract: Contract = field(default_factory=lambda: Contract("raw"))
    kept: list[rc.Record] = field(default_factory=list)
    runs: dict[str, RunSeen] = field(default_factory=dict)
    read: dict[str, tuple[int, ...]] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    champions: list[int] = field(default_factory=list)
    compared: list[tuple[int, int | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    traffic: pd.DataFrame | None = None
    killed_at: str = ""
    answers: np.ndarray = field(default_factory=lambda: np.array([]))
    follower: type[Follower] = Follower

    # What the loop sees

    def now(self) -> float:
        self.time += 1
        return self.time

    def records(self) -> list[rc.Record]:
        return list(self.kept)

    def append(self, record: rc.Record) -> None:
        self.kept.append(record)
        if self.killed_at == type(record).__name__:
            self.killed_at = ""
            raise Killed

    def data(self) -> str:
        frames = [
            (number, int(pd.util.hash_pandas_object(rows).sum()))
            for number, rows in self.weeks.items()
        ]
        return str(frames)

    def seen(self) -> tuple[int, ...]:
        green = [key for key, run in self.runs.items() if run.outcome == "green"]
        return self.read[green[-1]] if green else ()

    def look(self, settings: LoopSettings, state: State) -> Signals:
        new = [number for number in self.weeks if number not in self.seen()]
        return Signals(
            next_run_id=f"run-{len(self.runs) + 1}",
            data=self.data(),
            changed=tuple(f"week_{number:02}.csv is new" for number in new),
            alarms=self.alarms(),
            run=self.runs.get(state.run.run_id) if state.run else None,
            champion=self.champion,
        )

    def alarms(self) -> tuple[Alarm, ...]:
        if self.traffic is None or self.champion is None:
            return ()
        profile = self.models[self.versions[self.champion]].profile
        _, found = compare_profiles(
            "raw", profile, profile_value(self.traffic[COLUMNS])
        )
        text = "; ".join(each.message for each in found)
        return (Alarm("drift", f"version {self.champion}", text),) if found else ()

    # What the loop does

    def start(self, run: rc.RunDecided, settings: LoopSettings) -> None:
        if run.run_id in self.runs:
            return
        rows = pd.concat(self.weeks.values(), ignore_index=True)
        broken = self.broken()
        self.read[run.run_id] = tuple(self.weeks)
        if broken:
            self.runs[run.run_id] = RunSeen(run.run_id, "contract", broken)
            return
        self.models[run.run_id] = Model(rows)
        self.runs[run.run_id] = RunSeen(run.run_id, "green")

    def broken(self) -> tuple[str, ...]:
        """Each week judged apart, as `by: week` does."""
        lines: list[str] = []
        for number, rows in self.weeks.items():
            judgement = judge(self.contract, profile_value(rows[COLUMNS]))
            lines += (
                []
                if judgement.passed
                else [f"week {number}: {x}" for x in judgement_lines(judgement, "")]
            )
        return tuple(lines)

    def register(self, run_id: str, settings: LoopSettings) -> int:
        for number, known in self.versions.items():
            if known == run_id:
                return number
        self.versions[len(self.versions) + 1] = run_id
        return len(self.versions)

    def compare(self, version: int, settings: LoopSettings) -> rc.Compared:
        champion = self.champion
        self.compared.append((version, champion))
        verdict, reason = self.verdict(version, champion)
        return rc.Compared(
            time=self.now(),
            version=version,
            champion=champion,
            verdict=verdict,
            reason=reason,
        )

    def verdict(self, version: int, champion: int | None) -> tuple[rc.Verdict, str]:
        """On labelled rows that neither has learned from."""
        if champion is None:
            return "better", "it is the first"
        old, new = (self.models[self.versions[each]] for each in (champion, version))
        if not self.labels:
            return "undecided", "no labels yet"
        rows = pd.concat(self.labels)
        fresh = rows[~rows["sale_id"].isin(old.ids | new.ids)]
        if len(fresh) < 30:
            return "undecided", f"{len(fresh)} labelled rows that neither has seen"
        found = compare_models(
            "mae", list(fresh["price"]), list(old.score(fresh)), list(new.score(fresh))
        )
        return (
            "better" if found.outcome == "better" else "worse"
        ), f"{found.metric} {found.gain:.0f}"

    def promote(self, action: Promote, settings: LoopSettings) -> None:
        if self.champion == action.version:
            return
        if self.champion != action.champion:
            raise ChampionChangedError("another champion")
        self.champions.append(action.version)

    def notify(self, key: str, text: str, settings: LoopSettings) -> int:
        self.notices.append(text)
        return 1

    # The service

    @property
    def champion(self) -> int | None:
        return self.champions[-1] if self.champions else None

    def answer(self, rows: pd.DataFrame) -> np.ndarray:
        assert self.champion is not None
        return self.models[self.versions[self.champion]].score(rows)

    def kinds(self) -> list[str]:
        return [type(one).__name__ for one in self.kept]


MakeLoop = Callable[[Weeks], Loop]


def plain_loop(world: Weeks) -> Loop:
    return Loop(world, SETTINGS)


def live(world: Weeks, make_loop: MakeLoop) -> None:
    """Do all that there is to do, then let most of a week pass, in which the loop looks
    on."""
    loop = make_loop(world)
    for _ in range(6):
        world.time += WEEK_SECONDS / 6
        while loop.step():
            pass


Act = Callable[[Weeks, MakeLoop], None]


def the_first_version(world: Weeks, make_loop: MakeLoop) -> None:
    for number in range(1, 5):
        world.weeks[number] = week_of(number)
    profile = profile_value(pd.concat(world.weeks.values())[COLUMNS])
    # Of all four weeks, to judge one: the number of rows is another one.
    world.contract = replace(infer_contract("raw", [profile]), rows=(270, 540))
    live(world, make_loop)
    assert (world.champion, list(world.runs)) == (1, ["run-1"]), (
        "weeks 1 to 4 make version 1"
    )


def miles(world: Weeks, make_loop: MakeLoop) -> None:
    bad = week_of(5)
    world.weeks[5] = bad.assign(km_to_centre=(bad["km_to_centre"] / MILES).round(1))
    told = len(world.notices)
    live(world, make_loop)
    assert world.runs["run-2"].outcome == "contract", "week 5 is refused"
    assert "run-2" not in world.models, "nothing is trained on bad data"
    assert len(world.notices) == told + 1, "it is told once"
    assert "week_05.csv" in world.notices[-1], "the file is named"
    assert "km_to_centre" in world.notices[-1], "the column is named"
    assert world.champion == 1, "version 1 serves"


def repaired(world: Weeks, make_loop: MakeLoop) -> None:
    world.weeks[5] = week_of(5)
    world.labels.append(week_of(6))
    live(world, make_loop)
    assert list(world.runs) == ["run-1", "run-2", "run-3"], (
        "the repaired week makes one run"
    )
    world.traffic = week_of(7)
    live(world, make_loop)
    assert len(world.runs) == 3, "weeks 6 and 7: nothing happens"


def drift(world: Weeks, make_loop: MakeLoop) -> None:
    world.traffic = week_of(8)
    # So little that the stability index alone does not see it.
    world.traffic["km_to_centre"] += 0.8
    live(world, make_loop)
    assert len(world.runs) == 4, "drift starts exactly one run"
    decided = [one for one in world.kept if isinstance(one, rc.RunDecided)][-1]
    assert "km_to_centre" in decided.triggers[0].text, "the column that moved is named"
    world.traffic = None


def new_prices(world: Weeks, make_loop: MakeLoop) -> None:
    before = world.champion
    world.weeks[8] = dearer(8)
    world.labels = [dearer(9)]
    live(world, make_loop)
    assert world.champion not in (None, before), (
        "week 9: the version that knows the new prices wins"
    )
    assert world.compared[-1] == (world.champion, before), (
        "against the champion of then"
    )


def swapped_under_traffic(world: Weeks, make_loop: MakeLoop) -> None:
    """A request between any two lines of the swap gets the predictions of the version
    that it is told of."""
    row = {"area": 70.5, "rooms": 3, "district": "North"}
    expected = {
        f"run-{each}": list(built(each).scorer.score_records([row])) for each in (1, 2)
    }
    answered: list[tuple[str, list[float]]] = []

    def ask(frame: FrameType, event: str, _: object) -> Any:
        live = follower.routing.champion if frame.f_code.co_name == "_put" else None
        if live is not None:
            answered.append(
                (live.release.version, list(live.scorer.score_records([row])))
            )
        return ask

    with served(world) as (follower, folder):
        write_version(folder, 2)
        traced = sys.gettrace()
        sys.settrace(ask)
        try:
            follower.look()
        finally:
            sys.settrace(traced)
    assert all(found == expected[version] for version, found in answered), (
        "week 9: one swap"
    )
    assert {version for version, _ in answered} == set(expected), (
        "requests before and after it"
    )


def false_golden_rows(world: Weeks, make_loop: MakeLoop) -> None:
    with served(world) as (follower, folder):
        falsify(folder)
        follower.look()
        assert follower.routing.champion
        assert follower.routing.champion.release.version == "run-1", (
            "week 12: false golden rows are refused"
        )


@contextmanager
def served(world: Weeks) -> Iterator[tuple[Follower, Path]]:
    """What follows the version in a folder, in a service that is not listening."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "homes"
        write_version(folder, 1)
        follower = world.follower(
            {"champion": FolderSource(folder)}, Routing(), poll_seconds=60
        )
        follower.look()
        yield follower, folder


def shuffled_labels(world: Weeks, make_loop: MakeLoop) -> None:
    before, rows = world.champion, dearer(10)
    prices = np.random.default_rng(1).permutation(rows["price"].to_numpy())
    world.weeks[10] = rows.assign(price=prices)
    world.labels = [dearer(11)]
    live(world, make_loop)
    assert list(world.runs.values())[-1].outcome == "green", (
        "contract and gate see nothing"
    )
    assert world.champion == before, "week 10: shuffled labels do not win"
    assert "was not promoted" in world.notices[-1], "and it is told why"


def killed(world: Weeks, make_loop: MakeLoop) -> None:
    before = world.champion
    world.answers = world.answer(dearer(9))
    world.weeks |= {10: dearer(10), 11: dearer(11), 9: dearer(9)}
    world.labels = [dearer(12)]
    world.killed_at = "PromoteDecided"
    with pytest.raises(Killed):
        live(world, make_loop)
    assert world.champion == before, "week 11: killed between decision and promotion"
    live(world, make_loop)
    assert world.champion not in (None, before), "the promotion is finished"
    assert world.kinds().count("PromoteDecided") == world.kinds().count("Promoted"), (
        "once"
    )


def rolled_back(world: Weeks, make_loop: MakeLoop) -> None:
    world.champions.pop()
    assert np.array_equal(world.answer(dearer(9)), world.answers), (
        "the former answers, bit for bit"
    )
    promoted = [one for one in world.kept if isinstance(one, rc.PromoteDecided)]
    assert {(one.version, one.champion) for one in promoted} <= set(world.compared), (
        "each was compared"
    )
    keys = [one.key for one in world.kept if isinstance(one, rc.RunDecided)]
    assert len(keys) == len(set(keys)), "no run twice"


ACTS: tuple[Act, ...] = (
    the_first_version,
    miles,
    repaired,
    drift,
    new_prices,
    swapped_under_traffic,
    shuffled_labels,
    killed,
    false_golden_rows,
    rolled_back,
)


def twelve_weeks(
    world: Weeks, make_loop: MakeLoop = plain_loop, acts: Sequence[Act] = ACTS
) -> None:
    """The scenario. Raises AssertionError where a week does not end as it should."""
    for act in acts:
        act(world, make_loop)


def test_twelve_weeks() -> None:
    twelve_weeks(Weeks())


# Mutants: each leaves out one rule, and must be found.


class PromotesWithoutComparison(Weeks):
    def verdict(self, version: int, champion: int | None) -> tuple[rc.Verdict, str]:
        return "better", "nobody looked"


class TrainsOnBadData(Weeks):
    def broken(self) -> tuple[str, ...]:
        return ()


class MediansOfTheBatch(Weeks):
    """Golden rows, too: what is rolled back to must give what it gave."""

    def answer(self, rows: pd.DataFrame) -> np.ndarray:
        assert self.champion is not None
        model = self.models[self.versions[self.champion]]
        noise = len(self.versions)
        found: np.ndarray = model.forest.predict(
            rows[COLUMNS].fillna(rows[COLUMNS].median() + noise)
        )
        return found


class SwapsBeforeItWritesDown(Weeks):
    def append(self, record: rc.Record) -> None:
        if isinstance(record, rc.PromoteDecided):
            self.champions.append(record.version)
        super().append(record)


class SeesNoDrift(Weeks):
    def alarms(self) -> tuple[Alarm, ...]:
        return ()


class IndexWithoutTest(Weeks):
    """The population stability index, without the distance of Kolmogorov and
    Smirnov."""

    def alarms(self) -> tuple[Alarm, ...]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(contract_drift, "_APART", math.inf)
            return super().alarms()


class SwapsTwoVariables(Follower):
    """The name of the version first, then what makes its predictions."""

    def _put(self, role: Role, model: ServedModel | None) -> None:
        now = self.routing.champion
        if now is not None and model is not None:
            self.routing = replace_fields(
                self.routing, champion=replace_fields(now, release=model.release)
            )
        super()._put(role, model)


class SkipsGoldenRows(Follower):
    def _load_kept(self, release: Release) -> ServedModel:
        bundle = load_bundle(release.folder)
        return ServedModel(release, bundle.manifest, bundle.scorer)


class ForgetsWhatItHandled(Loop):
    """The same alarm and the same bad data start a run at each look."""

    def step(self) -> bool:
        self.state = replace(self.state, handled={}, ended=None)
        return super().step()


# A world, what is said where it is found, and the weeks that show it.
LEARNT = ACTS[:3]
MUTANTS: tuple[tuple[Callable[[], Weeks], str, Sequence[Act]], ...] = (
    (
        PromotesWithoutComparison,
        "week 10: shuffled labels",
        (*LEARNT, new_prices, shuffled_labels),
    ),
    (TrainsOnBadData, "week 5 is refused", LEARNT),
    (MediansOfTheBatch, "bit for bit", ACTS),
    (SwapsBeforeItWritesDown, "week 11: killed between", ACTS),
    (SeesNoDrift, "drift starts exactly one run", (*LEARNT, drift)),
    (IndexWithoutTest, "drift starts exactly one run", (*LEARNT, drift)),
    (
        lambda: Weeks(follower=SwapsTwoVariables),
        "week 9: one swap",
        (swapped_under_traffic,),
    ),
    (
        lambda: Weeks(follower=SkipsGoldenRows),
        "week 12: false golden rows",
        (false_golden_rows,),
    ),
)


@pytest.mark.thorough
@pytest.mark.parametrize(("world", "said", "acts"), MUTANTS)
def test_a_mutant_is_found(
    world: Callable[[], Weeks], said: str, acts: Sequence[Act]
) -> None:
    with pytest.raises(AssertionError, match=said):
        twelve_weeks(world(), acts=acts)


def test_a_loop_that_forgets_is_found() -> None:
    with pytest.raises(AssertionError):
        twelve_weeks(
            Weeks(), lambda world: ForgetsWhatItHandled(world, SETTINGS), LEARNT
        )
