"""Pipelines handed to servers on this machine, and their state brought back."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.runs.model import Run
from jupyter_pipe.runs.store import RunStore
from jupyter_pipe.submit.following import is_followed
from tests.engines.trial import LIMIT_SECONDS, NAME, WORD, newest_run, wait

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(LIMIT_SECONDS)]


def followed_to_the_end() -> Run:
    """The newest run, when nothing follows it any more."""
    store = RunStore(Path())
    wait(lambda: not is_followed(store.folder(newest_run().run_id)))
    return newest_run()


@pytest.mark.usefixtures("slurm")
def test_slurm(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    submit = ["submit", "slurm", f"{NAME}.ipynb", "-p", "count=5"]
    assert main([*submit, "--follow"]) == 0
    good = newest_run()
    assert (good.state.value, good.engine) == ("succeeded", "SLURM")
    assert good.metrics == {"total": 10 * (5 + len(WORD))}
    assert good.stage("make").attempts == 2
    assert "tries again" in capfd.readouterr().out
    assert main([*submit, "-p", "limit=1", "--follow"]) == 3
    assert newest_run().stage("join").attempts == 1
    assert not Path("canary").exists()


@pytest.mark.usefixtures("slurm")
def test_a_run_in_slurm_is_cancelled_and_survives_its_controller(
    folder: Path, slurm: list[int]
) -> None:
    submit = ["submit", "slurm", f"{NAME}.ipynb", "-p", "count=7"]
    assert main(submit) == 0
    run_id = newest_run().run_id
    # The controller goes away, and comes back with what it had saved.
    os.kill(slurm[1], signal.SIGTERM)
    wait(lambda: newest_run().silent_since is not None)
    with subprocess.Popen(
        ["slurmctld", "-D", "-f", os.environ["SLURM_CONF"]]
    ) as controller:
        try:
            wait(lambda: newest_run().silent_since is None)
            assert main(["cancel", run_id]) == 0
            ended = followed_to_the_end()
        finally:
            controller.terminate()
    assert (ended.run_id, ended.state.value, ended.exit_code) == (
        run_id,
        "cancelled",
        130,
    )
