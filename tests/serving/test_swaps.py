"""Versions come and go: who takes over, who is refused, and what stays when the source
is away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_pipe.errors import UntrustedError
from jupyter_pipe.scoring.bundle import MANIFEST
from jupyter_pipe.serving.live.following import Follower, News
from jupyter_pipe.serving.live.keeping import Keeper
from jupyter_pipe.serving.live.models import load_model
from jupyter_pipe.serving.live.routing import Routing
from jupyter_pipe.serving.sources import FolderSource, Release, SourceAwayError

from .bundles import falsify, write_version


class Followed:
    """A follower of a folder, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.news: list[News] = []
        self.keeper = Keeper(folder.parent / "state")
        self.follower = Follower(
            {"champion": FolderSource(folder)},
            Routing(),
            self.news.append,
            keeper=self.keeper,
            poll_seconds=60,
        )
        self.follower.look()

    @property
    def version(self) -> str:
        champion = self.follower.routing.champion
        return champion.release.version if champion else ""

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.news]


def test_a_new_version_takes_over_and_a_request_keeps_what_it_has(folder: Path) -> None:
    followed = Followed(folder)
    before = followed.follower.routing
    write_version(folder, 2)
    followed.follower.look()
    followed.follower.look()
    assert (followed.version, followed.kinds) == ("run-2", ["live", "live"])
    assert before.champion
    assert before.champion.release.version == "run-1"


def test_a_version_with_false_golden_rows_is_refused_once_and_told(
    folder: Path,
) -> None:
    followed = Followed(folder)
    falsify(folder)
    followed.follower.look()
    followed.follower.look()
    assert (followed.version, followed.kinds) == ("run-1", ["live", "refused"])
    assert "golden rows get" in followed.follower.problems["champion"]
    write_version(folder, 2)
    followed.follower.look()
    assert (followed.version, followed.follower.problems) == ("run-2", {})


def test_a_version_that_nobody_signed_is_refused(folder: Path) -> None:
    followed = Followed(folder)
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"name": "homes"', b'"name": "house"'))
    followed.follower.look()
    assert followed.version == "run-1"
    assert "not signed by you" in followed.follower.problems["champion"]
    with pytest.raises(UntrustedError):
        FolderSource(folder).check()


@pytest.mark.parametrize("name", ["scorer.py", "values.pickle"])
def test_a_file_that_was_altered_is_refused(folder: Path, name: str) -> None:
    release = FolderSource(folder).current()
    (folder / name).write_bytes(b"altered")
    with pytest.raises(UntrustedError, match="altered"):
        load_model(release)


def test_what_is_loaded_stays_while_the_source_is_away(folder: Path) -> None:
    followed = Followed(folder)
    folder.rename(folder.with_name("elsewhere"))
    followed.follower.look()
    followed.follower.look()
    assert (followed.version, followed.kinds) == ("run-1", ["live", "problem"])
    folder.with_name("elsewhere").rename(folder)
    followed.follower.look()
    assert followed.follower.problems == {}


def test_who_starts_while_the_source_is_away_takes_what_was_live_last(
    folder: Path,
) -> None:
    Followed(folder)
    write_version(folder, 2)
    followed = Followed(folder)
    shutil.rmtree(folder)
    again = Followed(folder)
    assert again.version == ""
    again.follower.start()
    again.follower.close()
    assert again.version == followed.version == "run-2"


def test_who_starts_with_a_false_version_takes_what_was_live_last(folder: Path) -> None:
    Followed(folder)
    falsify(folder)
    again = Followed(folder)
    again.follower.start()
    again.follower.close()
    assert (again.version, again.kinds) == ("run-1", ["refused", "live"])
    assert "golden rows" in again.follower.problems["champion"]


def test_a_folder_that_is_replaced_while_it_is_copied_is_asked_again(
    folder: Path,
) -> None:
    release = FolderSource(folder).current()
    write_version(folder, 2)
    with pytest.raises(SourceAwayError, match="being replaced"):
        Keeper(folder.parent / "state").keep(release)


class Named:
    """A source that says what it is told to."""

    def __init__(self, release: Release | None) -> None:
        self.release = release

    def current(self) -> Release | None:
        return self.release

    def check(self) -> None:
        """Nothing to say."""


def test_a_challenger_that_is_promoted_is_not_loaded_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(folder.with_name("second"), 2)
    first, second = (
        FolderSource(folder.with_name(name)).current() for name in ("homes", "second")
    )
    champion, challenger = Named(first), Named(second)
    follower = Follower(
        {"champion": champion, "challenger": challenger},
        Routing(mode="ab", share=0.5),
        poll_seconds=60,
    )
    follower.look()
    loaded = follower.routing.challenger
    champion.release, challenger.release = second, None
    monkeypatch.setattr("jupyter_pipe.serving.live.following.load_model", None)
    follower.look()
    assert loaded
    assert follower.routing.champion
    assert follower.routing.champion.scorer is loaded.scorer
    assert follower.routing.challenger is None
