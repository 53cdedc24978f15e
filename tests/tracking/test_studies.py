"""Sweeps as trackers hear of them: the study is the parent of its trials, before and
after it was resumed."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_pipe.events import RunState
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.sweeps import Dimension, Study, Trial
from jupyter_pipe.sweeps.studies import StudyFolder, study_folder
from jupyter_pipe.tracking.address import find_address
from jupyter_pipe.tracking.following import end_of_input, follow_study
from jupyter_pipe.tracking.mlflow_client import open_client
from jupyter_pipe.tracking.mlflow_tracker import MlflowTracker
from jupyter_pipe.tracking.openlineage_tracker import lineage_events
from jupyter_pipe.tracking.outbox import tell, waiting
from jupyter_pipe.tracking.told import Sweep, Told
from tests.tracking.lineage_rules import require_lineage
from tests.tracking.runs import BEGIN, write_run

STUDY = Study(
    "loss",
    "homes.ipynb",
    "loss",
    "minimize",
    (Dimension("depth", low=1, high=9, whole=True),),
    trials=2,
    identity="20261130-080000-1f2e",
)


class Remembering:
    """A tracker that writes down what it is told, and fails as often as it is asked
    to."""

    def __init__(self, failures: int = 0) -> None:
        self.heard: list[str] = []
        self._failures = failures

    def tell(self, told: Told) -> None:
        if self._failures:
            self._failures -= 1
            raise OSError("away")
        self.heard.append(told.run.run_id)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


@pytest.fixture
def folder(store: RunStore) -> StudyFolder:
    store.make_state_folder()
    made = study_folder(store, "loss")
    made.path.mkdir(parents=True)
    made.create(STUDY)
    return made


def run_trial(
    store: RunStore, folder: StudyFolder, number: int, value: float | None = None
) -> str:
    """Write the run of a trial; without a value it is one that was cut off."""
    run_id = f"trial-{number}-{value}"
    whole: dict[str, tuple[object, ...]] = (
        {} if value is not None else {"events": BEGIN}
    )
    write_run(store, run_id, trigger="sweep", **whole)  # type: ignore[arg-type]
    trial = Trial(number, {"depth": number}, run_id)
    folder.note(
        trial if value is None else replace(trial, state="succeeded", value=value)
    )
    return run_id


def over_after(calls: int) -> Callable[[], bool]:
    """A sweep that is over when it has been asked so many times."""
    left = [False] * calls
    return lambda: left.pop() if left else True


def test_each_trial_is_told_and_the_last_one_again(
    store: RunStore, folder: StudyFolder
) -> None:
    first = run_trial(store, folder, 0, 1.5)
    tracker = Remembering()

    def begin_another(_: float) -> None:
        if len(folder.trials()) == 1:
            run_trial(store, folder, 1, 1.5)

    assert follow_study(
        tracker, "here", store, "loss", over_after(2), pause=begin_another
    )
    # By then the study knows what came of it.
    assert tracker.heard == [first, "trial-1-1.5", "trial-1-1.5"]
    assert waiting(store) == []


def test_a_tracker_that_is_away_hears_of_the_study_later(
    store: RunStore, folder: StudyFolder
) -> None:
    runs = [run_trial(store, folder, number, 1.5) for number in (0, 1)]
    pauses: list[float] = []
    tracker = Remembering(failures=3)
    assert follow_study(
        tracker,
        "here",
        store,
        "loss",
        over_after(0),
        pause=pauses.append,
        clock=lambda: 0.0,
    )
    assert pauses == [2, 4, 8]
    assert tracker.heard == [*runs, runs[-1]]
    now = iter([0.0, 1e6])
    again = run_trial(store, folder, 2, 1.5)
    gone = Remembering(failures=9)
    assert not follow_study(
        gone, "here", store, "loss", over_after(0), clock=lambda: next(now)
    )
    assert waiting(store) == [(again, "here")]


def test_a_trial_whose_run_never_began_is_not_waited_for(
    store: RunStore, folder: StudyFolder
) -> None:
    folder.note(Trial(0, {"depth": 1}, "never"))
    assert follow_study(Remembering(), "here", store, "loss", over_after(0))


def test_the_end_of_input_is_the_end_of_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Input:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdin", Input)
    assert end_of_input().wait(60)


def test_events_of_lineage_name_the_study(store: RunStore, folder: StudyFolder) -> None:
    run_id = run_trial(store, folder, 0, 1.5)
    events = list(lineage_events(Told(store, run_id)))
    require_lineage(events)
    parents = {
        event["job"]["name"]: event["run"]["facets"]["parent"]["job"]["name"]
        for event in events
    }
    assert parents == {
        "homes": "homes.loss",
        "homes.load": "homes",
        "homes.fit": "homes",
    }
    alone = list(lineage_events(Told(store, write_run(store, "alone"))))
    assert "parent" not in alone[0]["run"]["facets"]


def test_a_study_of_somebody_else_is_no_parent(
    store: RunStore, folder: StudyFolder
) -> None:
    run_id = run_trial(store, folder, 0, 1.5)
    assert Told(store, run_id).trial is not None
    (folder.path / "study.json").write_text("{}")
    assert Told(store, run_id).trial is None


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tracked")
    open_client(find_address(root, f"sqlite:///{root}/mlflow.db"))
    return root / "mlflow.db"


@pytest.mark.thorough
def test_mlflow_has_one_parent_for_all_trials_of_a_study(
    store: RunStore,
    folder: StudyFolder,
    tmp_path: Path,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sweep that is killed in its second trial, resumed, and resumed once more with
    another trial."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    shutil.copyfile(database, store.state_folder / "mlflow.db")

    statuses = []

    class Noting(MlflowTracker):
        def tell(self, told: Told) -> None:
            super().tell(told)
            statuses.append(study_run().info.status)  # type: ignore[attr-defined]

    def follow() -> None:
        assert follow_study(
            Noting("", tmp_path),
            "default",
            store,
            "loss",
            over_after(0),
            pause=lambda _: None,
        )

    client = open_client(find_address(tmp_path))

    def study_run() -> object:
        experiment = client.get_experiment_by_name("homes")
        (found,) = client.search_runs(
            [experiment.experiment_id], "tags.`jupyter_pipe.kind` = 'study'"
        )
        return found

    run_trial(store, folder, 0, 1.5)
    cut_off = run_trial(store, folder, 1)
    monkeypatch.setattr("jupyter_pipe.tracking.outbox.Told", dead_runner)
    follow()
    parent = study_run()
    assert statuses == ["RUNNING", "RUNNING", "KILLED"]
    # Who tells of a run alone does not know whether the sweep goes on.
    assert tell(MlflowTracker("", tmp_path), "default", store, cut_off, again=True)
    assert study_run().info.status == "KILLED"  # type: ignore[attr-defined]
    again = run_trial(store, folder, 1, 1.2)
    follow()
    ended = study_run()
    tags = ended.data.tags  # type: ignore[attr-defined]
    assert ended.info.status == "FINISHED"  # type: ignore[attr-defined]
    assert (tags["space.depth"], tags["jupyter_pipe.trials"]) == ("1..9", "2")
    assert (
        tags["best.trial"],
        tags["best.run"],
        tags["best.loss"],
        tags["best.depth"],
    ) == (
        "1",
        again,
        "1.2",
        "1",
    )
    folder.create(replace(STUDY, trials=3))
    run_trial(store, folder, 2, 1.9)
    follow()
    last = study_run()
    assert last.info.run_id == parent.info.run_id  # type: ignore[attr-defined]
    children = client.search_runs(
        [last.info.experiment_id],  # type: ignore[attr-defined]
        f"tags.`mlflow.parentRunId` = '{last.info.run_id}'",  # type: ignore[attr-defined]
    )
    assert sorted(run.info.run_name for run in children) == sorted(
        ["trial-0-1.5", cut_off, again, "trial-2-1.9"]
    )
    points = client.get_metric_history(last.info.run_id, "loss")  # type: ignore[attr-defined]
    assert sorted((point.step, point.value) for point in points) == [
        (0, 1.5),
        (1, 1.5),
        (2, 1.5),
    ]


def dead_runner(store: RunStore, run_id: str, sweep: Sweep = "unknown") -> Told:
    """A run that was cut off is known as interrupted once its process is gone."""
    told = Told(store, run_id, sweep=sweep)
    if not told.run.is_final:
        told.run = replace(told.run, state=RunState.interrupted)
    return told
