"""What Prefect is told of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import RunRequest, open_target
from jupyter_pipe.submit.submission import submit
from tests.cli.conftest import write_notebook


def test_the_folder_that_workers_copy_holds_nothing_that_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    class Api:
        def __init__(self, *_: str) -> None: ...

        def post(self, path: str, body: dict[str, Any]) -> dict[str, str]:
            told[path] = body
            return {"id": "1"}

    monkeypatch.setattr("jupyter_pipe.submit.engines.prefect.Web", Api)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("PREFECT_DEFAULT_WORK_POOL_NAME", "machines")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_notebook(tmp_path / "quick.ipynb", [("x = 1", ["stage:a"])])
    run = submit(RunRequest(target=open_target(tmp_path / "quick.ipynb")), "prefect")
    deployment = told["/deployments/"]
    # Not the run's own, where its log, its lock and its record come and go.
    assert run.run_id not in Path(deployment["path"]).name
    assert [path.name for path in Path(deployment["path"]).iterdir()] == [
        deployment["entrypoint"].partition(":")[0]
    ]
