"""Configurations: of logging, with the files that its handlers write, and of the
environment from `.env`.

For logging a dictionary or a file says which. Where that cannot be seen, handlers may
write any file: each stage that configured logging again would open the file anew, so
the setting is not one that is made again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import touch_file, touch_name
from jupyter_pipe.analysis.calls.libraries import apply_effect
from jupyter_pipe.analysis.world.heap import Text, Values
from jupyter_pipe.analysis.world.world import texts_of
from jupyter_pipe.file_names import FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["CONFIGURATION_CALLS"]

ENVIRONMENT = ".env"
DEEPEST = 4
"""`{"handlers": {"h": {"filename": …}}}` names a file at the third level."""
WRITES = re.compile(r"FileHandler|filename", re.I)


def _configure_by_dictionary(world: World, arguments: Arguments) -> Values:
    """`dictConfig({...})`: whatever stands under `filename`."""
    given = (
        arguments.positional[0]
        if arguments.positional
        else arguments.keywords.get("config", frozenset())
    )
    for value in given:
        # {"handlers": make_handlers()}: a part that was computed may hold any
        # `filename`.
        if value.open or value.type != "builtins.dict":
            _write_any_file(world, arguments)
        for path in _file_names(value, DEEPEST):
            # Handlers append by default (mode "a"), so what was there is still read.
            touch_file(world, path, arguments.node, write=True, whole=False)
    return _configure(world, arguments, "logging.config.dictConfig")


def _file_names(value: Object, depth: int) -> Iterator[Text]:
    for label, held in value.fields.items():
        for part in held:
            if label == "['filename']" and isinstance(part.payload, Text):
                yield part.payload
            elif depth:
                yield from _file_names(part, depth - 1)


def _configure_by_file(world: World, arguments: Arguments) -> Values:
    """`fileConfig("log.ini")`: the file is looked into if it stands beside the
    notebook."""
    paths = texts_of(arguments.positional[0]) if arguments.positional else []
    for path in paths:
        touch_file(world, Text(path), arguments.node, write=False)
    # A file that is not there yet is written by the notebook: it may say anything.
    if not paths or any(_may_write(world, path) for path in paths):
        _write_any_file(world, arguments)
    return _configure(world, arguments, "logging.config.fileConfig")


def _may_write(world: World, path: str) -> bool:
    try:
        return (
            WRITES.search(((world.folder or Path()) / path).read_text(encoding="utf-8"))
            is not None
        )
    except (OSError, ValueError):
        return True


def _write_any_file(world: World, arguments: Arguments) -> None:
    touch_name(world, f"{FILE}*", arguments.node, write=True)


def _configure(world: World, arguments: Arguments, qualified: str) -> Values:
    effect = world.knowledge.function(qualified)
    return (
        apply_effect(world, effect, None, arguments, qualified)
        if effect is not None
        else frozenset()
    )


def _load_environment(world: World, arguments: Arguments) -> Values:
    """`load_dotenv()`: without a path it is `.env` beside the notebook."""
    if not arguments.positional and not arguments.keywords.keys() & {
        "dotenv_path",
        "stream",
    }:
        touch_file(world, Text(ENVIRONMENT), arguments.node, write=False)
    return _configure(world, arguments, "dotenv.load_dotenv")


def _find_environment(world: World, arguments: Arguments) -> Values:
    """`find_dotenv()` gives the path of the file, in this folder or one above."""
    return (
        frozenset((world.objects.text(ENVIRONMENT),))
        if not arguments.positional
        else frozenset()
    )


CONFIGURATION_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    "logging.config.dictConfig": _configure_by_dictionary,
    "logging.config.fileConfig": _configure_by_file,
    "dotenv.load_dotenv": _load_environment,
    "dotenv.find_dotenv": _find_environment,
}
