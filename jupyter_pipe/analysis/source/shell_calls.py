"""Magics and shell commands: calls of `get_ipython()` that stay in the transformed
source."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.ambient import choose_backend
from jupyter_pipe.analysis.calls.databases import run_sql
from jupyter_pipe.analysis.calls.files import enter_folder, touch_file
from jupyter_pipe.analysis.calls.magic_effects import (
    MagicEffects,
    is_unknown,
    magic_effects,
)
from jupyter_pipe.analysis.calls.programs import fill_in, run_command
from jupyter_pipe.analysis.source.embedded_names import execute_text
from jupyter_pipe.analysis.source.extension_magics import (
    run_extension_magic,
    run_own_magic,
)
from jupyter_pipe.analysis.source.magics import transform
from jupyter_pipe.analysis.source.reading import read_source
from jupyter_pipe.analysis.world.heap import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.analysis.world.heap import Values
    from jupyter_pipe.analysis.world.world import World

__all__ = ["is_magic", "run_magic"]


def is_magic(node: ast.expr) -> bool:
    """Whether `node` is `get_ipython()`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "get_ipython"
    )


def run_magic(world: World, node: ast.Call) -> Values:
    """Reads, binds and writes what the magic does; its value is a new object (`x =
    !ls`)."""
    for argument in node.args:
        world.evaluate(argument)
    match [
        argument.value for argument in node.args if isinstance(argument, ast.Constant)
    ]:
        case ["sql", str(line), *body]:
            run_sql(world, line, str(*body), node)
            return frozenset((world.objects.allocate(node, open_=True),))
        case [str(name), str(line), *body] if _is_run_by_name(node) and is_unknown(
            name, *body
        ):
            return _run_unknown(world, name, [line, *map(str, body)], node)
    effects = magic_effects(node)
    if effects is not None:
        _apply(world, effects, node)
    match node.args:
        case [ast.Constant(value="matplotlib"), ast.Constant(value=str(backend))] if (
            backend
        ):
            choose_backend(world, backend)
    return frozenset((world.objects.allocate(node, open_=True),))


def _is_run_by_name(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in {
        "run_line_magic",
        "run_cell_magic",
    }


def _run_unknown(world: World, name: str, texts: list[str], node: ast.Call) -> Values:
    """A magic of the notebook, or else of an extension, which may do anything."""
    result = run_own_magic(world, name, texts, node)
    if result:
        return result
    effects = magic_effects(node)
    if effects is not None:
        _apply(world, effects, node)
    run_extension_magic(world, texts[0], "".join(texts[1:]), node)
    return frozenset((world.objects.allocate(node, open_=True),))


def _run_script(world: World, paths: Sequence[str], node: ast.Call) -> None:
    """`%run file.py` or `%run notebook.ipynb`: the script's statements as if they stood
    in the cell."""
    with world.names.inside(world.names.globals):
        parsed = [execute_text(world, text, node) for text in _script(world, paths)]
    if not all(parsed):
        message = (
            "`%run` of a script that cannot be read may bind names that cannot be seen."
        )
        world.note("PIPE220", message, node, "Write the code in the cell itself.")


def _script(world: World, paths: Sequence[str]) -> list[str]:
    """The code of a script, or of each cell of a notebook; something that is not code
    if there is none."""
    try:
        path = (world.folder or Path()) / paths[0]
        text = read_source(path)
        if path.suffix != ".ipynb":
            return [text]
        cells = [
            cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"
        ]
        return [transform("".join(cell["source"])).python for cell in cells]
    except (IndexError, KeyError, TypeError, OSError, ValueError, RecursionError):
        return ["?"]


def _filled_in(world: World, path: str) -> Text:
    filled = fill_in(world, path)
    return Text(filled, exact="*" not in filled)


def _use_files(world: World, effects: MagicEffects, node: ast.Call) -> None:
    for path in effects.reads_files:
        touch_file(world, _filled_in(world, path), node, write=False)
    for path in effects.writes_files:
        appends = path in effects.reads_files
        touch_file(world, _filled_in(world, path), node, write=True, whole=not appends)
    if effects.command:
        command = (
            fill_in(world, effects.command) if effects.expanded else effects.command
        )
        run_command(world, command, node)
    if effects.enters is not None:
        enter_folder(world, Text(effects.enters), node)


def _apply(world: World, effects: MagicEffects, node: ast.Call) -> None:
    """Does to the world what a magic does: reads, files, ambient state, and the names
    that it binds, as `%store -r` or `%run` do."""
    for name in effects.reads:
        if world.names.get(name) is not None:
            world.read(name, node)
    _use_files(world, effects, node)
    known = (
        component
        for component in effects.ambient_reads
        if world.names.get("@" + component)
    )
    for component in known:
        world.touch("@" + component, node)
    for component in effects.sets:
        world.set_component(component, node)
    if effects.keeps:
        world.patch(effects.keeps, node)
    for name in effects.binds:
        made = world.objects.allocate((node, name), effects.bound_type, open_=True)
        world.bind(name, frozenset((made,)), node)
    if effects.star:
        _run_script(world, effects.reads_files, node)
    if effects.foreign or not effects.sets:
        world.recorder.facts.effects = True
