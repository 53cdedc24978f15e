from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.compiler import compile_notebook
from tests.hostile.repository import Repository, build_honest
from tests.hostile.watching import Listener, listening


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Repository:
    folder = tmp_path_factory.mktemp("author") / "repo"
    made = build_honest(folder, f"127.0.0.1:{listener.port}")
    compile_notebook(
        made.flow
    )  # what is installed here is found out once, instead of in every fork
    return made


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_CONFIG_DIR",
        "XDG_CACHE_HOME",
    ):
        monkeypatch.setenv(name, str(tmp_path / "home" / name.lower()))
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
