"""One stage by itself: what it leaves for the next one, what is seen of it, and what it
must not leave."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import (
    GateResult,
    Observations,
    ObservedPath,
    StageResult,
)
from jupyter_pipe.cli.main import main
from jupyter_pipe.compiler import compile_notebook, write_package
from jupyter_pipe.engine.attempts.attempt import StageOutcome, StageWork
from jupyter_pipe.engine.attempts.stopping import StopSignal
from jupyter_pipe.engine.single import stage as single
from jupyter_pipe.engine.single import watch
from jupyter_pipe.events import Event, FailureKind, StageState
from jupyter_pipe.runs.locks import take_lock
from jupyter_pipe.runs.model import Failure, Run
from jupyter_pipe.runs.store import RunStore
from tests.cli.conftest import write_notebook

Capture = pytest.CaptureFixture[str]
Behaviour = Callable[[StageWork], StageOutcome]

BROKEN = StageOutcome(1.0, failure=Failure("ValueError", "no"))
UNDECLARED = StageOutcome(
    1.0, failure=Failure("InputChanged", "no", kind=FailureKind.effect)
)
FALSE_GATE = StageOutcome(
    1.0, result=StageResult(gates=(GateResult("x < 1", passed=False),))
)
FINE = StageOutcome(1.0, result=StageResult(metrics={"score": 1}))
STOPPED = StageOutcome(1.0)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two stages, a local module, and files that the code names, computes, and does not
    name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helper.py").write_text("import deeper\n")
    (tmp_path / "deeper.py").write_text("")
    (tmp_path / "data").mkdir()
    for name in ("data/a.csv", "data/b.csv", "notes.txt", "other.txt"):
        (tmp_path / name).write_text(name)
    notebook = write_notebook(
        tmp_path / "flow.ipynb",
        [
            ("k = 'a'", ["parameters"]),
            (
                "import helper\nx = open('notes.txt').read() + open(f'data/{k}.csv').read()",
                ["stage:make", "retries:2"],
            ),
            ("y = x", ["stage:use", "secret:TOKEN"]),
        ],
    )
    folder = tmp_path / "flow_pipeline"
    write_package(compile_notebook(notebook, output=folder), folder)
    return folder


def behave(monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour) -> None:
    """From now on a stage does this, and no kernel starts."""

    def run_stage(
        work: StageWork, report: Callable[[Event], None], stop: StopSignal
    ) -> StageOutcome:
        return behaviour(work)

    monkeypatch.setattr(single, "run_stage", run_stage)


def run_stage(
    package: Path, stage: str = "make", *more: str, run_id: str = "one"
) -> int:
    return main(
        [
            "run-stage",
            str(package),
            stage,
            "--run-root",
            "root",
            "--run-id",
            run_id,
            *more,
        ]
    )


def the_run(run_id: str = "one") -> Run:
    return RunStore(Path("root")).read(run_id)


@pytest.mark.parametrize(
    ("outcome", "code", "state"),
    [
        (FINE, 0, "succeeded"),
        (BROKEN, 1, "failed"),
        (FALSE_GATE, 3, "failed"),
        (UNDECLARED, 4, "failed"),
        (STOPPED, 130, "cancelled"),
    ],
    ids=["fine", "broken", "gate", "undeclared", "stopped"],
)
def test_every_end_has_its_exit_code_and_is_in_the_run(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: StageOutcome,
    code: int,
    state: str,
) -> None:
    behave(monkeypatch, lambda work: outcome)
    assert run_stage(package, "make", "--result", "out/result.json") == code
    made = the_run().stage("make")
    assert (made.state.value, made.attempts) == (state, 1)
    told = json.loads(Path("out/result.json").read_text())
    assert (told["exit_code"], told["state"], told["run_id"]) == (code, state, "one")
    assert the_run().state.value == ("running" if code == 0 else state)
    assert (RunStore(Path("root")).folder("one").report).is_file()


def test_a_run_is_listed_shown_and_followed_like_any_other(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")
    behave(monkeypatch, lambda work: FINE)
    assert [run_stage(package, "make"), run_stage(package, "use")] == [0, 0]
    capsys.readouterr()
    assert main(["runs", "--root", "root"]) == 0
    assert "flow" in capsys.readouterr().out
    assert main(["show", "latest", "--root", "root"]) == 0
    assert "flow succeeded" in capsys.readouterr().out
    assert main(["logs", "one", "use", "--root", "root"]) == 0
    assert "use   started" in capsys.readouterr().out
    run = the_run()
    assert (run.trigger, run.exit_code, run.metrics) == ("engine", 0, {"score": 1})
    assert run.facts.shared
    assert run.facts.runner is None


def test_a_failed_attempt_leaves_no_result_of_an_earlier_one(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")
    behave(monkeypatch, lambda work: FINE)
    assert run_stage(package) == 0
    result = RunStore(Path("root")).folder("one").result("make")
    assert result.is_file()
    for outcome in (BROKEN, FALSE_GATE, STOPPED):
        behave(monkeypatch, lambda work, outcome=outcome: outcome)  # type: ignore[misc]
        assert run_stage(package) != 0
        assert not result.exists()
        capsys.readouterr()
        assert run_stage(package, "use") == 2
        assert "'make' has no result" in capsys.readouterr().err


def test_a_run_goes_on_when_the_engine_tries_again(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, lambda work: BROKEN)
    assert run_stage(package, "make", "--attempt", "1") == 1
    failed = the_run()
    assert failed.state.value == "failed"
    assert failed.stage("use").reason == "make failed"
    behave(monkeypatch, lambda work: FINE)
    assert run_stage(package, "make", "--attempt", "2") == 0
    again = the_run()
    assert (again.state.value, again.exit_code, again.finished) == (
        "running",
        None,
        None,
    )
    assert again.stage("make").attempts == 2
    assert again.started == failed.started
    # A number that is taken is not taken again: the folder of an attempt is its own.
    assert run_stage(package, "make", "--attempt", "2") == 0
    assert the_run().stage("make").attempts == 3


def test_of_two_at_once_one_runs_and_the_other_uses_its_result(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    ran, started, ended = [], threading.Event(), []

    def slowly(work: StageWork) -> StageOutcome:
        ran.append(work.attempt)
        started.set()
        waiting.join(timeout=60)
        return FINE

    def second() -> None:
        # The lock names the process, not the thread, so the second is told apart by who
        # may hold it.
        started.wait(60)
        ended.append(RunStore(Path("root")).folder("one").stage("make") / "turn.lock")

    waiting = threading.Thread(target=second)
    waiting.start()
    behave(monkeypatch, slowly)
    assert run_stage(package) == 0
    (lock,) = ended
    assert not lock.exists()
    monkeypatch.setattr(single, "stage_turn", _waited)
    capsys.readouterr()
    assert run_stage(package) == 0
    assert "its result is used" in capsys.readouterr().out
    assert ran == [1]


def _waited(folder: Path, run_id: str, tell: object) -> object:
    import contextlib

    return contextlib.nullcontext(True)


@pytest.mark.parametrize("least", [0.0, 1.5], ids=["by_itself", "by_its_engine"])
def test_a_cancelled_stage_gives_the_engine_of_a_submitted_run_time_to_end_it(
    package: Path, monkeypatch: pytest.MonkeyPatch, least: float
) -> None:
    monkeypatch.setattr(watch, "_SECONDS_FOR_ITS_ENGINE", 1.5)
    waited = []

    def run_stage_(
        work: StageWork, report: Callable[[Event], None], stop: StopSignal
    ) -> StageOutcome:
        folder = RunStore(Path("root")).folder("one")
        if least:
            folder.submitted.write_text("{}")
        folder.cancel.write_text("user\n")
        began, told = time.time(), threading.Event()
        stop.listen(lambda hard: told.set())
        assert told.wait(60)
        waited.append(time.time() - began)
        return STOPPED

    monkeypatch.setattr(single, "run_stage", run_stage_)
    assert run_stage(package) == 130
    # The clock of files may lag by a tick.
    assert waited[0] > least - 0.1


def test_a_turn_is_waited_for_and_taken_from_the_dead(tmp_path: Path) -> None:
    from jupyter_pipe.runs.shared.turns import stage_turn

    lock = tmp_path / "turn.lock"
    assert take_lock(lock, "one", is_held=lambda holder: True) is None
    told: list[int] = []

    def end_the_other(holder: object) -> None:
        told.append(1)
        lock.unlink()

    with stage_turn(tmp_path, "one", end_the_other) as waited:
        assert waited
        assert lock.exists()
    assert told == [1]
    lock.write_text(json.dumps({"pid": 1, "start": "never", "host": "elsewhere"}))
    os.utime(lock, (0, 0))
    with stage_turn(tmp_path, "one", end_the_other) as waited:
        assert not waited


def test_a_stage_whose_process_died_is_interrupted(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[StageState] = []

    def look(work: StageWork) -> StageOutcome:
        lock = Path(work.run_folder) / "stages" / "make" / "turn.lock"
        single.SharedRun(
            RunStore(Path("root")), work.pipeline, the_facts, work.run_id
        ).gather()
        seen.append(the_run().stage("make").state)
        lock.write_text(json.dumps({"pid": 1, "start": "never", "host": "elsewhere"}))
        os.utime(lock, (0, 0))
        monkeypatch.setattr(
            "jupyter_pipe.runs.shared.turns.is_alive", lambda holder, lock: False
        )
        seen.append(the_run().stage("make").state)
        return FINE

    from jupyter_pipe.runs.model import RunFacts

    the_facts = RunFacts()
    behave(monkeypatch, look)
    assert run_stage(package) == 0
    assert seen == [StageState.running, StageState.interrupted]


def test_only_its_own_secrets_are_asked_of_a_stage(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    behave(monkeypatch, lambda work: FINE)
    assert run_stage(package, "make") == 0
    assert run_stage(package, "use") == 2
    assert "needs the secret TOKEN" in capsys.readouterr().err


def test_each_run_has_a_working_directory_with_what_the_stage_needs(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, list[str]] = {}

    def look(work: StageWork) -> StageOutcome:
        here = Path(work.workdir)
        found[work.run_id] = sorted(
            path.relative_to(here).as_posix() for path in here.rglob("*.*")
        )
        (here / f"{work.run_id}.txt").write_text("made")
        (here / "notes.txt").unlink(missing_ok=True)
        return FINE

    behave(monkeypatch, look)
    needed = ["data/a.csv", "data/b.csv", "deeper.py", "helper.py", "notes.txt"]
    for run_id in ("one", "two", "one"):
        options = ["-p", "k=b"] if run_id == "two" else []
        assert run_stage(package, "make", *options, run_id=run_id) == 0
    # What a stage removed does not come back, and runs do not meet.
    first = ["data/a.csv", "deeper.py", "helper.py", "one.txt"]
    assert found == {"one": first, "two": needed}
    assert Path("notes.txt").exists()


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (ObservedPath("other.txt", digest="missing"), 4),
        (ObservedPath("nobody.txt", digest="missing"), 0),
        (ObservedPath("notes.txt", digest="ab"), 0),
        (ObservedPath(".", aspect="listing", names=("notes.txt",), pattern="*.txt"), 4),
        (ObservedPath("data", aspect="listing", names=("a.csv", "b.csv")), 0),
        (ObservedPath("/etc/other.txt", digest="missing"), 0),
    ],
    ids=["beside", "nowhere", "carried", "listed", "listed whole", "elsewhere"],
)
def test_a_file_that_was_left_behind_fails_the_stage_that_looked_for_it(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    seen: ObservedPath,
    code: int,
) -> None:
    result = StageResult(observed=Observations(read=(seen,)))
    behave(monkeypatch, lambda work: StageOutcome(1.0, result=result))
    assert run_stage(package) == code
    assert ("Tag the cell reads:other.txt" in capsys.readouterr().out) == bool(code)


def test_a_bundle_carries_files_and_is_of_this_code(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")

    def write(work: StageWork) -> StageOutcome:
        here = Path(work.workdir)
        if work.stage == "use":
            assert (here / "made.txt").read_text() == "made"
            assert not (here / "notes.txt").exists()
        else:
            (here / "made.txt").write_text("made")
            (here / "notes.txt").unlink()
        return FINE

    behave(monkeypatch, write)
    command = ["run-stage", str(package)]
    assert main([*command, "make", "--leave", "b/make"]) == 0
    assert (
        main(
            [
                *command,
                "use",
                "--take",
                "b/make",
                "--leave",
                "b/use",
                "--html",
                "r.html",
            ]
        )
        == 0
    )
    assert "make" in Path("r.html").read_text(encoding="utf-8")
    ids = {
        json.loads(Path("b", name, "bundle.json").read_text())["run_id"]
        for name in ("make", "use")
    }
    assert len(ids) == 1
    assert not Path("b/use/.jupyter_pipe").exists()

    behave(monkeypatch, lambda work: BROKEN)
    assert main([*command, "make", "--leave", "b/make"]) == 1
    assert list(Path("b/make").iterdir()) == []
    capsys.readouterr()
    assert main([*command, "use", "--take", "b/make"]) == 2
    assert "is not what a stage left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: (b / "files").rename(b / "gone"), "missing, or was altered"),
        (
            lambda b: (b / "bundle.json").write_text(
                '{"stage":"make","run_id":"r","code":"0"}'
            ),
            "other code",
        ),
        (
            lambda b: (b / "bundle.json").write_text(
                '{"stage":"x","run_id":"r","code":"0"}'
            ),
            "does not have",
        ),
        (
            lambda b: (b / "bundle.json").write_text(
                '{"stage":"../x","run_id":"r","code":"0"}'
            ),
            "no stage",
        ),
        (
            lambda b: (b / "stages/make/result.json").write_text("{"),
            "not signed by a key",
        ),
    ],
    ids=["files", "code", "stage", "path", "result"],
)
def test_a_bundle_that_is_none_is_refused(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    spoil: Callable[[Path], object],
    said: str,
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")

    def write(work: StageWork) -> StageOutcome:
        (Path(work.workdir) / "made.txt").write_text("made")
        return FINE

    behave(monkeypatch, write)
    assert main(["run-stage", str(package), "make", "--leave", "b"]) == 0
    spoil(Path("b"))
    assert main(["run-stage", str(package), "use", "--take", "b"]) == 2
    assert said in capsys.readouterr().err


def test_with_a_key_only_bundles_that_it_signed_are_taken(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")
    behave(monkeypatch, lambda work: FINE)
    use = ["run-stage", str(package), "use", "--take", "b"]
    monkeypatch.setenv("JUPYTER_PIPE_KEY", "a" * 40)
    assert main(["run-stage", str(package), "make", "--leave", "b"]) == 0
    assert main(use) == 0
    monkeypatch.setenv("JUPYTER_PIPE_KEY", "b" * 40)
    assert main(use) == 2
    assert "not signed by a key" in capsys.readouterr().err


def test_under_a_url_a_failed_stage_leaves_its_log_and_takes_its_result_back(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "shared").mkdir(mode=0o700)
    url = f"file://{tmp_path / 'shared'}"
    command = ["run-stage", str(package), "make", "--run-root", url, "--run-id", "one"]
    stage = tmp_path / "shared" / ".jupyter_pipe" / "runs" / "one" / "stages" / "make"
    behave(monkeypatch, lambda work: FINE)
    assert main(command) == 0
    assert (stage / "result.json").is_file()
    behave(monkeypatch, lambda work: BROKEN)
    # Another machine, whose working copy is empty.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert main(command) == 1
    assert not (stage / "result.json").exists()
    assert (stage / "attempts" / "2" / "events.jsonl").is_file()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "third"))
    assert main(["show", "one", "--root", url]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [([], "--run-root"), (["--run-root", "root"], "--run-id")],
)
def test_a_stage_needs_a_place_and_a_run(
    package: Path, capsys: Capture, options: list[str], said: str
) -> None:
    assert main(["run-stage", str(package), "make", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [([BROKEN, FINE], 0), ([BROKEN] * 3, 1), ([FALSE_GATE], 3), ([UNDECLARED], 4)],
)
def test_only_what_may_end_otherwise_is_tried_again(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: list[StageOutcome],
    code: int,
) -> None:
    left = iter(outcomes)
    behave(monkeypatch, lambda work: next(left))
    monkeypatch.setattr(
        "jupyter_pipe.engine.scheduling.verdict.retry_delay_seconds",
        lambda failures: 0.0,
    )
    Path("given.json").write_text('{"k": "b"}')
    assert run_stage(package, "make", "--retry", "-f", "given.json") == code
    assert next(left, None) is None
    assert the_run().stage("make").attempts == len(outcomes)
    assert [each.value for each in the_run().facts.parameters] == ["b"]


@pytest.mark.kernel
def test_what_cells_print_is_in_the_log_of_the_engine(
    tmp_path: Path, capsys: Capture
) -> None:
    notebook = write_notebook(
        tmp_path / "flow.ipynb",
        [
            (
                "import helper\nx = helper.two()\nprint('two is', x, end='')",
                ["stage:make"],
            ),
            ("print('next'); open('made.txt', 'w').write('made')", ["stage:make"]),
            ("y = x + len(open('made.txt').read())", ["stage:use", "metric:y"]),
        ],
    )
    (tmp_path / "helper.py").write_text("def two():\n    return 2\n")
    package = tmp_path / "flow_pipeline"
    write_package(compile_notebook(notebook, output=package), package)
    make, use = tmp_path / "out" / "make", tmp_path / "out" / "use"
    assert main(["run-stage", str(package), "make", "--leave", str(make)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in {"two is 2", "next"}] == [
        "two is 2",
        "next",
    ]
    options = [
        "--take",
        str(make),
        "--leave",
        str(use),
        "--result",
        str(tmp_path / "use.json"),
    ]
    assert main(["run-stage", str(package), "use", *options]) == 0
    assert json.loads((tmp_path / "use.json").read_text())["metrics"] == {"y": 6}
    assert not (tmp_path / "made.txt").exists()
