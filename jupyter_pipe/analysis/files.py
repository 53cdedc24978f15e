"""Files: literal paths that calls read and write become names `file:PATH` of the data flow."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.values import Object, Text, Values
from jupyter_pipe.analysis.world import place_of

if TYPE_CHECKING:
    import ast

    from jupyter_pipe.analysis.arguments import Arguments
    from jupyter_pipe.analysis.knowledge import CallEffect
    from jupyter_pipe.analysis.world import World

__all__ = ["file_name", "open_file", "touch_file", "touch_files"]

OPEN_FILE = "builtins.file"
FOLDER = "@os.cwd"
FOREIGN = ("http://", "https://", "ftp://", "s3://", "gs://", "gcs://", "az://", "hdfs://", "sqlite://")


def file_name(path: str) -> str:
    """The name under which a path flows: relative to the notebook, normalised."""
    return "file:" + posixpath.normpath(path.replace("\\", "/").removeprefix("file://"))


def touch_files(world: World, effect: CallEffect, arguments: Arguments, receiver: Object | None) -> None:
    """Uses the files that the call reads and writes, as far as their names are constant."""
    if effect.result_type == OPEN_FILE:
        _open(world, effect, arguments, receiver)
        return
    for wanted in effect.reads_files:
        picked = frozenset((receiver,)) if wanted.position == -1 and receiver else arguments.pick(wanted)
        _touch(world, picked, arguments.node, write=False, whole=False)
    for wanted in effect.writes_files:
        picked = frozenset((receiver,)) if wanted.position == -1 and receiver else arguments.pick(wanted)
        _touch(world, picked, arguments.node, write=True, whole=not _appends(arguments))


def _open(world: World, effect: CallEffect, arguments: Arguments, receiver: Object | None) -> None:
    """`open(path, mode)` and `path.open(mode)`: the mode decides."""
    for wanted in (*effect.reads_files, *effect.writes_files):
        itself = wanted.position == -1 and receiver is not None
        picked = frozenset((receiver,)) if itself and receiver else arguments.pick(wanted)
        mode = getattr(arguments.keyword_node("mode"), "value", None) or arguments.literal(0 if itself else 1)
        mode = mode if isinstance(mode, str) else "r"
        writes = bool(set(mode) & set("wxa+"))
        _touch(world, picked, arguments.node, write=writes, whole="w" in mode or "x" in mode)


def _appends(arguments: Arguments) -> bool:
    mode = arguments.keyword_node("mode")
    return getattr(mode, "value", None) in {"a", "r+", "x+a"}


def _touch(world: World, values: Values, node: ast.AST, *, write: bool, whole: bool) -> None:
    for value in values:
        if isinstance(value.payload, Text):
            touch_file(world, value.payload, node, write=write, whole=whole)
        elif value.type == OPEN_FILE:
            for path in value.fields.get("path", ()):
                if isinstance(path.payload, Text):
                    touch_file(world, path.payload, node, write=write, whole=False)


def touch_file(world: World, path: Text, node: ast.AST, *, write: bool, whole: bool = True) -> None:
    """Reads or writes one file; a computed path is only remembered as a pattern."""
    if path.value.startswith(FOREIGN) or "\n" in path.value:
        return
    name = file_name(path.value)
    if not posixpath.isabs(path.value) and world.state.get(FOLDER) is not None:
        world.touch(FOLDER, node)
    if path.exact:
        world.touch(name, node, write=write, whole=whole)
        return
    patterns = world.facts.patterns_written if write else world.facts.patterns_read
    patterns.setdefault(name, place_of(node))


def open_file(world: World, effect: CallEffect, result: Object, arguments: Arguments) -> None:
    """An open file remembers its path, so that what goes through it is known."""
    if result.type == OPEN_FILE:
        for wanted in (*effect.reads_files, *effect.writes_files):
            if wanted.position != -1:
                world.heap.store(result, "path", arguments.pick(wanted))
