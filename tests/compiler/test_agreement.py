"""`run()` of a compiled package prints what the notebook prints: the table of cases,
random notebooks."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from jupyter_pipe.errors import CompileError
from tests.cases.table import Case, read_all
from tests.compiler.oracle import notebook_prints, package_prints
from tests.property.grammar import idioms, write_notebook

pytestmark = pytest.mark.processes

CASES = {case.id: case for case in read_all()}
# The stages of these have gaps, so that the pipeline prints the same lines in another
# order.
REORDERED = {"54c", "f10e"}
# What `run()` of a package, unlike the pipeline, cannot keep.
ONLY_AS_PIPELINE = {
    # it lets go of what no later stage reads: pandas then splits no block, sums in
    # another order
    "nb6",
    "lb8",  # for the same reason an option that a living object holds is set back
    "lb1",  # its functions are not in `__main__`
    "sq2b",  # a library that looks for a frame in `__main__` finds nothing there
    "st5a",  # a class is shown with its module, which is not `__main__`
    "st6b",  # likewise
    "st6c",  # likewise
    # values are shown by their `repr`, the last one of a cell: no setting of the shell
    # counts
    "ip2",
    "ip2a",  # likewise
    "ip2b",  # likewise
    "ip4c",  # likewise, and `%precision` shows nothing
    "xm1a",  # likewise
    "sy1",  # likewise
    "sy1a",  # likewise
    "sy1b",  # likewise
    "ev1",  # no cells run in the shell, so nothing runs before them
    # its modules are imported before a hook stands that a stage sets by a name of its
    # own
    "mp1a",
    "ip4",  # no cells run in the shell, so nothing runs after them
    "tr1",  # likewise, whatever formatter is set
    "wi1",  # a widget is shown by another `repr` than the shell's
    "wi1a",  # likewise
    "wi1b",  # likewise
    "wi1c",  # likewise
    # a cell that is no Python is a comment there, and its SyntaxError is not shown
    "n7d",
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.id) for case in CASES.values()]
)
def test_the_package_prints_what_the_notebook_prints(
    case: Case, tmp_path: Path
) -> None:
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
def test_a_random_notebook_prints_the_same_as_a_package(
    seed: int, tmp_path: Path
) -> None:
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
