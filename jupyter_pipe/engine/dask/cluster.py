"""A Dask cluster of this machine, in processes of its own that end when their run does,
however it ends.

`OwnCluster(workers)` starts `python -m jupyter_pipe.engine.dask.cluster N`: scheduler
and workers, in one process group. It says its address and serves until its standard
input closes. Raises RunError.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys

from jupyter_pipe.engine.kernels.orphans import Guard
from jupyter_pipe.engine.own_modules import own_module
from jupyter_pipe.errors import RunError

__all__ = ["OwnCluster"]

_CLOSE_SECONDS = 15.0


class OwnCluster:
    """The cluster, and its `address`."""

    def __init__(self, workers: int) -> None:
        self._process = subprocess.Popen(
            own_module("jupyter_pipe.engine.dask.cluster", str(workers)),
            # Where what it starts in turn looks for modules; stages have a folder of
            # their own.
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._guard = Guard(self._process.pid)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().decode().strip()
        if not self.address:
            self.close()
            raise RunError(
                "The Dask cluster of this machine did not start.",
                code="dask_unreachable",
                hint="It wrote why to standard error.",
            )

    def close(self) -> None:
        """Let it end, then make sure."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        self._guard.dismiss()


def main() -> None:
    """Serve until nobody needs the cluster any more."""
    distributed = importlib.import_module("distributed")
    # A worker of ours that dies is noticed by its connection. One that says nothing for
    # minutes is of a machine that was asleep, or has much else to do: what it runs need
    # not run again.
    importlib.import_module("dask").config.set(
        {"distributed.scheduler.worker-ttl": None}
    )
    workers = int(sys.argv[1])
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()
