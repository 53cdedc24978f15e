"""The attacks do harm where the stranger is believed: what is tested elsewhere is not that they are blunt."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.runs import store
from tests.hostile.attacks import load_attacks
from tests.hostile.repository import STRANGER, Repository
from tests.hostile.watching import Listener, judged

BELIEVED = {"JUPYTER_PIPE_KEY": STRANGER}
RUN_AGAIN = ["run", "flow.ipynb", "--force", "add"]
RUN_STAGE = ["run-stage", "flow_pipeline", "add", "--run-root", ".", "--run-id", "shared"]
SCORE = ["score", ".jupyter_pipe/scorers/flow", "rows.csv"]


@pytest.mark.parametrize(
    ("words", "argv", "expected"),
    [
        ("nobody signed that", [*RUN_AGAIN, "--trust"], "executed: value"),
        ("stranger signed that", RUN_AGAIN, "executed: value"),
        ("stranger signed that", RUN_STAGE, "executed: value"),
        ("context holds code", ["debug", "FAILS", "look", "--console", "--trust"], "executed: context"),
        ("signed by the stranger, that its runs", ["run", "flow.ipynb"], "changed what lies outside"),
        ("names a notebook and a folder", ["resume", "FLOW", "--trust"], "changed what lies outside"),
        ("names the stranger's cluster", ["resume", "FAILS", "--trust"], "sent: "),
        ("scorer holds code, and the stranger", SCORE, "executed: scorer"),
        ("scorer holds code, and nobody", [*SCORE, "--trust"], "executed: scorer"),
        ("what trackers have not heard", ["track"], "sent: "),
        ("a loop's records promote", ["loop", "once", "flow.ipynb"], "sent: "),
    ],
)
def test_it_bites(
    words: str, argv: list[str], expected: str, honest: Repository, listener: Listener, tmp_path: Path
) -> None:
    (attack,) = [each for each in load_attacks() if words in each.name]
    repository = honest.copy(tmp_path)
    attack.change(repository)
    names = {"FLOW": repository.run_id("flow"), "FAILS": repository.run_id("fails")}
    typed = [names.get(word) or word for word in argv]
    found = judged(typed, repository, listener, environment=BELIEVED)
    assert any(problem.startswith(expected) for problem in found), found


@pytest.mark.parametrize("words", ["the folder of runs is a link", "everything of ours is a link"])
def test_links_bite_where_nobody_looks_for_them(
    words: str, honest: Repository, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (attack,) = [each for each in load_attacks() if words in each.name]
    repository = honest.copy(tmp_path)
    attack.change(repository)
    monkeypatch.setattr(store, "remove_dangling_links", lambda state_folder: None)
    found = judged(["run", "flow.ipynb"], repository, listener, environment=BELIEVED)
    assert found == ["changed what lies outside"]
