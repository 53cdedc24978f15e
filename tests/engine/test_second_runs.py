"""A second run whose first one left files, talked to a host, or may not be reused:
through real kernels."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_pipe.cli.main import main
from jupyter_pipe.engine.targets import open_target
from jupyter_pipe.runs import RunStore
from tests.engine.test_outside import Bench

pytestmark = pytest.mark.kernel

MAKING = [
    ("", "import os, pickle, shutil\nfrom pathlib import Path"),
    ("stage:opened", "with open('opened.txt', 'w') as file:\n    file.write('1')"),
    (
        "stage:nested",
        "Path('made/deep').mkdir(parents=True, exist_ok=True)\nPath('made/deep/a.bin').write_bytes(b'1')",
    ),
    ("stage:shell", "!echo 1 > shell.txt"),
    ("stage:copied", "shutil.copy('source.txt', 'copied.txt')"),
    (
        "stage:pickled",
        "with open('value.pickle', 'wb') as file:\n    pickle.dump(1, file)",
    ),
    ("stage:asked", "found = os.path.exists('source.txt')"),
]
MADE = ("opened.txt", "made/deep/a.bin", "shell.txt", "copied.txt", "value.pickle")
STAGES = ("opened", "nested", "shell", "copied", "pickled")


def _remove(path: Path) -> None:
    path.unlink()


def _change(path: Path) -> None:
    path.write_bytes(b"2")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _put_a_link_there(path: Path) -> None:
    path.unlink()
    path.symlink_to(f"nowhere-{path.name}")


@pytest.fixture(scope="module")
def making(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("making")
    (folder / "source.txt").write_text("1")
    bench = Bench(folder, MAKING)
    run, _ = bench.run()
    assert run.exit_code == 0
    return bench


@pytest.mark.parametrize("harm", [_remove, _change, _empty, _put_a_link_there])
def test_no_run_is_green_without_the_files_of_its_stages(
    harm: Callable[[Path], None], making: Bench
) -> None:
    folder = making.folder
    before = [(folder / name).read_bytes() for name in MADE]
    for name in MADE:
        harm(folder / name)
    assert set(making.planned()) == set(STAGES)
    run, reasons = making.run()
    assert (run.exit_code, set(reasons)) == (0, set(STAGES))
    assert [(folder / name).read_bytes() for name in MADE] == before
    assert making.planned() == {}


def test_a_run_whose_file_cannot_be_made_again_is_not_green(making: Bench) -> None:
    path = making.folder / "opened.txt"
    path.unlink()
    path.mkdir()
    run, _ = making.run()
    assert run.exit_code == 1
    path.rmdir()
    run, reasons = making.run()
    assert (run.exit_code, set(reasons)) == (0, {"opened"})
    assert path.read_text() == "1"


def test_a_folder_that_is_gone_is_made_again(making: Bench) -> None:
    shutil.rmtree(making.folder / "made")
    run, reasons = making.run()
    assert run.exit_code == 0
    assert set(reasons) <= {"nested"}
    assert (making.folder / "made" / "deep" / "a.bin").read_bytes() == b"1"


def test_what_may_not_be_reused_runs_each_time_and_what_it_left_the_same_does_not(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        [
            ("stage:ask cache:off", "answer = 7"),
            ("stage:use", "twice = answer * 2"),
            ("stage:other", "alone = 1"),
        ],
    )
    assert set(bench.run()[1]) == {"ask", "use", "other"}
    assert bench.planned() == {
        "ask": "cache:off",
        "use": "after ask: runs if what it receives changes",
    }
    assert bench.run()[1] == {"ask": "cache:off"}
    run, reasons = bench.run()
    assert (run.exit_code, reasons) == (0, {"ask": "cache:off"})


@pytest.mark.parametrize(
    ("writes", "reads"),
    [
        ("writes:out", "reads:out/x"),
        ("writes:out/x", "reads:out"),
        ("writes:out/x.bin", "reads:out/*.bin"),
        ("writes:a.bin,b.bin", "reads:b.bin"),
    ],
)
def test_what_is_declared_orders_stages(
    writes: str, reads: str, tmp_path: Path
) -> None:
    bench = Bench(
        tmp_path, [(f"stage:a {writes}", "print(1)"), (f"stage:b {reads}", "print(2)")]
    )
    assert open_target(tmp_path / "n.ipynb").pipeline.upstream("b") == ("a",)
    bench.write([(f"stage:a {writes}", "print(1)"), ("stage:b reads:else", "print(2)")])
    assert open_target(tmp_path / "n.ipynb").pipeline.upstream("b") == ()


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody listens there, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=[server], daemon=True).start()
        yield server.getsockname()[1]


def _hang_up(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


def test_whom_a_stage_talked_to_is_said_wherever_it_is_shown(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talking = (
        f"import socket\nsocket.create_connection(('localhost', {port})).close()\nx = 1"
    )
    bench = Bench(tmp_path, [("stage:talk", talking), ("stage:quiet", "y = x")])
    assert bench.run()[0].exit_code == 0
    phrase = f"in touch with localhost:{port}"
    shown = {}
    for command in ("plan", "run"):
        assert main([command, str(tmp_path / "n.ipynb")]) == 0
        shown[command] = capsys.readouterr().out
    [newest, _] = RunStore(tmp_path).list()
    assert main(["show", newest.run_id, "--root", str(tmp_path)]) == 0
    shown["show"] = capsys.readouterr().out
    shown["report"] = RunStore(tmp_path).folder(newest.run_id).report.read_text()
    assert {name for name, text in shown.items() if phrase not in text} == set()
    [talk, quiet] = newest.stages
    assert (talk.contacts, quiet.contacts) == ((phrase,), ())
