"""`debug --console`: IPython in the terminal, where everything before the cell that
failed has run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.cli.runs import debug
from jupyter_pipe.engine import run_pipeline
from tests.engine.packages import Package, request_of


@pytest.mark.kernel
def test_the_console_has_what_the_stage_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = (
        Package()
        .stage("a", "x = [41]", binds="x")
        .stage("b", "y = x[0] + 1", "1 / 0", reads="x")
    )
    assert run_pipeline(request_of(package.write(tmp_path))).exit_code == 1
    said: list[str] = []
    real = subprocess.run

    def typed(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        done = real(
            command,
            input="print('y is', y)\n",
            capture_output=True,
            text=True,
            **options,
        )
        said.append(done.stdout)
        return done

    monkeypatch.setattr(debug.subprocess, "run", typed)
    assert main(["debug", "latest", "b", "--console", "--root", str(tmp_path)]) == 0
    assert "y is 42" in said[0]
