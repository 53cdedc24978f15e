"""Our scoping rules agree with CPython's `symtable`, on its own standard library."""

from __future__ import annotations

import ast
import symtable
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_pipe.analysis.source.scopes import scope_of

STDLIB = Path(sysconfig.get_path("stdlib"))
MODULES = (
    "argparse.py",
    "dataclasses.py",
    "typing.py",
    "asyncio/tasks.py",
    "contextlib.py",
    "ast.py",
    "enum.py",
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@pytest.mark.parametrize("name", MODULES)
def test_functions_bind_what_symtable_says(name: str) -> None:
    source = (STDLIB / name).read_text(encoding="utf-8")
    ours = sorted(_ours(ast.parse(source)))
    theirs = sorted(_theirs(symtable.symtable(source, name, "exec")))
    assert ours == theirs


def test_a_walrus_in_a_comprehension_binds_in_the_function() -> None:
    function = ast.parse("def f():\n    any((h := v) for v in s)").body[0]
    assert scope_of(function).names == {"h"}


def test_global_and_nonlocal_names_live_elsewhere() -> None:
    scope = scope_of(ast.parse("def f():\n    global n\n    n = 1\n    m = 2").body[0])
    assert (scope.names, scope.global_) == ({"m"}, {"n"})


def _ours(tree: ast.Module) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            yield (
                node.lineno,
                getattr(node, "name", "lambda"),
                tuple(sorted(scope_of(node).names)),
            )


def _theirs(table: symtable.SymbolTable) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for child in table.get_children():
        if child.get_type() == "function" and child.get_name() not in COMPREHENSIONS:
            names = {
                s.get_name()
                for s in child.get_symbols()
                if s.is_local() and not _only_annotated(s)
            }
            # Comprehensions are tables of their own there, and ours hold no names of
            # functions.
            yield (
                child.get_lineno(),
                child.get_name(),
                tuple(sorted(n for n in names if n[0] != ".")),
            )
        yield from _theirs(child)


COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})


def _only_annotated(symbol: symtable.Symbol) -> bool:
    return (
        symbol.is_annotated() and not symbol.is_assigned() and not symbol.is_parameter()
    )
