"""Random small notebooks that share values and files, and what they print one after
another."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.compiler.notebooks import write_notebook

NAMES = ("a", "b", "c")
FOLDERS = ("", "north", "north/deep")
RUN_WHOLE = """\
import json, os, pickle, sys
cells, takes, leaves, store = json.loads(sys.argv[1])
for name in takes:
    globals()[name] = pickle.loads(open(f"{store}/{takes[name]}-{name}", "rb").read())
for cell in cells:
    exec(compile(cell, "cell", "exec"), globals())
for name in leaves:
    open(f"{store}/{leaves[name]}-{name}", "wb").write(pickle.dumps(globals()[name]))
"""


class Sketch:
    """One notebook in the making: `cells` are `(source, tags)`, `bound` what is surely
    bound so far."""

    def __init__(self, name: str, folder: str, taken: Mapping[str, str]) -> None:
        self.name, self.folder = name, folder
        self.cells: list[tuple[str, list[str]]] = []
        self.bound: set[str] = set()
        self.taken = dict(taken)
        self.takes: dict[str, str] = {}
        self.shares: list[str] = []

    def known(self) -> list[str]:
        return sorted(self.bound | set(self.taken))

    def use(self, name: str) -> str:
        if name not in self.bound:
            self.takes[name] = self.taken[name]
        return name


def make_world(seed: int) -> list[Sketch]:
    """Two or three notebooks, in their order."""
    chosen = random.Random(seed)
    written: list[str] = []
    shared: dict[str, str] = {}
    world = []
    for number in range(chosen.choice((2, 3))):
        sketch = Sketch(f"nb{number}", chosen.choice(FOLDERS), shared)
        if chosen.random() < 0.4 and sketch.known():
            name = chosen.choice(sketch.known())
            sketch.cells.append((f"def grown(by):\n    return {name} + [by]", []))
            sketch.use(name)
        for stage in range(chosen.choice((2, 3))):
            lines = [
                _line(chosen, sketch, written) for _ in range(chosen.choice((1, 2, 3)))
            ]
            sketch.cells.append(("\n".join(lines), [f"stage:s{stage}"]))
        for name in sorted(sketch.bound):
            if chosen.random() < 0.6:
                sketch.shares.append(name)
                place = chosen.randrange(len(sketch.cells))
                # Where the tag stands does not matter, but leading code belongs to no
                # stage.
                sketch.cells[max(place, len(sketch.cells) - 1)][1].append(
                    f"shares:{name}"
                )
                shared = {**shared, name: sketch.name}
        world.append(sketch)
    return world


def _line(chosen: random.Random, sketch: Sketch, written: list[str]) -> str:
    up = "../" * len(Path(sketch.folder).parts)
    known = sketch.known()
    kind = chosen.choice(
        ("bind", "bind", "grow", "derive", "may bind", "write", "read", "print", "loop")
    )
    name = chosen.choice(NAMES)
    if kind == "write" and known:
        file = chosen.choice(("one.txt", "two.txt"))
        written.append(file)
        return f"with open({up + file!r}, 'w') as f:\n    print({sketch.use(chosen.choice(known))}, file=f)"
    if kind == "read" and written:
        return f"print(open({up + chosen.choice(written)!r}).read())"
    if kind in {"grow", "loop"} and known:
        other = sketch.use(chosen.choice(known))
        grow = f"{other}.append({chosen.randrange(9)})"
        return grow if kind == "grow" else f"for n in range(2):\n    {grow}"
    if kind == "derive" and known:
        line = f"{name} = {sketch.use(chosen.choice(known))} + [len({sketch.use(chosen.choice(known))})]"
        sketch.bound.add(name)
        return line
    if kind == "may bind" and name in known:
        return f"if len({sketch.use(name)}) % 2:\n    {name} = [{chosen.randrange(9)}]"
    if kind == "print" and known:
        return f"print({', '.join(sketch.use(each) for each in known)})"
    sketch.bound.add(name)
    return f"{name} = [{chosen.randrange(9)}]"


def edited(world: Sequence[Sketch], seed: int) -> None:
    """Change a number in one cell."""
    chosen = random.Random(seed)
    sketch = chosen.choice(world)
    place = chosen.randrange(len(sketch.cells))
    source, tags = sketch.cells[place]
    sketch.cells[place] = (f"{source}\nprint('edited', {seed})", tags)


def write_world(folder: Path, world: Sequence[Sketch]) -> list[Path]:
    paths = []
    for sketch in world:
        path = folder / sketch.folder / f"{sketch.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(write_notebook(path, sketch.cells))
    return paths


def prints_one_after_another(folder: Path, world: Sequence[Sketch]) -> dict[str, str]:
    """What each notebook prints, each in a process of its own, in its folder below
    `folder`."""
    store = folder / "pickles"
    store.mkdir()
    printed = {}
    for sketch in world:
        place = folder / sketch.folder
        place.mkdir(parents=True, exist_ok=True)
        leaves = dict.fromkeys(sketch.shares, sketch.name)
        told = json.dumps(
            [[source for source, _ in sketch.cells], sketch.takes, leaves, str(store)]
        )
        command = [sys.executable, "-c", RUN_WHOLE, told]
        done = subprocess.run(
            command, cwd=place, check=True, capture_output=True, text=True
        )
        printed[sketch.name] = done.stdout
    return printed
