"""Imports: of libraries, which become names of knowledge, and of modules beside the
notebook, whose source is read."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.source.reading import read_source
from jupyter_pipe.analysis.source.scopes import Frame, Scope
from jupyter_pipe.analysis.world.heap import NOTHING, LocalModule, Object, Text, Values

if TYPE_CHECKING:
    from jupyter_pipe.analysis.world.world import World

SEARCH_PATH = "@sys.path"

__all__ = ["import_by_name", "import_from", "import_module", "is_future"]


def import_module(world: World, alias: ast.alias, node: ast.AST) -> None:
    """`import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`."""
    root = alias.name.partition(".")[0]
    # `import a.b` makes the whole of `a` readable; only with `as` it is the submodule
    # alone.
    module = _module(world, alias.name if alias.asname else root, node)
    _remember(world, root)
    world.recorder.facts.modules.add(alias.name)
    world.bind(alias.asname or root, frozenset((module,)), node)


def import_from(world: World, node: ast.ImportFrom) -> None:
    """`from a import b` binds `b`, `from a import *` all that is public."""
    name = node.module or ""
    _remember(world, name.partition(".")[0])
    world.recorder.facts.modules.add(name)
    module = _module(world, name, node)
    if is_future(node) and world.names.is_top_level:
        # IPython keeps what is imported from there for all cells to come.
        world.names.postponed_annotations |= any(
            alias.name == "annotations" for alias in node.names
        )
    for alias in node.names:
        if alias.name == "*":
            _import_star(world, module, node)
        else:
            # b of `from a import b` may be a module itself.
            world.recorder.facts.modules.add(f"{name}.{alias.name}")
            values = _member(world, module, alias.name, node)
            world.bind(alias.asname or alias.name, values, node)


def import_by_name(world: World, name: str, node: ast.AST) -> Object:
    """The module that a call imports, as a statement would."""
    _remember(world, name.partition(".")[0])
    world.recorder.facts.modules.add(name)
    return _module(world, name, node)


def is_future(node: ast.stmt) -> bool:
    """Whether the statement changes how the code after it is compiled."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _remember(world: World, root: str) -> None:
    if root:
        world.recorder.facts.imports.add(root)
        world.process.imported.add(root)


def _member(world: World, module: Object, name: str, node: ast.AST) -> Values:
    if isinstance(module.payload, LocalModule):
        slot = world.names.get(module.payload.frame.key(name))
        return slot.values if slot else NOTHING
    assert module.payload is not None
    qualified = f"{getattr(module.payload, 'qualified', '')}.{name}"
    return frozenset((world.objects.library(qualified),))


def _bind_public_names(world: World, frame: Frame, node: ast.AST) -> None:
    """Binds what a module beside the notebook lists in `__all__`, or all without an
    underscore."""
    listed = _listed_names(world, frame)
    for layer in list(world.names.layers):
        for key in list(layer):
            if not isinstance(key, tuple) or key[0] != frame.number:
                continue
            # `__all__` wins, also over underscores, as in Python.
            if key[1] in listed if listed else not key[1].startswith("_"):
                world.bind(key[1], layer[key].values, node)


def _import_star(world: World, module: Object, node: ast.ImportFrom) -> None:
    """Binds the public names of a module whose source was read; of others, any name may
    come."""
    if isinstance(module.payload, LocalModule):
        _bind_public_names(world, module.payload.frame, node)
        return
    name = node.module or ""
    public = _public_names(name)
    for member in public or ():
        world.bind(
            member,
            frozenset((world.objects.library(f"{name}.{member}"),)),
            node,
            # Of other libraries only the run knows what the star brings.
        )
    if public is None and world.names.is_top_level:
        world.names.star_imports.units.append(world.recorder.unit)
        world.names.star_imports.modules.append(name)
        # A star import of a package that is missing fails in the notebook, too: told
        # elsewhere.
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            world.names.star_imports.missing.append(name)


def _listed_names(world: World, frame: Frame) -> set[str]:
    """What a module lists in its `__all__`."""
    slot = world.names.get(frame.key("__all__"))
    lists = slot.values if slot else NOTHING
    return {
        part.payload.value
        for value in lists
        for part in world.heap.load(value, "*")
        if isinstance(part.payload, Text)
    }


def _public_names(name: str) -> list[str] | None:
    """What a star import of a module of the standard library binds; other code is not
    run."""
    # Importing `this` prints, and `antigravity` opens a browser.
    if name.partition(".")[0] not in sys.stdlib_module_names or name in {
        "antigravity",
        "this",
    }:
        return None
    try:
        module = importlib.import_module(name)
    except ImportError:  # a part of the library that this build of Python lacks
        return None
    return list(
        getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
    )


def _module(world: World, name: str, node: ast.AST) -> Object:
    if name == "__main__":
        return world.namespace
    known = world.process.modules.get(name)
    if known is None:
        known = world.process.modules[name] = _read_module(
            world, name
        ) or world.objects.library(name)
    # A cell may write the module with %%writefile before it is imported.
    for path in (
        f"file:{name.replace('.', '/')}.py",
        f"file:{name.replace('.', '/')}/__init__.py",
    ):
        if world.names.get(path) is not None:
            world.touch(path, node)
    if world.names.get(SEARCH_PATH) is not None:
        world.touch(SEARCH_PATH, node)
    return known


def _read_module(world: World, name: str) -> Object | None:
    """The module from its source, if it stands in the notebook's folder."""
    if world.folder is None or not name:
        return None
    base = world.folder.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        try:
            tree = ast.parse(read_source(path))
        # A module that does not parse is a library for us; its error comes when it
        # runs.
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return _run_module(world, name, tree)
    return None


def _run_module(world: World, name: str, tree: ast.Module) -> Object:
    """Interprets a module's body in globals of its own. Its effects are not the
    notebook's."""
    frame = Frame(Scope(), kind="module")
    module = world.heap.make("builtins.module", LocalModule(name, frame))
    # Registered before its body runs, as Python does, so that circular imports end.
    world.process.modules[name] = module
    frame.holder = module
    with world.names.inside_module(frame), world.recorder.in_a_module():
        world.execute(tree.body)
    return module
