"""Assignment to, and deletion of, whatever may stand on the left of `=`, and patterns
of `match`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.interpreter.access import (
    ADDRESS,
    delete_part,
    look_up_by_identity,
    store_attribute,
    store_item,
)
from jupyter_pipe.analysis.interpreter.iteration import PAIRS, elements_of
from jupyter_pipe.analysis.world.heap import ANY, NOTHING, Object, Values

if TYPE_CHECKING:
    from jupyter_pipe.analysis.world.world import World

INDEXED = PAIRS | {"builtins.list", "builtins.tuple", ""}
"""Types whose parts are known by their place."""

__all__ = ["assign", "delete", "match_pattern"]


def assign(world: World, target: ast.expr, values: Values) -> None:
    """Gives `values` to a name, an attribute, an item, or the names of an unpacking."""
    if isinstance(target, ast.Name):
        world.bind(target.id, values, target)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(world, target, values)
    elif isinstance(target, ast.Attribute):
        store_attribute(
            world, world.evaluate(target.value), target.attr, values, target
        )
    elif isinstance(target, ast.Subscript):
        base = world.evaluate(target.value)
        keys = world.evaluate(target.slice)
        look_up_by_identity(world, keys, target)
        for value in base:
            world.heap.store(
                value, "keys", [key for key in keys if key.type == ADDRESS]
            )
        store_item(world, base, target, values)
    elif isinstance(target, ast.Starred):
        assign(world, target.value, values)


def _unpack(world: World, target: ast.Tuple | ast.List, values: Values) -> None:
    starred = next(
        (n for n, item in enumerate(target.elts) if isinstance(item, ast.Starred)), None
    )
    for position, item in enumerate(target.elts):
        if starred is not None and position >= starred:
            parts = elements_of(world, values, target)
        else:
            parts = _element(world, values, position, target)
        if isinstance(item, ast.Starred):
            rest = world.objects.allocate(item, "builtins.list")
            world.heap.store(rest, ANY, parts)
            parts = frozenset((rest,))
        assign(world, item, parts)


def _element(world: World, values: Values, position: int, node: ast.AST) -> Values:
    found: set[Object] = set()
    for value in values:
        if value.type in INDEXED or value.fields.get(f"[{position}]"):
            found |= world.heap.load(value, f"[{position}]")
        else:
            found |= elements_of(world, frozenset((value,)), node)
    return frozenset(found)


def delete(world: World, target: ast.expr) -> None:
    """`del target`."""
    if isinstance(target, ast.Name):
        world.read(target.id, target)
        world.unbind(target.id, target)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            delete(world, item)
    elif isinstance(target, (ast.Attribute, ast.Subscript)):
        base = world.evaluate(target.value)
        if isinstance(target, ast.Subscript):
            world.evaluate(target.slice)
            world.call_special(base, "__delitem__", (NOTHING,), target)
        delete_part(world, base, target)


def match_pattern(world: World, pattern: ast.pattern, values: Values) -> None:
    """Binds what `case` captures."""
    match pattern:
        case ast.MatchAs(name=name) | ast.MatchStar(name=name):
            inside: ast.pattern | None = getattr(pattern, "pattern", None)
            if inside is not None:
                match_pattern(world, inside, values)
            _capture(world, name, values, pattern)
        case ast.MatchValue(value=value):
            world.evaluate(value)
        case ast.MatchSequence(patterns=patterns):
            for position, inner in enumerate(patterns):
                match_pattern(world, inner, _element(world, values, position, pattern))
        case ast.MatchOr(patterns=patterns):
            for inner in patterns:
                match_pattern(world, inner, values)
        case ast.MatchMapping():
            _match_mapping(world, pattern, values)
        case ast.MatchClass():
            _match_class(world, pattern, values)


def _capture(
    world: World, name: str | None, values: Values, pattern: ast.pattern
) -> None:
    if name is not None:
        world.bind(name, values, pattern)


def _match_mapping(world: World, pattern: ast.MatchMapping, values: Values) -> None:
    parts = world.heap.elements(values)
    for key, inner in zip(pattern.keys, pattern.patterns, strict=True):
        world.evaluate(key)
        match_pattern(world, inner, parts)
    rest = world.objects.allocate(pattern, "builtins.dict")
    world.heap.store(rest, ANY, parts)
    _capture(world, pattern.rest, frozenset((rest,)), pattern)


def _match_class(world: World, pattern: ast.MatchClass, values: Values) -> None:
    world.evaluate(pattern.cls)
    held = frozenset(
        part for value in values for parts in value.fields.values() for part in parts
    )
    for inner in (*pattern.patterns, *pattern.kwd_patterns):
        match_pattern(world, inner, held)
