from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jupyter_pipe.serving.service import Service
from jupyter_pipe.serving.settings import LogSettings, Settings
from jupyter_pipe.serving.web.app import make_app

from .bundles import write_version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle, version 1."""
    write_version(tmp_path / "homes", 1)
    return tmp_path / "homes"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service in this process."""
    place = tmp_path_factory.mktemp("served")
    write_version(place / "homes", 1)
    log = LogSettings(str(place / "log"))
    settings = Settings(
        str(place / "homes"), root=str(place), log=log, most_rows=50, most_bytes=100_000
    )
    with TestClient(make_app(Service(settings)), raise_server_exceptions=False) as made:
        yield made
