"""What flows between stages: one small program a rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jupyter_pipe.model import EffectKind, ReplayKind
from tests.analysis.programs import analysed, codes, edges, flow, inputs

INPUTS = {
    "a loop over a literal runs at least once": (
        "| A: x = 1\n| B: for i in [1]: x = i\n| C: print(x)",
        "B",
        "",
    ),
    "a loop over an unknown value may not run": (
        "| A:\nx, r = 1, f()\n| B: for i in r: x = i\n| C: print(x)".replace(
            "f()", "open('a').read()"
        ),
        "B",
        "r@A x@A",
    ),
    "an endless loop binds before it breaks": (
        "| A: x = 1\n| B:\nwhile True:\n    x = 2\n    break\n| C: print(x)",
        "B",
        "",
    ),
    "both arms of a condition bind": (
        "| A: x = c = 1\n| B:\nif c: x = 2\nelse: x = 3\n| C: print(x)",
        "B",
        "c@A",
    ),
    "an arm that raises does not count": (
        "| A: x = c = 1\n| B:\nif c: x = 2\nelse: raise ValueError\n| C: print(x)",
        "B",
        "c@A",
    ),
    "a handler starts anywhere in its body": (
        "| A: x = 1\n| B:\ntry:\n    x = int('2')\nexcept ValueError:\n    print(x)",
        "B",
        "x@A",
    ),
    "a finally clause sees both": (
        "| A: x = 1\n| B:\ntry:\n    x = 2\nfinally:\n    print(x)",
        "B",
        "",
    ),
    "match binds its captures": (
        "| A: v = {'k': 1}\n| B:\nmatch v:\n    case {'k': q}: r = q\n    case _: r = 0\nprint(r)",
        "B",
        "v@A",
    ),
    "a starred target": (
        "| A: xs = [[1], [2]]\n| B:\na, *b = xs\nb[0].append(3)\n| C: print(xs)",
        "C",
        "xs@B",
    ),
    "a comprehension has its own names": (
        "| A: i = 1\n| B: print([i for i in range(3)])",
        "B",
        "",
    ),
    "del ends a name": ("| A: x = [1]\n| B:\nx = 2\ndel x\nx = 3\nprint(x)", "B", ""),
    "an unused alias is nobody's input": (
        "| A:\na = [1]\nb = a\n| B: a.append(2)\n| C: print(a)",
        "B",
        "a@A",
    ),
    "names that nobody wants are not passed on": (
        "| A: x = 1\n| B: x = x + 1 if x else 2\n| C: print(3)",
        "C",
        "",
    ),
    "elements of a literal are told apart": (
        "| A:\np, q = [], []\nd = {'p': p, 'q': q}\n| B: d['p'].append(1)\n| C: print(q)",
        "C",
        "q@A",
    ),
    "a fresh list each call": (
        "| A:\ndef make():\n    return []\na, b = make(), make()\n| B: a.append(1)\n| C: print(b)",
        "C",
        "b@A",
    ),
    "a copy is not the original": (
        "| A: a = [1]\n| B:\nb = list(a)\nb.append(1)\n| C: print(a)",
        "C",
        "a@A",
    ),
    "a shallow copy shares its elements": (
        "| A: a = [[1]]\n| B:\nb = list(a)\nb[0].append(1)\n| C: print(a)",
        "C",
        "a@B",
    ),
    "a closure keeps its variables": (
        "| A:\ndef make():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n"
        "    return inc\ninc = make()\n| B: inc()\n| C: print(inc())",
        "C",
        "inc@B",
    ),
    "state in a class travels": (
        "| A:\nclass C:\n    n = 0\n| B: C.n = 5\n| C: print(C.n)",
        "C",
        "C@B",
    ),
    "state in a default argument travels": (
        "| A:\ndef f(x, seen=[]):\n    seen.append(x)\n    return seen\n| B: f(1)\n| C: print(f(2))",
        "C",
        "f@B",
    ),
}


@pytest.mark.parametrize(
    ("text", "stage", "expected"), INPUTS.values(), ids=INPUTS.keys()
)
def test_inputs(text: str, stage: str, expected: str) -> None:
    assert inputs(text, stage) == set(expected.split())


def test_parallel_aliases_are_tied_together() -> None:
    """B's `b` and A's `a` are one object, so C must get both from B."""
    text = "| A: a = [1]\n| B: b = a\n| C: b.append(2)\n| D: print(a)"
    assert inputs(text, "C") == {"a@B", "b@B"}


def test_a_definition_is_code_and_hides_a_value() -> None:
    text = "| A: f = 1\n| B:\ndef f(): return 2\n| C: print(f())"
    assert inputs(text, "C") == set()
    assert [replay.kind for replay in flow(text, "C").replays] == [ReplayKind.function]


def test_a_default_that_is_a_constant_is_replayed_with_its_function() -> None:
    replays = flow("| A:\nn = 3\ndef f(a=n): return a\n| B: print(f())", "B").replays
    assert [(replay.kind, replay.names) for replay in replays] == [
        (ReplayKind.constant, ("n",)),
        (ReplayKind.function, ("f",)),
    ]


def test_a_default_that_is_computed_makes_the_function_a_value() -> None:
    text = "| A:\nn = [1]\ndef f(a=n): return a\n| B: print(f())"
    assert inputs(text, "B") == {"f@A"}


def test_definitions_that_a_payload_may_refer_to_are_kept() -> None:
    text = "| A:\nclass C: pass\nboxes = [C()]\n| B: print(len(boxes))"
    (replay,) = flow(text, "B").replays
    assert (replay.names, replay.needed, len(replay.digest)) == (("C",), False, 64)


def test_replays_start_at_their_decorators() -> None:
    text = "| leading:\nimport functools\n# a comment\n@functools.lru_cache\ndef f(): return 1\n| A: f()"
    function = flow(text, "A").replays[-1]
    assert function.line == 3
    assert function.source.startswith("@functools.lru_cache\ndef f")


def test_leading_code_without_values_makes_no_stage() -> None:
    text = "| leading:\nimport random\nrandom.seed(0)\ndef f(): return random.random()\n| A: print(f())"
    assert [stage.name for stage in analysed(text).stages] == ["A"]
    assert [replay.kind for replay in flow(text, "A").replays] == [
        ReplayKind.import_,
        ReplayKind.ambient,
        ReplayKind.function,
    ]


def test_a_second_stage_that_draws_gets_the_state_over_the_seed() -> None:
    text = "| leading:\nimport random\nrandom.seed(0)\n| A: random.random()\n| B: random.random()"
    assert edges(text) == {"A>B @random"}
    assert [replay.kind for replay in flow(text, "B").replays] == [
        ReplayKind.import_,
        ReplayKind.ambient,
    ]


def test_the_rest_of_leading_code_is_setup() -> None:
    text = "| leading:\nimport math\nxs = [math.pi]\n| A: print(xs)"
    assert inputs(text, "A") == {"xs@setup"}


def test_shared_cells_are_replayed_whole_below_their_place() -> None:
    text = "| A: print(1)\n| shared:\nxs = [1]\nys = [2]\n| B: xs.append(3)\n| C: print(xs)"
    assert flow(text, "A").replays == ()
    assert [replay.kind for replay in flow(text, "B").replays] == [
        ReplayKind.shared
    ] * 2
    assert inputs(text, "B") == set()
    assert inputs(text, "C") == {"xs@B"}


def test_a_stage_with_a_gap_may_come_after_what_stands_between() -> None:
    text = "| A: a = 1\n| B: b = 2\n| A: print(a, b)"
    assert [stage.name for stage in analysed(text).stages] == ["B", "A"]


def test_files_order_their_users() -> None:
    text = "| A: open('t', 'w').write('1')\n| B: open('t').read()\n| C: open('t', 'w').write('2')"
    assert edges(text) == {"A>B file:t", "A>C file:t", "B>C file:t"}


@pytest.mark.parametrize(
    "change", ["df.index.names = ['n']", "df.columns.name = 'c'", "df.attrs['a'] = 1"]
)
def test_parts_of_a_frame_are_the_frame(change: str) -> None:
    text = f"| leading: import pandas as pd\n| A: df = pd.DataFrame({{'x': [1]}})\n| B: {change}\n| C: print(df)"
    assert inputs(text, "C") == {"df@B"}


def test_looking_at_parts_of_a_frame_does_not_tie_them() -> None:
    text = "| leading: import pandas as pd\n| A: df = pd.DataFrame({'x': [1]})\ncols = df.columns\n"
    assert inputs(text + "| B: df['y'] = 1\n| C: print(cols, df)", "C") == {
        "cols@A",
        "df@B",
    }


SHOW = """\
class Show:
    def __init__(self, *names): self.names = names
    def __repr__(self): return ' '.join(repr(eval(name)) for name in self.names)"""


def test_names_in_strings_that_an_object_evaluates_when_it_is_shown() -> None:
    text = f"| leading:\n{SHOW}\n| A: x = [1]\n| B: y = [2]\n| C: Show('x', 'y + [1]')\n| D: Show('y')"
    assert edges(text) == {"A>C x", "B>C y", "B>D y"}
    assert "PIPE221" in codes(
        text
    )  # an attribute may have been set where nobody sees it


def test_a_folder_that_the_notebook_makes_is_there_while_stages_work_in_it() -> None:
    start = "| leading:\nimport os\n!mkdir -p work\n%cd work\nos.getcwd()\n"
    text = start + "| A:\n%%writefile t\nx\n| B: x = 1\n| C:\n%cd ..\n!rm -rf work"
    assert edges(text) == {
        "setup>A @os.cwd,file:work",
        "setup>C @os.cwd,file:work",
        "A>C file:work",
    }


def test_modules_beside_the_notebook_are_read(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def push(xs):\n    xs.append(1)\n")
    found = analysed(
        "| A: xs = []\n| B:\nimport helper\nhelper.push(xs)\n| C: print(xs)", tmp_path
    )
    kinds = {(effect.name, effect.kind) for effect in found.stages[1].effects}
    assert ("xs", EffectKind.mutates) in kinds


def test_a_setting_in_the_midst_of_the_setup_is_made_in_its_place() -> None:
    text = (
        "| leading: import matplotlib.pyplot as plt\n| leading: plt.plot([1])\n"
        "| leading: plt.rcParams['font.size'] = 20\n| leading: plt.plot([2])\n| A: plt.plot([3])"
    )
    assert codes(text) == []
    assert [replay.kind for replay in flow(text, "setup").replays] == [
        ReplayKind.import_
    ]
    assert [replay.kind for replay in flow(text, "A").replays] == [
        ReplayKind.import_,
        ReplayKind.ambient,
    ]


def test_the_cells_of_a_notebook_that_is_run_are_read(tmp_path: Path) -> None:
    content = new_notebook(
        cells=[new_markdown_cell("# text"), new_code_cell("%time table = [true_count]")]
    )
    write(content, tmp_path / "made.ipynb")
    text = "| A: true_count = 3\n| B: %run -i made.ipynb\n| C: print(table)"
    assert edges(text, tmp_path) == {"A>B true_count", "B>C table"}


def test_groups_are_names_that_share_an_object() -> None:
    assert flow(
        "| A:\na = []\nb = {'x': a}\nc = []\n| B: print(a, b, c)", "A"
    ).groups == (("a", "b"),)


def test_one_notebook_gives_one_answer() -> None:
    text = "| A:\nclass P: pass\nclass Q(P): pass\nxs = [P(), Q()]\nys = xs\n| B:\nfor x in xs: x.v = ys"
    assert analysed(text) == analysed(text)


def test_cells_without_statements_stay_in_their_stage() -> None:
    found = analysed("| A: # only a comment\n| A: x = 1\n| B: # nothing at all")
    assert [(stage.name, stage.cells) for stage in found.stages] == [
        ("A", ("c1", "c2")),
        ("B", ("c3",)),
    ]


CHANGES = (
    "    global x\n    x = 5\n    log.append(1)\n    return [k for k in range(3)]\n"
)
UNFOLLOWED = {
    "calls too deep to be followed": (
        "".join(f"def f{n}(): return f{n + 1}()\n" for n in range(20))
        + "def f20():\n"
        + CHANGES,
        "f0()",
    ),
    "calls too large to be followed": (
        "def big(n):\n"
        + "".join(
            f"    a{n} = n + {n} * (n - {n}) + len([n, n, {n}])\n" for n in range(3000)
        )
        + "def change():\n"
        + CHANGES,
        "(big(1), change())",
    ),
}


@pytest.mark.parametrize(
    ("definitions", "call"), UNFOLLOWED.values(), ids=UNFOLLOWED.keys()
)
def test_calls_that_are_not_followed_one_by_one_change_what_they_reach(
    definitions: str, call: str
) -> None:
    text = f"| A: log, x = [], 1\n| leading:\n{definitions}| B: y = {call}\n| C: print(x, log)"
    assert inputs(text, "C") == {"x@B", "log@B"}
    assert codes(text) == []


def test_the_way_of_showing_figures_is_told_to_every_later_stage() -> None:
    text = (
        "| A: x = 1\n| B: %config InlineBackend.figure_format = 'retina'\n| C: print(x)"
    )
    assert [replay.kind for replay in flow(text, "C").replays] == [ReplayKind.ambient]
    assert flow(text, "A").replays == ()
