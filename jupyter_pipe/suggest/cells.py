"""What can be seen of a code cell without following its data: what it calls and binds,
how much it does. Pure.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from jupyter_pipe.analysis.source.magics import transform
from jupyter_pipe.analysis.source.units import is_parameter
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import Cell
from jupyter_pipe.suggest.verbs import NOTHING, Verb, find_verb

__all__ = ["Look", "look_at"]

_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)
_LOOP_EFFORT = 2.0
# `!pip install lightgbm`, `%conda install -y nodejs`, `!apt-get update`
_INSTALLS = re.compile(
    r"\s*[!%]\s*(pip3?|conda|mamba|uv|apt(-get)?|(\S*/)?python3? -m pip)\b.*\b(install|update)\b"
)
# `# Load the data`, `### Step 2: Cleaning ###`; no code, which has brackets and
# operators.
_TITLE = re.compile(r"#[\s#=*-]*((?:step\s+)?[\w][\w\s,&/'\u2019.:-]*?)[\s#=*-]*")
_LONGEST_TITLE = 60
_BUILTINS = frozenset(dir(builtins))


class Look(Struct, frozen=True):
    """`binds` are the names that top-level statements assign, in order. `settings` are
    those that are literals. `title` is the comment that the cell begins with, if that
    is a title; `maker` is the first function that is called and says something, such as
    `symbols` in `x, y = symbols("x y")`. `readable` is False for a cell that is not
    Python.
    """

    verb: Verb
    effort: float
    binds: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    title: str = ""
    maker: str = ""
    readable: bool = True
    only_installs: bool = False
    only_imports: bool = False
    only_definitions: bool = False
    only_settings: bool = False


def look_at(cells: Sequence[Cell]) -> dict[str, Look]:
    """A look at each cell, by id. A call of the notebook's own function counts as what
    it calls."""
    trees = {cell.id: transform(cell.source).tree for cell in cells}
    functions = _function_calls(tree for tree in trees.values() if tree is not None)
    return {cell.id: _look(cell, trees[cell.id], functions) for cell in cells}


def _look(cell: Cell, tree: ast.Module | None, functions: dict[str, set[str]]) -> Look:
    """All that is seen of one cell; `functions` says what each function of the notebook
    calls."""
    installs = _only_installs(cell.source)
    if tree is None:
        blank = transform(cell.source).problem is None
        return Look(NOTHING, 0.0, readable=blank, only_installs=installs)
    body = [node for node in tree.body if not _is_idle(node)]
    imports, running = _divided(body)
    settings = list(filter(is_setting, running))
    verb = find_verb(reachable(_calls(running), lambda name: functions.get(name, ())))
    return Look(
        verb=verb,
        effort=verb.effort + _statements(running),
        binds=_names_bound(running),
        settings=_names_bound(settings),
        title=_title(cell.source),
        maker=_first_told(_calls(running)),
        only_installs=installs,
        only_imports=bool(body) and len(imports) == len(body),
        only_definitions=bool(body) and not running,
        only_settings=bool(settings) and len(settings) + len(imports) == len(body),
    )


def _divided(body: Sequence[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The imports among statements, and what is neither an import nor a definition."""
    imports: list[ast.stmt] = []
    running: list[ast.stmt] = []
    for node in body:
        if isinstance(node, _IMPORTS):
            imports.append(node)
        elif not isinstance(node, _DEFINITIONS):
            running.append(node)
    return imports, running


def _names_bound(nodes: Iterable[ast.stmt]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for node in nodes for name in _bound(node)))


def _first_told(calls: Iterable[str]) -> str:
    """The first function that is not a builtin: `print` and `range` say nothing of a
    cell."""
    return next((name for name in calls if name not in _BUILTINS), "")


def is_setting(node: ast.stmt) -> bool:
    """A literal that somebody may want to change: not the empty list that a loop will
    fill."""
    # Lists, tuples and sets have `elts`, dictionaries `keys`; a number has neither, and
    # counts.
    value = getattr(node, "value", None)
    return is_parameter(node) and bool(
        getattr(value, "elts", getattr(value, "keys", True))
    )


def _is_idle(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _statements(nodes: Iterable[ast.stmt]) -> float:
    inside = [child for node in nodes for child in ast.walk(node)]
    loops = _LOOP_EFFORT * any(isinstance(child, _LOOPS) for child in inside)
    return loops + sum(isinstance(child, ast.stmt) for child in inside)


def _calls(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for child in ast.walk(node):
            if isinstance(child, ast.Call):
                name = getattr(child.func, "attr", getattr(child.func, "id", ""))
                if name:
                    yield name


def _function_calls(trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """What each function of the notebook calls."""
    found: dict[str, set[str]] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, set()).update(_calls(node.body))
    return found


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that an assignment or a `with` stores; the body of a `with` counts, other
    blocks do not."""
    match node:
        case ast.Assign(targets=targets):
            stores: list[ast.expr] = targets
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            stores = [target]
        case ast.With(items=items):
            stores = [
                item.optional_vars for item in items if item.optional_vars is not None
            ]
            for inner in node.body:
                yield from _bound(inner)
        case _:
            stores = []
    for store in stores:
        for child in ast.walk(store):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield child.id


def _only_installs(source: str) -> bool:
    lines = [
        line
        for line in source.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return bool(lines) and all(_INSTALLS.match(line) for line in lines)


def _title(source: str) -> str:
    """The first comment above any code, if it reads like a title and not like code."""
    lines = (line.strip() for line in source.splitlines())
    first = next((line for line in lines if line and not line.startswith("%%")), "")
    found = _TITLE.fullmatch(first)
    if (
        found is None
        or len(first) > _LONGEST_TITLE
        or "_" in found[1]
        or "=" in found[1]
    ):
        return ""
    return found[1].strip()
