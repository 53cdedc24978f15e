"""Classes of the notebook: making them and their instances."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.interpreter.functions import call_function
from jupyter_pipe.analysis.source.scopes import Frame, scope_of
from jupyter_pipe.analysis.world.heap import (
    ANY,
    FIELD,
    NOTHING,
    Class,
    Function,
    Instance,
    Library,
    Object,
    Values,
    find_in_class,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_pipe.analysis.world.world import World

__all__ = ["instantiate", "make_class"]


def make_class(world: World, node: ast.ClassDef) -> Object:
    """Runs a class body in its own scope; what it binds becomes the attributes of the
    class."""
    bases = tuple(value for base in node.bases for value in world.evaluate(base))
    keywords = {keyword.arg: world.evaluate(keyword.value) for keyword in node.keywords}
    result = world.objects.allocate(node, "builtins.type")
    # In a loop the same object stands for each class that the statement makes.
    result.payload = Class(node, bases)
    result.carries = True
    frame = Frame(scope_of(node), world.names.frame, kind="class", holder=result)
    # kind="class": names of the body are not seen by the methods' bodies.
    with world.names.inside(frame):
        world.execute(node.body)
    world.heap.store(
        result, "bases", [base for base in bases if isinstance(base.payload, Class)]
    )
    # A metaclass is inherited from whichever base has one.
    inherited = frozenset().union(*(base.fields.get("class", ()) for base in bases))
    _run_hooks(world, result, bases, keywords.get("metaclass", inherited), node)
    return result


def _run_hooks(
    world: World,
    class_: Object,
    bases: Sequence[Object],
    metaclasses: Values,
    node: ast.ClassDef,
) -> None:
    """What the bases and the metaclass do when a class is made."""
    itself = frozenset((class_,))
    for base in bases:
        # Plug-in registries: `class Base: def __init_subclass__(cls):
        # registry.append(cls)`.
        for hook in find_in_class(base, "__init_subclass__"):
            if isinstance(hook.payload, Function):
                call_function(world, hook, (itself,), {}, node)
    for metaclass in metaclasses:
        world.heap.store(class_, "class", (metaclass,))
        for name in ("__new__", "__init__"):
            # class Meta(type): def __init__(cls, name, bases, body): registry[name] =
            # cls
            for hook in find_in_class(metaclass, name):
                if isinstance(hook.payload, Function):
                    call_function(world, hook, (frozenset((metaclass,)),), {}, node)


def instantiate(
    world: World,
    class_: Object,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
    node: ast.AST,
) -> Values:
    """Calls a class of the notebook."""
    foreign = _foreign_base(class_)
    result = world.objects.allocate(
        (node, class_),
        foreign or "",
        Instance(class_),
        open_=foreign is not None,
        # class Net(nn.Module): an instance has the type of the library's class for the
        # tables.
    )
    world.heap.store(result, "class", (class_,))
    itself = frozenset((result,))
    makers = find_in_class(class_, "__init__")
    for maker in makers:
        if isinstance(maker.payload, Function):
            call_function(world, maker, (itself, *positional), keywords, node)
    # Without an `__init__` it is a dataclass or NamedTuple, or takes no arguments.
    if not makers:
        _fill_fields(world, class_, result, positional, keywords)
    for hook in find_in_class(class_, "__post_init__"):
        if isinstance(hook.payload, Function):
            call_function(world, hook, (itself,), {}, node)
    return itself


def _fill_fields(
    world: World,
    class_: Object,
    result: Object,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
) -> None:
    """Dataclasses and named tuples: arguments become attributes in the order of
    annotations."""
    names = list(_annotated(class_))
    for position, values in enumerate(positional):
        label = "." + names[position] if position < len(names) else ANY
        world.heap.store(result, label, values)
    for name, values in keywords.items():
        world.heap.store(result, "." + name, values)
    for name in names:
        # A field that was not given has its default, also if the class is a plain one.
        if "." + name not in result.fields:
            _make_default(world, class_, result, name)


def _make_default(world: World, class_: Object, result: Object, name: str) -> None:
    """Each instance has its own of what a field's factory makes."""
    for default in find_in_class(class_, name):
        if default.type != FIELD:
            continue
        world.heap.store(result, "." + name, default.fields.get("default", ()))
        for factory in default.fields.get("default_factory", ()):
            made: Values = NOTHING
            if isinstance(factory.payload, Function):
                made = call_function(world, factory, (), {}, factory.payload.node)
            elif isinstance(factory.payload, Class):
                made = instantiate(world, factory, (), {}, factory.payload.node)
            # field(default_factory=list)
            elif isinstance(factory.payload, Library):
                made = frozenset(
                    (world.objects.allocate((result, name), factory.payload.qualified),)
                )
            world.heap.store(result, "." + name, made)


def _annotated(class_: Object) -> list[str]:
    payload = class_.payload
    if not isinstance(payload, Class):
        return []
    inherited = [name for base in payload.bases for name in _annotated(base)]
    own = [
        statement.target.id
        for statement in payload.node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
    ]
    return inherited + own


def _foreign_base(class_: Object) -> str | None:
    """The library class that a notebook class derives from, if it derives from one."""
    payload = class_.payload
    if isinstance(payload, Library):
        return None if payload.qualified == "builtins.object" else payload.qualified
    if isinstance(payload, Class):
        return next(
            (found for base in payload.bases if (found := _foreign_base(base))), None
        )
    # A base that is an unknown value: something foreign, of which not even the name is
    # known.
    return "" if payload is None else None
