"""`run()` of a compiled package prints what the notebook prints: the table of cases, random notebooks."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from jupyter_pipe.errors import CompileError
from tests.cases.table import Case, read_all
from tests.compiler.oracle import notebook_prints, package_prints
from tests.property.grammar import idioms, write_notebook

CASES = {case.id: case for case in read_all()}
# The stages of these have gaps, so that the pipeline prints the same lines in another order.
REORDERED = {"54c"}
# What `run()` of a package, unlike the pipeline, cannot keep: it lets go of what no later stage reads
# (pandas then splits no block and sums in another order, nb6; an option that a living object holds is
# set back, lb8), and its functions are not in `__main__` (lb1).
ONLY_AS_PIPELINE = {"nb6", "lb1", "lb8"}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES.values()])
def test_the_package_prints_what_the_notebook_prints(case: Case, tmp_path: Path) -> None:
    folders = [tmp_path / "package", tmp_path / "notebook"]
    for folder in folders:
        folder.mkdir()
    overrides = {name: ast.literal_eval(text) for name, text in case.overrides.items()}
    try:
        printed = package_prints(case.write(folders[0]), tmp_path / "out", overrides)
    except CompileError:
        assert case.errors
        return
    if overrides or case.may_differ or case.id in ONLY_AS_PIPELINE:
        return
    expected = notebook_prints(case.write(folders[1]))
    order = sorted if case.id in REORDERED else list
    assert order(printed) == order(expected)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_notebook_prints_the_same_as_a_package(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    sizes = [rng.randint(1, 4) for _ in range(rng.randint(2, 6))]
    case = write_notebook(rng.choice, idioms(), sizes)
    folders = [tmp_path / "package", tmp_path / "notebook"]
    for folder in folders:
        folder.mkdir()
    try:
        printed = package_prints(case.write(folders[0]), tmp_path / "out")
    except CompileError:
        return
    # A notebook that fails must fail in the same place.
    assert sorted(printed) == sorted(notebook_prints(case.write(folders[1])))
