"""Spaces, studies on disk, what came of a trial, what Optuna is asked: values in,
values out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.errors import ParameterError, RunError, SweepError
from jupyter_pipe.events import FailureKind, RunState, StageState
from jupyter_pipe.model import Parameter
from jupyter_pipe.runs.model import Failure, Run, StageRun
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.sweeps import Dimension, Study, Trial
from jupyter_pipe.sweeps.model import best_trial
from jupyter_pipe.sweeps.report import study_html
from jupyter_pipe.sweeps.running import conclude
from jupyter_pipe.sweeps.spaces import grid_of, parse_space
from jupyter_pipe.sweeps.studies import free_name, study_folder

DECLARED = (
    Parameter("n", "int", 3, "3"),
    Parameter("x", "float", 1.0, "1.0"),
    Parameter("mode", "str", "a", "'a'", choices=("a", "b")),
    Parameter("deep", "bool", False, "False"),
    Parameter("names", "list", ["a"], "['a']"),
)
N, X = Dimension("n", low=1, high=5, whole=True), Dimension("x", low=-1, high=5)
STUDY = Study("loss", "w.ipynb", "loss", "minimize", (X, N))


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("n=20..400:log", Dimension("n", low=20, high=400, log=True, whole=True)),
        ("n=1..9:step=2", Dimension("n", low=1, high=9, step=2.0, whole=True)),
        ("x=-1e-3..1_000", Dimension("x", low=-0.001, high=1000)),
        ("x=0.5..1", Dimension("x", low=0.5, high=1)),
        ("n=1,2,5", Dimension("n", choices=(1, 2, 5))),
        ("mode=a, b", Dimension("mode", choices=("a", "b"))),
        ("mode", Dimension("mode", choices=("a", "b"))),
        ("deep", Dimension("deep", choices=(False, True))),
    ],
)
def test_spaces(text: str, dimension: Dimension) -> None:
    assert parse_space(DECLARED, [text]) == ((dimension,), {})


@pytest.mark.parametrize("text", ["n=7", "mode=a", "names=[1, 2]"])
def test_a_single_value_is_fixed(text: str) -> None:
    name, _, value = text.partition("=")
    assert parse_space(DECLARED, [text]) == ((), {name: value})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("n=5..1", "The lower end comes first"),
        ("n=1..", "A range is LOW..HIGH"),
        ("n=1..5:lgo", "'lgo' is not known"),
        ("x=0..5:log", "begins above 0"),
        ("mode=1..2", "It is a str"),
        ("n", "Give a range or a list"),
    ],
)
def test_what_is_no_space_is_told(text: str, hint: str) -> None:
    with pytest.raises(SweepError) as caught:
        parse_space(DECLARED, [text])
    assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["m=1..2", "n=1,x", "n=word"])
def test_parameters_are_told_in_the_usual_words(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_space(DECLARED, [text])


def test_grids_have_every_combination() -> None:
    space = (
        Dimension("x", low=0, high=1, step=0.5),
        Dimension("mode", choices=("a", "b")),
    )
    points = [tuple(point.values()) for point in grid_of(space)]
    assert points == [(0, "a"), (0, "b"), (0.5, "a"), (0.5, "b"), (1, "a"), (1, "b")]
    assert [point["n"] for point in grid_of((N,))] == [1, 2, 3, 4, 5]
    for endless in (X, Dimension("n", low=1, high=1e9, whole=True)):
        with pytest.raises(SweepError):
            grid_of((endless,))


def test_a_study_outlives_what_writes_it(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    folder = study_folder(store, "loss")
    assert free_name(store, "loss") == "loss"
    folder.create(STUDY)
    first, second = Trial(0, {"n": 1}, "r0"), Trial(1, {"n": 2}, "r1")
    for trial in (first, second, Trial(0, {"n": 1}, "r0", "succeeded", 3.0)):
        folder.note(trial)
    with (folder.path / "trials.jsonl").open("ab") as file:
        file.write(b'{"number":7,"values":{"n"')  # the machine died
    folder.note(Trial(2, {"n": 3}, "r2"))
    assert folder.read() == STUDY
    assert [(trial.number, trial.state) for trial in folder.trials()] == [
        (0, "succeeded"),
        (1, "running"),
        (2, "running"),
    ]
    assert free_name(store, "loss") == "loss-2"


@pytest.mark.parametrize(
    "kind", ["a pipe", "a folder", "a link", "a link that leads nowhere"]
)
def test_trials_are_written_to_a_file_of_the_study_alone(
    tmp_path: Path, kind: str
) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    folder = study_folder(store, "loss")
    folder.create(STUDY)
    trials, other = folder.path / "trials.jsonl", tmp_path / "other"
    if kind == "a link":
        other.write_text("the user's own")
    makers = {"a pipe": lambda: os.mkfifo(trials), "a folder": trials.mkdir}
    makers.get(kind, lambda: trials.symlink_to(other))()
    assert folder.trials() == ()
    with pytest.raises(SweepError, match="cannot be written"):
        folder.note(Trial(0, {"n": 1}, "r0"))
    assert not other.exists() or other.read_text() == "the user's own"


def test_a_trial_names_a_run_and_no_other_folder(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    folder = study_folder(store, "loss")
    folder.create(STUDY)
    for number, run_id in enumerate(
        ("../../taken", "/taken", "", ".hidden", "20260101-000000-abcd")
    ):
        folder.note(Trial(number, {"n": 1}, run_id))
    assert [trial.number for trial in folder.trials()] == [4]


def test_studies_are_not_kept_behind_a_link(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    (store.state_folder / "studies").symlink_to(tmp_path)
    with pytest.raises(RunError, match="symbolic link"):
        study_folder(store, "loss")


def test_a_study_of_somebody_else_is_not_carried_out(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.make_state_folder()
    folder = study_folder(store, "loss")
    folder.create(STUDY)
    study = folder.path / "study.json"
    study.write_bytes(study.read_bytes().replace(b"w.ipynb", b"v.ipynb"))
    with pytest.raises(SweepError, match="not signed by you"):
        folder.read()
    with pytest.raises(SweepError):
        study_folder(store, "../loss")


def ended(state: RunState, failure: Failure | None = None, **metrics: Any) -> Run:
    stage = StageState.failed if failure else StageState.succeeded
    return Run(
        state=state,
        stages=(StageRun("fit", state=stage, failure=failure, metrics=metrics),),
    )


@pytest.mark.parametrize(
    ("run", "state", "value"),
    [
        (ended(RunState.succeeded, loss=1.5), "succeeded", 1.5),
        (ended(RunState.succeeded, loss="low"), "failed", None),
        (ended(RunState.succeeded, loss=True), "failed", None),
        (ended(RunState.succeeded), "failed", None),
        (
            ended(
                RunState.failed, Failure("GateFailed", "no", FailureKind.gate), loss=9
            ),
            "infeasible",
            9.0,
        ),
        (ended(RunState.failed, Failure("ValueError", "no")), "failed", None),
        (
            ended(
                RunState.failed,
                Failure("ContractBroken", "no", FailureKind.contract),
                loss=9,
            ),
            "failed",
            9.0,
        ),
        (ended(RunState.cancelled), "failed", None),
    ],
)
def test_what_comes_of_a_trial(run: Run, state: str, value: float | None) -> None:
    trial = conclude(STUDY, Trial(0, {"n": 1}, "r"), run)
    assert (trial.state, trial.value) == (state, value)


def test_the_best_is_feasible() -> None:
    trials = (
        Trial(0, {}, "a", "infeasible", 0.0),
        Trial(1, {}, "b", "succeeded", 2.0),
        Trial(2, {}, "c", "succeeded", 2.0),
        Trial(3, {}, "d", "failed"),
    )
    best = best_trial(STUDY, trials)
    assert best is not None
    assert best.run_id == "b"
    assert best_trial(STUDY, trials[3:]) is None


def test_optuna_is_asked_and_told() -> None:
    pytest.importorskip("optuna")
    from jupyter_pipe.sweeps.asking import Asker

    earlier: list[Trial] = []
    for number in range(30):
        # Each time anew, as if every trial were a resumed sweep.
        asker = Asker(STUDY, earlier)
        values = asker.ask(number)
        assert -1 <= values["x"] <= 5
        assert values["n"] in range(1, 6)
        loss = (values["x"] - 2) ** 2 + 10 * values["n"]
        state = "infeasible" if values["n"] == 1 else "succeeded"
        trial = Trial(number, values, "r", state, loss)  # type: ignore[arg-type]
        asker.tell(trial)
        earlier.append(trial)
    best = best_trial(STUDY, tuple(earlier))
    assert best is not None
    assert best.values["n"] == 2
    assert asker.importances()["n"] > 0
    page = study_html(STUDY, earlier, asker.importances())
    assert "What mattered" in page
    assert page.count('r="4"') == 30


def test_bad_trials_are_pruned() -> None:
    pytest.importorskip("optuna")
    from msgspec.structs import replace

    from jupyter_pipe.sweeps.asking import Asker

    earlier = [
        Trial(n, {"x": 0.0, "n": 1}, "r", "succeeded", 1.0, steps=(1.0,))
        for n in range(5)
    ]
    asker = Asker(replace(STUDY, prune="fold"), earlier)
    asker.ask(5)
    assert asker.should_prune(5, 0, 100.0)
    asker.ask(6)
    assert not asker.should_prune(6, 0, 0.5)


def test_a_hostile_study_is_text() -> None:
    evil = "<script>alert(1)</script>"
    study = Study(evil, "n", evil, "minimize", (Dimension(evil, choices=(evil, "b")),))
    page = study_html(
        study,
        [Trial(0, {evil: evil}, evil, "succeeded", 1.0, reason=evil)],
        {evil: 1.0},
    )
    assert evil not in page
