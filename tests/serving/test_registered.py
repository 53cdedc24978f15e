"""A model of the registry is served: promotion and rollback are followed, an absent one
is waited for."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from jupyter_pipe.errors import RegistryError, UntrustedError
from jupyter_pipe.registry import ModelVersion
from jupyter_pipe.serving.live.following import Follower
from jupyter_pipe.serving.live.keeping import Keeper
from jupyter_pipe.serving.live.routing import Routing
from jupyter_pipe.serving.opening import open_source
from jupyter_pipe.serving.registered import RegistrySource
from jupyter_pipe.serving.settings import Settings
from jupyter_pipe.serving.sources import SourceAwayError, bundle_digest

from .bundles import write_version


class Shelf:
    """A registry of two versions, in memory, whose aliases are moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.aliases = {"champion": 1}
        self.is_away = False
        self._found = {}
        for number in (1, 2):
            bundle = folder / str(number)
            write_version(bundle, number)
            self._found[number] = ModelVersion(
                "homes", number, (), bundle_digest(bundle), f"run-{number}", 1e9, bundle
            )

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        if self.is_away:
            raise RegistryError("The registry cannot be read.", code="registry_away")
        return tuple(self._found.values()) if name == "homes" else ()

    def find(self, name: str, which: str | int) -> ModelVersion:
        versions = self.versions(name)
        number = self.aliases.get(str(which), which)
        for version in versions:
            if str(version.number) == str(number):
                return version
        raise RegistryError(f"'{name}' has no version '{which}'.", code="model_unknown")

    resolve = find

    def swap_files(self) -> None:
        """Version 1 gets the files of version 2, under its own digest."""
        self._found[1] = msgspec.structs.replace(
            self._found[1], bundle=self._found[2].bundle
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def source(shelf: Shelf, text: str) -> RegistrySource:
    return RegistrySource(text, Path(), shelf)  # type: ignore[arg-type]


def test_promotion_and_rollback_are_followed(shelf: Shelf, tmp_path: Path) -> None:
    sources = {
        "champion": source(shelf, "homes"),
        "challenger": source(shelf, "homes@challenger"),
    }
    follower = Follower(
        sources,  # type: ignore[arg-type]
        Routing(mode="shadow"),
        keeper=Keeper(tmp_path / "state"),
        poll_seconds=60,
    )

    def live() -> tuple[str, str]:
        follower.look()
        routing = follower.routing
        versions = [
            model.release.version if model else ""
            for model in (routing.champion, routing.challenger)
        ]
        return versions[0], versions[1]

    assert live() == ("1", "")
    shelf.aliases["challenger"] = 2
    assert live() == ("1", "2")
    shelf.aliases = {"champion": 2, "previous": 1}
    assert live() == ("2", "")
    shelf.is_away = True
    assert live() == ("2", "")
    assert "cannot be read" in follower.problems["champion"]
    shelf.is_away = False
    shelf.aliases = {"champion": 1}
    assert live() == ("1", "")
    assert follower.problems == {}


def test_a_number_stays_what_it_is(shelf: Shelf) -> None:
    fixed = source(shelf, "homes@2")
    shelf.aliases["champion"] = 2
    release = fixed.current()
    assert release is not None
    assert (release.name, release.version) == ("homes", "2")


def test_a_model_that_nobody_registered_is_a_mistake_and_a_registry_that_is_away_is_none(
    shelf: Shelf,
) -> None:
    with pytest.raises(RegistryError, match="has no version"):
        source(shelf, "houses").check()
    source(shelf, "homes").check()
    shelf.is_away = True
    source(shelf, "houses").check()
    with pytest.raises(SourceAwayError):
        source(shelf, "homes").current()


def test_files_that_are_not_the_registered_ones_are_refused(shelf: Shelf) -> None:
    shelf.swap_files()
    with pytest.raises(UntrustedError, match="not the one that was registered"):
        source(shelf, "homes").current()


def test_a_text_names_a_folder_first_and_then_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_version(tmp_path / "homes", 1)
    settings = Settings("homes", root=str(tmp_path))
    assert open_source("homes", settings).current() is not None
    shutil.rmtree(tmp_path / "homes")
    with pytest.raises(RegistryError, match="no model 'homes'"):
        open_source("homes", settings).check()
