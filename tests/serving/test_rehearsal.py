"""A version that crashes while it is loaded is refused, by a process that was made for
it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.serving.live.following import Follower, News
from jupyter_pipe.serving.live.keeping import Keeper, refusals
from jupyter_pipe.serving.live.models import RefusedError
from jupyter_pipe.serving.live.rehearsal import Rehearsal
from jupyter_pipe.serving.live.routing import Routing
from jupyter_pipe.serving.sources import FolderSource

from .bundles import make_deadly, write_version

pytestmark = pytest.mark.processes

DEADLY = [
    ("import os\nos.kill(os.getpid(), 11)", r"ends the process \(SIGSEGV\)"),
    ("import os\nos._exit(3)", r"ends the process \(exit code 3\)"),
    ("raise SystemExit('no licence')", r"ends the process \(exit code 1\): no licence"),
    ("import threading\nthreading.Event().wait()", "not loaded after 8 seconds"),
]


@pytest.mark.parametrize(("code", "said"), DEADLY)
def test_what_would_end_a_worker_is_refused(
    folder: Path, tmp_path: Path, code: str, said: str
) -> None:
    make_deadly(folder, code)
    seconds = 8.0 if "threading" in code else 300.0
    rehearsal = Rehearsal(tmp_path / "shared", seconds=seconds)
    with pytest.raises(RefusedError, match=said):
        rehearsal.require(FolderSource(folder).current())


def test_each_version_is_rehearsed_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []

    def play(self: Rehearsal, release: object) -> str:
        played.append(str(release))
        return "it is not to be"

    monkeypatch.setattr(Rehearsal, "_play", play)
    release = FolderSource(folder).current()
    for _ in range(3):
        with pytest.raises(RefusedError, match="it is not to be"):
            Rehearsal(tmp_path / "shared").require(release)
    assert len(played) == 1


def test_the_version_before_answers_on_and_the_reason_is_kept(
    folder: Path, tmp_path: Path
) -> None:
    news: list[News] = []
    state = tmp_path / "state"
    follower = Follower(
        {"champion": FolderSource(folder)},
        Routing(),
        news.append,
        keeper=Keeper(state),
        rehearsal=Rehearsal(tmp_path / "shared"),
        poll_seconds=60,
    )
    follower.look()
    make_deadly(folder)
    for _ in range(2):
        follower.look()
    assert follower.routing.champion
    assert follower.routing.champion.release.version == "run-1"
    assert [each.kind for each in news] == ["live", "refused"]
    assert "SIGSEGV" in follower.problems["champion"]
    (reason,) = refusals(state).values()
    assert "run-deadly of homes does not go live: loading it ends the process" in reason
    write_version(folder, 2)
    follower.look()
    assert follower.routing.champion.release.version == "run-2"
    assert list(refusals(state).values()) == [reason]
