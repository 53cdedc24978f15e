"""Kills runs with SIGKILL and looks for losses: `python -m tests.kills [--kills 100]
[--seed N]`.

Each kill takes a new folder, runs a pipeline of five stages there and kills the runner,
the process that forks kernels, a kernel, a runner of another host, or, in a run on Dask
workers, a worker or the runner: at a named point inside what must not tear, or at a
random moment.
Afterwards no process may be left, every run must be readable and over, and `resume`
must end with the results of an undisturbed run. The first line printed is the seed,
which repeats the same kills. A campaign forks its runners from a process that has
imported everything, several at once if asked: nine tenths of what a runner costs is
Python's start, in which nothing can tear.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

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
# After so many kills the length of an undisturbed run is measured anew: other work
# slows it down.
MEASURED_EVERY = {"local": 20, "dask": 200}
EXPECTED = {"answer": 3333}
STAGES = {
    "load": "table = list(range(100))",
    "left": "left = sum(table)",
    "right": "right = max(table) - 1",
    "join": "joined = [left, right, table]",
    "score": "answer = joined[0] - joined[1] - len(joined[2]) * 15 - 19",
}
# Beside the notebook: makes the kernel of the named stage die while it writes its first
# payload.
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
    """One kill: inside a point, when it is reached for the `time`-th time, or of a
    victim after this share of the time that an undisturbed run takes."""

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
    """A third of the kills at named points, each at least five times in a hundred; then
    anywhere, one in ten of all in a run on Dask workers."""
    dice = random.Random(seed)
    pointed = [
        Kill(
            point=point, time=dice.randint(1, 6 if point in ("event", "summary") else 3)
        )
        for point, _ in zip(
            itertools.cycle(POINTS), range(kills * 36 // 100 or 1), strict=False
        )
    ]
    far = itertools.islice(itertools.cycle(DASK_VICTIMS), kills // 10)
    near = itertools.islice(
        itertools.cycle(VICTIMS), kills - len(pointed) - kills // 10
    )
    anywhere = [
        Kill(victim=victim, share=dice.uniform(0.02, 1.0)) for victim in (*far, *near)
    ]
    yield from dice.sample([*pointed, *anywhere], kills)


class Runner(Protocol):
    """A process that runs the command line, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int: ...


# From arguments, folder, mark and kill.
Start = Callable[[list[str], Path, str, Kill | None], Runner]


def trial(kill: Kill, folder: Path, seconds: float, start: Start | None = None) -> str:
    """Carry out one kill in an empty folder, where an undisturbed run takes so many
    seconds. Returns what is wrong afterwards, empty if nothing is."""
    start = start or start_process
    mark = uuid.uuid4().hex
    write_notebook(folder)
    if kill.point == "artifact":
        (folder / "chaos.txt").write_text(list(STAGES)[kill.time])
    code = _run_and_kill(kill, folder, mark, seconds, start)
    left = _wait_for_none(mark)
    store = RunStore(folder)
    if kill.victim == ELSEWHERE:
        _let_leases_end(store)
    store.reconcile()
    problems = [f"left behind: {command}" for command in left]
    if code and "parent" in (kill.victim, kill.point.rpartition(" ")[2]):
        problems.append(
            f"the run ended with {code}: {(folder / SAID).read_text()[-500:]}"
        )
    problems += [
        f"run {run_id} is not over"
        for run_id in store.ids()
        if not store.read(run_id).is_final
    ]
    (folder / "chaos.txt").unlink(missing_ok=True)
    again = (
        ["resume", "latest", "--root", str(folder)]
        if store.ids() and code
        else ["run", "p.ipynb"]
    )
    done = start([*again, "--quiet"], folder, mark, None).wait(RUN_SECONDS)
    if done:
        problems.append(
            f"{again[0]} ended with {done}: {(folder / SAID).read_text()[-500:]}"
        )
    problems += list(_unlike_undisturbed(store))
    problems += [
        f"left behind by {again[0]}: {command}" for command in _wait_for_none(mark)
    ]
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
    damaged = [
        address for address, _ in values.entries() if not values.is_sound(address)
    ]
    yield from (f"value {address} is damaged" for address in damaged)


def _run_and_kill(
    kill: Kill, folder: Path, mark: str, seconds: float, start: Start
) -> int:
    """Run until the kill and the end of the run; returns the runner's exit code."""
    process = start(
        ["run", "p.ipynb", "--quiet", *_options(kill.executor)], folder, mark, kill
    )
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


def start_process(
    argv: list[str], folder: Path, mark: str, kill: Kill | None
) -> Runner:
    """The command line in a process of its own, from Python's start on."""
    death = _death(kill)
    entry = (
        [__file__, "--die", *map(str, death)]
        if death
        else ["-m", "jupyter_pipe.cli.main"]
    )
    with (folder / SAID).open("ab") as said:
        return subprocess.Popen(
            [sys.executable, *entry, *argv],
            cwd=folder,
            env={**os.environ, MARK: mark},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def fork_process(argv: list[str], folder: Path, mark: str, kill: Kill | None) -> Runner:
    """The same in a fork of this process. A run on Dask is started as others are: its
    workers start Python anew, and look for what their parent's `__main__` was."""
    if "dask" in argv:
        return start_process(argv, folder, mark, kill)
    pid = os.fork()
    if pid == 0:
        _be_runner(argv, folder, mark, _death(kill))
    return _Fork(pid)


class _Fork:
    """A child of this process, as a `Runner`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("jupyter-pipe", timeout)
            time.sleep(0.01)
        return code


def _be_runner(
    argv: list[str], folder: Path, mark: str, death: tuple[str, int] | None
) -> NoReturn:
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.environ[MARK] = mark
        said = os.open(SAID, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = run_and_die(*death, argv) if death else _run_command(argv)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _death(kill: Kill | None) -> tuple[str, int] | None:
    """Where the runner is to end itself, and at what time that it gets there."""
    if kill is not None and kill.victim == ELSEWHERE:
        return "elsewhere", 0
    return (kill.point, kill.time) if kill is not None and kill.point else None


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
        kernels = [
            process.ppid()
            for process in below
            if "ipykernel_launcher" in process.cmdline()
        ]
        workers = [
            process.pid
            for process in below
            if "spawn_main" in " ".join(process.cmdline())
        ]
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
                    yield (
                        (entry / "cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )


def write_notebook(folder: Path) -> None:
    """Five stages in two parallel strands, and the module that makes kernels die."""
    cells: list[dict[str, Any]] = [
        {
            "id": name,
            "cell_type": "code",
            # Not a plain import: the analyzer would refuse what the module does.
            "source": f"__import__('importlib').import_module('chaos').arm({name!r})\n{source}",
            "metadata": {
                "tags": [
                    f"stage:{name}",
                    *(["metric:answer"] if name == "score" else []),
                ]
            },
            "outputs": [],
            "execution_count": None,
        }
        for name, source in STAGES.items()
    ]
    metadata = {
        "kernelspec": {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (folder / "p.ipynb").write_text(json.dumps(content))
    (folder / "chaos.py").write_text(CHAOS)


# In the runner that is to die


def run_and_die(point: str, count: int, argv: list[str]) -> int:
    """The command line, in a process that ends itself inside `point`."""
    ways = {
        "event": _die_in_event,
        "fork": _die_in_fork,
        "forking parent": _die_in_fork,
    }
    ways["elsewhere"] = _be_elsewhere
    ways.get(point, _die_in_replace)(point, count)
    return _run_command(argv)


def _run_command(argv: list[str]) -> int:
    from jupyter_pipe.cli.main import main

    return main(argv)


def _be_elsewhere(_: str, __: int) -> None:
    """As in a container that is gone afterwards: no process of this host can be asked
    about it."""
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

    def made(self: forked._ForkedProcess, pid: int, *others: Any) -> None:
        if next(times) == count:
            if point == "fork":
                _die()
            os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
        real(self, pid, *others)

    forked._ForkedProcess.__init__ = made  # type: ignore[method-assign]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """All kills, a line each; the exit code says whether anything was lost."""
    if sys.argv[1:2] == ["--die"]:
        return run_and_die(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    from tests.hostile.watching import import_all

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--at-once", type=int, default=1, help="so many pipelines at a time"
    )
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    import_all()
    losses = 0
    with multiprocessing.get_context("fork").Pool(args.at_once) as pool:
        tried = pool.imap_unordered(_try_one, enumerate(plan(args.kills, args.seed), 1))
        for number, kill, problem in tried:
            print(f"{number:3} {kill}: {problem or 'nothing lost'}", flush=True)
            losses += bool(problem)
    print(f"{losses} of {args.kills} kills lost something")
    return int(losses > 0)


def _try_one(numbered: tuple[int, Kill]) -> tuple[int, Kill, str]:
    number, kill = numbered
    try:
        seconds = undisturbed_seconds(
            kill.executor, number // MEASURED_EVERY[kill.executor]
        )
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            return number, kill, trial(kill, Path(folder), seconds, fork_process)
    except subprocess.TimeoutExpired as error:
        return number, kill, f"waited {error.timeout:.0f} seconds for {error.cmd}"


@lru_cache(maxsize=2)
def undisturbed_seconds(executor: str, _: int) -> float:
    """How long the pipeline takes when nobody kills it, on a machine that does what
    this one does now."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        write_notebook(Path(folder))
        started = time.monotonic()
        argv = ["run", "p.ipynb", "--quiet", *_options(executor)]
        fork_process(argv, Path(folder), "", None).wait(RUN_SECONDS)
        return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
