"""Each rule of the analyzer is needed: switched off, it loses something that a program
shows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from jupyter_pipe.analysis.calls import dispatch as calls
from jupyter_pipe.analysis.calls import files, folders, libraries, programs
from jupyter_pipe.analysis.dataflow import flows, replays, sharing
from jupyter_pipe.analysis.findings import checks
from jupyter_pipe.analysis.findings import kernel_leftovers as left_behind
from jupyter_pipe.analysis.interpreter import access, functions, imports, statements
from jupyter_pipe.analysis.interpreter import execution as interpreter
from jupyter_pipe.analysis.source.scopes import Frame
from jupyter_pipe.analysis.world.environment import Environment
from jupyter_pipe.analysis.world.heap import Heap
from jupyter_pipe.analysis.world.world import World
from tests.analysis.programs import analysed, wired

analyse_module = __import__("jupyter_pipe.analysis.analyse", fromlist=["analyse"])
NOTHING: frozenset[Any] = frozenset()


def nothing(*_: Any, **__: Any) -> Any:
    return NOTHING


def none(*_: Any, **__: Any) -> None:
    return None


# rule -> (owner, attribute, replacement, program)
RULES: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "methods mutate": (
        World,
        "mutate",
        none,
        "| A: xs = []\n| B: xs.append(1)\n| C: print(xs)",
    ),
    "views share memory": (
        Heap,
        "share",
        none,
        "| leading: import numpy as np\n| A: a = np.zeros(3)\n| B:\nv = a[:2]\nv[:] = 1\n| C: print(a)",
    ),
    "shallow copies share elements": (
        Heap,
        "copy_parts",
        none,
        "| A: a = [[1]]\n| B:\nb = list(a)\nb[0].append(2)\n| C: print(a)",
    ),
    "containers are changed with what they hold": (
        Heap,
        "affected",
        lambda self, changed, **_: set(changed),
        "| A: d = {'m': []}\n| B: d['m'].append(1)\n| C: print(d)",
    ),
    "callbacks are called": (
        libraries,
        "escape",
        nothing,
        "| leading: import functools\n| A: k = 1\n| B: print(functools.reduce(lambda a, b: a * k, [1, 2]))",
    ),
    "operators of notebook classes run": (
        interpreter.calls,
        "call_special",
        nothing,
        "| A:\nclass B:\n    def __add__(self, o):\n        self.n = o\n        return self\nb = B()\n"
        "| B: b + 1\n| C: print(b.n)",
    ),
    "one object arrives in one payload": (
        analyse_module,
        "tie",
        lambda stages: {},
        "| A: a = [1]\n| B: b = a\n| C: b.append(2)\n| D: print(a)",
    ),
    "definitions with computed defaults are values": (
        replays.Definitions,
        "_reads_replayable",
        lambda self, unit: True,
        "| A:\nn = [1]\ndef f(a=n): return a\n| B: print(f())",
    ),
    "generators that nobody seeds are not carried": (
        analyse_module,
        "drop_unseeded",
        none,
        "| leading: import random\n| A: random.random()\n| B: random.random()",
    ),
    "stages with gaps are put in order": (
        analyse_module,
        "arrange",
        lambda stages, units: (list(stages), []),
        "| A: x = 1\n| B: print(x)\n| A: x = 2",
    ),
    "definitions for payloads are kept": (
        flows,
        "kept_definitions",
        lambda *_: set(),
        "| A:\nclass C: pass\nxs = [C()]\n| B: print(len(xs))",
    ),
    "a branch may not be taken": (
        Environment,
        "merge",
        lambda self, arms: self._adopt(arms[0]),
        "| A: x = c = 1\n| B:\nif c: x = 2\n| C: print(x)",
    ),
    "a handler starts anywhere": (
        Environment,
        "watched",
        lambda _: nullcontext({}),
        "| A: ys = []\n| B:\ntry:\n    x = ys\n    1 / 0\n    x = []\nexcept ZeroDivisionError:\n"
        "    x.append(1)\n| C: print(ys)",
    ),
    "queries name variables": (
        calls,
        "read_embedded_names",
        none,
        "| A:\nimport pandas as pd\nk = 1\ndf = pd.DataFrame({'a': [1]})\n| B: print(df.query('a > @k'))",
    ),
    "shell commands name variables": (
        calls,
        "run_magic",
        nothing,
        "| A: x = 1\n| B: !echo {x}",
    ),
    "loops see elements": (
        interpreter.loops,
        "elements_of",
        nothing,
        "| A: xs = [[]]\n| B:\nfor x in xs: x.append(1)\n| C: print(xs)",
    ),
    "closures hold what they captured": (
        functions,
        "_captures",
        lambda node: False,
        "| A:\ndef make():\n    n = []\n    def inc():\n        n.append(1)\n    return inc\ninc = make()\n"
        "| B: inc()\n| C: inc()",
    ),
    "generators cannot travel": (
        checks,
        "_check_transport",
        lambda *_: (),
        "| A: rows = (i for i in [1])\n| B: print(next(rows))",
    ),
    "changed modules cannot travel": (
        checks,
        "_check_module",
        lambda *_: (),
        "| leading: import json, importlib\n| A: again = importlib.reload(json)\n| B: print(json.limit)",
    ),
    "caches do not travel": (
        left_behind,
        "_check_caches",
        lambda *_: (),
        "| leading: from functools import lru_cache\n| A:\nk = 2\n@lru_cache\ndef f(v): return v * k\nf(1)\n"
        "| B:\nk = 5\nprint(f(1))",
    ),
    "skipped cells are not run": (
        checks,
        "_check_read",
        lambda *_: (),
        "| A: x = 1\n| skip: x = 2\n| B: print(x)",
    ),
    "files order stages": (
        interpreter.World,
        "touch",
        none,
        "| A: open('t', 'w').write('1')\n| B: open('t').read()",
    ),
    "out= and inplace= change": (
        calls,
        "keyword_effects",
        none,
        "| A:\nimport pandas as pd\ndf = pd.DataFrame({'a': [1]})\n| B: df.drop(columns='a', inplace=True)\n"
        "| C: print(df)",
    ),
    "methods are looked up in bases": (
        calls,
        "find_in_class",
        nothing,
        "| A:\nclass P:\n    def __call__(self): self.n = 1\nclass Q(P): pass\nq = Q()\n| B: q()\n"
        "| C: print(q.n)",
    ),
    "attributes of a class are found": (
        access,
        "find_in_class",
        nothing,
        "| A:\nk = 1\nclass P:\n    def m(self): return k\np = P()\n| B: print(p.m())",
    ),
    "global declarations are heeded": (
        Frame,
        "owner",
        lambda self, name: self,
        "| A:\nn = 0\ndef inc():\n    global n\n    n = 1\n| B: inc()\n| C: print(n)",
    ),
    "class state follows instances": (
        World,
        "_read_changed_classes",
        none,
        "| A:\nclass M: log = []\nclass J(M): pass\nj = J()\n| B: M.log.append(1)\n| C: print(j.log)",
    ),
    "suppressing context managers cut short": (
        statements,
        "_may_suppress",
        lambda *_: False,
        "| leading: from contextlib import suppress\n| A: x = [0]\n| B:\nwith suppress(ValueError):\n"
        "    x = [1]\n| C: print(x)",
    ),
    "star imports of unknown modules are replayed": (
        imports,
        "_import_star",
        none,
        "| A: from pytest import *\n| B: print(fixture)",
    ),
    "aliases through sharing are found in later readers": (
        sharing,
        "_read_later",
        lambda stages: [set() for _ in stages],
        "| A: a = [1]\n| B: b = a\n| C: b.append(2)\n| D: print(a)",
    ),
    "one file may have been written under another name": (
        files,
        "_read_some",
        none,
        "| leading: import glob\n| A: open('in/a.csv', 'w')\n| B: print(glob.glob('in/*.csv'))\n"
        "| A: open('in/b.csv', 'w')",
    ),
    "computed names are names": (
        files,
        "_write_some",
        none,
        "| A:\nfor n in range(2):\n    open(f'a{n}.csv', 'w')\n| B: print(open('a1.csv').read())",
    ),
    "whoever lists a folder reads it": (
        folders,
        "touch_below",
        none,
        "| A:\nimport os\nopen('in/a.csv', 'w')\n| B: print(os.listdir('in'))",
    ),
    "programs read and write": (
        programs,
        "_use",
        none,
        "| A: open('a.txt', 'w').write('a')\n| B: !cp a.txt b.txt\n| C: print(open('b.txt').read())",
    ),
    "formulas name what they call": (
        calls,
        "read_formulas",
        none,
        "| leading: import statsmodels.formula.api as smf\n| A:\ndef f(z): return z\nd = {}\nprint(d)\n"
        "| B: print(smf.ols('y ~ f(x)', d))",
    ),
    "formulas without data name variables": (
        calls,
        "read_formulas",
        none,
        "| leading: import patsy\n| A: x = [1]\n| B: print(patsy.dmatrix('~ x'))",
    ),
    "submodules that others import": (
        flows,
        "_left_to_others",
        lambda _: [],
        "| leading: import xml\n| A: from xml.dom import minidom\n| B: print(xml.dom)",
    ),
    "definitions that are made again": (
        analyse_module,
        "check_redefinitions",
        lambda *_: [],
        "| A:\ndef h(): return 1\nfs = [h]\nprint(fs)\n| B:\ndef h(): return 2\n| C: print(fs[0](), h())",
    ),
    "other names for functions": (
        World,
        "_is_code",
        lambda *_: False,
        "| A:\ndef h(): return 1\nold = h\n| B:\ndef h(): return 2\n| C: print(old(), h())",
    ),
}


def answer(text: str) -> object:
    """All that a pipeline is made of, as comparable values."""
    found = analysed(text)
    wiring = wired(found)
    kept = [
        (stage.name, [replay.names for replay in stage.replays])
        for stage in found.stages
    ]
    errors = sorted(one.code for one in found.diagnostics)
    return wiring.inputs, wiring.edges, kept, errors


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_switched_off_is_missed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, attribute, replacement, text = RULES[name]
    right = answer(text)
    monkeypatch.setattr(owner, attribute, replacement)
    assert answer(text) != right


def test_there_are_many_rules() -> None:
    assert len(RULES) >= 20
