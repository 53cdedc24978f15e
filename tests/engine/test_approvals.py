"""Stages that ask a person: what starts, how the run ends, what an answer holds for."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from msgspec.structs import replace

from jupyter_pipe import events as ev
from jupyter_pipe.approvals import (
    Approval,
    approved_digest,
    check_approval,
    write_approval,
)
from jupyter_pipe.artifacts.protocol import Observations, ObservedPath, StageResult
from jupyter_pipe.cli.main import main
from jupyter_pipe.engine.scheduling import messages as ms
from jupyter_pipe.engine.scheduling.verdict import exit_code_of
from jupyter_pipe.events import ApprovalChecked, FailureKind
from jupyter_pipe.model import Stage, StageOptions
from jupyter_pipe.runs.store import RunStore
from tests.engine.machines import Shell, diamond, result

QUESTION = StageOptions(approve="Is it good?")


def shell(state: ev.ApprovalState, **options: object) -> Shell:
    """The diamond, whose left stage asks."""

    def ask(stage: Stage, _: StageResult) -> ApprovalChecked | None:
        return ApprovalChecked(
            stage=stage.name, question="?", digest="d", state=state, by="ann"
        )

    def only_left(stage: Stage, found: StageResult) -> ApprovalChecked | None:
        return ask(stage, found) if stage.name == "left" else None

    return Shell(diamond(), ask=only_left, **options)


def test_the_run_waits_and_the_rest_goes_on() -> None:
    found = shell("waiting")
    found.end("load")
    found.end("left")
    assert set(found.running) == {"right"}
    found.end("right")
    assert found.finish == ms.Finish(ev.RunState.waiting, 5)
    assert found.states()["join"] == "skipped"
    # What it made is kept: it is not made again for the answer.
    assert "left" in {
        each.stage for each in found.instructions if isinstance(each, ms.Record)
    }


@pytest.mark.parametrize(
    "reuse", [[], ["load", "left", "right"]], ids=["ran", "reused"]
)
def test_an_answer_lets_it_go_on(reuse: list[str]) -> None:
    found = shell("approved", reuse=reuse)
    for name in ("load", "left", "right", "join"):
        if name in found.running:
            found.end(name)
    assert found.finish == ms.Finish(ev.RunState.succeeded, 0)


def test_a_no_is_a_gate_that_is_false() -> None:
    found = shell("rejected", reuse=["load", "left", "right"])
    assert found.finish == ms.Finish(ev.RunState.failed, 3)
    (failed,) = [each for each in found.events if isinstance(each, ev.StageFailed)]
    assert failed.evalue == "ann rejected it"


def test_nobody_is_asked_about_what_failed() -> None:
    found = shell("waiting")
    found.end("load")
    found.end("left", replace(result("l", gate=False)))
    assert not any(isinstance(each, ApprovalChecked) for each in found.events)


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ("approval", 5),
        ("approval gate", 3),
        ("approval gate contract", 4),
        ("approval error contract", 1),
    ],
)
def test_the_order_of_exit_codes(kinds: str, code: int) -> None:
    assert exit_code_of([FailureKind(kind) for kind in kinds.split()]) == code


STAGE = replace(diamond().stage("left"), options=QUESTION)
RESULT = replace(
    result("l"),
    metrics={"mae": 1.5},
    observed=Observations(written=(ObservedPath("plot.png", digest="p"),)),
)


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        (STAGE, replace(RESULT, metrics={"mae": 1.6})),
        (STAGE, replace(RESULT, outputs=())),
        (
            STAGE,
            replace(
                RESULT,
                observed=Observations(written=(ObservedPath("plot.png", digest="q"),)),
            ),
        ),
        (replace(STAGE, options=StageOptions(approve="Is it bad?")), RESULT),
        (replace(STAGE, name="right"), RESULT),
    ],
    ids=["metric", "value", "file", "question", "stage"],
)
def test_an_answer_holds_for_what_was_seen(
    tmp_path: Path, stage: Stage, found: StageResult
) -> None:
    def state_of(stage: Stage, found: StageResult) -> str:
        checked = check_approval(tmp_path, "p", stage, found)
        assert checked is not None
        return checked.state

    assert state_of(STAGE, RESULT) == "waiting"
    write_approval(
        tmp_path, approved_digest("p", STAGE, RESULT), Approval(True, "ann", 1.0)
    )
    assert state_of(STAGE, RESULT) == "approved"
    assert state_of(stage, found) == "waiting"
    write_approval(
        tmp_path, approved_digest("p", STAGE, RESULT), Approval(False, "bob", 2.0)
    )
    assert state_of(STAGE, RESULT) == "rejected"


def test_what_others_signed_is_no_answer(tmp_path: Path) -> None:
    digest = approved_digest("p", STAGE, RESULT)
    write_approval(tmp_path, digest, Approval(True, "ann", 1.0))
    path = tmp_path / "approvals" / f"{digest}.json"
    path.write_text(path.read_text().replace("ann", "eve"))
    checked = check_approval(tmp_path, "p", STAGE, RESULT)
    assert checked is not None
    assert checked.state == "waiting"


CELLS = [
    ("n: int = 1", ["parameters"]),
    ("mae = n + 0.5", ["stage:fit", "metric:mae", 'approve:"Good enough?"']),
    ("open('published.txt', 'w').write(str(mae))", ["stage:publish"]),
    ("other = 2", ["stage:other"]),
]


@pytest.mark.kernel
def test_a_run_that_waits_is_approved_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = nbformat.v4.new_notebook()
    for source, tags in CELLS:
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, metadata={"tags": tags})
        )
    nbformat.write(notebook, tmp_path / "w.ipynb")
    monkeypatch.chdir(tmp_path)
    assert main(["run", "w.ipynb"]) == 5
    said = capsys.readouterr().out
    assert "waiting for you: Good enough?" in said
    assert "jupyter pipe approve latest fit" in said
    assert "1 waiting for you" in said
    assert not (tmp_path / "published.txt").exists()
    store = RunStore(tmp_path)
    first = store.ids()[0]
    assert store.read(first).state is ev.RunState.waiting
    assert main(["approve", "latest"]) == 0
    assert "fit: Good enough?" in capsys.readouterr().out
    assert main(["approve", "latest", "publish"]) == 2
    assert main(["approve", "latest", "fitt"]) == 2
    assert "Did you mean 'fit'?" in capsys.readouterr().err

    assert main(["approve", "latest", "fit", "--reject", "--note", "no"]) == 0
    assert main(["resume", first]) == 3
    assert main(["approve", first, "fit", "--note", "looks right"]) == 0
    assert main(["resume", first]) == 0
    assert (tmp_path / "published.txt").read_text() == "1.5"
    went_on = store.read(store.ids()[0]).stage("fit")
    assert went_on.state is ev.StageState.cached
    assert went_on.approval is not None
    assert (went_on.approval.state, went_on.approval.note) == (
        "approved",
        "looks right",
    )
    # Another result is another question.
    assert main(["run", "w.ipynb", "-p", "n=2"]) == 5
