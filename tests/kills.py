"""Kills runs with SIGKILL and looks for losses: `python tests/kills.py [--kills 100] [--seed N]`.

Each kill takes a new folder, runs a pipeline of five stages there and kills the runner, the process
that forks kernels, a kernel, a runner of another host, or, in a run on Dask workers, a worker or the
runner: at a named point inside what must not tear, or at a random moment.
Afterwards no process may be left, every run must be readable and over, and `resume` must end with
the results of an undisturbed run. The first line printed is the seed, which repeats the same kills.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from jupyter_pipe.artifacts.store import Store
from jupyter_pipe.runs.processes import LEASE_SECONDS
from jupyter_pipe.runs.store import RunStore

MARK = "JUPYTER_PIPE_KILLS"
SAID = "said.txt"
POINTS = ("artifact", "publish", "event", "fork", "forking parent", "summary")
VICTIMS = ("runner", "parent", "kernel", "runner of another host")
# Of runs on Dask workers, which take much longer.
DASK_VICTIMS = ("worker", "runner of Dask")
ELSEWHERE = "runner of another host"
# Also on a machine that does much else.
RUN_SECONDS = 600.0
ENDING_SECONDS = 20.0
EXPECTED = {"answer": 3333}
STAGES = {
    "load": "table = list(range(100))",
    "left": "left = sum(table)",
    "right": "right = max(table) - 1",
    "join": "joined = [left, right, table]",
    "score": "answer = joined[0] - joined[1] - len(joined[2]) * 15 - 19",
}
# Beside the notebook: makes the kernel of the named stage die while it writes its first payload.
CHAOS = """
import os, signal, sys

def arm(stage):
    order = os.path.join(os.path.dirname(__file__), "chaos.txt")
    if not os.path.exists(order) or open(order).read() != stage:
        return
    os.unlink(order)
    file = sys.modules["jupyter_pipe_kernel.payloads.payload_file"]._HashingFile

    def write(self, data):
        os.write(self._descriptor, bytes(data)[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    file.write = write
"""


class Kill(NamedTuple):
    """One kill: inside a point, when it is reached for the `time`-th time, or of a victim after this
    share of the time that an undisturbed run takes."""

    point: str = ""
    time: int = 1
    victim: str = ""
    share: float = 0.0

    def __str__(self) -> str:
        if self.point:
            return f"inside {self.point}, time {self.time}"
        return f"{self.victim} after {self.share:.0%} of the time"

    @property
    def executor(self) -> str:
        """Where the stages of the run are executed."""
        return "dask" if self.victim in DASK_VICTIMS else "local"


def plan(kills: int, seed: int) -> Iterator[Kill]:
    """A third of the kills at named points, each at least five times in a hundred; then anywhere, one in
    ten of all in a run on Dask workers."""
    dice = random.Random(seed)
    pointed = [
        Kill(point=point, time=dice.randint(1, 6 if point in ("event", "summary") else 3))
        for point, _ in zip(itertools.cycle(POINTS), range(kills * 36 // 100 or 1), strict=False)
    ]
    far = itertools.islice(itertools.cycle(DASK_VICTIMS), kills // 10)
    near = itertools.islice(itertools.cycle(VICTIMS), kills - len(pointed) - kills // 10)
    anywhere = [Kill(victim=victim, share=dice.uniform(0.02, 1.0)) for victim in (*far, *near)]
    yield from dice.sample([*pointed, *anywhere], kills)


def trial(kill: Kill, folder: Path, seconds: float) -> str:
    """Carry out one kill in an empty folder, where an undisturbed run takes so many seconds. Returns
    what is wrong afterwards, empty if nothing is."""
    mark = uuid.uuid4().hex
    write_notebook(folder)
    if kill.point == "artifact":
        (folder / "chaos.txt").write_text(list(STAGES)[kill.time])
    code = _run_and_kill(kill, folder, mark, seconds)
    left = _wait_for_none(mark)
    store = RunStore(folder)
    if kill.victim == ELSEWHERE:
        _let_leases_end(store)
    store.reconcile()
    problems = [f"left behind: {command}" for command in left]
    if code and "parent" in (kill.victim, kill.point.rpartition(" ")[2]):
        problems.append(f"the run ended with {code}: {(folder / SAID).read_text()[-500:]}")
    problems += [f"run {run_id} is not over" for run_id in store.ids() if not store.read(run_id).is_final]
    (folder / "chaos.txt").unlink(missing_ok=True)
    again = ["resume", "latest", "--root", str(folder)] if store.ids() and code else ["run", "p.ipynb"]
    done = _command([*again, "--quiet"], folder, mark).wait(RUN_SECONDS)
    if done:
        problems.append(f"{again[0]} ended with {done}: {(folder / SAID).read_text()[-500:]}")
    problems += list(_unlike_undisturbed(store))
    problems += [f"left behind by {again[0]}: {command}" for command in _wait_for_none(mark)]
    return "; ".join(problems)


def _unlike_undisturbed(store: RunStore) -> Iterator[str]:
    """What differs from a store in which nothing was ever killed."""
    for run_id in store.ids():
        numbers = [event.seq for event in store.events(run_id)]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"events of {run_id} are {numbers}"
    latest = store.read(store.find("latest"))
    if latest.metrics != EXPECTED:
        yield f"metrics are {latest.metrics}"
    values = Store(store.state_folder)
    damaged = [address for address, _ in values.entries() if not values.is_sound(address)]
    yield from (f"value {address} is damaged" for address in damaged)


def _run_and_kill(kill: Kill, folder: Path, mark: str, seconds: float) -> int:
    """Run until the kill and the end of the run; returns the runner's exit code."""
    process = _command(["run", "p.ipynb", "--quiet", *_options(kill.executor)], folder, mark, kill)
    if kill.victim:
        deadline = time.monotonic() + kill.share * seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        victim = _find_victim(kill.victim, process.pid)
        if victim is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
    return process.wait(RUN_SECONDS)


def _let_leases_end(store: RunStore) -> None:
    """Make the last beat of every run one of long ago: as if we had waited."""
    for summary in store.runs_folder.glob("*/run.json"):
        long_ago = time.time() - 2 * LEASE_SECONDS
        os.utime(summary, (long_ago, long_ago))


def _options(executor: str) -> list[str]:
    return ["--executor", executor, "-j", "2"] if executor == "dask" else []


def _command(argv: list[str], folder: Path, mark: str, kill: Kill | None = None) -> subprocess.Popen[bytes]:
    entry = ["-m", "jupyter_pipe.cli.main"]
    if kill is not None and kill.point:
        entry = [__file__, "--die", kill.point, str(kill.time)]
    elif kill is not None and kill.victim == ELSEWHERE:
        entry = [__file__, "--die", "elsewhere", "0"]
    with (folder / SAID).open("ab") as said:
        return subprocess.Popen(
            [sys.executable, *entry, *argv],
            cwd=folder,
            env={**os.environ, MARK: mark},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def _find_victim(victim: str, runner: int) -> int | None:
    """The pid of a victim, as far as it is there."""
    if victim.startswith("runner"):
        return runner
    if victim == "worker":
        return _find_worker(runner)
    with contextlib.suppress(psutil.NoSuchProcess):
        for parent in psutil.Process(runner).children():
            if "forking.py" in " ".join(parent.cmdline()):
                kernels = [child.pid for child in parent.children()]
                return parent.pid if victim == "parent" else next(iter(kernels), None)
    return None


def _find_worker(runner: int) -> int | None:
    """A Dask worker: one that runs a stage if there is one, else any."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(runner).children(recursive=True)
        kernels = [process.ppid() for process in below if "ipykernel_launcher" in process.cmdline()]
        workers = [process.pid for process in below if "spawn_main" in " ".join(process.cmdline())]
        return next(iter([*kernels, *workers]), None)
    return None


def _wait_for_none(mark: str) -> list[str]:
    """The command lines of processes with our mark that do not end by themselves."""
    deadline = time.monotonic() + ENDING_SECONDS
    while found := list(_marked(mark)):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)
    return []


def _marked(mark: str) -> Iterator[str]:
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes():
                    yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def write_notebook(folder: Path) -> None:
    """Five stages in two parallel strands, and the module that makes kernels die."""
    cells: list[dict[str, Any]] = [
        {
            "id": name,
            "cell_type": "code",
            # Not a plain import: the analyzer would refuse what the module does.
            "source": f"__import__('importlib').import_module('chaos').arm({name!r})\n{source}",
            "metadata": {"tags": [f"stage:{name}", *(["metric:answer"] if name == "score" else [])]},
            "outputs": [],
            "execution_count": None,
        }
        for name, source in STAGES.items()
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (folder / "p.ipynb").write_text(json.dumps(content))
    (folder / "chaos.py").write_text(CHAOS)


# In the runner that is to die


def run_and_die(point: str, count: int, argv: list[str]) -> int:
    """The command line, in a process that ends itself inside `point`."""
    from jupyter_pipe.cli.main import main

    ways = {"event": _die_in_event, "fork": _die_in_fork, "forking parent": _die_in_fork}
    ways["elsewhere"] = _be_elsewhere
    ways.get(point, _die_in_replace)(point, count)
    return main(argv)


def _be_elsewhere(_: str, __: int) -> None:
    """As in a container that is gone afterwards: no process of this host can be asked about it."""
    platform.node = lambda: "a-host-that-is-gone"


def _die_in_event(_: str, count: int) -> None:
    from jupyter_pipe.runs import log

    times, real = itertools.count(1), log._write_all

    def write(descriptor: int, data: bytes) -> None:
        if next(times) == count:
            os.write(descriptor, data[: len(data) // 2])
            _die()
        real(descriptor, data)

    log._write_all = write


def _die_in_replace(point: str, count: int) -> None:
    """Before a new summary, or a new result, takes its place."""
    wanted = {"summary": "run.json", "publish": f"{os.sep}entries{os.sep}"}.get(point)
    times, real = itertools.count(1), os.replace

    def replace(source: Any, target: Any) -> None:
        if wanted and wanted in str(target) and next(times) == count:
            _die()
        real(source, target)

    os.replace = replace  # type: ignore[assignment]


def _die_in_fork(point: str, count: int) -> None:
    """When a child has just been forked: ourselves, or the process that forked it."""
    from jupyter_pipe.engine.kernels import forked

    times, real = itertools.count(1), forked._ForkedProcess.__init__

    def made(self: forked._ForkedProcess, pid: int) -> None:
        if next(times) == count:
            if point == "fork":
                _die()
            os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
        real(self, pid)

    forked._ForkedProcess.__init__ = made  # type: ignore[method-assign]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """All kills, a line each; the exit code says whether anything was lost."""
    if sys.argv[1:2] == ["--die"]:
        return run_and_die(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    args = parser.parse_args()
    seconds = {executor: undisturbed_seconds(executor) for executor in ("local", "dask")}
    told = ", ".join(f"{value:.1f} s ({executor})" for executor, value in seconds.items())
    print(f"seed {args.seed}; an undisturbed run takes {told}", flush=True)
    losses = 0
    for number, kill in enumerate(plan(args.kills, args.seed), 1):
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            problem = trial(kill, Path(folder), seconds[kill.executor])
        print(f"{number:3} {kill}: {problem or 'nothing lost'}", flush=True)
        losses += bool(problem)
    print(f"{losses} of {args.kills} kills lost something")
    return int(losses > 0)


def undisturbed_seconds(executor: str) -> float:
    """How long the pipeline takes when nobody kills it."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        write_notebook(Path(folder))
        started = time.monotonic()
        _command(["run", "p.ipynb", "--quiet", *_options(executor)], Path(folder), "").wait(RUN_SECONDS)
        return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
