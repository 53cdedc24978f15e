"""Magics that IPython does not have: of an extension, or of the notebook itself.

A function of the notebook is called with the text, as the shell does it. Of an
extension nobody knows what it does with the text. Most measure Python that stands there
(`%lprun -f f f(x)`, `%%snakeviz`), so what parses as Python may run: what it reads is
read, what it binds may be bound.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.arguments import Arguments
from jupyter_pipe.analysis.source.embedded_names import execute_text
from jupyter_pipe.analysis.world.heap import (
    NOTHING,
    Bound,
    Class,
    Function,
    Instance,
    Values,
)

if TYPE_CHECKING:
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["run_extension_magic", "run_own_magic"]

WORD = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")
RUNS = (ast.Call, ast.Assign, ast.AugAssign)
"""What makes a text code rather than words: `f(x)`, `y = 1`."""
DECORATORS = frozenset(
    f"IPython.core.magic.{prefix}{kind}_magic"
    for prefix in ("", "register_")
    for kind in ("line", "cell", "line_cell")
)


def run_own_magic(world: World, name: str, texts: list[str], node: ast.Call) -> Values:
    """Calls the notebook's function, or the method of its class of magics, that has the
    magic's name. Gives nothing if there is none."""
    found = _own_function(world, name, node) or _own_methods(world, name, node)
    if not found:
        return NOTHING
    arguments = Arguments(
        node, [frozenset((world.objects.text(text),)) for text in texts]
    )
    return world.call_values(found, arguments) or frozenset(
        (world.objects.allocate(node, open_=True),)
    )


def _own_function(world: World, name: str, node: ast.Call) -> Values:
    slot = world.names.get(name)
    found = [value for value in (slot.values if slot else ()) if _is_magic(value)]
    return world.read(name, node) if found else NOTHING


def _is_magic(value: Object) -> bool:
    return isinstance(value.payload, Function) and not DECORATORS.isdisjoint(
        value.payload.decorators
    )


def _own_methods(world: World, name: str, node: ast.Call) -> Values:
    """Methods of this name in classes for magics, each of an instance that the shell
    has made."""
    found: set[Object] = set()
    classes = [
        value for value in world.names.holders if isinstance(value.payload, Class)
    ]
    for class_ in classes:
        methods = [
            method for method in class_.fields.get("." + name, ()) if _is_magic(method)
        ]
        for method in methods:
            for known in sorted(world.names.holders[class_]):
                world.read(known, node)
            instance = world.objects.allocate((node, class_), payload=Instance(class_))
            found.add(
                world.objects.allocate(
                    (node, method), "builtins.method", Bound(instance, name, method)
                )
            )
    return frozenset(found)


def run_extension_magic(world: World, line: str, body: str, node: ast.Call) -> None:
    """What the text of a magic may read and bind, if it is Python that the magic
    runs."""
    for name in dict.fromkeys(WORD.findall(line)):
        if world.names.get(name) is not None:
            world.read(name, node)
    code = body or _code_in(line)
    if code and _is_code(code):
        with (
            world.recorder.roughly()
        ):  # words of a text that is no code after all are not missing names
            world.branches(lambda: execute_text(world, code, node), lambda: True)


def _code_in(line: str) -> str:
    """The last part of a line that is code: `f(x)` in `-f f f(x)`."""
    starts = [found.start() for found in re.finditer(r"\S+", line)]
    return next((line[start:] for start in starts if _is_code(line[start:])), "")


def _is_code(text: str) -> bool:
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, RUNS) for node in ast.walk(tree))
