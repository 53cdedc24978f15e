"""Every finding about data flow has a program that shows it, with its place and its
severity."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_pipe.diagnostics import RULES, to_markdown
from jupyter_pipe.model import Severity
from tests.analysis.programs import analysed, codes

DOCUMENT = Path(__file__).parents[2] / "docs" / "diagnostics.md"
GRAPH = {"PIPE210"}  # about `after:`; tests/compiler/test_graph.py

# code -> program, cell and line of the finding, words of its message
FOUND = {
    "PIPE200": ("| A: x = 1\n| B:\ny = 2\nif x\n", 2, 2, "not Python"),
    "PIPE201": (
        "| A: X_train = 1\n| B:\nprint(1)\nprint(X_trian)",
        2,
        2,
        "Did you mean 'X_train'?",
    ),
    "PIPE202": ("| A: c = 1\n| B:\nif c:\n    print(cached)", 2, 2, "'cached'"),
    "PIPE203": ("| A:\nx = 1\ndel x\n| B: print(x)", 2, 1, "deleted"),
    "PIPE204": (
        "| A: x = [1]\n| skip: x.append(2)\n| B: print(x)",
        3,
        1,
        "cell 2, which changes it",
    ),
    "PIPE205": ("| A: 1 + 1\n| B: print(_)", 2, 1, "cell 1"),
    "PIPE206": ("| A: x = [1]\n| shared: y = x\n| B: print(y)", 2, 1, "stage 'A'"),
    "PIPE207": (
        "| A:\nx = 1\nrows = (i for i in [x])\n| B: print(next(rows))",
        1,
        2,
        "a generator",
    ),
    "PIPE208": ("| A: x = 1\n| B: print(x)\n| A:\n\nx = 2", 3, 2, "because of 'x'"),
    "PIPE209": ("| A: x = 1\n| B: y = x\n| A: z = y", 3, 1, "cycle A -> B -> A"),
    "PIPE211": (
        "| leading: import json\n| A:\nn = len(str(5))\njson.limit = n\n| B: print(json.limit)",
        2,
        2,
        "module 'json'",
    ),
    "PIPE212": (
        "| leading: from functools import lru_cache\n| A:\nk = 2\n@lru_cache\ndef f(v): return v * k\nf(1)\n"
        "| B:\nk = 5\nprint(f(1))",
        3,
        2,
        "before 'k' was bound anew",
    ),
    "PIPE213": (
        "| A:\ndef h(): return 1\n| A: fs = [h]\n| B:\ndef h(): return 2\n| C: print(fs[0](), h())",
        4,
        1,
        "holds 'h' of cell 1",
    ),
    "PIPE220": ("| A: exec('q = 1')\n| B: print(q)", 2, 1, "`exec` in cell 1"),
    "PIPE221": ("| A: x = input\n| B: eval(str(x))", 2, 1, "`eval`"),
    "PIPE222": ("| A: name = input('?')", 1, 1, "keyboard"),
    "PIPE223": ("| A: k = str(1)\n| B: print(globals()[k])", 2, 1, "computed key"),
    "PIPE224": (
        "| A: x = 1\n| A: from pytest import *\n| B: print(x)",
        3,
        1,
        "star import in cell 2",
    ),
    "PIPE225": (
        "| A: from no_such_module import *\n| B: print(thing)",
        2,
        1,
        "'no_such_module'",
    ),
    "PIPE226": (
        "| A: x = 1\n| B: y = x" + " + 1" * 800 + "\n| C: print(y)",
        2,
        1,
        "too deep",
    ),
    "PIPE300": (
        "| leading:\nimport random\nrandom.seed(0)\n| A: a = random.random()\n| B: b = random.random()",
        3,
        1,
        "only because both draw",
    ),
    "PIPE301": (
        "| A: words = set('abc')\n| B:\nfor w in words: print(w)",
        2,
        1,
        "the set 'words'",
    ),
    "PIPE302": (
        "| A:\nday = str(1)\nopen(f'out/{day}.csv', 'w').close()\n"
        "| B:\nn = str(2)\nopen(f'out/{n}.csv').read()",
        2,
        2,
        "out/*.csv",
    ),
    "PIPE303": (
        "| leading:\nimport random\nrandom.seed(0)\n| skip: random.random()\n| A: print(random.random())",
        2,
        1,
        "skipped cell 2",
    ),
}


@pytest.mark.parametrize("code", FOUND)
def test_a_finding_names_its_place(code: str) -> None:
    text, cell, line, words = FOUND[code]
    found = [one for one in analysed(text).diagnostics if one.code == code]
    assert [(one.cell, one.line) for one in found] == [(cell, line)]
    assert words in found[0].message
    assert found[0].hint
    assert found[0].severity is RULES[code].severity


def test_every_rule_about_data_flow_has_a_program() -> None:
    assert {code for code in RULES if code >= "PIPE200"} == FOUND.keys() | GRAPH


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == to_markdown(), (
        "run: python -m jupyter_pipe.diagnostics"
    )


def test_a_finding_inside_a_function_stands_where_the_function_is_called() -> None:
    text = "| A:\nx = 1\ndef f(t):\n    # evaluates\n    return eval(t)\n| B:\n1\nf('x' * 1)"
    found = [
        (one.cell, one.line)
        for one in analysed(text).diagnostics
        if one.code == "PIPE221"
    ]
    assert found == [(2, 2)]


CLEAN = {
    "a cell that may raise": "| A: x = 1\n| raising:\nprint(missing)\ny = 2",
    "names that only uncalled code reads": "| A:\ndef f(): return later\n| B: later = 1",
    "a name guarded by its own test": "| A:\ntry:\n    cached\nexcept NameError:\n    cached = 1",
    "history inside one stage": "| A: 1 + 1\n| A: print(_, Out[1])",
    "a generator that its own stage consumes": "| A:\nrows = (i for i in [1])\nlist(rows)\n| B: print(2)",
    "a deleted name that hid a builtin": "| A:\nlist = 3\ndel list\n| B: print(list('ab'))",
    "a skipped cell that only looks": "| A: x = [1]\n| skip: len(x)\n| B: print(x)",
    "a skipped cell that is not Python": "| A: x = 1\n| skip:\nprint(\n| B: print(x)",
    "a skipped cell with names of its own": "| A: x = 1\n| skip: y = x\n| B: print(x)",
    "temporary names shared by stages with gaps": (
        "| A:\nfor i in [1]: a = i\n| B:\nfor i in [2]: b = i\n| A:\nfor i in [3]: c = i"
    ),
    "a module that only its own stage changes": "| leading: import json\n| A: json.limit = 5\n| B: print(1)",
    "a file name that cannot be the same": (
        "| A:\nd = str(1)\nopen(f'out/{d}.csv', 'w').close()\n| B:\nn = str(2)\nopen(f'in/{n}.csv').read()"
    ),
}


@pytest.mark.parametrize("text", CLEAN.values(), ids=CLEAN.keys())
def test_nothing_to_say(text: str) -> None:
    assert [
        one.code for one in analysed(text).diagnostics if one.severity is Severity.error
    ] == []


def test_all_findings_are_collected_at_once() -> None:
    assert sorted(codes("| A: print(a)\n| B: print(b)\n| C:\nif x")) == [
        "PIPE200",
        "PIPE201",
        "PIPE201",
    ]


def test_a_name_that_is_defined_below_says_so() -> None:
    (found,) = analysed("| A: print(x)\n| B: x = 1").diagnostics
    assert "first defined below, in cell 2" in found.message


PLOT = "| leading: import matplotlib.pyplot as plt\n"
BETWEEN = {
    "a setting": PLOT
    + "| A: plt.plot([1])\n| B: plt.rcParams['font.size'] = 20\n| A: plt.plot([2])",
    "a felt setting": "| leading: import numpy as np\n| A: x = 1\n| B: np.seterr(all='raise')\n| A: print(x)",
    "a setting of a stage that has to run before": (
        "| leading: import decimal\n| A: x = 1\n| B: print(x, decimal.Decimal(1) / 3)\n"
        "| A: decimal.getcontext().prec = 5"
    ),
    "a parameter": "| parameters: n = 3\n| A: print(n)\n| B: n = n + 5\n| A: print(n)",
    "a definition": "| leading:\ndef f(): return 1\n| A: print(f())\n| B: f = len\n| A: print(f)",
    "a function that was one before": (
        "| A:\ndef f(): return 1\nprint(f())\n| B:\ndef f(): return 2\n| A: print(f())"
    ),
    "a function of two cells": (
        "| leading:\ndef f(): return 1\n| A: print(f())\n| B:\ndef f(): return 2\n| A: print(f())"
    ),
    "a class that was a value before": "| A:\nf = 3\nprint(f)\n| B:\nclass f: pass\n| A: print(f())",
    "a module that was another before": (
        "| A:\nimport math as m\nprint(m.pi)\n| B: import cmath as m\n| A: print(m.sqrt(-1))"
    ),
    "a function that another one calls": (
        "| A:\ndef h(): return 7\nprint(1)\n| B:\ndef h(): return 8\ndef g(): return h()\n| A: print(g())"
    ),
    "a function that hides a builtin": (
        "| A: print(sum([1]))\n| B:\ndef sum(x): return 'mine'\n| A: print(sum(1))"
    ),
    "a value that hides a builtin": "| A: print(sum([1]))\n| B: sum = [5]\n| A: print(sum)",
    "a parameter that was a value before": "| A:\nn = 1\nprint(n)\n| parameters: n = 5\n| A: print(n)",
    "a shared cell": (
        "| A:\ndef f(): return 1\nprint(f())\n| shared:\ndef f(): return 2\n| A: print(f())"
    ),
    "how figures are shown": (
        PLOT
        + "| A: plt.plot([1])\n| B: %config InlineBackend.figure_format = 'retina'\n| A: plt.plot([2])"
    ),
    "a file": "| A: print(open('x').read())\n| B: open('x', 'w').write('a')\n| A: print(open('x').read())",
}


@pytest.mark.parametrize("text", BETWEEN.values(), ids=BETWEEN.keys())
def test_what_changes_between_the_cells_of_a_stage_is_told_from_what_was_there_before(
    text: str,
) -> None:
    assert {one.code for one in analysed(text).diagnostics} == {"PIPE208"}


def test_a_name_that_nobody_used_before_may_be_made_between_the_cells_of_a_stage() -> (
    None
):
    text = "| A:\ndef h(): return 7\nprint(1)\n| B:\ndef g(): return h()\nprint(g())\n| A: print(g())"
    assert analysed(text).diagnostics == ()


def test_a_file_is_read_before_a_later_cell_writes_it() -> None:
    text = "| B: a = 1\n| A: print(open('x').read())\n| B: open('x', 'w').write('a')"
    assert [stage.name for stage in analysed(text).stages] == ["A", "B"]


def test_a_gap_can_be_split_with_one_click() -> None:
    found = next(
        one
        for one in analysed(FOUND["PIPE208"][0]).diagnostics
        if one.code == "PIPE208"
    )
    assert (found.fixes[0].add_tags, found.fixes[0].remove_tags) == (
        ("stage:A_2",),
        ("stage:A",),
    )


IN_A_BODY = "| A:\n\n\n\ndef f():\n    return missing\n"


@pytest.mark.parametrize(
    ("text", "cell", "line"),
    [(IN_A_BODY + "| B:\n\nprint(f())", 2, 2), (IN_A_BODY + "print(f())", 1, 5)],
    ids=["the call, if the body stands in another cell", "the body itself"],
)
def test_a_finding_in_a_body_names_a_line_of_the_cell_that_it_names(
    text: str, cell: int, line: int
) -> None:
    (found,) = analysed(text).diagnostics
    assert (found.cell_id, found.line) == (f"c{cell}", line)


def test_lines_count_in_what_the_user_wrote() -> None:
    (found,) = analysed(
        "| A:\n%matplotlib inline\n\nx = !ls\nprint(missing)"
    ).diagnostics
    assert (found.line, found.column) == (4, 7)
