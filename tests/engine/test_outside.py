"""Notebooks that read and write what no variable holds, through real kernels: what runs
again, and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.engine import run_pipeline
from jupyter_pipe.engine.reuse.forecast import forecast
from jupyter_pipe.engine.targets import RunRequest, open_target
from jupyter_pipe.events import Event, StageQueued
from jupyter_pipe.observe import present
from jupyter_pipe.runs import Run, RunStore

pytestmark = pytest.mark.kernel
WEEKLY = [
    (
        "",
        "import glob, os, subprocess, sys\nfrom datetime import date\nfrom importlib import import_module\n"
        "from pathlib import Path",
    ),
    (
        "stage:c",
        'names = sorted(p.name for p in Path("inputs").glob("*.csv"))\nprint(names)',
    ),
    ("stage:d", 'print(sorted(glob.glob("inputs/*.csv")))'),
    ("stage:l", 'print(sorted(os.listdir("inputs")))'),
    ("stage:v", 'print(os.environ.get("MODE_X"))'),
    ("stage:p", 'name = "a"\nprint(open("inputs/%s.csv" % name).read())'),
    ("stage:s", "!ls inputs"),
    (
        "stage:g",
        'print(subprocess.run([sys.executable, "tool.py"], capture_output=True, text=True).stdout)',
    ),
    ("stage:e", 'print(import_module("plug").VALUE)'),
    ("stage:t", "print(date.today())"),
]
ALL = tuple("cdlvpsget")


class Bench:
    """A notebook in a folder of its own."""

    def __init__(self, folder: Path, cells: list[tuple[str, str]]) -> None:
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if name != "MODE_X"
        }
        self.write(cells)

    def write(self, cells: list[tuple[str, str]]) -> None:
        content = {
            "cells": [
                {
                    "id": f"cell{number}",
                    "cell_type": "code",
                    "source": source,
                    "outputs": [],
                }
                | {"metadata": {"tags": tags.split()}, "execution_count": None}
                for number, (tags, source) in enumerate(cells)
            ],
            "metadata": {
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python 3",
                    "language": "python",
                }
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / "n.ipynb").write_text(json.dumps(content))

    def request(self, **options: Any) -> RunRequest:
        request = RunRequest(
            open_target(self.folder / "n.ipynb"), environment=self.environment
        )
        return request if not options else _with(request, options)

    def run(self, **options: Any) -> tuple[Run, dict[str, str]]:
        """The run, and stage -> reason of the stages that ran."""
        events: list[Event] = []
        run = run_pipeline(self.request(**options), observers=[events.append])
        reasons = {
            each.stage: each.reason
            for each in events
            if isinstance(each, StageQueued) and each.reason
        }
        ran = {stage.name for stage in run.stages if stage.state.value == "succeeded"}
        return run, {name: reason for name, reason in reasons.items() if name in ran}

    def planned(self) -> dict[str, str]:
        """Stage -> reason of the stages that would run."""
        plan = forecast(self.request())
        return {
            stage.name: stage.reason for stage in plan.stages if stage.action == "run"
        }


def _with(request: RunRequest, options: dict[str, Any]) -> RunRequest:
    from msgspec.structs import replace

    return replace(request, options=replace(request.options, **options))


@pytest.fixture(scope="module")
def weekly(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("weekly")
    (folder / "inputs").mkdir()
    (folder / "inputs" / "a.csv").write_text("x\n1\n")
    (folder / "tool.py").write_text("print('one')\n")
    (folder / "plug.py").write_text("VALUE = 1\n")
    bench = Bench(folder, WEEKLY)
    run, reasons = bench.run()
    assert run.exit_code == 0
    assert reasons == dict.fromkeys(ALL, "never ran")
    return bench


def test_each_change_runs_exactly_what_it_concerns_and_says_why(
    weekly: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = weekly.folder / "inputs"
    assert weekly.planned() == {}
    for path in (
        inputs / "a.csv",
        weekly.folder / "tool.py",
        weekly.folder / "plug.py",
    ):
        os.utime(path, (1, 1))
    assert weekly.planned() == {}
    (inputs / "b.csv").write_text("x\n2\n")
    assert weekly.planned() == dict.fromkeys("cdls", "inputs/: b.csv is new")
    (inputs / "b.csv").unlink()
    (inputs / "a.csv").write_text("x\n3\n")
    assert weekly.planned() == {"p": "inputs/a.csv changed"}
    (weekly.folder / "tool.py").write_text("print('two')\n")
    assert weekly.planned() == {"p": "inputs/a.csv changed", "g": "tool.py changed"}
    (weekly.folder / "plug.py").write_text("VALUE = 2\n")
    weekly.environment["MODE_X"] = "on"
    expected = {
        "v": "MODE_X: unset -> on",
        "p": "inputs/a.csv changed",
        "g": "tool.py changed",
        "e": "plug.py changed",
    }
    assert weekly.planned() == expected
    run, reasons = weekly.run()
    assert run.exit_code == 0
    assert reasons == expected
    assert weekly.planned() == {}
    (tomorrow, today) = ("2999-01-01", present.today())
    monkeypatch.setattr("jupyter_pipe.engine.reuse.forecast.today", lambda: tomorrow)
    assert weekly.planned() == {"t": f"the day changed ({today} -> {tomorrow})"}


COPY = [
    ("", "import os, shutil, time"),
    (
        "stage:gen",
        'name = "one" + chr(46) + "txt"\ntime.sleep(0.5)\nopen(name, "w").write("1")',
    ),
    (
        "stage:copy",
        'source = chr(111) + "ne.txt"\nshutil.copy(source, "two.txt")\nprint(open("two.txt").read())',
    ),
]


def test_what_looks_for_a_file_too_early_runs_again_when_it_is_there(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, COPY)
    run, _ = bench.run(workers=2)
    assert run.exit_code == 0
    assert (tmp_path / "two.txt").read_text() == "1"
    assert open_target(tmp_path / "n.ipynb").pipeline.upstream("copy") == ("gen",)
    again, reasons = bench.run(workers=2)
    assert again.exit_code == 0
    assert reasons == {}
    (tmp_path / "one.txt").unlink()
    restored, reasons = bench.run(workers=2)
    assert restored.exit_code == 0
    assert reasons == {"gen": "one.txt is missing"}
    assert (tmp_path / "one.txt").read_text() == "1"


def test_the_result_of_a_reused_stage_may_not_be_older_than_its_tag_says(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, [("stage:a cache:1h", "print(1)")])
    assert bench.run()[1] == {"a": "never ran"}
    assert bench.planned() == {}
    store = RunStore(tmp_path)
    assert store.list()
    with pytest.MonkeyPatch.context() as patch:
        import time

        later = time.time() + 7200
        patch.setattr("jupyter_pipe.cache.plan.time.time", lambda: later)
        assert bench.planned() == {"a": "older than 1h: made 2 hours ago"}


def test_declared_files_count_and_order_stages(tmp_path: Path) -> None:
    (tmp_path / "prices.bin").write_bytes(b"1")
    cells = [
        ("stage:a writes:out", "print(1)"),
        ("stage:b reads:prices.bin,maps/*.shp reads:out/x", "print(2)"),
    ]
    bench = Bench(tmp_path, cells)
    assert bench.run()[0].exit_code == 0
    assert open_target(tmp_path / "n.ipynb").pipeline.upstream("b") == ("a",)
    (tmp_path / "prices.bin").write_bytes(b"2")
    assert bench.planned() == {"b": "prices.bin changed"}
    (tmp_path / "prices.bin").write_bytes(b"1")
    (tmp_path / "maps").mkdir()
    assert bench.planned() == {}
    (tmp_path / "maps" / "a.shp").write_text("")
    assert bench.planned() == {"b": "maps/*.shp is new"}
