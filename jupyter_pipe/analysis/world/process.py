"""What a process has that no variable of the notebook names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from jupyter_pipe.analysis.world.heap import Object

__all__ = ["Process"]


@dataclass
class Process:
    """State that statements leave for those behind them.

    `modules` are those that were imported, by full name, and `imported` their top-level
    names; `patched` are libraries in which something was changed, `changed_classes`
    classes of the notebook to which that happened. `files` are the names of files that
    were opened, `temporary` the numbers of those whose names are made up when they are
    opened, `working_folder` is the pseudo-name of the folder that the process went
    into, `database` the address to which the SQL magic is connected. `keeps_figures`
    tells that figures outlive their cell, as outside of the inline backend.
    """

    modules: dict[str, Object] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    patched: set[str] = field(default_factory=set)
    changed_classes: set[Object] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    temporary: dict[tuple[int, ast.AST], int] = field(default_factory=dict)
    working_folder: str = ""
    database: str = ""
    keeps_figures: bool = False
