"""Cells with magics: the Python they stand for, the way back to the user's text, their
effects."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_pipe.analysis.calls.magic_effects import MagicEffects, magic_effects
from jupyter_pipe.analysis.source.magics import transform


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("x = 1;", "x = 1;"),
        ("await f()", "await f()"),
        ("async with a as b:\n    pass", "async with a as b:\n    pass"),
        ("x = a\\\n%time", "x = a\\\n%time"),
        ("x = !ls {d}", "x = get_ipython().getoutput('ls {d}')\n"),
        ("%time y = f()", "y = f()\n"),
        ("%time f(); g()", "f(); g()\n"),
        ("y = %time f(1)", "y = (f(1))\n"),
        ("%timeit -n 10 -r3 f(x)", "(lambda: (f(x)))()\n"),
        (
            "t = %timeit -o f(x)",
            "t = get_ipython().run_line_magic('timeit', '-o f(x)')\n",
        ),
        ("%%time\na = 1\n!ls", "\na = 1\nget_ipython().system('ls')\n"),
        ("%%prun -s cumulative\na = f()", "\na = f()\n"),
        (
            "%%timeit -n3 k=1\nf(k)",
            "def _timeit_body():\n    k=1\n    f(k)\n    pass\n_timeit_body()\n",
        ),
        (
            '%%bash -s "$x"\necho $1',
            "get_ipython().run_cell_magic('bash', '-s \"$x\"', 'echo $1\\n')\n",
        ),
        ("df.head?", "get_ipython().run_line_magic('pinfo', 'df.head')\n"),
        ("if a:\n    %cd b", "if a:\n    get_ipython().run_line_magic('cd', 'b')\n"),
        (">>> x = 1\n>>> y = 2", "x = 1\ny = 2\n"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2\n"),
        ("pip install foo", "get_ipython().run_line_magic('pip', 'install foo')\n"),
    ],
)
def test_a_cell_becomes_the_python_that_it_runs(source: str, python: str) -> None:
    assert transform(source).python == python


def test_capture_binds_its_name_around_the_body_and_keeps_strings() -> None:
    result = transform("%%capture --no-stderr out\ns = '''a\nb'''\nprint(s)")
    namespace: dict[str, object] = {}
    exec(result.python, namespace)
    assert namespace["s"] == "a\nb"
    assert str(namespace["out"]) == "a\nb\n"


@pytest.mark.parametrize(
    "source",
    [
        "x = !ls {d}\n%time y = f(x)\n!ls \\\n -l\nfor i in x:\n    %time g(i)\n    z = i\n",
        "%%time\na = 1\nif a:\n    %time b = a\n!ls\nx = 2",
        "\n\n%%capture out\nprint(1)\ns = '''a\nb'''\nx = s",
        "%%timeit -n3 k=1\nf(k)\nif k:\n    g(k)",
        "   x = 1\n   %time y = x\n   z = y",
        "été = !ls\nz = été; w = z\n%time ü = été; v = ü",
        ">>> x = 1\n>>> for y in x:\n...     z = y",
        "%timeit -n 10 xs.append(a)\nq = %time f(a)",
    ],
)
def test_every_name_leads_back_to_where_the_user_wrote_it(source: str) -> None:
    result = transform(source)
    assert result.tree is not None
    lines = source.split("\n")
    checked = 0
    for node in ast.walk(result.tree):
        if not isinstance(node, ast.Name) or node.id in {
            "get_ipython",
            "__import__",
            "_timeit_body",
            "out",
        }:
            continue
        line, column = result.position(node.lineno, node.col_offset)
        text = lines[line - 1][column - 1 :]
        # The set-up of %%timeit stands on the magic's own line.
        assert text.startswith(node.id) or lines[line - 1].startswith("%%timeit")
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("x = 1\ny = (2\nz", 2, 5),
        ("%%time\nx = (\n", 2, 5),
        ("!ls\n  x = = 2", 2, 2),
        ("%time x = [\n1, 2]", 2, 5),
        ("\n\n%time y = 1\nfor\n", 4, 4),
        ("x = '\0'", 1, 1),
    ],
)
def test_a_cell_that_does_not_parse_says_where(
    source: str, line: int, column: int
) -> None:
    problem = transform(source).problem
    assert problem is not None
    assert (problem.line, problem.column) == (line, column)


def test_plain_python_never_imports_ipython() -> None:
    code = (
        "import sys; from jupyter_pipe.analysis.source.magics import transform;"
        "transform('x = 1 % 2\\nawait f(\"!ls ?\")'); print('IPython' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


PROCESS = ("os.environ", "os.cwd")


def shell(command: str, *reads: str) -> MagicEffects:
    """What a command of the shell does that inserts values of these names."""
    return MagicEffects(
        reads, ambient_reads=PROCESS, foreign=True, command=command, expanded=True
    )


@pytest.mark.parametrize(
    ("source", "effects"),
    [
        ("!echo {x} $y ${z} \\$w", shell("echo {x} $y ${z} \\$w", "y", "z", "x")),
        ("v = !cat a.csv > out/b.csv", shell("cat a.csv > out/b.csv")),
        (
            '%%bash -s "$x" --out lines\ncat a.txt | tee b.txt',
            MagicEffects(
                ("x",),
                ("lines",),
                ambient_reads=PROCESS,
                literal=False,
                foreign=True,
                command="cat a.txt | tee b.txt\n",
            ),
        ),
        (
            "%%writefile u.py\nx = 1",
            MagicEffects(writes_files=("u.py",), literal=False, foreign=True),
        ),
        (
            "%%writefile -a u.py\nx = 1",
            MagicEffects(
                reads_files=("u.py",),
                writes_files=("u.py",),
                literal=False,
                foreign=True,
            ),
        ),
        (
            "%%writefile {p}\nx",
            MagicEffects(
                reads=("p",), writes_files=("{p}",), literal=False, foreign=True
            ),
        ),
        ("%%html\n<b>{x}</b>", MagicEffects(foreign=True)),
        ("%cd data", MagicEffects(sets=("os.cwd",), enters="data")),
        (
            "%cd {folder}",
            MagicEffects(reads=("folder",), sets=("os.cwd",), enters="", literal=False),
        ),
        ("%env A=1", MagicEffects(sets=("os.environ",))),
        ("%env A", MagicEffects(ambient_reads=("os.environ",))),
        ("%matplotlib inline", MagicEffects(sets=("ipython.matplotlib",))),
        ("%load_ext autoreload", MagicEffects(sets=("ipython.extensions",))),
        (
            "%run setup.py",
            MagicEffects(reads_files=("setup.py",), literal=False, star=True),
        ),
        ("%store x y", MagicEffects(reads=("x", "y"))),
        ("%store -r x", MagicEffects(binds=("x",))),
        ("df.head??", MagicEffects(reads=("df",))),
        ("t = %timeit -o f(x)", MagicEffects(reads=("f", "x"))),
        ("%who", MagicEffects(namespace=True, literal=False)),
        ("%pip install pandas", shell("pip install pandas")),
        (
            "%%R -i df -o fit\nfit <- lm(df)",
            MagicEffects(
                reads=("df",), binds=("fit",), literal=False, foreign=True, keeps="R"
            ),
        ),
        (
            "%Rpush a b",
            MagicEffects(reads=("a", "b"), literal=False, foreign=True, keeps="R"),
        ),
        (
            "%octave_pull a",
            MagicEffects(binds=("a",), literal=False, foreign=True, keeps="octave"),
        ),
        (
            "%%bigquery rows --project p\nselect $x",
            MagicEffects(binds=("rows",), foreign=True),
        ),
        (
            "%%cython\ncdef int g(int x):\n    return x\ncpdef f(x):\n    return g(x)\nclass A:\n    pass",
            MagicEffects(binds=("f", "A"), bound_type="Cython.Compiled", foreign=True),
        ),
        ("%cp a.txt b.txt", shell("cp a.txt b.txt")),
    ],
)
def test_what_a_magic_reads_and_writes(source: str, effects: MagicEffects) -> None:
    tree = transform(source).tree
    assert tree is not None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [found for call in calls if (found := magic_effects(call))] == [effects]


def test_other_calls_are_none_of_its_business() -> None:
    (statement,) = ast.parse("shell.run_code('ls')").body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert magic_effects(statement.value) is None


FRAGMENTS = (
    *(
        "%time ",
        "%%time\n",
        "%%capture o\n",
        "%%timeit\n",
        "!ls ",
        "?",
        "??",
        "x",
        "=",
        "1",
        "(",
        ")",
        "'",
        '"',
    ),
    *(
        "'''",
        "\n",
        "\n\n",
        "    ",
        "\\\n",
        "{x}",
        "$x",
        ";",
        "/",
        "if x:\n",
        "%timeit -n 1 ",
        "%cd ",
        "é",
        "\t",
    ),
    *(
        "\r\n",
        ">>> ",
        "In [1]: ",
        "def f():\n    ",
        "await ",
        "#",
        "\f",
        "%%bash\n",
        "%",
        "!!",
        "%%",
    ),
)


@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=10).map("".join))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_whatever_a_cell_holds_every_place_is_in_it(source: str) -> None:
    result = transform(source)
    lines = source.split("\n")
    if result.tree is None:
        assert result.problem is not None
        assert 1 <= result.problem.line <= len(lines)
        return
    for node in ast.walk(result.tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            line, column = result.position(node.lineno, node.col_offset)
            assert 1 <= column <= len(lines[line - 1]) + 1
