"""Calls that make paths: joined ones, parts of them, those that a folder holds, and
temporary folders."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import make_temporary_folder
from jupyter_pipe.analysis.calls.texts import (
    PATH,
    STR,
    are_texts,
    call_text_method,
    change_texts,
    join_texts,
)
from jupyter_pipe.analysis.world.heap import ANY, NOTHING, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["PATH_CALLS", "call_method_of_text", "part_of_path"]

Change = Callable[[str], str]


def _parent(text: str) -> str:
    """A computed last part may hold slashes itself: the folder of `out/*` may be `out`
    or below it."""
    head, _, last = text.rpartition("/")
    return f"{head}*" if "*" in last else head or "."


def _stem(text: str) -> str:
    return PurePosixPath(text).stem


PARTS: dict[str, tuple[Change, str]] = {
    "parent": (_parent, PATH),
    "name": (lambda text: PurePosixPath(text).name, STR),
    "stem": (_stem, STR),
    "suffix": (lambda text: PurePosixPath(text).suffix, STR),
}
SAME = frozenset({"resolve", "absolute", "expanduser"})
"""A relative path goes on to mean what it meant; the name of the file stays relative to
the notebook."""
RENAMED = frozenset({"with_suffix", "with_name", "with_stem"})
LISTS = frozenset({"glob", "rglob"})


def part_of_path(world: World, value: Object, name: str) -> Values | None:
    """`path.parent`, `path.name` and the like of a constant path."""
    found = PARTS.get(name) if value.type == PATH else None
    # `.name` of an instance of the notebook's class is not part of a path.
    return change_texts(world, frozenset((value,)), *found) if found else None


def call_method_of_text(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values | None:
    """A method of a constant text or path; None if knowledge says all that there is to
    say."""
    if value.type != PATH:
        return call_text_method(world, value, name, arguments)
    itself = frozenset((value,))
    if name in SAME:
        return itself
    if name == "as_posix":
        return change_texts(world, itself, str)
    if name == "joinpath":
        return join_texts(
            world,
            [itself, *arguments.positional],
            lambda parts: posixpath.join(*parts),
            PATH,
        )
    if name in RENAMED and len(arguments.positional) == 1:
        return _renamed(world, itself, name, arguments.positional[0])
    return None


def _renamed(world: World, itself: Values, name: str, given: Values) -> Values | None:
    def build(parts: Sequence[str]) -> str:
        path = PurePosixPath(parts[0])
        # path.with_suffix(f".{kind}"): the star may hold the dot itself.
        if name == "with_suffix" and parts[1].startswith("*"):
            return f"{path.parent}/{path.stem}*"
        changed: PurePosixPath = getattr(path, name)(parts[1])
        return str(changed)

    try:
        return join_texts(world, [itself, given], build, PATH)
    except (
        ValueError,
        AttributeError,
    ):  # no name to replace; Path.with_stem came with Python 3.9
        return None


def _path(world: World, arguments: Arguments, type_: str = PATH) -> Values:
    """`Path("a", "b")` and `os.path.join("a", "b")` of constants are constants."""
    # Path() and Path(".") are the same.
    if not arguments.positional and not arguments.rest:
        return frozenset((world.objects.text(".", type_),))
    parts = [*arguments.positional, *([arguments.rest] if arguments.rest else [])]
    joined = join_texts(world, parts, lambda texts: posixpath.join(*texts), type_)
    return (
        frozenset((world.objects.text("*", type_, exact=False),))
        if joined is None
        else joined
    )


def _join(world: World, arguments: Arguments) -> Values:
    return _path(world, arguments, STR)


def _here(type_: str) -> Callable[[World, Arguments], Values]:
    def here(world: World, arguments: Arguments) -> Values:
        world.touch("@os.cwd", arguments.node)
        return frozenset((world.objects.text(".", type_),))

    return here


def _changed(change: Change) -> Callable[[World, Arguments], Values]:
    """A function of one path that gives a text."""

    def call(world: World, arguments: Arguments) -> Values:
        values = arguments.positional[0] if arguments.positional else NOTHING
        return (
            change_texts(world, values, change) if are_texts(values) else None
        ) or NOTHING

    return call


def _pair(first: Change, second: Change) -> Callable[[World, Arguments], Values]:
    """A function that takes a path apart."""

    def call(world: World, arguments: Arguments) -> Values:
        result = world.objects.allocate(arguments.node, "builtins.tuple")
        values = arguments.positional[0] if arguments.positional else NOTHING
        for label, change in (("[0]", first), ("[1]", second)):
            found = change_texts(world, values, change) if are_texts(values) else None
            world.heap.store(result, label, found or ())
        return frozenset((result,))

    return call


def _temporary_folder(world: World, arguments: Arguments) -> Values:
    return frozenset((make_temporary_folder(world, arguments.node, fleeting=False),))


def _temporary_directory(world: World, arguments: Arguments) -> Values:
    """`tempfile.TemporaryDirectory`: an object that holds the path and removes the
    folder."""
    result = world.objects.allocate(arguments.node, "tempfile.TemporaryDirectory")
    world.heap.store(
        result, ANY, (make_temporary_folder(world, arguments.node, fleeting=True),)
    )
    return frozenset((result,))


def _folder(text: str) -> str:
    return _parent(text) if "/" in text else ""


PATH_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "pathlib.Path.cwd": _here(PATH),
    "os.getcwd": _here(STR),
    "os.path.join": _join,
    "os.fspath": _changed(str),
    "os.path.abspath": _changed(str),
    "os.path.realpath": _changed(str),
    "os.path.normpath": _changed(str),
    "os.path.relpath": _changed(str),
    "os.path.expanduser": _changed(str),
    "os.path.basename": _changed(posixpath.basename),
    "os.path.dirname": _changed(_folder),
    "os.path.splitext": _pair(
        lambda text: posixpath.splitext(text)[0],
        lambda text: posixpath.splitext(text)[1],
    ),
    "os.path.split": _pair(_folder, posixpath.basename),
    "tempfile.mkdtemp": _temporary_folder,
    "tempfile.TemporaryDirectory": _temporary_directory,
}
