"""Which dotted names of libraries are submodules that their package does not import by
itself.

`import matplotlib` does not give `matplotlib.pyplot`; it is there if anything has
imported it, such as another library. Looks at files of packages, and imports none of
them.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["is_left_to_others"]


@functools.lru_cache(maxsize=1024)
def is_left_to_others(module: str) -> bool:
    """Whether `module` (`matplotlib.pyplot`) is a submodule that importing its package
    leaves out."""
    parent, _, name = module.rpartition(".")
    folder = _folder_of(parent)
    if folder is None or not name.isidentifier() or not _is_module(folder, name):
        return False
    try:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    return name not in set(_provided(tree))


@functools.lru_cache(maxsize=256)
def _folder_of(package: str) -> Path | None:
    root, *parts = package.split(".")
    try:
        spec = PathFinder.find_spec(root)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations or spec.origin is None:
        return None
    return Path(spec.origin).parent.joinpath(*parts)


def _is_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (
        folder / name / "__init__.py"
    ).is_file()


def _run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of what runs when the package is imported, and of its own
    `__getattr__`."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if (
            not isinstance(node, functions)
            or getattr(node, "name", "") == "__getattr__"
        ):
            todo.extend(ast.iter_child_nodes(node))


def _provided(tree: ast.Module) -> Iterator[str]:
    """Names that the package's own code binds or imports, or may give when asked for
    them."""
    lazy = any(
        isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
        for node in tree.body
    )
    for node in _run_at_import(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _names_imported(node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif lazy and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _names_imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """`a`, `b`, `c` and `d` of `from a.b import c as d`."""
    if isinstance(node, ast.ImportFrom):
        yield from (node.module or "").split(".")
    for alias in node.names:
        yield from (*alias.name.split("."), alias.asname or "")
