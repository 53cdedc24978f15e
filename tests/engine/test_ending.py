"""How runs end from outside: signals, cancel requests, a runner that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.engine import request_cancel
from jupyter_pipe.events import RunState
from jupyter_pipe.runs import Run, RunStore
from tests.engine.packages import Package, request_of
from tests.engine.processes import children, wait_until

pytestmark = pytest.mark.kernel

RUNNER = """
import sys
from jupyter_pipe.engine import RunRequest, open_target, run_pipeline
from jupyter_pipe.runs import RunOptions
request = RunRequest(open_target(sys.argv[1]), RunOptions(workers=2, kernels=sys.argv[2]))
sys.exit(run_pipeline(request).exit_code)
"""

SLEEP = "import time\nprint('started', flush=True)\ntime.sleep(600)"
STUBBORN = """\
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '600'])
time.sleep(600)
"""


class Runner:
    """A run in a process of its own."""

    def __init__(self, folder: Path, package: Package, kernels: str = "fork") -> None:
        self.store = RunStore(folder)
        command = [sys.executable, "-c", RUNNER, str(package.write(folder)), kernels]
        self.process = subprocess.Popen(command)

    @property
    def run(self) -> Run:
        return self.store.read(self.store.find("latest"))

    def wait_for_cells(self, count: int = 1) -> None:
        """Until so many stages are in a cell of theirs."""
        wait_until(
            lambda: (
                self.store.ids()
                and sum(stage.cell_id is not None for stage in self.run.stages) >= count
            )
        )

    def kernels(self) -> list[int]:
        import psutil

        return [
            child.pid
            for child in psutil.Process(self.process.pid).children(recursive=True)
        ]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[list[Runner]]:
    runners: list[Runner] = []
    yield runners
    for runner in runners:
        if runner.process.poll() is None:
            runner.process.kill()
        runner.process.wait()


def is_gone(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return True


def test_ctrl_c_cancels_the_run_and_leaves_no_process(
    start: list[Runner], tmp_path: Path
) -> None:
    package = Package().stage("a", SLEEP).stage("b", SLEEP).stage("c", "1", after=["a"])
    start.append(runner := Runner(tmp_path, package))
    runner.wait_for_cells(2)
    kernels = runner.kernels()
    runner.process.send_signal(signal.SIGINT)
    assert runner.process.wait(180) == 130
    assert runner.run.state is RunState.cancelled
    assert runner.run.cancelled_by == "SIGINT"
    states = {stage.name: stage.state.value for stage in runner.run.stages}
    assert states == {
        "a": "cancelled",
        "b": "cancelled",
        "c": "skipped",
    }  # c had not begun
    assert all(is_gone(pid) for pid in kernels)
    executed = json.loads(
        runner.store.folder(runner.run.run_id).executed("a").read_text()
    )
    assert "started" in json.dumps(executed)


def test_a_second_ctrl_c_is_immediate(start: list[Runner], tmp_path: Path) -> None:
    start.append(runner := Runner(tmp_path, Package().stage("a", STUBBORN)))
    runner.wait_for_cells()
    wait_until(
        lambda: any(
            command.startswith("sleep") for command in children(runner.process.pid)
        )
    )
    kernels = runner.kernels()
    runner.process.send_signal(signal.SIGINT)
    wait_until(lambda: runner.run.cancelled_by)
    runner.process.send_signal(signal.SIGINT)
    assert runner.process.wait(180) == 130
    wait_until(lambda: all(is_gone(pid) for pid in kernels))


def test_a_kernel_whose_parent_has_died_ends_with_its_runner(
    start: list[Runner], tmp_path: Path
) -> None:
    orphan = "import os, signal, time\nparent = os.getppid()\nos.kill(parent, signal.SIGKILL)"
    told = "while os.getppid() == parent: time.sleep(0.01)\nopen('pid', 'w').write(str(os.getpid()))"
    start.append(runner := Runner(tmp_path, Package().stage("a", orphan, told, SLEEP)))
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text())
    runner.process.kill()
    runner.process.wait()
    wait_until(lambda: is_gone(int(pid.read_text())))


def test_a_cancel_request_from_another_process(
    start: list[Runner], tmp_path: Path
) -> None:
    start.append(runner := Runner(tmp_path, Package().stage("a", SLEEP)))
    runner.wait_for_cells()
    request_cancel(runner.store, runner.run.run_id, by="sidebar")
    assert runner.process.wait(180) == 130
    assert runner.run.cancelled_by == "sidebar"
    assert not request_cancel(runner.store, runner.run.run_id)
    assert runner.run.state is RunState.cancelled


def test_a_run_in_a_thread_is_cancelled_through_its_folder(tmp_path: Path) -> None:
    import threading

    from jupyter_pipe.engine import run_pipeline

    request = request_of(Package().stage("a", SLEEP).write(tmp_path))
    ended: list[Run] = []
    thread = threading.Thread(target=lambda: ended.append(run_pipeline(request)))
    thread.start()
    store = RunStore(tmp_path)
    wait_until(lambda: store.ids() and store.read(store.ids()[0]).stages[0].cell_id)
    request_cancel(store, store.ids()[0], by="widget")
    thread.join(180)
    assert ended[0].exit_code == 130
    assert ended[0].cancelled_by == "widget"


@pytest.mark.parametrize("kernels", ["fork", "fresh"])
def test_what_a_stage_started_ends_with_a_killed_runner(
    start: list[Runner], tmp_path: Path, kernels: str
) -> None:
    start.append(runner := Runner(tmp_path, Package().stage("a", STUBBORN), kernels))
    runner.wait_for_cells()
    wait_until(
        lambda: any(
            command.startswith("sleep") for command in children(runner.process.pid)
        )
    )
    started = runner.kernels()
    os.kill(runner.process.pid, signal.SIGKILL)
    wait_until(lambda: all(is_gone(pid) for pid in started))


def test_a_killed_runner_leaves_no_kernel_and_reads_as_interrupted(
    start: list[Runner], tmp_path: Path
) -> None:
    start.append(
        runner := Runner(
            tmp_path, Package().stage("a", SLEEP).stage("b", "1", after=["a"])
        )
    )
    runner.wait_for_cells()
    kernels = runner.kernels()
    assert kernels
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    wait_until(lambda: all(is_gone(pid) for pid in kernels))
    assert runner.run.state is RunState.interrupted
    assert [stage.state.value for stage in runner.run.stages] == [
        "interrupted",
        "skipped",
    ]
    assert runner.store.reconcile() == (runner.run.run_id,)
    assert not request_cancel(runner.store, runner.run.run_id)
    assert children() == []


SLEEPER = "sh -c 'echo $$ > pid; exec sleep 600'"
# Each writes its pid into a file and sleeps, in a session of its own or further away.
DAEMONS = {
    "a session": "subprocess.Popen(SLEEPER, shell=True, start_new_session=True)",
    "a double fork": "subprocess.run(f'(setsid {SLEEPER} &)', shell=True)",
    "nohup": "subprocess.Popen(f'nohup {SLEEPER} &', shell=True, start_new_session=True)",
    "a fork": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('pid', 'w').write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
""",
}
BEGUN = """
while not (os.path.exists('pid') and open('pid').read().strip()):
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("daemon", "end", "kernels"),
    [
        *((daemon, end, "fork") for daemon in DAEMONS for end in ("success", "kill")),
        ("a session", "failure", "fork"),
        ("a session", "cancel", "fork"),
        ("a fork", "kill", "fresh"),
        ("a double fork", "success", "fresh"),
    ],
)
def test_nothing_that_a_stage_started_outlives_the_run(
    start: list[Runner], tmp_path: Path, daemon: str, end: str, kernels: str
) -> None:
    begin = f"import os, subprocess, time\nSLEEPER = {SLEEPER!r}\n{DAEMONS[daemon]}\n{BEGUN}"
    # A later stage may still talk to what an earlier one left.
    alive = "import os\nos.kill(int(open('pid').read()), 0)\n"
    last = {"success": "1", "failure": "1 / 0"}.get(end, SLEEP)
    package = Package().stage("a", begin).stage("b", alive + last, after=["a"])
    start.append(runner := Runner(tmp_path, package, kernels))
    if end in {"cancel", "kill"}:
        wait_until(
            lambda: (
                runner.store.ids()
                and any(each.cell_id for each in runner.run.stages[1:])
            ),
            60,
        )
        runner.process.send_signal(
            signal.SIGTERM if end == "cancel" else signal.SIGKILL
        )
    code = runner.process.wait(180)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: is_gone(pid))
    assert (
        code
        == {"success": 0, "failure": 1, "cancel": 130, "kill": -signal.SIGKILL}[end]
    )
