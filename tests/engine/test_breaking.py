"""How stages break, with real kernels: each way ends in one clear failure and leaves no
process."""

from __future__ import annotations

import json
from pathlib import Path

import IPython
import pytest

from jupyter_pipe import events as ev
from jupyter_pipe.cli.main import main
from jupyter_pipe.events import FailureKind
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_notebook
from tests.engine.conftest import Runs
from tests.engine.packages import Package
from tests.engine.processes import children, wait_until

pytestmark = pytest.mark.kernel


def test_an_error_shows_the_users_frames_and_no_others(
    ran: Runs, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("def scale(x):\n    return x / 0\n")
    code = "import json, beside\n\ndef work(x):\n    return beside.scale(x)\n\n[work(n) for n in range(3)]"
    done = ran(Package().stage("a", "1", code).stage("b", "2", after=["a"]))
    failure = done.failure("a")
    assert (failure.ename, failure.kind) == ("ZeroDivisionError", FailureKind.error)
    assert (failure.cell_id, failure.position, failure.total, failure.line) == (
        "a-2",
        2,
        2,
        4,
    )
    places = [(frame.cell_id or frame.path, frame.line) for frame in failure.frames]
    assert places[0] == ("a-2", 6)
    assert places[-2:] == [("a-2", 4), ("beside.py", 2)]
    assert (
        "a, cell 2 of 2, line 4, in work\n    return beside.scale(x)"
        in failure.traceback
    )
    assert "\x1b" not in failure.traceback
    assert "ipython" not in failure.traceback.lower()
    assert done.states() == {"a": "failed", "b": "skipped"}
    assert done.executed("a")[1]["outputs"][0]["output_type"] == "error"
    statuses = [cell["metadata"]["papermill"]["status"] for cell in done.executed("a")]
    assert statuses == ["completed", "failed"]


def test_frames_lead_to_the_cells_of_other_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that is replayed, and a method of an instance whose class no later
    stage names."""
    monkeypatch.chdir(tmp_path)
    write_notebook(
        tmp_path / "n.ipynb",
        [
            ("import json\n\n\ndef scale(x):\n    return x / 0", ["stage:make"]),
            (
                "k = 1\n\nclass Model:\n    def fit(self):\n        return scale(1)\n\nmodel = Model()",
                [],
            ),
            ("print(1)\nmodel.fit()", ["stage:use"]),
        ],
    )
    assert main(["run", "n.ipynb"]) == 1
    (run,) = RunStore(tmp_path).list()
    failure = run.stage("use").failure
    assert failure is not None
    assert [(each.line, each.function, each.source) for each in failure.frames] == [
        (2, "<module>", "model.fit()"),
        (5, "fit", "return scale(1)"),
        (5, "scale", "return x / 0"),
    ]
    assert len({each.cell_id for each in failure.frames}) == 3
    executed = tmp_path / ".jupyter_pipe" / "runs" / run.run_id / "stages" / "use"
    shown = (executed / "executed.ipynb").read_text()
    assert "Could not get source" not in shown


def test_where_it_came_from_is_told(ran: Runs) -> None:
    done = ran(
        Package().stage(
            "a",
            "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('no k') from e",
        )
    )
    assert done.failure("a").traceback.endswith(
        "ValueError: no k\ncaused by KeyError: 'k'"
    )


# Before IPython 9, `%time` shows what its code raises, and the notebook goes on: so
# does the stage.
TIMED = (
    [("%%time\nx = 1\n1 / 0", 3), ("import sys\n%time 1 / 0", 2)]
    if IPython.version_info >= (9,)
    else []
)


@pytest.mark.parametrize(("code", "line"), [("x = 1\ny = = 2", 2), *TIMED])
def test_lines_are_those_of_the_cell_as_written(
    ran: Runs, code: str, line: int
) -> None:
    failure = ran(Package().stage("a", code)).failure("a")
    assert (failure.cell_id, failure.line) == ("a-1", line)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("import sys\nsys.exit(0)", "exit", "sys.exit(0)"),
        ("exit", "exit", "asked the kernel to exit"),
        ("name = input('name? ')", "input", "raw_input was called"),
        ("import os\nos._exit(3)", "kernel_died", "ended with status 3"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "kernel_died",
            "signal 9 (SIGKILL)",
        ),
        ("raise MemoryError", "out_of_memory", ""),
    ],
)
def test_a_notebook_that_would_stop_is_a_failure(
    ran: Runs, code: str, kind: str, words: str
) -> None:
    done = ran(Package().stage("a", "print('before')", code, "print('after')"))
    failure = done.failure("a")
    assert failure.kind.value == kind
    assert words in failure.evalue
    assert failure.hint
    assert (failure.cell_id, failure.position) == ("a-2", 2)
    assert done.printed("a").startswith("before\n")
    statuses = [cell["metadata"]["papermill"]["status"] for cell in done.executed("a")]
    assert statuses == ["completed", "failed", "pending"]
    assert done.run.exit_code == 1
    assert children() == []


def test_a_cell_that_never_ends(ran: Runs) -> None:
    done = ran(
        Package().stage(
            "a", "import time\ntime.sleep(600)", "print('after')", timeout_seconds=12.0
        )
    )
    failure = done.failure("a")
    assert failure.kind == FailureKind.timeout
    assert failure.evalue == "a, cell 1 of 2 was still running after 12 s"
    assert failure.line == 2
    assert "timeout:" in failure.hint
    assert done.printed("a") == ""
    assert children() == []


def test_a_cell_that_takes_longer_than_a_cell_may(ran: Runs) -> None:
    cells = (
        "import time\ntime.sleep(0.6)",
        "time.sleep(0.6)",
        "time.sleep(600)",
        "print('after')",
    )
    failure = ran(Package().stage("a", *cells, cell_timeout_seconds=1.0)).failure("a")
    assert (failure.kind, failure.position) == (FailureKind.timeout, 3)
    assert failure.evalue == "a, cell 3 of 4 was still running after 1 s"
    assert "cell-timeout:" in failure.hint


def test_a_cell_that_ignores_interrupts_and_forks(ran: Runs) -> None:
    code = """\
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '600'])
time.sleep(600)
"""
    done = ran(Package().stage("a", code, timeout_seconds=2.0))
    assert done.failure("a").kind == FailureKind.timeout
    wait_until(lambda: children() == [])


def test_children_of_a_kernel_end_with_it(ran: Runs) -> None:
    done = ran(
        Package().stage(
            "a", "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)"
        )
    )
    assert done.run.exit_code == 0
    pid = int(done.printed("a"))
    wait_until(
        lambda: (
            not Path(f"/proc/{pid}/cmdline").exists()
            or not Path(f"/proc/{pid}/cmdline").read_bytes()
        )
    )


def test_retries_end_well_and_keep_the_earlier_attempts(ran: Runs) -> None:
    code = "import pathlib\nseen = pathlib.Path('seen')\nknown = seen.exists()\nseen.touch()\nassert known"
    done = ran(Package().stage("a", code, retries=1))
    assert done.states() == {"a": "succeeded"}
    assert done.run.stage("a").attempts == 2
    assert [
        event.delay_seconds
        for event in done.events
        if isinstance(event, ev.StageRetrying)
    ] == [1.0]
    earlier = done.folder.stage("a") / "attempts" / "1"
    assert (earlier / "context.json").exists()


def test_a_failed_gate_is_exit_3_with_the_values(ran: Runs) -> None:
    done = ran(
        Package()
        .stage("a", "score = 0.5", binds="score", gates={"score > 0.9": "score"})
        .stage("b", "1", after=["a"])
    )
    assert done.run.exit_code == 3
    assert done.failure("a").evalue == "score > 0.9 is false (score = 0.5)"
    assert done.states()["b"] == "skipped"


def test_fail_fast_lets_the_others_end_and_keep_going_starts_more(ran: Runs) -> None:
    wait = """\
import os, pathlib, time
log = pathlib.Path('.jupyter_pipe/runs', os.environ['JUPYTER_PIPE_RUN_ID'], 'events.jsonl')
while 'stage_failed' not in log.read_text(): time.sleep(0.01)
"""
    package = (
        Package()
        .stage("bad", "1 / 0")
        .stage("slow", wait)
        .stage("later", "1", after=["slow"])
    )
    assert ran(package, workers=2).states() == {
        "bad": "failed",
        "slow": "succeeded",
        "later": "skipped",
    }
    done = ran(package, workers=2, keep_going=True, use_cache=False)
    assert done.states() == {"bad": "failed", "slow": "succeeded", "later": "succeeded"}
    assert done.run.exit_code == 1


def test_a_kernel_that_does_not_start_says_why(
    ran: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "broken"
    spec.mkdir(parents=True)
    argv = ["python3", "-c", "raise SystemExit('no ipykernel here')"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "b", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    failure = ran(Package(kernel="broken").stage("a", "1")).failure("a")
    assert failure.kind == FailureKind.worker
    assert "ended at once with status 1: no ipykernel here" in failure.evalue


def test_a_disk_that_fills_up_ends_the_run_with_one_clear_error(
    ran: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from jupyter_pipe.errors import RunError
    from jupyter_pipe.runs.log import EventLog

    whole = EventLog.append

    def append(log: EventLog, event: ev.Event) -> ev.Event:
        if isinstance(event, ev.CellFinished):
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(log, event)

    monkeypatch.setattr(EventLog, "append", append)
    with pytest.raises(RunError, match="No space left on device"):
        ran(Package().stage("a", "1", "import time; time.sleep(600)"))
    assert children() == []
