"""How dense the code is: comments, branches, tokens, paths of functions and sizes of
folders.

    python benchmarks/density.py                  # a table of our packages
    python benchmarks/density.py --functions 20   # and the functions with most paths
    python benchmarks/density.py PATH…            # other trees, such as pluggy or nbclient in site-packages
    python benchmarks/density.py --check          # exits 1 if a figure of benchmarks/density.json got worse: of a
                                                  # package, or of all together
    python benchmarks/density.py --update         # writes what got better into benchmarks/density.json

Counting: a *code line* is a line with a token that is neither comment nor docstring.
*Comments* are lines with a comment that is not a directive (`noqa`, `type:`), for 100
code lines. *Branches* are what makes paths, for 100 lines of functions. The *paths* of
a function are 1 and one more for each `if`, `for`, `while`, `except`, `case`,
conditional expression, `and`/`or`, and for each `for` and filter of a comprehension.
Nested functions count for themselves and for the function that holds them.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import math
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Path(__file__).with_name("density.json")
MOST_PATHS = 12
MOST_MODULES = 15
DOCUMENTED_FROM = 8
# A package that has these need not get better, and may get worse up to them.
ENOUGH_COMMENTS = 3.0
FEW_BRANCHES = 30
FEW_TOKENS = 7.5
# Lines of functions: below, one branch more or less changes the rate by much.
LONG_FILE = 30
COMMENTS = "comments per 100 lines"
BRANCHES = "branches per 100 lines"
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_DIRECTIVES = ("# noqa", "# type:", "# fmt:", "#!")


@dataclass
class Function:
    """One function: where it is, how many paths it has, whether it has a docstring."""

    place: str
    paths: int
    documented: bool


@dataclass
class Figures:
    """Sums over files, and the rates that follow from them."""

    code_lines: int = 0
    comments: int = 0
    tokens: int = 0
    function_lines: int = 0
    branches: int = 0
    functions: list[Function] = field(default_factory=list)
    files: dict[str, Figures] = field(default_factory=dict)

    def add(self, other: Figures) -> None:
        """Take over the sums of another tree."""
        for name in ("code_lines", "comments", "tokens", "function_lines", "branches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.functions += other.functions
        self.files |= other.files

    @property
    def comments_per_100(self) -> float:
        return 100 * self.comments / max(self.code_lines, 1)

    @property
    def branches_per_100(self) -> float:
        return 100 * self.branches / max(self.function_lines, 1)

    @property
    def tokens_per_line(self) -> float:
        return self.tokens / max(self.code_lines, 1)

    @property
    def winding(self) -> list[Function]:
        """Functions with more paths than people can follow."""
        return [each for each in self.functions if each.paths > MOST_PATHS]

    @property
    def silent(self) -> list[Function]:
        """Functions with many paths and no docstring."""
        return [
            each
            for each in self.functions
            if each.paths >= DOCUMENTED_FROM and not each.documented
        ]


def measure_file(path: Path, name: str) -> Figures:
    """The figures of one file. Raises SyntaxError."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    docstrings = set(_docstring_lines(tree))
    found = Figures()
    code_lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found.comments += not token.string.startswith(_DIRECTIVES)
        elif token.type not in _SILENT and token.start[0] not in docstrings:
            found.tokens += 1
            code_lines.update(range(token.start[0], token.end[0] + 1))
    found.code_lines = len(code_lines)
    for node in _functions(tree):
        paths = paths_of(node)
        documented = ast.get_docstring(node) is not None
        found.functions.append(Function(f"{name}:{node.name}", paths, documented))
    for node in _outermost(tree):
        found.function_lines += len(
            code_lines.intersection(range(node.lineno, (node.end_lineno or 0) + 1))
        )
        found.branches += paths_of(node) - 1
    return found


def paths_of(node: ast.AST) -> int:
    """The paths of a function, as the module's docstring counts them."""
    return 1 + sum(_weight(each) for each in ast.walk(node))


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    single = (
        ast.If
        | ast.For
        | ast.AsyncFor
        | ast.While
        | ast.IfExp
        | ast.ExceptHandler
        | ast.match_case
    )
    return int(isinstance(node, single))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _outermost(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    pending = [tree]
    while pending:
        for child in ast.iter_child_nodes(pending.pop()):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child
            else:
                pending.append(child)


def _docstring_lines(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        holder = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        # A text that stands alone documents what is above it, as a docstring does.
        body = node.body if isinstance(node, holder) else []
        for each in body:
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                yield from range(each.lineno, (each.end_lineno or each.lineno) + 1)


def measure_tree(folder: Path, base: Path) -> dict[str, Figures]:
    """The figures of each package directly below `folder`, and of what lies beside
    them, by name."""
    found: dict[str, Figures] = {}
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        package = relative.parts[0] if len(relative.parts) > 1 else "."
        try:
            figures = measure_file(path, path.relative_to(base).as_posix())
        except SyntaxError:
            continue
        figures.files[path.relative_to(base).as_posix()] = figures
        found.setdefault(package, Figures()).add(figures)
    return found


def crowded_folders(folder: Path) -> dict[str, int]:
    """Folders with more modules than a listing shows at a glance."""
    rooms: dict[str, int] = {}
    for path in folder.rglob("*.py"):
        if path.name != "__init__.py":
            room = path.parent.relative_to(folder.parent).as_posix()
            rooms[room] = rooms.get(room, 0) + 1
    return {
        room: count for room, count in sorted(rooms.items()) if count > MOST_MODULES
    }


def total(figures: Iterable[Figures]) -> Figures:
    """All packages together."""
    result = Figures()
    for each in figures:
        result.add(each)
    return result


def print_table(found: dict[str, Figures]) -> None:
    """One row a package."""
    row = "{:<16} {:>10} {:>9} {:>9} {:>11} {:>8} {:>12}"
    print(
        row.format(
            "",
            "code lines",
            "comments",
            "branches",
            "tokens/line",
            f">{MOST_PATHS} paths",
            "undocumented",
        )
    )
    for name, each in {**found, "all": total(found.values())}.items():
        rates = (
            f"{each.comments_per_100:.1f}",
            f"{each.branches_per_100:.0f}",
            f"{each.tokens_per_line:.1f}",
        )
        print(
            row.format(
                name, each.code_lines, *rates, len(each.winding), len(each.silent)
            )
        )


Limits = dict[str, dict[str, float]]
"""Package, or `all` -> name of a figure -> its limit."""


def figures_of(each: Figures) -> dict[str, float]:
    """What `--check` compares of a package: each may only fall, but the comments, which
    may only rise, up to where they are enough."""
    return {
        COMMENTS: min(round(each.comments_per_100, 1), ENOUGH_COMMENTS),
        BRANCHES: max(math.ceil(each.branches_per_100), FEW_BRANCHES),
        "tokens a line": max(round(each.tokens_per_line, 1), FEW_TOKENS),
        "functions over 12 paths": len(each.winding),
        "functions from 8 paths on without a docstring": len(each.silent),
    }


def limits_of(found: dict[str, Figures], folder: Path) -> Limits:
    """The figures of each package and of all together, by name."""
    limits = {name: figures_of(each) for name, each in found.items()}
    crowded = {"folders over 15 modules": float(len(crowded_folders(folder)))}
    return {"all": figures_of(total(found.values())) | crowded} | limits


def main() -> int:
    """Print the table; compare or update the limits if asked to."""
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "jupyter_pipe"])
    parser.add_argument("--functions", type=int, default=0, metavar="N")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    for folder in args.paths:
        found = measure_tree(folder, folder.parent)
        print(f"{folder.name}")
        print_table(found)
        for room, count in crowded_folders(folder).items():
            print(f"{room} has {count} modules")
        winding = sorted(total(found.values()).functions, key=lambda each: -each.paths)
        for each in winding[: args.functions]:
            print(f"{each.paths:>4}  {each.place}")
    if not (args.check or args.update):
        return 0
    found = measure_tree(ROOT / "jupyter_pipe", ROOT)
    now = limits_of(found, ROOT / "jupyter_pipe")
    return update_limits(now) if args.update else check_limits(now, found)


def update_limits(now: Limits) -> int:
    """Keep what is better than before; a package that is new is kept as it is, and one
    that is gone is not."""
    before = read_limits()
    kept = {
        package: {
            name: stricter(name, value, before.get(package, {}).get(name, value))
            for name, value in figures.items()
        }
        for package, figures in now.items()
    }
    LIMITS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 0


def stricter(name: str, one: float, other: float) -> float:
    """Of two limits the one that allows less."""
    return max(one, other) if name == COMMENTS else min(one, other)


def read_limits() -> Limits:
    """What `density.json` says; nothing if it is not there. Raises ValueError."""
    if not LIMITS.exists():
        return {}
    limits: Limits = json.loads(LIMITS.read_text(encoding="utf-8"))
    return limits


def check_limits(now: Limits, found: dict[str, Figures]) -> int:
    """Say what got worse, in which package, and where that package is densest."""
    worse = list(find_worse(now, read_limits()))
    for package, name, limit in worse:
        figure = now[package][name]
        print(
            f"denser than before: {package}, {name}: {figure} (limit {limit}). "
            f"{densest(found, package)}",
            file=sys.stderr,
        )
    return 1 if worse else 0


def find_worse(now: Limits, limits: Limits) -> Iterator[tuple[str, str, float]]:
    """Package, name and limit of each figure that its limit does not allow. What a new
    package has to keep to is that of all together."""
    for package, figures in now.items():
        for name, figure in figures.items():
            limit = limits.get(package, limits["all"])[name]
            if stricter(name, figure, limit) != figure:
                yield package, name, limit


def densest(found: dict[str, Figures], package: str) -> str:
    """Where to begin: the function of a package with the most paths, and its file with
    the most branches for its length."""
    figures = found.get(package) or total(found.values())
    nothing = Function("-", 0, documented=True)
    winding = max(figures.functions, key=lambda each: each.paths, default=nothing)
    # Files of a few lines have a rate that says nothing.
    rates = [
        (each.branches_per_100, path)
        for path, each in figures.files.items()
        if each.function_lines >= LONG_FILE
    ]
    rate, place = max(rates, default=(0.0, "-"))
    return (
        f"most paths: {winding.place} ({winding.paths}); most branches: {place} "
        f"({rate:.0f} per 100 lines)"
    )


if __name__ == "__main__":
    sys.exit(main())
