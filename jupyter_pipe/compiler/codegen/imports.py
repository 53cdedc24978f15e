"""Import statements as facts and as text: what a name stands for, and tidy lines that
bind it.

Pure.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping

from msgspec import Struct

from jupyter_pipe.compiler.codegen.source import Statement, wrap_call

__all__ = ["ImportedName", "import_lines", "imported_names", "is_import"]

_OURS = ("dataclasses", "typing")
"""What each module needs for its record, and an import of everything may hide: numpy
has a `typing`, too."""


class ImportedName(Struct, frozen=True, order=True):
    """`import module as name`, `from module import member as name`, or, where `text` is
    set, a longer statement that imports (`try: import ujson …`)."""

    module: str
    member: str
    name: str
    level: int = 0
    text: str = ""

    @property
    def target(self) -> tuple[str, str, int, str]:
        """What the name stands for: `import a.b` binds the package `a`, whatever the
        submodule."""
        # `import a.b` and `import a.c` bind the same `a`.
        plain = not self.member and self.name == self.module.partition(".")[0]
        module = self.name if plain else self.module
        return module, self.member, self.level, self.text


def is_import(statement: Statement) -> bool:
    """Only imports on these lines, and none with a star."""
    return bool(statement.nodes) and all(
        isinstance(node, (ast.Import, ast.ImportFrom))
        and not any(a.name == "*" for a in node.names)
        for node in statement.nodes
    )


def imported_names(statement: Statement) -> tuple[ImportedName, ...]:
    """What the statement imports, one record a name."""
    found: list[ImportedName] = []
    for node in statement.nodes:
        if isinstance(node, ast.Import):
            found += [
                ImportedName(
                    alias.name, "", alias.asname or alias.name.partition(".")[0]
                )
                for alias in node.names
            ]
        elif isinstance(node, ast.ImportFrom):
            found += [
                ImportedName(
                    node.module or "",
                    alias.name,
                    alias.asname or alias.name,
                    node.level,
                )
                for alias in node.names
            ]
    return tuple(found)


def import_lines(names: Iterable[ImportedName]) -> str:
    """The statements that import `names`: the standard library first, the longer ones
    last."""
    groups: dict[str, list[ImportedName]] = {
        "future": [],
        "standard": [],
        "other": [],
        "ours": [],
    }
    longer: dict[str, None] = {}
    # A set, as two stages' cells import the same; sorted, so that the file is the same
    # each time.
    for name in sorted(set(names)):
        if name.text:
            longer[name.text] = None
        else:
            groups[_group(name)].append(name)
    texts = [_lines(group) for group in groups.values() if group]
    # from numpy import * brings a `typing` that is numpy's: ours is imported once more
    # behind it.
    again = (
        [one for one in groups["standard"] if one.name in _OURS]
        if _has_star(longer)
        else []
    )
    return "\n\n".join([*texts, *longer, *([_lines(again)] if again else [])])


def _has_star(texts: Iterable[str]) -> bool:
    return any("import *" in text for text in texts)


def _group(name: ImportedName) -> str:
    """The block of an import: `from .shared import x` is ours whatever the module is
    called."""
    if name.module == "__future__":
        return "future"
    if name.level:
        return "ours"
    package = name.module.partition(".")[0]
    return "standard" if package in sys.stdlib_module_names else "other"


def _lines(names: Iterable[ImportedName]) -> str:
    modules: list[str] = []
    members: dict[str, list[str]] = {}
    for name in names:
        if name.member:
            shown = (
                name.member
                if name.member == name.name
                else f"{name.member} as {name.name}"
            )
            members.setdefault("." * name.level + name.module, []).append(shown)
        else:
            plain = name.name == name.module.partition(".")[0]
            modules.append(
                f"import {name.module}"
                if plain
                else f"import {name.module} as {name.name}"
            )
    return "\n".join([*modules, *_from_lines(members)])


def _from_lines(members: Mapping[str, list[str]]) -> Iterable[str]:
    for module in sorted(members):
        flat = f"from {module} import {', '.join(members[module])}"
        yield (
            flat
            if len(flat) <= 88
            else wrap_call(f"from {module} import (", members[module])
        )
