"""The attacks do harm where the stranger is believed: what is tested elsewhere is not
that they are blunt."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe import yaml_files
from jupyter_pipe.labels import queues
from jupyter_pipe.runs import store
from jupyter_pipe.server.operations import labelling, monitoring, services
from jupyter_pipe.server.operations.payloads import PageRequest
from jupyter_pipe.server.operations.places import Place
from jupyter_pipe.server.paths import Root
from tests.hostile.attacks import load_attacks
from tests.hostile.attacks.data import TOLD
from tests.hostile.attacks.operated import PRIVATE
from tests.hostile.repository import STRANGER, Repository
from tests.hostile.watching import Listener, judged, run_command

pytestmark = pytest.mark.processes

BELIEVED = {"JUPYTER_PIPE_KEY": STRANGER}
RUN_AGAIN = ["run", "flow.ipynb", "--force", "add"]
RUN_STAGE = [
    "run-stage",
    "flow_pipeline",
    "add",
    "--run-root",
    ".",
    "--run-id",
    "shared",
]
SCORE = ["score", ".jupyter_pipe/scorers/flow", "rows.csv"]


@pytest.mark.parametrize(
    ("words", "argv", "expected"),
    [
        ("nobody signed that", [*RUN_AGAIN, "--trust"], "executed: value"),
        ("stranger signed that", RUN_AGAIN, "executed: value"),
        ("stranger signed that", RUN_STAGE, "executed: value"),
        (
            "context holds code",
            ["debug", "FAILS", "look", "--console", "--trust"],
            "executed: context",
        ),
        (
            "signed by the stranger, that its runs",
            ["run", "flow.ipynb"],
            "changed what lies outside",
        ),
        (
            "names a notebook and a folder",
            ["resume", "FLOW", "--trust"],
            "changed what lies outside",
        ),
        ("names the stranger's cluster", ["resume", "FAILS", "--trust"], "sent: "),
        ("scorer holds code, and the stranger", SCORE, "executed: scorer"),
        ("scorer holds code, and nobody", [*SCORE, "--trust"], "executed: scorer"),
        ("what trackers have not heard", ["track"], "sent: "),
        ("a loop's records promote", ["loop", "once", "flow.ipynb"], "sent: "),
        ("a question is answered", ["run", "flow.ipynb"], "executed: approved"),
    ],
)
def test_it_bites(
    words: str,
    argv: list[str],
    expected: str,
    honest: Repository,
    listener: Listener,
    tmp_path: Path,
) -> None:
    (attack,) = [each for each in load_attacks() if words in each.name]
    repository = honest.copy(tmp_path)
    attack.change(repository)
    names = {"FLOW": repository.run_id("flow"), "FAILS": repository.run_id("fails")}
    typed = [names.get(word) or word for word in argv]
    found = judged(typed, repository, listener, environment=BELIEVED)
    assert any(problem.startswith(expected) for problem in found), found


@pytest.mark.parametrize(
    "words", ["the folder of runs is a link", "everything of ours is a link"]
)
def test_links_bite_where_nobody_looks_for_them(
    words: str,
    honest: Repository,
    listener: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (attack,) = [each for each in load_attacks() if words in each.name]
    repository = honest.copy(tmp_path)
    attack.change(repository)
    monkeypatch.setattr(store, "remove_dangling_links", lambda state_folder: None)
    found = judged(["run", "flow.ipynb"], repository, listener, environment=BELIEVED)
    assert found == ["changed what lies outside"]


def _repository(words: str, honest: Repository, folder: Path) -> Repository:
    """The honest repository after an attack."""
    (attack,) = [each for each in load_attacks() if words in each.name]
    repository = honest.copy(folder)
    attack.change(repository)
    return repository


def test_a_study_tells_whom_it_names_where_it_is_believed(
    honest: Repository, tmp_path: Path
) -> None:
    repository = _repository("a study is the stranger's", honest, tmp_path)
    for argv in (["sweep", "flow.ipynb", "--study", "total", "--resume"], ["track"]):
        done = run_command(argv, repository.folder, environment=BELIEVED)
        assert done.code == 0, done.output
    assert (repository.outside / TOLD).exists()


def test_texts_that_grow_bite_where_nobody_counts(
    honest: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = _repository(
        "short texts that stand for what no memory holds", honest, tmp_path
    )
    monkeypatch.setattr(yaml_files, "_LARGEST", 1 << 99)
    done = run_command(
        ["plan", "flow.ipynb", "-f", "params.yaml"], repository.folder, seconds=2.0
    )
    assert done.code not in {0, 2}, "it goes on, or has no memory left"


@pytest.mark.parametrize("asked", ["monitoring_page", "service_page", "labels_page"])
def test_links_bite_where_pages_follow_them(
    asked: str, honest: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = _repository("what pages show are links", honest, tmp_path)
    pages = {
        "monitoring_page": monitoring,
        "service_page": services,
        "labels_page": labelling,
    }
    show = getattr(pages[asked], asked)
    place = Place(Root(repository.folder), PageRequest())
    assert PRIVATE not in str(show(place))
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    monkeypatch.setattr(
        queues, "read_regular_file", lambda path, limit, follow: path.read_bytes()
    )
    assert PRIVATE in str(show(Place(Root(tmp_path), PageRequest(root="repo"))))
