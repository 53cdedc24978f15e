from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.engine.single.stage import Listeners, SingleStage, run_single_stage
from jupyter_pipe.errors import RunError
from jupyter_pipe.events import Event, FailureKind, GateEvaluated, MetricLogged
from jupyter_pipe.runs.remote import local_root
from tests.engine.packages import Package, request_of

pytestmark = pytest.mark.kernel


def test_stages_run_one_by_one_with_a_shared_root(tmp_path: Path) -> None:
    package = (
        Package()
        .stage("a", "x = 2", binds="x", metrics="x")
        .stage("b", "print(x)", reads="x", gates={"x > 5": "x"})
    )
    request = request_of(package.write(tmp_path), root=tmp_path / "shared", run_id="r1")
    with pytest.raises(RunError, match="Stage 'a' has no result"):
        run_single_stage(request, SingleStage("b"))
    events: list[Event] = []
    first = run_single_stage(
        request, SingleStage("a"), Listeners(event=events.append)
    ).outcome
    assert first.failure is None
    assert first.result is not None
    assert any(isinstance(event, MetricLogged) and event.value == 2 for event in events)
    second = run_single_stage(
        request, SingleStage("b"), Listeners(event=events.append)
    ).outcome
    assert second.failure is not None
    assert second.failure.kind == FailureKind.gate
    assert any(isinstance(event, GateEvaluated) for event in events)
    folder = tmp_path / "shared" / ".jupyter_pipe" / "runs" / "r1" / "stages"
    assert (folder / "b" / "executed.ipynb").exists()
    assert not (folder / "b" / "result.json").exists()


def test_stages_on_machines_that_share_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = (
        Package()
        .stage("a", "x = 2", binds="x")
        .stage("b", "assert x == 2", reads="x")
        .write(tmp_path)
    )
    url = (tmp_path / "shared").as_uri()
    for stage in ("a", "b"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"machine-{stage}"))
        request = request_of(package, root=local_root(url), run_id="r1")
        assert run_single_stage(request, SingleStage(stage)).outcome.failure is None
