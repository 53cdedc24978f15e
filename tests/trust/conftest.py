from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.trust.keys import KEY_VARIABLE


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Jupyter data folder of a user who has no key yet."""
    folder = tmp_path / "home" / "jupyter"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(folder))
    monkeypatch.delenv(KEY_VARIABLE)
    return folder
