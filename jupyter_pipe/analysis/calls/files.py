"""Files: literal paths that calls read and write become names `file:PATH` of the data flow."""

from __future__ import annotations

import fnmatch
import posixpath
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.interpreter.heap import Object, Text, Values
from jupyter_pipe.analysis.interpreter.world import FOLDER

if TYPE_CHECKING:
    import ast

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.interpreter.world import World
    from jupyter_pipe.analysis.knowledge import CallEffect

__all__ = [
    "FLEETING",
    "enter_folder",
    "file_name",
    "in_temporary_folder",
    "make_folder",
    "make_temporary_folder",
    "open_file",
    "touch_file",
    "touch_files",
    "touch_temporary_folders",
]

OPEN_FILE = "builtins.file"
MAKES_FOLDER = frozenset({"mkdir", "makedirs"})
ENTERS_FOLDER = frozenset({"chdir"})
LISTS_FOLDER = frozenset({"listdir", "scandir", "walk", "iterdir", "glob", "iglob", "rglob"})
TEMPORARY = "/temporary/"
"""Where temporary folders seem to be. Each is one thing, whatever it holds: names in it may be made by
anybody who is given its path."""
FLEETING = "/temporary/fleeting-"
"""Those that are removed when their process ends."""
FOREIGN = ("http://", "https://", "ftp://", "s3://", "gs://", "gcs://", "az://", "hdfs://", "sqlite://")


def file_name(path: str) -> str:
    """The name under which a path flows: relative to the notebook, normalised."""
    return "file:" + posixpath.normpath(path.replace("\\", "/").removeprefix("file://"))


def touch_files(world: World, effect: CallEffect, arguments: Arguments, receiver: Object | None) -> None:
    """Uses the files that the call reads and writes, as far as their names are constant."""
    if effect.result_type == OPEN_FILE:
        _open(world, effect, arguments, receiver)
        return
    name = getattr(arguments.node.func, "attr", getattr(arguments.node.func, "id", ""))
    if name in MAKES_FOLDER or name in LISTS_FOLDER:
        folder = frozenset((receiver,)) if receiver is not None else frozenset()
        _use_folders(world, name, folder | arguments.every(), arguments.node)
        return
    if name in ENTERS_FOLDER:
        for value in arguments.every():
            if isinstance(value.payload, Text):
                enter_folder(world, value.payload, arguments.node)
        return
    if not effect.reads_files and not effect.writes_files:
        touch_temporary_folders(world, arguments.every(), arguments.node)
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


def _use_folders(world: World, name: str, values: Values, node: ast.AST) -> None:
    """Making a folder is a write, unless it is there; listing one reads what was written into it."""
    paths = [value.payload for value in values if isinstance(value.payload, Text)]
    if name in MAKES_FOLDER:
        for path in paths:
            make_folder(world, path, node)
        return
    for path in paths:
        if path.value.startswith(TEMPORARY):
            touch_file(world, path, node, write=False)
    pattern = "/".join(path.value for path in paths) or "."
    if "*" not in pattern or not all(path.exact for path in paths):
        pattern += "/*"
    if not all(path.exact for path in paths):
        touch_file(world, Text(pattern, exact=False), node, write=False)
    written = {key for layer in world.state.layers for key in layer if isinstance(key, str)}
    for file in sorted(fnmatch.filter(written, file_name(pattern))):
        world.touch(file, node)


def make_folder(world: World, path: Text, node: ast.AST) -> None:
    """A write, unless the notebook has made it before."""
    known = path.exact and world.state.get(file_name(path.value)) is not None
    touch_file(world, path, node, write=not known)


def enter_folder(world: World, path: Text, node: ast.AST) -> None:
    """From here on relative paths are those of this folder, which must be there if the notebook makes it."""
    name = file_name(path.value)
    known = path.exact and world.state.get(name) is not None
    world.inside = name if known else ""
    if known:
        world.touch(name, node)


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
    if path.value.startswith(TEMPORARY):
        world.touch(_temporary_folder(path), node, write=write)
        return
    name = file_name(path.value)
    if not posixpath.isabs(path.value):
        world.touch(FOLDER, node)
    if path.exact:
        _touch_folders(world, name, node)
        world.touch(name, node, write=write, whole=whole)
        return
    patterns = world.facts.patterns_written if write else world.facts.patterns_read
    patterns.setdefault(name, world.place_of(node))


def _touch_folders(world: World, name: str, node: ast.AST) -> None:
    """A file in a folder that the notebook makes needs the folder."""
    folder, _, _ = name.rpartition("/")
    while folder:
        if world.state.get(folder) is not None:
            world.touch(folder, node)
        folder, _, _ = folder.rpartition("/")


def make_temporary_folder(world: World, node: ast.AST, *, fleeting: bool) -> Object:
    """The path of a new folder, whose name nobody knows before."""
    start = FLEETING if fleeting else TEMPORARY
    number = world.temporary.setdefault((world.unit, node), len(world.temporary) + 1)
    world.touch(f"file:{start}{number}", node, write=True, whole=True)
    return world.text(f"{start}{number}")


def in_temporary_folder(world: World, values: Values) -> Values | None:
    """The path of something in a temporary folder, if `values` is the path of one."""
    for value in values if len(values) == 1 else ():
        path = value.payload
        if isinstance(path, Text) and path.value.startswith(TEMPORARY):
            return frozenset((world.text(path.value + "/*", value.type, exact=False),))
    return None


def touch_temporary_folders(world: World, values: Values, node: ast.AST) -> None:
    """A call of which we do not know what it does with a path may do anything in a temporary folder."""
    if world.temporary:
        for value in values | world.heap.elements(values):
            if isinstance(value.payload, Text) and value.payload.value.startswith(TEMPORARY):
                touch_file(world, value.payload, node, write=True)


def _temporary_folder(path: Text) -> str:
    return file_name(TEMPORARY + path.value.removeprefix(TEMPORARY).partition("/")[0])


def open_file(world: World, effect: CallEffect, result: Object, arguments: Arguments) -> None:
    """An open file remembers its path, so that what goes through it is known."""
    if result.type == OPEN_FILE:
        for wanted in (*effect.reads_files, *effect.writes_files):
            if wanted.position != -1:
                world.heap.store(result, "path", arguments.pick(wanted))
