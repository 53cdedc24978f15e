"""What is registered can be served: the service finds the version's own bundle, under
one digest."""

from __future__ import annotations

from pathlib import Path

from jupyter_pipe.registry import Registry
from jupyter_pipe.serving.live.models import load_model
from jupyter_pipe.serving.registered import RegistrySource


def test_a_registered_version_goes_live(shelf: Registry) -> None:
    source = RegistrySource("homes@2", Path(), shelf)
    source.check()
    release = source.current()
    assert release is not None
    assert (release.name, release.version) == ("homes", "2")
    assert load_model(release).identity["digest"] == shelf.find("homes", 2).digest
    assert RegistrySource("homes@nobody", Path(), shelf).current() is None
