"""What comes back from other machines through a URL that others can write to as
well."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.engine.attempts.attempt import StageOutcome, StageWork
from jupyter_pipe.engine.remote.attempts import FarOutcome, bring_home
from jupyter_pipe.engine.scheduling.stage_inputs import Given
from jupyter_pipe.errors import ArtifactError
from jupyter_pipe.observe.digests import MISSING, file_digest
from jupyter_pipe.runs.remote import RemoteRoot
from tests.engine.packages import Package


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StageWork:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = {name: tmp_path / name for name in ("package", "run", "store", "workdir")}
    for folder in folders.values():
        folder.mkdir()
    return StageWork(
        run_id="r",
        pipeline=Package().stage("a", "x = 1", binds="x").pipeline,
        stage="a",
        attempt=1,
        package=str(folders["package"]),
        run_folder=str(folders["run"]),
        store=str(folders["store"]),
        workdir=str(folders["workdir"]),
        given=Given(),
        url=f"memory://{tmp_path.name}-far",
    )


def publish(work: StageWork, folder: Path, name: str, content: bytes) -> str:
    """A file under the URL. Returns the digest of its content."""
    path = folder / "published"
    path.write_bytes(content)
    RemoteRoot(work.url).publish(path, name)
    return file_digest(path)


def test_what_was_left_comes_home(work: StageWork, tmp_path: Path) -> None:
    digest = publish(work, tmp_path, "files/ab/cd", b"1")
    place = publish(work, tmp_path, f"files/{digest[:2]}/{digest}", b"1")
    executed = publish(
        work, tmp_path, "runs/r/stages/a/attempts/1/executed.ipynb", b"{}"
    )
    Path(work.workdir, "old.txt").touch()
    far = FarOutcome(
        StageOutcome(1.0),
        {"sub/new.txt": place, "old.txt": MISSING},
        {"executed.ipynb": executed},
    )
    assert bring_home(work, far) == far.outcome
    assert [path.name for path in Path(work.workdir).rglob("*")] == ["sub", "new.txt"]
    assert (
        Path(work.run_folder) / "stages/a/attempts/1/executed.ipynb"
    ).read_bytes() == b"{}"


@pytest.mark.parametrize("left", [False, True])
def test_what_was_changed_on_the_way_is_refused(
    work: StageWork, tmp_path: Path, left: bool
) -> None:
    digest = publish(work, tmp_path, "elsewhere", b"honest")
    publish(work, tmp_path, f"files/{digest[:2]}/{digest}", b"poison")
    publish(work, tmp_path, "runs/r/stages/a/attempts/1/executed.ipynb", b"poison")
    far = FarOutcome(
        StageOutcome(1.0),
        *([{}, {"executed.ipynb": digest}] if left else [{"a.py": digest}]),
    )
    with pytest.raises(ArtifactError, match="somebody changed it"):
        bring_home(work, far)
    assert not [*Path(work.workdir).rglob("*"), *tmp_path.rglob("*.ipynb")]


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/outside.txt", "a/../../outside.txt"]
)
def test_nothing_comes_outside_the_working_directory(
    work: StageWork, tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="does not lie in the working directory"):
        bring_home(work, FarOutcome(StageOutcome(1.0), {name: MISSING}))
    assert (tmp_path / "outside.txt").read_text() == "mine"
