"""From what a cell touched to the words of the plan: each kind of change is told, and
what is none is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.kernel.observe.environment import EnvironmentWatch
from jupyter_pipe.observe.comparison import compare, compare_left
from jupyter_pipe.observe.present import Present, today
from jupyter_pipe.observe.settling import settle
from tests.observe.observing import observe

Edit = Callable[[], object]
LONG_AGO = 10**9


def write(name: str, text: str = "new") -> Edit:
    return lambda: Path(name).write_text(text)


def remove(name: str) -> Edit:
    return lambda: shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()


def rewrite(name: str) -> Edit:
    return lambda: Path(name).write_text(Path(name).read_text())


def touch(name: str) -> Edit:
    return lambda: os.utime(name, (1, 1))


def swap(name: str, text: str) -> Edit:
    """Another content of the same size, with the time of modification set back."""

    def swapping() -> None:
        times = os.stat(name)
        Path(name).write_text(text)
        os.utime(name, ns=(times.st_atime_ns, times.st_mtime_ns))

    return swapping


def link(name: str, target: str) -> Edit:
    def linking() -> None:
        Path(name).unlink(missing_ok=True)
        Path(name).symlink_to(target)

    return linking


READ = "open('inputs/a.csv').read()"
LIST = "import glob; glob.glob('inputs/*.csv')"
ALL = "import os; os.listdir('inputs')"
ASK = "import os; os.path.exists('none.csv')"
TIMES = "import os; os.path.getmtime('inputs/a.csv')"
# What a cell does, what changes then, and what the plan says of it; nothing where the
# result is still right.
CHANGES: list[tuple[str, Edit, str]] = [
    (READ, write("inputs/a.csv"), "inputs/a.csv changed"),
    (READ, swap("inputs/a.csv", "2\n"), "inputs/a.csv changed"),
    (READ, remove("inputs/a.csv"), "inputs/a.csv is missing"),
    (READ, touch("inputs/a.csv"), ""),
    (READ, rewrite("inputs/a.csv"), ""),
    (READ, write("inputs/b.csv"), ""),
    (
        "open('inputs/a.csv').read(); open('config.json').read()",
        write("config.json"),
        "config.json changed",
    ),
    (LIST, write("inputs/c.csv"), "inputs/: c.csv is new"),
    (LIST, remove("inputs/a.csv"), "inputs/: a.csv is gone"),
    (LIST, remove("inputs"), "inputs/ is missing"),
    (LIST, write("inputs/c.txt"), ""),
    (LIST, write("inputs/a.csv"), ""),
    (ALL, write("inputs/c.txt"), "inputs/: c.txt is new"),
    (
        ALL,
        lambda: os.rename("inputs/a.csv", "inputs/z.csv"),
        "inputs/: z.csv is new, a.csv is gone",
    ),
    (
        ALL,
        lambda: [write(f"inputs/{name}")() for name in "cdef"],
        "inputs/: c, d and 2 more are new",
    ),
    (ALL, write("inputs/.ipynb_checkpoints"), ""),
    (ASK, write("none.csv"), "none.csv is new"),
    (ASK, lambda: os.mkdir("none.csv"), "none.csv is new"),
    (ASK, write("other.csv"), ""),
    ("import os; os.stat('none.csv')", write("none.csv"), "none.csv is new"),
    (
        "from pathlib import Path; Path('none.csv').is_file()",
        write("none.csv"),
        "none.csv is new",
    ),
    ("open('none.csv')", write("none.csv"), "none.csv is new"),
    (
        "import os; os.listdir('none.csv')",
        lambda: os.mkdir("none.csv"),
        "none.csv is new",
    ),
    ("import os; os.path.exists('inputs')", remove("inputs"), "inputs is missing"),
    (
        "import os; os.path.isdir('inputs/a.csv')",
        remove("inputs/a.csv"),
        "inputs/a.csv is missing",
    ),
    ("import os; os.path.isdir('inputs/a.csv')", write("inputs/a.csv"), ""),
    (TIMES, touch("inputs/a.csv"), "inputs/a.csv has another time"),
    (TIMES, remove("inputs/a.csv"), "inputs/a.csv has another time"),
    (TIMES, touch("config.json"), ""),
    (
        "import os; os.readlink('link')",
        link("link", "config.json"),
        "link leads elsewhere",
    ),
    ("import os; os.readlink('link')", remove("link"), "link is missing"),
    (
        "import os; os.path.islink('link')",
        lambda: [remove("link")(), write("link")()],
        "link changed",
    ),
    ("open('link').read()", link("link", "config.json"), "link changed"),
    ("import plug", write("plug.py", "VALUE = 2"), "plug.py changed"),
    ("import plug", touch("plug.py"), ""),
    (
        "try: import absent\nexcept ImportError: pass",
        write("absent.py"),
        "absent.py is new",
    ),
    (
        "__import__('pack.inner')",
        write("pack/inner.py", "x = 1"),
        "pack/inner.py changed",
    ),
    ("__import__('pack.inner')", write("pack/other.py"), ""),
    (
        "import os; os.system('cat inputs/a.csv')",
        write("inputs/a.csv"),
        "inputs/a.csv changed",
    ),
    (
        "import os; os.system('ls inputs/*.csv')",
        write("inputs/c.csv"),
        "inputs/: c.csv is new",
    ),
    (
        "import os; os.system('cat none.csv 2>/dev/null')",
        write("none.csv"),
        "none.csv is new",
    ),
    (
        "import filecmp; filecmp.cmp('inputs/a.csv', 'config.json')",
        write("config.json", "1\n"),
        "config.json changed",
    ),
    (
        "import filecmp; filecmp.cmp('inputs/a.csv', 'plug.py')",
        write("plug.py", "1\n"),
        "plug.py changed",
    ),
    (
        "import filecmp; filecmp.cmp('inputs/a.csv', 'inputs/b.csv')",
        touch("inputs/b.csv"),
        "",
    ),
    ("open('run.log', 'a').write('x')", write("run.log"), ""),
]
FILES = {
    "inputs/a.csv": "1\n",
    "inputs/b.csv": "2\n",
    "config.json": "{}",
    "plug.py": "VALUE = 1",
    "pack/__init__.py": "",
    "pack/inner.py": "",
    "run.log": "old",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    (tmp_path / "link").symlink_to("plug.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODE", raising=False)
    return tmp_path


def present(folder: Path, **variables: str) -> Present:
    return Present(folder, variables, frozenset({"GIVEN"}), "salt", today())


def ended(folder: Path, code: str, **variables: str) -> Observations:
    """What is kept of a stage with this code once it has ended."""
    return settle(observe(folder, code), present(folder, **variables))


@pytest.mark.parametrize(("code", "edit", "said"), CHANGES)
def test_a_change_is_told_in_words_and_what_is_none_is_not(
    folder: Path, code: str, edit: Edit, said: str
) -> None:
    kept = ended(folder, code)
    assert compare(kept, present(folder)).differences == ()
    edit()
    assert ", ".join(compare(kept, present(folder)).differences) == said


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("MODE", None, "on", "MODE: unset -> on"),
        ("MODE", "on", "off", "MODE: on -> off"),
        ("MODE", "on", None, "MODE: on -> unset"),
        ("MODE", "on", "on", ""),
        ("MODE", None, "x" * 99, "MODE is set now"),
        ("MODE", "x" * 99, None, "MODE is unset now"),
        ("MODE", "x" * 99, "on", "MODE changed"),
        ("API_TOKEN", None, "abc", "API_TOKEN is set now"),
        ("API_TOKEN", "abc", "abd", "API_TOKEN changed"),
        ("API_TOKEN", "abc", None, "API_TOKEN is unset now"),
        ("GIVEN", "abc", "abd", "GIVEN changed"),
    ],
)
def test_a_variable_is_told_and_a_secret_not_shown(
    folder: Path, name: str, before: str | None, after: str | None, said: str
) -> None:
    given = {name: before} if before is not None else {}
    kept = ended(folder, f"import os; os.environ.get({name!r})", **given)
    assert "abc" not in repr(kept)
    now = {name: after} if after is not None else {}
    assert ", ".join(compare(kept, present(folder, **now)).differences) == said


def test_a_variable_is_told_after_thousands_of_stages(folder: Path) -> None:
    """In one process, as tests of stages run. Python 3.13 calls old methods of classes
    that change often."""
    watch = EnvironmentWatch(lambda mapping, key: None, lambda key: None, lambda: None)
    for _ in range(2000):
        watch.begin()
        watch.end()
        os.environ.get("MODE")
    kept = ended(folder, "import os; os.environ.get('MODE')")
    assert compare(kept, present(folder, MODE="on")).differences == (
        "MODE: unset -> on",
    )


@pytest.mark.parametrize(
    "code",
    [
        "import datetime; datetime.date.today()",
        "from datetime import datetime as d; d.now()",
        "import time; time.ctime()",
    ],
)
def test_another_day_is_told(folder: Path, code: str) -> None:
    kept = ended(folder, code)
    later = Present(folder, day="2999-01-01")
    assert compare(kept, later).differences == (
        f"the day changed ({kept.calendar} -> 2999-01-01)",
    )


WROTE = [
    "open('out.csv', 'w').write('1')",
    "import shutil; shutil.copy('inputs/a.csv', 'out.csv')",
    "import os; os.system('cat inputs/a.csv > out.csv')",
    "import os; os.link('inputs/a.csv', 'out.csv')",
    "open('part', 'w').write('1'); import os; os.replace('part', 'out.csv')",
]


@pytest.mark.parametrize("code", WROTE)
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (remove("out.csv"), "out.csv is missing"),
        (lambda: [remove("out.csv")(), write("out.csv")()], "out.csv changed"),
        (touch("out.csv"), None),
    ],
)
def test_what_became_of_a_file_that_a_stage_made_is_told(
    folder: Path, code: str, edit: Edit, said: str | None
) -> None:
    [one] = ended(folder, code).written
    edit()
    found = compare_left(one, present(folder))
    assert (found if isinstance(found, str) else None) == said
