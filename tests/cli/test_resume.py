"""`resume` continues a run the way it ran, unless it is told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_pipe.cli.main import main
from jupyter_pipe.cli.runs import resume
from jupyter_pipe.engine import RunRequest
from jupyter_pipe.model import to_json
from jupyter_pipe.runs.model import RunFacts, RunOptions
from jupyter_pipe.trust.signatures import sign
from tests.cli.conftest import write_run
from tests.cli.scripted import succeeded_events

RUN = "20261121-100000-aaaa"
DASK = {"kernels": "fresh", "executor": "dask", "scheduler": "tcp://s:1", "workers": 3}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], DASK),
        (["-j", "5"], {**DASK, "workers": 5}),
        (["--executor", "local"], {**DASK, "executor": "local", "scheduler": None}),
        (["--scheduler", "tcp://t:2"], {**DASK, "scheduler": "tcp://t:2"}),
        (["--kernels", "fork"], {**DASK, "kernels": "fork"}),
    ],
)
def test_how_the_run_goes_on(
    given: list[str],
    expected: dict[str, Any],
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[RunRequest] = []
    monkeypatch.setattr(
        resume, "execute", lambda args, request: requests.append(request) or 0
    )
    store = write_run(tmp_path, succeeded_events(), RUN)
    facts = RunFacts(
        notebook=str(small), workdir=str(tmp_path), options=RunOptions(**DASK)
    )
    folder = store.folder(RUN)
    folder.summary.write_bytes(
        sign("run", RUN, to_json(replace(store.read(RUN), facts=facts)))
    )
    assert main(["resume", "latest", *given]) == 0
    assert {name: getattr(requests[0].options, name) for name in expected} == expected
    assert requests[0].target.store.root == tmp_path
