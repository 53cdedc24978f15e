"""Programs that a notebook starts: `!cmd`, `%%bash`, `os.system`, `subprocess.run` and
their like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import (
    make_folder,
    touch_below,
    touch_file,
    touch_name,
)
from jupyter_pipe.analysis.calls.libraries import apply_effect
from jupyter_pipe.analysis.calls.texts import CONSTANTS
from jupyter_pipe.analysis.source.commands import files_of_command, files_of_words
from jupyter_pipe.analysis.world.heap import NOTHING, Library, Text
from jupyter_pipe.file_names import FILE, WHOLE_FOLDER
from jupyter_pipe.model import PACKAGES

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.source.commands import CommandFiles
    from jupyter_pipe.analysis.world.heap import Object, Values
    from jupyter_pipe.analysis.world.world import World

__all__ = ["PROGRAM_CALLS", "fill_in", "run_command"]

ANYTHING = "*"
INSERTED = re.compile(r"\{([^{}]+)\}|\$\{?([A-Za-z_]\w*)\}?")
STARTERS = """
os.system os.popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output
subprocess.Popen subprocess.getoutput subprocess.getstatusoutput asyncio.create_subprocess_shell
asyncio.create_subprocess_exec
IPython.shell.system IPython.shell.getoutput
"""
SPREAD = "asyncio.create_subprocess_exec"
"""Takes its words one by one."""


def fill_in(world: World, command: str) -> str:
    """A command of IPython with the constants that it inserts, and `*` for other
    values."""

    def value(found: re.Match[str]) -> str:
        """The one text that a `{name}` or `$name` stands for, or `*` if that is not
        certain."""
        name = (found[1] or found[2]).strip()
        # `{sys.executable} script.py` is common in notebooks, and means `python
        # script.py`.
        if name in CONSTANTS:
            return CONSTANTS[name]
        slot = world.names.get(name)
        texts = (
            [one.payload.value for one in slot.values if isinstance(one.payload, Text)]
            if slot
            else []
        )
        # A name that may be two texts is a star: a file of either may be read.
        return texts[0] if slot and len(texts) == len(slot.values) == 1 else ANYTHING

    return INSERTED.sub(value, command)


def run_command(world: World, command: str, node: ast.AST) -> None:
    """What a shell command does to the files of the notebook."""
    _use(world, files_of_command(command), node)


def _use(world: World, files: CommandFiles, node: ast.AST) -> None:
    """Applies what a program does to files. One that may touch anything reads the whole
    folder first and writes it last; `pip install` changes the packages."""
    world.recorder.facts.effects = True
    # The order is that of a program: it reads what is there and then changes it.
    if files.anything:
        touch_name(world, WHOLE_FOLDER, node, write=False)
    for path in files.reads:
        _touch(world, path, node, write=False)
    for path in files.reads_below:
        touch_below(world, _text(path), node, write=False)
    for path in files.folders:
        make_folder(world, _text(path), node)
    for path in files.writes:
        # `sort -o a.csv a.csv` reads what it writes.
        _touch(world, path, node, write=True, whole=path not in files.reads)
    for path in files.writes_below:
        touch_below(world, _text(path), node, write=True)
    if files.anything:
        touch_name(world, WHOLE_FOLDER, node, write=True)
    if files.installs:
        world.set_component(PACKAGES[1:], node)


def _text(path: str) -> Text:
    return Text(path, exact=ANYTHING not in path)


def _touch(
    world: World, path: str, node: ast.AST, *, write: bool, whole: bool = False
) -> None:
    """A word may be a pattern for anything here, or no path at all."""
    if path.strip("*./") == "" and ANYTHING in path:
        touch_name(world, WHOLE_FOLDER, node, write=write)
    elif path and not path.startswith("-"):
        touch_file(world, _text(path), node, write=write, whole=whole)
        # `!python train.py data/` reads what the notebook wrote below data.
        if not write and any(
            name.startswith(f"{FILE}{path.rstrip('/')}/")
            for name in world.process.files
        ):
            touch_below(world, _text(path), node, write=False)


def _start(qualified: str) -> Callable[[World, Arguments], Values]:
    """A function that starts the program that its first argument names, as a text or a
    list of words."""

    def call(world: World, arguments: Arguments) -> Values:
        """Applies the effects of the program, in the folder that `cwd` names, and then
        those of the call."""
        given = (
            arguments.positional[0]
            if arguments.positional
            else arguments.keywords.get("args", NOTHING)
        )
        folders = sorted(_words_of(arguments.keywords.get("cwd", NOTHING))) or [""]
        # asyncio.create_subprocess_exec("cp", "a", "b")
        if qualified == SPREAD:
            words = [
                next(_words_of(values), ANYTHING) for values in arguments.positional
            ]
            _use(world, files_of_words(words, folders[0]), arguments.node)
        elif given:
            for value in sorted(given, key=lambda value: value.serial):
                _use(world, _files_of(value, folders[0]), arguments.node)
        # subprocess.run() without words we can see may run anything.
        else:
            _use(world, files_of_words([ANYTHING]), arguments.node)
        effect = world.knowledge.function(qualified)
        return (
            apply_effect(world, effect, None, arguments, qualified)
            if effect
            else NOTHING
        )

    return call


def _files_of(value: Object, folder: str) -> CommandFiles:
    """The files of a program started with a text (`"cat a.csv"`) or a list of words;
    words that are not constant stand for anything."""
    if isinstance(value.payload, Text):
        return files_of_command(value.payload.value, folder)
    # Positions are known as far as labels go; after a star words have no order.
    places = [label for label in value.fields if label[0] == "["]
    words = [
        next(_words_of(frozenset(value.fields.get(f"[{n}]", ()))), ANYTHING)
        for n in range(len(places))
    ]
    rest = [
        word
        for part in value.fields.get("*", ())
        for word in _words_of(frozenset((part,)))
    ]
    return files_of_words([*words, *sorted(rest)] or [ANYTHING], folder)


def _words_of(values: Values) -> Iterator[str]:
    for value in sorted(values, key=lambda value: value.serial):
        if isinstance(value.payload, Text):
            yield value.payload.value
        elif (
            isinstance(value.payload, Library) and value.payload.qualified in CONSTANTS
        ):
            yield CONSTANTS[value.payload.qualified]


PROGRAM_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    name: _start(name) for name in STARTERS.split()
}
