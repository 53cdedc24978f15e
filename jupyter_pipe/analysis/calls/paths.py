"""Calls that make paths: joined ones, and temporary folders."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import in_temporary_folder, make_temporary_folder
from jupyter_pipe.analysis.interpreter.heap import ANY, Text, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.interpreter.world import World

__all__ = ["PATH_CALLS"]

PATH = "pathlib.Path"


def _path(world: World, arguments: Arguments) -> Values:
    """`Path("a", "b")` and `os.path.join("a", "b")` of constants are constants."""
    parts = [value.payload for values in arguments.positional for value in values]
    inside = in_temporary_folder(world, arguments.positional[0]) if arguments.positional else None
    if inside is not None and len(arguments.positional) > 1:
        return inside
    if not parts or len(parts) != len(arguments.positional):
        return frozenset(
            (world.text("*" if arguments.positional else ".", PATH, exact=not arguments.positional),)
        )
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts):
        return frozenset((world.text("*", PATH, exact=False),))
    joined = posixpath.join(*(text.value for text in texts))
    return frozenset((world.text(joined, PATH, exact=all(text.exact for text in texts)),))


def _temporary_folder(world: World, arguments: Arguments) -> Values:
    return frozenset((make_temporary_folder(world, arguments.node, fleeting=False),))


def _temporary_directory(world: World, arguments: Arguments) -> Values:
    """`tempfile.TemporaryDirectory`: an object that holds the path and removes the folder."""
    result = world.allocate(arguments.node, "tempfile.TemporaryDirectory")
    world.heap.store(result, ANY, (make_temporary_folder(world, arguments.node, fleeting=True),))
    return frozenset((result,))


PATH_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "os.path.join": _path,
    "tempfile.mkdtemp": _temporary_folder,
    "tempfile.TemporaryDirectory": _temporary_directory,
}
