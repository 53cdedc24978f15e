"""Calls that list folders: they read whatever was written there, and give paths of
it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import (
    file_name,
    touch_below,
    touch_file,
    touch_name,
)
from jupyter_pipe.analysis.calls.texts import PATH, STR
from jupyter_pipe.analysis.world.heap import ANY, NOTHING, Object, Text, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.world import World

__all__ = ["FOLDER_CALLS", "list_folder"]

WILDCARDS = re.compile(r"\*+|\?|\[[^\]]*\]")


def _pattern(text: str) -> str:
    """A pattern of `glob` in our words: `out/**/?.csv` -> `out/*.csv`."""
    # Brackets and question marks become stars: wider, so no writer is missed.
    return WILDCARDS.sub("*", text.replace("**/", "*"))


def _texts(world: World, values: Values) -> list[Text]:
    found = [value.payload for value in values if isinstance(value.payload, Text)]
    return sorted(found, key=lambda text: text.value)


def _iterator(
    world: World, site: object, elements: Values, type_: str = "builtins.list"
) -> Values:
    result = world.objects.allocate(site, type_)
    world.heap.store(result, ANY, elements)
    return frozenset((result,))


def _list(
    world: World, folder: Text, pattern: str, arguments: Arguments, type_: str
) -> Object:
    """Reads what a pattern may mean; the object of a path that is given back."""
    text = _pattern(posixpath.join(folder.value, pattern) if folder.value else pattern)
    name = file_name(text)
    # glob("*.csv") of the notebook's own folder reads what other stages wrote there.
    if name == "file:*" and folder.exact:
        touch_name(world, name, arguments.node, write=False)
    else:
        touch_file(
            world, Text(text, exact="*" not in text), arguments.node, write=False
        )
    return world.objects.text(text, type_, exact="*" not in text)


def _glob(world: World, arguments: Arguments) -> Values:
    """`glob.glob("out/*.csv")`, of a folder that `root_dir` names as well."""
    # root_dir=None is glob's default: the pattern stands alone.
    roots = _texts(world, arguments.keywords.get("root_dir", NOTHING)) or [Text("")]
    patterns = _texts(world, arguments.positional[0]) if arguments.positional else []
    found = [
        _list(world, root, text.value, arguments, STR)
        for root in roots
        for text in patterns
    ]
    return _iterator(world, arguments.node, frozenset(found))


def _folders(world: World, arguments: Arguments) -> list[Text]:
    given = (
        arguments.positional[0]
        if arguments.positional
        else arguments.keywords.get("path", NOTHING)
    )
    nothing_given = (
        not arguments.positional and not arguments.keywords and not arguments.rest
    )
    return [Text(".")] if nothing_given else _texts(world, given)


def _names(world: World, arguments: Arguments) -> Values:
    """`os.listdir(folder)`: names of which nothing is known."""
    for folder in _folders(world, arguments):
        touch_below(world, folder, arguments.node, write=False)
    return _iterator(
        world, arguments.node, frozenset((world.objects.text("*", exact=False),))
    )


def _scan(world: World, arguments: Arguments) -> Values:
    """`os.scandir(folder)`: entries with a name and a path."""
    entry = world.objects.allocate((arguments.node, "entry"), "os.DirEntry")
    for folder in _folders(world, arguments):
        world.heap.store(entry, ".path", (_list(world, folder, "*", arguments, STR),))
    world.heap.store(entry, ".name", (world.objects.text("*", exact=False),))
    return _iterator(world, arguments.node, frozenset((entry,)), "builtins.iterator")


def _walk(world: World, arguments: Arguments) -> Values:
    """`os.walk(top)`: triples of a folder, the folders in it and the files in it."""
    triple = world.objects.allocate((arguments.node, "triple"), "builtins.tuple")
    names = world.objects.text("*", exact=False)
    for folder in _folders(world, arguments):
        touch_below(world, folder, arguments.node, write=False)
        text = Text(folder.value.rstrip("/") + "*", exact=False)
        world.heap.store(triple, "[0]", (world.objects.text(text.value, exact=False),))
    for label in ("[1]", "[2]"):
        world.heap.store(
            triple,
            label,
            _iterator(world, (arguments.node, label), frozenset((names,))),
        )
    return _iterator(world, arguments.node, frozenset((triple,)), "builtins.iterator")


def list_folder(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values | None:
    """`folder.glob(pattern)`, `folder.rglob(pattern)` and `folder.iterdir()` of a
    constant path."""
    if name not in {"glob", "rglob", "iterdir"} or not isinstance(value.payload, Text):
        return None
    patterns = (
        _texts(world, arguments.positional[0]) if arguments.positional else [Text("*")]
    )
    start = "**/" if name == "rglob" else ""
    found = [
        _list(world, value.payload, start + text.value, arguments, PATH)
        for text in patterns
    ]
    return _iterator(
        world, (arguments.node, value), frozenset(found), "builtins.iterator"
    )


def _make_archive(world: World, arguments: Arguments) -> Values:
    """`shutil.make_archive("out", "zip", "folder")` writes out.zip."""
    named = zip(
        ("base_name", "format", "root_dir"),
        (*arguments.positional, NOTHING, NOTHING),
        strict=False,
    )
    given = {**dict(named), **arguments.keywords}
    for folder in _texts(world, given.get("root_dir", NOTHING)) or [Text(".")]:
        touch_below(world, folder, arguments.node, write=False)
    for base in _texts(world, given.get("base_name", NOTHING)):
        touch_file(
            world, Text(base.value + ".*", exact=False), arguments.node, write=True
        )
    return NOTHING


FOLDER_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "os.listdir": _names,
    "os.scandir": _scan,
    "os.walk": _walk,
    "shutil.make_archive": _make_archive,
}
