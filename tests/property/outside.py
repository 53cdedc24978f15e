"""Random notebooks that read and write what no variable holds, and random edits of that between runs.

A `Scene` is a notebook and what it finds around it: files, modules, environment variables, the day. Pure but
for `Scene.lay_out` and `Edit.make`, which write below a folder.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["READERS", "WRITERS", "Edit", "Scene", "random_edit", "random_scene"]

FILES = ("inputs/a.txt", "inputs/b.txt", "inputs/deep/c.txt", "note.txt")
MADE = ("out/p.txt", "out/q.txt", "made.txt")
VARIABLES = ("FUZZ_MODE", "FUZZ_LEVEL")

# {file} is a file of FILES or MADE, {folder} and {stem} are its folder and name, {name} is a variable.
READERS: dict[str, tuple[str, ...]] = {
    "literal": ('print(open("{file}").read() if os.path.exists("{file}") else None)',),
    "computed": (
        'name = "{stem}"\nprint(Path("{folder}", name + ".txt").read_text() if os.path.isdir("{folder}") and '
        '(name + ".txt") in os.listdir("{folder}") else "-")',
        'path = os.path.join("{folder}", "%s.txt" % "{stem}")\ntry:\n    print(open(path).read())\n'
        'except OSError:\n    print("none")',
        'text = ""\nfor path in [Path("{folder}") / f"{stem}.txt"]:\n    if path.is_file():\n'
        "        text += path.read_text()\nprint(text)",
        'with suppress(OSError):\n    print(np.loadtxt("{folder}" + "/" + "{stem}" + ".txt"))',
        'with suppress(OSError):\n    print(pd.read_csv("%s/{stem}.txt" % "{folder}", header=None))',
        'with suppress(OSError):\n    print(list(csv.reader(io.open("{folder}/" + "{stem}.txt"))))',
        'with suppress(OSError):\n    print(os.read(os.open(os.fspath("{file}"), os.O_RDONLY), 9))',
        'with suppress(OSError):\n    print(linecache.getline("{folder}/{stem}" + ".txt", 1))',
        'with suppress(OSError):\n    print(*fileinput.input(["{file}"]))',
    ),
    "globbed": (
        'print(sorted(glob.glob("{folder}/*.txt")))',
        'print([open(path).read() for path in sorted(glob.glob("{folder}/*.txt"))])',
        'print(sorted(path.name for path in Path("{folder}").glob("*.txt")))',
        'print(sum(float(path.read_text()) for path in Path("{folder}").glob("*.txt")))',
        'print(sorted(path.name for path in Path("inputs").rglob("*.txt")))',
        'print(sorted(glob.glob("inputs/**/*.txt", recursive=True)))',
    ),
    "listed": (
        'print(sorted(os.listdir("inputs")))',
        'print(sorted(entry.name for entry in os.scandir("inputs")))',
        'print(sorted(path.name for path in Path("inputs").iterdir()))',
        'print(len([name for name in os.listdir("inputs/deep")]))',
    ),
    "walked": (
        'print(sorted(name for _, _, names in os.walk("inputs") for name in names))',
        'print(sum(len(names) for _, _, names in os.walk("out")))',
    ),
    "conditional": (
        'print("yes" if os.path.exists("{file}") else "no")',
        'print(Path("{file}").read_text() if Path("{file}").exists() else "nothing")',
        'try:\n    print(open("{file}").read())\nexcept FileNotFoundError:\n    print("missing")',
        'print(os.path.isfile("{file}"), os.path.isdir("{folder}"))',
        'print(os.path.getsize("{file}") if os.access("{file}", os.R_OK) else -1)',
        'print(configparser.ConfigParser().read(["nothing.ini", "conf.ini"]))',
    ),
    "program": (
        'print(subprocess.run(["cat", "{file}"], capture_output=True, text=True).stdout)',
        'print(subprocess.run("cat {folder}/{stem}.txt", shell=True, capture_output=True, text=True).stdout)',
        "!cat {file}",
        "!ls inputs",
        'print(subprocess.run([sys.executable, "tool.py"], capture_output=True, text=True).stdout)',
    ),
    "environment": (
        'print(os.environ.get("{name}"))',
        'print(os.getenv("{name}", "default"))',
        'print("{name}" in os.environ)',
        'print(sorted(name for name in os.environ if name.startswith("FUZZ_")))',
    ),
    "calendar": ("print(datetime.date.today())", "print(date.today().isoformat())"),
    "modules": (
        # The name comes out of data: the analysis does not know which module it is.
        "print(importlib.import_module(json.loads('[\"plug\"]')[0]).VALUE)",
        "import plug\nprint(plug.VALUE)",
        'print(importlib.util.find_spec("extra") is not None)',
        'exec(open("script.py").read())',
        'print(runpy.run_path("script.py")["RESULT"])',
    ),
    "sqlite": (
        'print(sqlite3.connect("data.db").execute("select sum(x) from t").fetchall())',
        'print(pd.read_sql("select * from t", sqlite3.connect("data" + ".db")).x.tolist())',
    ),
    "copied": (
        'print(shutil.copy("note.txt", "copy of note.txt"), open("copy of note.txt").read())',
        'with suppress(OSError):\n    print(filecmp.cmp("{file}", "note.txt", shallow=False))',
    ),
}
WRITERS: dict[str, tuple[str, ...]] = {
    "written": (
        'open("{made}", "w").write("{number}")\nprint("made")',
        'Path("{made_folder}", "{made_stem}" + ".txt").write_text("{number}")',
        'name = "{made_stem}"\nwith open(f"{made_folder}/{{name}}.txt", "w") as file:\n'
        "    print({number}, file=file)",
        'np.savetxt("{made}", [{number}])',
    ),
    "by program": (
        'print(os.system("echo {number} > {made}"))',
        "!echo {number} > {made}",
        'print(subprocess.run("echo {number} > {made}", shell=True).returncode)',
    ),
    "derived": (
        'Path("{made}").write_text(Path("note.txt").read_text() + "{number}")',
        'print(shutil.copy("inputs/a.txt", "{made}") if os.path.exists("inputs/a.txt") else 0)',
    ),
    "environment": ('os.environ["{name}"] = "{number}"',),
    "replaced": (
        'Path("{made}.new").write_text("{number}")\nos.replace("{made}.new", "{made}")',
        'Path("{made}").unlink(missing_ok=True)',
    ),
    "appended": ('with open("app.log", "a") as file:\n    print({number}, file=file)',),
    "continued": (
        'open("chain.txt", "w").write("{number}\\n")',
        'with open("chain.txt", "a") as file:\n    print({number}, file=file)',
        'print(open("chain.txt").read() if os.path.exists("chain.txt") else 0)',
    ),
}
IMPORTS = """\
import configparser, csv, datetime, filecmp, fileinput, glob, importlib, importlib.util, io, json
import linecache, os, runpy, shutil, sqlite3, subprocess, sys
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd"""


@dataclass
class Scene:
    """`cells` are (stage, source); `day` counts from today."""

    cells: list[tuple[str, str]]
    kinds: list[str]
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    day: int = 0

    def lay_out(self, folder: Path) -> Path:
        """Write the notebook and all that is around it."""
        for name in ("inputs/deep", "out"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text)
        write_database(folder, 1)
        return self.write_notebook(folder)

    def write_notebook(self, folder: Path) -> Path:
        """The notebook alone."""
        path = folder / "scene.ipynb"
        cells = [("", IMPORTS), *((f"stage:{stage}", source) for stage, source in self.cells)]
        content = {
            "cells": [
                {
                    "id": f"cell{number}",
                    "cell_type": "code",
                    "source": source,
                    "metadata": {"tags": [tag] if tag else []},
                    "outputs": [],
                    "execution_count": None,
                }
                for number, (tag, source) in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path.write_text(json.dumps(content))
        return path


def random_scene(chance: random.Random, kinds: frozenset[str] = frozenset(READERS)) -> Scene:
    """Two to five stages of one or two statements each; every other scene writes as well."""
    writes = chance.random() < 0.5
    cells, chosen = [], []
    for number in range(chance.randint(2, 5)):
        parts = []
        for _ in range(chance.randint(1, 2)):
            writer = writes and chance.random() < 0.4
            kind = chance.choice(sorted(WRITERS) if writer else sorted(kinds))
            parts.append(_fill(chance.choice((WRITERS if writer else READERS)[kind]), chance))
            chosen.append(kind)
        cells.append((f"s{number}", "\n".join(parts)))
    if any("chain.txt" in source for _, source in cells):
        # Who goes on from a file that nobody begins makes it longer with every run of the notebook.
        cells.insert(0, ("begin", 'open("chain.txt", "w").write("begin\\n")'))
    files = {name: str(chance.randint(10, 99)) for name in FILES}
    files |= {"plug.py": "VALUE = 1\n", "script.py": "RESULT = 1\nprint('script', RESULT)\n"}
    files |= {"tool.py": "print('tool', 1)\n"}
    return Scene(cells, chosen, files)


def _fill(text: str, chance: random.Random) -> str:
    path = Path(chance.choice((*FILES, *FILES, *MADE)))
    made = Path(chance.choice(MADE))
    return text.format(
        file=path.as_posix(),
        folder=path.parent.as_posix(),
        stem=path.stem,
        made=made.as_posix(),
        made_folder=made.parent.as_posix(),
        made_stem=made.stem,
        name=chance.choice(VARIABLES),
        number=chance.randint(100, 999),
    )


def write_database(folder: Path, value: int) -> None:
    """A database of one table with two rows."""
    connection = sqlite3.connect(folder / "data.db")
    with connection:
        connection.execute("drop table if exists t")
        connection.execute("create table t (x integer)")
        connection.executemany("insert into t values (?)", [(value,), (value + 1,)])
    connection.close()


@dataclass(frozen=True)
class Edit:
    """Something that happens between two runs, told in `text`. `make` does it to a folder, and may be done
    to several; it has changed the scene itself already."""

    text: str
    make: Callable[[Path], None]


def random_edit(scene: Scene, chance: random.Random) -> Edit:
    """Changes the scene, and says what is to be done to its files."""
    return chance.choice(_EDITS)(scene, chance)


def _nothing(scene: Scene, chance: random.Random) -> Edit:
    return Edit("nothing", lambda folder: None)


def _change_file(scene: Scene, chance: random.Random) -> Edit:
    name, text = chance.choice(FILES), str(chance.randint(10, 99))
    return Edit(f"{name} becomes {text}", lambda folder: _write(folder / name, text))


def _touch_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(FILES)
    return Edit(f"touch {name}", lambda folder: _touch(folder / name))


def _add_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(
        ("inputs/new.txt", "inputs/deep/new.txt", "inputs/other.log", "conf.ini", "extra.py")
    )
    text = "" if name.endswith((".ini", ".py")) else str(chance.randint(10, 99))
    return Edit(f"add {name}", lambda folder: _write(folder / name, text))


def _delete_file(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice((*FILES[:3], "inputs/new.txt", "extra.py", "conf.ini"))
    return Edit(f"delete {name}", lambda folder: (folder / name).unlink(missing_ok=True))


def _delete_made(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(MADE)
    return Edit(f"delete {name}", lambda folder: (folder / name).unlink(missing_ok=True))


def _change_made(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(MADE)
    return Edit(f"{name} becomes 7", lambda folder: _write(folder / name, "7"))


def _rename_file(scene: Scene, chance: random.Random) -> Edit:
    old, new = chance.choice((("inputs/a.txt", "inputs/z.txt"), ("inputs/z.txt", "inputs/a.txt")))
    return Edit(f"{old} becomes {new}", lambda folder: _rename(folder / old, folder / new))


def _set_variable(scene: Scene, chance: random.Random) -> Edit:
    name, value = chance.choice(VARIABLES), chance.choice(("on", "off", "3"))
    scene.environment = {**scene.environment, name: value}
    return Edit(f"{name}={value}", lambda folder: None)


def _unset_variable(scene: Scene, chance: random.Random) -> Edit:
    name = chance.choice(VARIABLES)
    scene.environment = {key: value for key, value in scene.environment.items() if key != name}
    return Edit(f"unset {name}", lambda folder: None)


def _edit_module(scene: Scene, chance: random.Random) -> Edit:
    value = chance.randint(10, 99)
    name, text = chance.choice(
        (
            ("plug.py", f"VALUE = {value}\n"),
            ("script.py", f"RESULT = {value}\nprint('script', RESULT)\n"),
            ("tool.py", f"print('tool', {value})\n"),
        )
    )
    return Edit(f"{name} becomes {value}", lambda folder: _write(folder / name, text))


def _next_day(scene: Scene, chance: random.Random) -> Edit:
    scene.day += 1
    return Edit("the next day", lambda folder: None)


def _change_database(scene: Scene, chance: random.Random) -> Edit:
    value = chance.randint(10, 99)
    return Edit(f"data.db holds {value}", lambda folder: write_database(folder, value))


def _edit_code(scene: Scene, chance: random.Random) -> Edit:
    place = chance.randrange(len(scene.cells))
    stage, source = scene.cells[place]
    scene.cells[place] = (stage, f"{source}\nprint({chance.randint(10, 99)})")
    return Edit(f"the code of {stage}", lambda folder: None)


_EDITS: tuple[Callable[[Scene, random.Random], Edit], ...] = (
    *(_nothing, _change_file, _change_file, _touch_file, _add_file, _delete_file, _delete_made),
    *(_change_made, _rename_file, _set_variable, _unset_variable, _edit_module, _next_day),
    *(_change_database, _edit_code),
)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _touch(path: Path) -> None:
    if path.exists():
        os.utime(path)


def _rename(old: Path, new: Path) -> None:
    if old.exists():
        os.replace(old, new)
