"""Imports point only downward: the order stands in docs/architecture.md and is read
from there."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jupyter_pipe"
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "labextension" not in path.parts
)
# Each costs 0.1 to 1.5 CPU-seconds to import, which a run that has nothing to do must
# not pay.
HEAVY = {
    "papermill",
    "nbformat",
    "nbclient",
    "nbconvert",
    "pandas",
    "numpy",
    "matplotlib",
    "jupyter_client",
}
# The worker and its parts: loaded only when a stage runs.
WORKER = ("engine/execution/", "engine/kernels/")
ENTRANCES = {"__init__", "__main__"}


@functools.cache
def layers() -> dict[str, int]:
    """The height of each top-level name of the package, 0 for the nouns."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.search(r"^`errors, model, events` ·.*$", text, re.MULTILINE)
    assert listed, "docs/architecture.md no longer lists the layers in one line"
    groups = re.findall(r"`([^`]+)`", listed[0])
    return {
        name: height
        for height, group in enumerate(groups)
        for name in re.split(r",\s*", group)
    }


@functools.cache
def imported(path: Path, *, top_level: bool = False) -> tuple[str, ...]:
    """Dotted names of the modules that `path` imports, anywhere or only when it is
    imported."""
    return tuple(
        _imported(path, ast.parse(path.read_text(encoding="utf-8")), top_level)
    )


def _imported(path: Path, tree: ast.Module, top_level: bool) -> Iterator[str]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = (
                ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            )
            module = ".".join(part for part in (stem, node.module) if part)
            yield from (
                [module]
                if module != "jupyter_pipe"
                else (f"{module}.{a.name}" for a in node.names)
            )


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def users_of(module: str, *, besides: str | tuple[str, ...]) -> list[str]:
    """Our files that import `module` or a part of it, except those whose path starts
    with `besides`."""
    users = [
        p
        for p in MODULES
        if any(f"{name}.".startswith(f"{module}.") for name in imported(p))
    ]
    return [name_of(path) for path in users if not name_of(path).startswith(besides)]


def test_every_package_has_a_place_in_the_list() -> None:
    assert {layer_of(path) for path in MODULES} <= set(layers()) | ENTRANCES | {
        "kernel"
    }


@pytest.mark.parametrize(
    "path", [path for path in MODULES if layer_of(path) in layers()], ids=name_of
)
def test_imports_point_downward(path: Path) -> None:
    heights = layers()
    ours = [name for name in imported(path) if name.startswith("jupyter_pipe.")]
    assert [
        name
        for name in ours
        if heights.get(name.split(".")[1], 0) > heights[layer_of(path)]
    ] == []


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "kernel").rglob("*.py")), ids=name_of
)
def test_the_kernel_side_stands_alone(path: Path) -> None:
    """It is shipped as a folder into an interpreter that need not have jupyter_pipe."""
    ours = [name for name in imported(path) if name.startswith("jupyter_pipe.")]
    at_import = {name.split(".")[0] for name in imported(path, top_level=True)}
    assert [name for name in ours if not name.startswith("jupyter_pipe.kernel")] == []
    assert at_import - {"jupyter_pipe"} <= sys.stdlib_module_names


def test_only_artifacts_import_the_kernel_side() -> None:
    """Payloads are read on the host with the code that wrote them; secrets are hidden
    and values profiled by the same rules."""
    users = users_of("jupyter_pipe.kernel", besides="kernel/")
    assert users == [
        "artifacts/masking.py",
        "artifacts/profiling.py",
        "artifacts/store.py",
    ]


def test_papermill_is_imported_by_the_worker_alone() -> None:
    assert users_of("papermill", besides=WORKER) == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not name_of(path).startswith(WORKER)],
    ids=name_of,
)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    assert {
        name.split(".")[0] for name in imported(path, top_level=True)
    } & HEAVY == set()


def test_what_runs_nothing_does_not_load_papermill() -> None:
    code = "import jupyter_pipe.engine, jupyter_pipe.cli.main, sys; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout))
    assert loaded & HEAVY == set()
