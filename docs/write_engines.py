"""Writes the tables of docs/engines.md: what the exporters say, and what tests let the
engines really run.

`python docs/write_engines.py` writes; `--check` exits 1 if the tables are not current.
An engine counts as run only where a test in tests/engines exports for it and compares
what it did, and where the docstring of that test begins with `By` and says by what.
`Stand-in:` is for what tests do in place of an engine. Words that no exporter has as
data stand in docs/engines.toml, and the seconds of runs in docs/engines.seconds.json,
where `UPDATE_ENGINES=1 make test-engines` puts them.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from jupyter_pipe.analysis.knowledge.tables import tomllib
from jupyter_pipe.export import BUILT_IN, Exporter, find_exporter

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "engines.md"
WORDS = ROOT / "docs" / "engines.toml"
SECONDS = ROOT / "docs" / "engines.seconds.json"
TESTS = ROOT / "tests" / "engines"
GOLDEN = ROOT / "tests" / "export" / "golden"
ENGINES = tuple(name for name in BUILT_IN if name != "dockerfile")
# What a test calls that has an engine run and compares what it did.
CHECK = "check_runs"
REAL, STAND_IN = "By ", "Stand-in: "
RESOURCES = {"cpus": "cpus", "memory": "memory", "gpus": "gpus", "limits": "`limit:`"}


def main() -> int:
    """Write or check the tables."""
    old = TARGET.read_text(encoding="utf-8")
    new = with_tables(old)
    if "--check" in sys.argv[1:]:
        return 0 if old == new else 1
    TARGET.write_text(new, encoding="utf-8")
    return 0


def with_tables(text: str) -> str:
    """The document with both tables as they are now."""
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    if set(words) != set(ENGINES):
        raise ValueError(
            f"{WORDS.name} and the exporters differ in {sorted(set(words) ^ set(ENGINES))}."
        )
    tests = [
        path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("test_*.py"))
    ]
    runs = dict(run for source in tests for run in runs_in(source))
    text = placed(text, "mapping", mapping(words, runs))
    return placed(text, "runs", run_table(words, runs))


def placed(text: str, name: str, lines: list[str]) -> str:
    """The text with the lines between its marks `<!-- NAME -->` and `<!-- /NAME
    -->`."""
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    if not end:
        raise ValueError(f"{TARGET.name} has no place for the table {name!r}.")
    return "".join(
        [before, start, "\n", *(f"{line}\n" for line in lines), "\n", end, after]
    )


def mapping(words: dict[str, dict[str, str]], runs: dict[str, str]) -> list[str]:
    """How what the notebook says is told to each engine."""
    head = [
        "engine",
        "values",
        "parameters",
        "secrets (`secret:NAME`)",
        "retries",
        "schedule",
        "resources",
    ]
    rows = []
    for engine in ENGINES:
        exporter, told = find_exporter(engine), words[engine]
        values = told.get("values") or ("root" if exporter.root else "bundles")
        # The golden file shows who tries again: our command, or the engine in words of
        # its own.
        by_task = "--retry" in (GOLDEN / engine).read_text(encoding="utf-8")
        retries = "by the task" if by_task else told["retries"]
        rows.append(
            [
                f"`{engine}`, {exporter.title}",
                values,
                told["parameters"],
                told["secrets"],
                retries,
                schedule(exporter, told),
                resources(exporter, told),
                "yes" if runs.get(engine, STAND_IN).startswith(REAL) else "no",
            ]
        )
    return table([*head, "really run"], rows)


def schedule(exporter: Exporter, told: dict[str, str]) -> str:
    """How the engine is told the schedule. Raises ValueError if words and exporter
    contradict each other."""
    if ("schedule" in exporter.carries) != ("schedule" in told):
        raise ValueError(
            f"{WORDS.name} and the exporter {exporter.engine!r} differ in `schedule`."
        )
    return told.get("schedule") or told.get("schedule_else", "")


def resources(exporter: Exporter, told: dict[str, str]) -> str:
    """What the engine is told of the resources, and what it makes of them."""
    carried = [word for name, word in RESOURCES.items() if name in exporter.carries]
    return "; ".join(
        part for part in (", ".join(carried), told.get("resources", "")) if part
    )


def run_table(words: dict[str, dict[str, str]], runs: dict[str, str]) -> list[str]:
    """Only the engines that a test runs, with the pinned versions, and the seconds that
    one has measured."""
    seconds = json.loads(SECONDS.read_text(encoding="utf-8"))
    rows = []
    for engine in (name for name in ENGINES if name in runs):
        told = words[engine]
        version = (
            pinned(told["package"]) if "package" in told else told.get("version", "")
        )
        lines = len((GOLDEN / engine).read_text(encoding="utf-8").splitlines())
        took = str(seconds.get(engine, ""))
        by = runs[engine].removeprefix(REAL)
        rows.append([find_exporter(engine).title, version, str(lines), took, by])
    return table(
        ["engine", "version", "lines for `quickstart`", "seconds", "run by"], rows
    )


def pinned(package: str) -> str:
    """The version that the tests' environments install."""
    for path in sorted(TESTS.glob("*.txt")):
        found = re.search(
            rf"^{package}(?:\[.*\])?==(.+)$",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        if found:
            return found[1]
    raise ValueError(f"No requirements file in tests/engines pins {package}.")


def runs_in(source: str) -> Iterator[tuple[str, str]]:
    """Engine -> what runs it, for each test that has one run and compares what it
    did."""
    tree = ast.parse(source)
    marks = [node for node in tree.body if isinstance(node, ast.Assign)]
    if is_left_out(marks):
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        if is_left_out(node.decorator_list):
            continue
        for name, given in plain_calls(node):
            if name == CHECK and given and isinstance(given[0], ast.Constant):
                yield str(given[0].value), told_by(node)


def plain_calls(test: ast.FunctionDef) -> Iterator[tuple[str, list[ast.expr]]]:
    """The functions that a test calls by their names, with what they are given."""
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.args


def is_left_out(nodes: Iterable[ast.AST]) -> bool:
    """Whether a mark says that the test may not run, or may fail."""
    return any(
        re.search(r"mark\.(skip|skipif|xfail)\b", ast.unparse(node)) for node in nodes
    )


def told_by(test: ast.FunctionDef) -> str:
    """The test's docstring, which says what runs the engine. Raises ValueError if there
    is none."""
    found = " ".join((ast.get_docstring(test) or "").split())
    if not found.startswith((REAL, STAND_IN)):
        raise ValueError(
            f"{test.name} has no docstring `By …` or `Stand-in: …` that says what runs the engine."
        )
    return found.rstrip(".")


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]


if __name__ == "__main__":
    sys.exit(main())
