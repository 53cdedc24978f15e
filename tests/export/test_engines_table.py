"""The tables of docs/engines.md: they are current, and call nothing run that no test
runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

WRITER = Path(__file__).parents[2] / "docs" / "write_engines.py"
RUN = 'def test_it(folder):\n    """By a server."""\n    check_runs("luigi", engine)\n'


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_engines", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_engines_are_current() -> None:
    done = subprocess.run([sys.executable, WRITER, "--check"], check=False)
    assert done.returncode == 0, "run: python docs/write_engines.py"


@pytest.mark.parametrize(
    "source",
    [
        RUN.replace("check_runs", "exported"),
        RUN.replace('"luigi"', "name"),
        RUN.replace("test_it", "it"),
        f"@pytest.mark.skip\n{RUN}",
        f"@pytest.mark.xfail(reason='slow')\n{RUN}",
        f"pytestmark = [pytest.mark.skipif(True, reason='none')]\n{RUN}",
    ],
    ids=["unchecked", "no engine", "no test", "skipped", "may fail", "module skipped"],
)
def test_only_tests_that_compare_make_an_engine_run(
    writer: ModuleType, source: str
) -> None:
    assert list(writer.runs_in(RUN)) == [("luigi", "By a server")]
    assert list(writer.runs_in(source)) == []


def test_an_engine_without_a_run_is_not_called_run(writer: ModuleType) -> None:
    words = {engine: {"version": "1"} for engine in writer.ENGINES}
    assert len(writer.run_table(words, {"make": "By two jobs"})) == 3
    assert writer.run_table(words, {}) == writer.run_table(words, {"nobody": "x"})


def test_a_run_has_to_say_by_what(writer: ModuleType) -> None:
    with pytest.raises(ValueError, match="test_it has no docstring"):
        list(writer.runs_in(RUN.replace('    """By a server."""\n', "")))


def test_what_stands_in_for_an_engine_is_not_called_a_real_run(
    writer: ModuleType,
) -> None:
    source = RUN.replace("By a server", "Stand-in: a fake")
    ((engine, told),) = writer.runs_in(source)
    words = writer.tomllib.loads(writer.WORDS.read_text(encoding="utf-8"))
    ends = {
        row.split("|")[1].strip(): row.split("|")[-2].strip()
        for row in writer.mapping(words, {engine: told})
    }
    assert ends["`luigi`, Luigi"] == "no"
    really = {
        row.split("|")[1].strip(): row
        for row in writer.mapping(words, {"luigi": "By a server"})
    }
    assert really["`luigi`, Luigi"].endswith("| yes |")
    assert "yes" not in really["`dvc`, DVC"]
