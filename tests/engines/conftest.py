"""A folder with the notebook of all engines, and SLURM on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from tests.cli.conftest import write_notebook
from tests.engines.seconds import write_seconds
from tests.engines.trial import CELLS, ENGINES, FLOWS, HELPER, NAME, said, wait


def pytest_sessionfinish() -> None:
    if os.environ.get("UPDATE_ENGINES"):
        write_seconds()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled package beside its notebook and module, and the environment of a
    worker."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks").mkdir()
    (tmp_path / "helper.py").write_text(HELPER)
    write_notebook(tmp_path / f"{NAME}.ipynb", CELLS)
    monkeypatch.setenv("MARKS", str(tmp_path / "marks"))
    monkeypatch.setenv("TOKEN", "sesame-open")
    monkeypatch.setenv("PATH", f"{ENGINES.parent}:{FLOWS.parent}:{os.environ['PATH']}")
    assert main(["compile", f"{NAME}.ipynb"]) == 0
    return tmp_path


@pytest.fixture
def slurm(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[int]]:
    """A controller and one node, on this machine: the processes of munge, of the
    controller, of the node."""
    place = tmp_path_factory.mktemp("slurm")
    (place / "key").write_bytes(os.urandom(1024))
    (place / "key").chmod(0o600)
    configuration = place / "slurm.conf"
    configuration.write_text(SLURM.replace("PLACE", str(place)))
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    munge = [
        "munged",
        "--foreground",
        "--force",
        f"--socket={place}/munge",
        f"--key-file={place}/key",
    ]
    munge += [
        f"--pid-file={place}/munge.pid",
        f"--log-file={place}/munge.log",
        f"--seed-file={place}/seed",
    ]
    daemons = [subprocess.Popen(munge)]
    try:
        daemons.append(subprocess.Popen(["slurmctld", "-D", "-f", str(configuration)]))
        daemons.append(
            subprocess.Popen(
                ["slurmd", "-D", "-f", str(configuration), "-N", "localhost"]
            )
        )
        wait(lambda: "idle" in said("sinfo", "--noheader"))
        yield [daemon.pid for daemon in daemons]
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(30)


SLURM = """\
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=PLACE/munge
CryptoType=crypto/munge
StateSaveLocation=PLACE
SlurmdSpoolDir=PLACE/spool
SlurmctldPidFile=PLACE/controller.pid
SlurmdPidFile=PLACE/node.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""
