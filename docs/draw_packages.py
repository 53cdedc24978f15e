"""Draws docs/images/packages.svg: which package imports which, read from the code.

`python docs/draw_packages.py` writes; `--check` exits 1 if the picture is not current.
An arrow goes from the package that is imported to the one that imports it; arrows that
follow from others are left out.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from jupyter_pipe.model import Edge, Pipeline, Source, Stage
from jupyter_pipe.render import to_svg

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jupyter_pipe"
TARGET = ROOT / "docs" / "images" / "packages.svg"
NOUNS = {"errors", "model", "events", "diagnostics"}


def main() -> int:
    """Write or check the picture."""
    text = draw()
    if "--check" in sys.argv[1:]:
        return (
            0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text else 1
        )
    TARGET.write_text(text, encoding="utf-8")
    return 0


def draw() -> str:
    """The picture, with our own layout: packages are its stages."""
    users = read_imports()
    names = sorted({*users, *(name for found in users.values() for name in found)})
    ordered = sorted(names, key=lambda name: (len(reached(name, users)), name))
    stages = tuple(Stage(name, (), "", "") for name in ordered)
    edges = tuple(
        Edge(source, name)
        for name in ordered
        for source in sorted(nearest(name, users))
    )
    return (
        to_svg(Pipeline(1, "packages", "", Source("", ""), stages=stages, edges=edges))
        + "\n"
    )


def read_imports() -> dict[str, set[str]]:
    """Package -> the packages that it imports; the nouns at the bottom count as one."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in {"__init__", "__main__", "labextension"}:
            continue
        name = room(parts[0])
        found.setdefault(name, set()).update(room(other) for other in imported(path))
        found[name].discard(name)
    return found


def room(name: str) -> str:
    """The box that a module or package belongs to."""
    return "model" if name in NOUNS else name


def imported(path: Path) -> Iterator[str]:
    """The packages of ours that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "jupyter_pipe."
        ):
            yield (node.module or "").split(".")[1]


def reached(name: str, users: dict[str, set[str]]) -> set[str]:
    """Everything below a package."""
    found: set[str] = set()
    pending = [name]
    while pending:
        for other in users.get(pending.pop(), set()) - found:
            found.add(other)
            pending.append(other)
    return found


def nearest(name: str, users: dict[str, set[str]]) -> set[str]:
    """What a package imports that none of its other imports stands upon."""
    direct = users.get(name, set())
    below = {each for other in direct for each in reached(other, users)}
    return direct - below


if __name__ == "__main__":
    sys.exit(main())
