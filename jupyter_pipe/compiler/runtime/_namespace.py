"""The notebook's namespace, for stages that do not keep their meaning as a function.

`run_script` runs `scripts/STAGE.py` in it, cell by cell, as a kernel would: the value
of a last expression is shown, `_` and `Out` work, and definitions that several stages
repeat run once.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import functools
import inspect
import operator
import re
import sys
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ._notebook import GateError, display

__all__ = ["UNBOUND", "get_ipython", "run_script"]


class _Unbound:
    """Stands for a variable that a stage left unbound."""

    def __repr__(self) -> str:
        return "<unbound>"


UNBOUND = _Unbound()
NAME = f"{__package__}.notebook"
NAMESPACE = types.ModuleType(NAME)

_MARKER = re.compile(r"^# %% \[(once|again|cell|gate)\b ?(.*)\]$")
_ran: set[str] = set()
_loops: list[asyncio.AbstractEventLoop] = []
_future = [0]
_FUTURE_FLAGS = functools.reduce(
    operator.or_,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)


def run_script(
    stage: str, values: Mapping[str, object], outputs: Iterable[str]
) -> dict[str, object]:
    """Bind `values`, run the cells of `stage`, and return those of `outputs` that are
    bound."""
    names = _prepared()
    bound = {name: value for name, value in values.items() if value is not UNBOUND}
    path = Path(__file__).with_name("scripts") / f"{stage}.py"
    text = path.read_text(encoding="utf-8")
    if "get_ipython" in text:
        get_ipython()
    parts = list(_parts(text))
    there = frozenset(names)
    names.update(bound)
    _make(parts, there, path)
    names.update(bound)
    for kind, label, line, source in parts:
        if kind == "cell":
            _run_cell(label, source, line, path)
        elif kind == "gate":
            _check(label, source, line, path)
    return {name: names[name] for name in outputs if name in names}


def _make(
    parts: Iterable[tuple[str, str, int, str]], there: frozenset[str], path: Path
) -> None:
    """Run what the stage's cells build on: imports and definitions that are not there
    yet, settings again."""
    for kind, label, line, source in parts:
        if kind == "again" or (
            kind == "once" and not _is_made(label.split(), source, there)
        ):
            _run(source, line, path)
            _ran.add(source)


def _is_made(names: list[str], source: str, there: frozenset[str]) -> bool:
    """A class must stay one class, and a function keep its state: only what is not
    there is made."""
    return source in _ran or (bool(names) and there.issuperset(names))


def _prepared() -> dict[str, object]:
    names = vars(NAMESPACE)
    sys.modules.setdefault(NAME, NAMESPACE)
    names.setdefault("display", display)
    names.setdefault("get_ipython", get_ipython)
    names.setdefault("Out", {})
    return names


def _parts(text: str) -> Iterator[tuple[str, str, int, str]]:
    """Kind, label, lines before it, and source of each part."""
    kind, label, start, lines = "", "", 0, text.split("\n")
    for number, line in enumerate([*lines, "# %% [cell ]"]):
        found = _MARKER.match(line)
        if found and kind:
            yield kind, label, start, "\n".join(lines[start:number])
        if found:
            kind, label, start = found.group(1), found.group(2), number + 1


def _check(expression: str, source: str, line: int, path: Path) -> None:
    if not _run(source, line, path):
        read = {
            node.id
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Name)
        }
        raise GateError(
            expression,
            {name: vars(NAMESPACE)[name] for name in sorted(read & {*vars(NAMESPACE)})},
        )


def _run_cell(label: str, source: str, line: int, path: Path) -> None:
    number, _, tolerance = label.partition(" ")
    try:
        _show(int(number), _run(source, line, path))
    except Exception:
        if tolerance != "may raise":
            raise
        traceback.print_exc()


def _run(source: str, line: int, path: Path) -> object:
    """Run the statements and return the value of a last expression, if that is one to
    show."""
    # The notebook is the main module to itself; classes are found again under the
    # module's own name.
    vars(NAMESPACE)["__name__"] = "__main__" if "__name__" in source else NAME
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    tree = compile(source, str(path), "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    ast.increment_lineno(tree, line)
    last: ast.Expression | None = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not _is_silent(source):
        last = ast.Expression(tree.body[-1].value)
        del tree.body[-1]
    _evaluate(tree, path)
    return None if last is None else _evaluate(last, path)


def _is_silent(source: str) -> bool:
    lines = [
        line
        for line in source.split("\n")
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return bool(lines) and lines[-1].split("#")[0].rstrip().endswith(";")


def _evaluate(tree: ast.Module | ast.Expression, path: Path) -> object:
    mode = "exec" if isinstance(tree, ast.Module) else "eval"
    code = compile(
        tree,
        str(path),
        mode,
        ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | _future[0],
        dont_inherit=True,
    )
    # `from __future__ import …` holds for all later cells of a kernel.
    _future[0] |= code.co_flags & _FUTURE_FLAGS
    value: object = eval(code, vars(NAMESPACE))
    if code.co_flags & inspect.CO_COROUTINE and inspect.iscoroutine(value):
        if not _loops:
            _loops.append(asyncio.new_event_loop())
        return _loops[0].run_until_complete(value)
    return value


def _show(number: int, value: object) -> None:
    names = vars(NAMESPACE)
    if value is not None:
        display(value)
        names.update(
            {
                "___": names.get("__", ""),
                "__": names.get("_", ""),
                "_": value,
                f"_{number}": value,
            }
        )
        names["Out"][number] = value


def get_ipython() -> object:
    """A shell over the namespace, for magics; it needs IPython, as the notebook does.

    It is also what `IPython.get_ipython()` gives, unless this process is a notebook of
    its own.
    """
    if "_shell" not in globals():
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        quiet = Config({"HistoryManager": {"enabled": False}})
        make = (
            InteractiveShell
            if InteractiveShell.initialized()
            else InteractiveShell.instance
        )
        globals()["_shell"] = make(
            config=quiet, user_module=NAMESPACE, user_ns=vars(NAMESPACE)
        )
    return globals()["_shell"]
