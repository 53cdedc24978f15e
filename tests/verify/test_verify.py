"""`jupyter pipe verify` end to end, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_pipe.cli.main import main

Capture = pytest.CaptureFixture[str]


def write(folder: Path, *cells: tuple[str, str]) -> Path:
    """A notebook of (tags, source)."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": tags.split()},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tags, source) in enumerate(cells, 1)
    ]
    kernel = {
        "kernelspec": {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
    }
    path = folder / "small.ipynb"
    path.write_text(
        json.dumps(
            {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        )
    )
    return path


@pytest.mark.kernel
def test_equal_but_for_what_the_notebook_does_not_repeat(
    tmp_path: Path, capsys: Capture
) -> None:
    path = write(
        tmp_path,
        ("stage:a", "import time\nx = {'k': [1, 2]}\ntime.time_ns()"),
        ("stage:b", "print(sum(x['k']), {'b', 'a'} == set('ab'))"),
        ("stage:c", "list({'one', 'two', 'three', 'four', 'five'})"),
    )
    assert main(["verify", str(path), "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert (found["compared"], found["not_comparable"]) == (1, [1, 3])
    assert shown.err.splitlines()[-1] == "✓ own stages, 3 stages: equal"


@pytest.mark.kernel
def test_what_hangs_on_a_value_that_no_run_repeats_is_not_compared(
    tmp_path: Path, capsys: Capture
) -> None:
    """Though all runs of the notebook print the same: the third of all, the pipeline,
    does not."""
    (tmp_path / "count").write_text("0")
    count = "n = int(open('count').read()) + 1\nopen('count', 'w').write(str(n));"
    path = write(
        tmp_path,
        ("stage:a", count),
        ("stage:b", "m = [n, n == 3]"),
        ("stage:c", "print(m[1])"),
    )
    assert main(["verify", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["not_comparable"] == [3]


@pytest.mark.kernel
def test_names_the_first_value_that_differs(tmp_path: Path, capsys: Capture) -> None:
    path = write(
        tmp_path,
        ("stage:a", "x = {'k': [1, 2]}"),
        ("stage:b pure:x", "x['k'].append(3)"),  # the tag is wrong
        ("stage:c", "y = [x['k'][-1]]"),
        ("stage:d", "print('y ends with', y[0])"),
    )
    assert main(["verify", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5:] == [
        "✗ own stages, 4 stages: different in stage d, cell 4",
        "    notebook      y ends with 3",
        "    pipeline      y ends with 2",
        "    likely cause  y[0] differs already when stage c ends: 3 in the notebook, 2 in the pipeline",
        "different: 4 cells compared.",
    ]


@pytest.mark.kernel
def test_a_figure_of_an_earlier_stage_is_shown_as_a_picture(
    tmp_path: Path, capsys: Capture
) -> None:
    path = write(
        tmp_path,
        ("stage:a", "%matplotlib inline\nimport matplotlib.pyplot as plt"),
        ("stage:b", "fig, ax = plt.subplots(figsize=(2, 1))"),
        ("stage:c", "ax.plot([1, 2])\nfig"),
        ("stage:d", "from matplotlib.figure import Figure\nbare = Figure()"),
        ("stage:e", "len(bare.axes)\nbare"),
    )
    assert main(["verify", str(path)]) == 0, capsys.readouterr().out


@pytest.mark.kernel
def test_the_code_of_other_stages_stands_at_its_own_lines(tmp_path: Path) -> None:
    """A warning says `cell.py:9`, as it does in the notebook: of a function, of one of
    two in a line, of a method whose class no later stage names, and in a traceback."""
    path = write(
        tmp_path,
        (
            "stage:make",
            "import logging\nimport sys\nimport warnings\n\nlimit = 3\n\n\n"
            "def careful(x):\n    warnings.warn('too large')\n    return x / 0\n\n\n"
            "here = lambda: sys._getframe().f_lineno; there = lambda: here()",
        ),
        (
            "",
            "made = 1\n\n\nclass Base:\n    def fit(self):\n        warnings.warn('not converged')\n"
            "        return sys._getframe().f_lineno\n\nclass Model(Base):\n    @property\n"
            "    def line(self):\n        logging.warning('%s', sys._getframe().f_lineno)\n\n"
            "model = Model()",
        ),
        ("stage:use", "print(model.fit(), model.line, here(), there())"),
        (
            "stage:tell",
            "import traceback\ntry:\n    careful(1)\nexcept ZeroDivisionError:\n    traceback.print_exc()",
        ),
        ("stage:source", "import inspect\nprint(inspect.getsource(careful))"),
    )
    assert main(["verify", str(path)]) == 0


@pytest.mark.kernel
def test_a_backend_that_shows_no_figures_shows_none(
    tmp_path: Path, capsys: Capture
) -> None:
    path = write(
        tmp_path,
        (
            "",
            "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt",
        ),
        ("stage:a", "n = 2"),
        ("stage:b", "fig = plt.figure(figsize=(n, 1))\nfig"),
        ("stage:c", "fig.get_size_inches().sum()\nfig"),
    )
    assert main(["verify", str(path)]) == 0, capsys.readouterr().out


@pytest.mark.kernel
def test_a_value_that_no_cell_shows(tmp_path: Path, capsys: Capture) -> None:
    path = write(
        tmp_path,
        ("stage:a", "x = [1]"),
        ("stage:b pure:x", "x.append(2)"),  # the tag is wrong
        ("stage:c", "z = {'n': len(x)}"),
        ("stage:d", "z['n'] > 0"),
    )
    assert main(["verify", str(path), "-q"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "✗ own stages, 4 stages: different in stage c, variable z['n']",
        "    notebook      2",
        "    pipeline      1",
    ]


@pytest.mark.kernel
def test_a_notebook_that_fails_is_no_difference(
    tmp_path: Path, capsys: Capture
) -> None:
    path = write(tmp_path, ("stage:a", "x = 1"), ("stage:b", "y = 2\n1 / 0"))
    assert main(["verify", str(path)]) == 2
    said = capsys.readouterr().err
    assert (
        "does not run top to bottom: ZeroDivisionError: division by zero (cell 2, line 2)"
        in said
    )


def test_a_stale_package_is_no_answer(tmp_path: Path, capsys: Capture) -> None:
    path = write(tmp_path, ("stage:a", "x = 1"))
    assert main(["compile", str(path), "-q"]) == 0
    write(tmp_path, ("stage:a", "x = 2"))
    assert main(["verify", str(tmp_path / "small_pipeline")]) == 2
    assert "jupyter pipe compile small.ipynb" in capsys.readouterr().err


def test_a_notebook_that_is_not_there_is_a_usage_error(
    tmp_path: Path, capsys: Capture
) -> None:
    assert main(["verify", str(tmp_path / "nothing.ipynb")]) == 2
    assert "There is no notebook" in capsys.readouterr().err


HIDDEN = """\
import ctypes
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(b"data.csv", b"r"))
text = ctypes.create_string_buffer(100)
print(libc.fread(text, 1, 99, file) if file else None, text.value)"""


@pytest.mark.kernel
def test_a_result_that_is_reused_after_an_edit_and_should_not_be_is_found(
    tmp_path: Path, capsys: Capture
) -> None:
    """One stage reads the file by a call that nothing tells of, as a library without a
    table would."""
    (tmp_path / "data.csv").write_text("x\n1\n2\n3\n")
    path = write(
        tmp_path,
        ("stage:seen", "print(open('data.csv').read())"),
        ("stage:hidden", HIDDEN),
    )
    assert main(["verify", str(path), "--edits", "1", "--seed", "2", "--json"]) == 1
    own, edited = json.loads(capsys.readouterr().out)["verdicts"]
    assert own.get("divergence") is None
    assert (edited["edit"], edited["reran"]) == (
        "data.csv: another number in line 3",
        1,
    )
    assert edited["divergence"]["stage"] == "hidden"
    assert (tmp_path / "data.csv").read_text() == "x\n1\n2\n3\n"
    assert not (tmp_path / ".jupyter_pipe").exists()
