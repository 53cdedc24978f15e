"""Builtins whose effect depends on more than a table can say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.configurations import CONFIGURATION_CALLS
from jupyter_pipe.analysis.calls.databases import DATABASE_CALLS
from jupyter_pipe.analysis.calls.folders import FOLDER_CALLS
from jupyter_pipe.analysis.calls.libraries import (
    call_unknown,
    run_special_methods,
    show,
)
from jupyter_pipe.analysis.calls.paths import PATH_CALLS
from jupyter_pipe.analysis.calls.programs import PROGRAM_CALLS
from jupyter_pipe.analysis.calls.shell_state import SHELL_CALLS, make_handle
from jupyter_pipe.analysis.calls.texts import change_texts
from jupyter_pipe.analysis.interpreter.access import (
    ADDRESS,
    load_attribute,
    store_attribute,
)
from jupyter_pipe.analysis.interpreter.imports import import_by_name
from jupyter_pipe.analysis.interpreter.iteration import advance, elements_of
from jupyter_pipe.analysis.source.embedded_names import evaluate_text, read_statements
from jupyter_pipe.analysis.world.heap import (
    ANY,
    FIELD,
    NOTHING,
    Function,
    Instance,
    Library,
    Object,
    Partial,
    Values,
)
from jupyter_pipe.analysis.world.world import text_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.world import World

__all__ = ["BUILTIN_CALLS", "items"]


def _result(world: World, arguments: Arguments, type_: str) -> Object:
    return world.objects.allocate(arguments.node, type_)


def _zip(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "builtins.zip")
    # Each iterable gives one part of the tuples: changing `a` in `for a, b in zip(xs,
    # ys)` changes elements of `xs`, not of `ys`.
    for position, values in enumerate(arguments.positional):
        world.heap.store(
            result, f"[{position}]", elements_of(world, values, arguments.node)
        )
    world.heap.store(result, ANY, elements_of(world, arguments.rest, arguments.node))
    return frozenset((result,))


def _enumerate(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "builtins.enumerate")
    for values in arguments.positional[:1]:
        world.heap.store(result, "[1]", elements_of(world, values, arguments.node))
    return frozenset((result,))


def _map(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "builtins.map")
    if arguments.positional:
        given = [
            elements_of(world, values, arguments.node)
            for values in arguments.positional[1:]
        ]
        # `map` is lazy, the call is not: what the function does is seen where `map`
        # stands.
        inner = type(arguments)(arguments.node, given)
        world.heap.store(result, ANY, world.call_values(arguments.positional[0], inner))
    return frozenset((result,))


def _filter(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "builtins.filter")
    if len(arguments.positional) > 1:
        elements = elements_of(world, arguments.positional[1], arguments.node)
        world.call_values(
            arguments.positional[0], type(arguments)(arguments.node, [elements])
        )
        world.heap.store(result, ANY, elements)
    return frozenset((result,))


def _groupby(world: World, arguments: Arguments) -> Values:
    """`itertools.groupby`: an object that stands for each pair of a key and a group as
    well."""
    result = _result(world, arguments, "itertools.groupby")
    group = world.objects.allocate((arguments.node, "group"), "builtins.iterator")
    for values in arguments.positional[:1]:
        world.heap.store(group, ANY, elements_of(world, values, arguments.node))
    world.heap.store(result, "[1]", (group,))
    for key in (*arguments.positional[1:2], arguments.keywords.get("key", NOTHING)):
        inner = type(arguments)(arguments.node, [world.heap.load(group, ANY)])
        world.call_values(key, inner)
    return frozenset((result,))


def _dict(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "builtins.dict")
    for values in arguments.positional[:1]:
        for source in values:
            # `dict(other)` and `dict(Counter(xs))` copy the parts, `dict(pairs)` takes
            # them apart.
            if source.type in {"builtins.dict", ""} or source.type.startswith(
                "collections."
            ):
                world.heap.copy_parts(source, result)
            else:
                for pair in elements_of(world, frozenset((source,)), arguments.node):
                    world.heap.store(result, "keys", world.heap.load(pair, "[0]"))
                    world.heap.store(result, ANY, world.heap.load(pair, "[1]"))
    for name, values in arguments.keywords.items():
        world.heap.store(result, f"[{name!r}]", values)
    # dict(**options): keys that cannot be told.
    world.heap.store(result, ANY, arguments.rest)
    return frozenset((result,))


def _print(world: World, arguments: Arguments) -> Values:
    world.recorder.facts.prints = True
    show(world, arguments.every(), arguments.node, rich=_is_display(arguments.node))
    file = arguments.keywords.get("file", NOTHING)
    # print(x, file=log) changes `log`. `sys.stderr` is a library's object and nobody's
    # data.
    world.mutate(
        (value for value in file if not isinstance(value.payload, Library)),
        arguments.node,
    )
    return NOTHING


def _display(world: World, arguments: Arguments) -> Values:
    _print(world, arguments)
    return make_handle(world, arguments)


def _is_display(node: ast.Call) -> bool:
    return getattr(node.func, "attr", getattr(node.func, "id", "")) != "print"


def _pure(world: World, arguments: Arguments) -> Values:
    run_special_methods(world, arguments.every(), arguments.node)
    return NOTHING


def _str(world: World, arguments: Arguments) -> Values:
    """The text of a constant path is a constant."""
    known = (
        change_texts(world, arguments.positional[0], str)
        if len(arguments.positional) == 1
        else None
    )
    return _pure(world, arguments) if known is None else known


def _identity(world: World, arguments: Arguments) -> Values:
    for value in arguments.every():
        world.recorder.facts.identified.setdefault(
            value, world.place_of(arguments.node)
        )
    return NOTHING


def _id(world: World, arguments: Arguments) -> Values:
    _identity(world, arguments)
    return frozenset((_result(world, arguments, ADDRESS),))


def _getattr(world: World, arguments: Arguments) -> Values:
    """`getattr(base, name, default)`: the attributes that constant names stand for, or
    else any part of the object, since a computed name may mean each."""
    if len(arguments.positional) < 2:
        return NOTHING
    base, name = arguments.positional[:2]
    constants = texts_of(name)
    default = frozenset().union(*arguments.positional[2:])
    # getattr(model, name) with `name` from a loop: each attribute may be meant.
    if not constants or len(constants) < len(name):
        parts = [
            part for value in base for held in value.fields.values() for part in held
        ]
        return (
            frozenset(parts)
            | default
            | {world.objects.allocate(arguments.node, open_=True)}
        )
    found = (
        load_attribute(world, base, constant, arguments.node) for constant in constants
    )
    return default.union(*found)


def _setattr(world: World, arguments: Arguments) -> Values:
    if len(arguments.positional) == 3:
        base, name, values = arguments.positional
        # setattr(obj, name, x) with a computed name may replace any attribute.
        store_attribute(world, base, text_of(name) or ANY, values, arguments.node)
    return NOTHING


def _delattr(world: World, arguments: Arguments) -> Values:
    for base in arguments.positional[:1]:
        world.mutate(base, arguments.node)
    return NOTHING


def _partial(world: World, arguments: Arguments) -> Values:
    if not arguments.positional:
        return NOTHING
    callee, *given = arguments.positional
    keywords = tuple(arguments.keywords.items())
    payload = Partial(callee, tuple(given), keywords)
    result = world.objects.allocate(arguments.node, "functools.partial", payload)
    result.payload = payload
    world.heap.store(result, "callee", callee)
    for values in (*given, *arguments.keywords.values()):
        world.heap.store(result, "given", values)
    return frozenset((result,))


def _super(world: World, arguments: Arguments) -> Values:
    result = _result(world, arguments, "super")
    frame = world.names.frame.home()
    # The method that runs now; `super()` finds its first parameter, whatever it is
    # called.
    innermost = world.calls.callees[-1].payload if world.calls.callees else None
    arguments_of = getattr(innermost, "node", None)
    parameters = (
        arguments_of.args
        if isinstance(arguments_of, (ast.FunctionDef, ast.AsyncFunctionDef))
        else None
    )
    first = (
        next(iter([*parameters.posonlyargs, *parameters.args]), None)
        if parameters
        else None
    )
    if first is not None:
        slot = world.names.get(frame.key(first.arg))
        world.heap.store(result, "self", slot.values if slot else ())
    return frozenset((result,))


def _type(world: World, arguments: Arguments) -> Values:
    classes = [
        v.payload.class_ for v in arguments.every() if isinstance(v.payload, Instance)
    ]
    return frozenset(classes)


def _globals(world: World, _: Arguments) -> Values:
    return frozenset((world.namespace,))


def _locals(world: World, _: Arguments) -> Values:
    return frozenset((world.namespace,)) if world.names.is_top_level else NOTHING


def _vars(world: World, arguments: Arguments) -> Values:
    if arguments.positional:
        return arguments.positional[0]
    return _locals(world, arguments)


def _eval(world: World, arguments: Arguments) -> Values:
    values = arguments.positional[0] if arguments.positional else NOTHING
    constants = texts_of(values)
    has_names = (
        len(arguments.positional) > 1
    )  # the names may be in the namespace that is given
    with world.recorder.roughly(has_names):
        parsed = [
            evaluate_text(world, constant, arguments.node) for constant in constants
        ]
    # Of `eval(expressions[i])` some may be constant: those were read, the others are
    # told of.
    if not all(parsed) or len(parsed) < max(len(values), 1):
        world.note(
            "PIPE221",
            "`eval` of a computed string may read names that cannot be seen.",
            arguments.node,
            "Write the expression as code, or give the names it reads as a dictionary.",
        )
    return frozenset((world.objects.allocate(arguments.node, open_=True),))


def _exec(world: World, arguments: Arguments) -> Values:
    world.recorder.facts.effects = True
    constant = (
        text_of(arguments.positional[0]) if len(arguments.positional) == 1 else None
    )
    if constant is not None:
        if read_statements(world, constant, arguments.node):
            return NOTHING
    # exec(code, namespace): names are bound in the dictionary that is given, not here.
    elif len(arguments.positional) < 2:
        world.note(
            "PIPE221",
            "`exec` of computed code may read names that cannot be seen.",
            arguments.node,
            "Write the code in the cell itself.",
        )
    # `exec("x = 1")` that does not parse, or binds in ways that cannot be followed,
    # too.
    world.note(
        "PIPE220",
        "`exec` may bind and read names that cannot be seen, so they cannot travel to other stages.",
        arguments.node,
        "Write the code in the cell itself.",
    )
    return NOTHING


def _compile(world: World, arguments: Arguments) -> Values:
    """Code stands for its text."""
    return arguments.positional[0] if arguments.positional else NOTHING


def _tee(world: World, arguments: Arguments) -> Values:
    """All iterators that `tee` gives read from one place: one object stands for
    them."""
    result = _result(world, arguments, "builtins.tuple")
    one = world.objects.allocate((arguments.node, "tee"), "builtins.iterator")
    for values in arguments.positional[:1]:
        world.heap.store(one, "receiver", values)
        world.heap.store(one, ANY, elements_of(world, values, arguments.node))
    world.heap.store(result, ANY, (one,))
    return frozenset((result,))


def _next(world: World, arguments: Arguments) -> Values:
    if not arguments.positional:
        return NOTHING
    source = arguments.positional[0]
    given = world.call_special(source, "__next__", (), arguments.node)
    plain = frozenset(
        # An iterator of the notebook's class: its `__next__` says what happens.
        value
        for value in source
        if not isinstance(value.payload, Instance)
    )
    # Others move on: two stages that share one iterator depend on each other's order.
    advance(world, plain, arguments.node)
    return (
        given
        | world.heap.elements(plain)
        | frozenset().union(*arguments.positional[1:])
    )


def _import_module(world: World, arguments: Arguments) -> Values:
    """`importlib.import_module("plug")` is an import; of a computed name nothing is
    known."""
    names = texts_of(arguments.positional[0]) if len(arguments.positional) == 1 else []
    found = [
        import_by_name(world, name, arguments.node)
        for name in names
        # import_module(".plug", package=…) is relative to what only the program knows.
        if name[:1].isalpha()
    ]
    return frozenset(found) or call_unknown(world, arguments, NOTHING)


def _input(world: World, arguments: Arguments) -> Values:
    world.note(
        "PIPE222",
        "`input()` waits for somebody at the keyboard; a pipeline runs without one.",
        arguments.node,
        "Make the value a parameter: assign it in a cell tagged `parameters`.",
    )
    return NOTHING


def items(world: World, value: Object, arguments: Arguments) -> Values:
    """`d.items()`: an object that stands for the view and for each pair that it
    gives."""
    result = world.objects.allocate((arguments.node, value), "builtins.dict_items")
    world.heap.store(result, "receiver", (value,))
    world.heap.store(result, "[0]", value.fields.get("keys", ()))
    world.heap.store(result, "[1]", world.heap.load(value, ANY))
    return frozenset((result,))


def _lru_cache(world: World, arguments: Arguments) -> Values:
    """`lru_cache(maxsize=1)` is a decorator still, `lru_cache(f)` is f with a cache."""
    functions = arguments.positional[0] if arguments.positional else NOTHING
    for value in functions:
        if isinstance(value.payload, Function):
            # The function itself is marked, since `f = lru_cache(f)` has no object of
            # its own.
            value.payload.decorators |= {"functools.lru_cache"}
    return functions or frozenset((world.objects.library("functools.lru_cache"),))


def _defaultdict(world: World, arguments: Arguments) -> Values:
    result = world.objects.allocate(
        arguments.node, "collections.defaultdict", open_=True
    )
    for factory in arguments.positional[:1]:
        world.heap.store(result, "factory", factory)
    for values in arguments.positional[1:]:
        for source in values:
            world.heap.copy_parts(source, result)
    for values in arguments.keywords.values():
        world.heap.store(result, ANY, values)
    return frozenset((result,))


def _field(world: World, arguments: Arguments) -> Values:
    """`dataclasses.field`: a promise that each instance gets its own part."""
    result = _result(world, arguments, FIELD)
    for name in ("default_factory", "default"):
        world.heap.store(result, name, arguments.keywords.get(name, NOTHING))
    return frozenset((result,))


def _subplots(world: World, arguments: Arguments) -> Values:
    """`fig, ax = plt.subplots()`: figure and axes hold each other; with a grid, axes
    are an array."""
    pair = _result(world, arguments, "builtins.tuple")
    figure = world.objects.allocate(
        (arguments.node, "figure"), "matplotlib.figure.Figure", open_=True
    )
    axes = world.objects.allocate(
        (arguments.node, "axes"), "matplotlib.axes.Axes", open_=True
    )
    world.heap.store(figure, ".axes", (axes,))
    world.heap.store(axes, ".figure", (figure,))
    grid = world.objects.allocate((arguments.node, "grid"), "", open_=True)
    world.heap.store(grid, ANY, (axes, grid))
    world.heap.store(grid, ".flat", (grid,))
    world.heap.store(pair, "[0]", (figure,))
    world.heap.store(
        # plt.subplots() gives one Axes, plt.subplots(2, 2) an array, plt.subplots(n)
        # either.
        pair,
        "[1]",
        (axes, grid) if arguments.node.args or arguments.node.keywords else (axes,),
    )
    return frozenset((pair,))


BUILTIN_CALLS: dict[str, Callable[[World, Arguments], Values]] = {
    **PATH_CALLS,
    **FOLDER_CALLS,
    **PROGRAM_CALLS,
    **SHELL_CALLS,
    **DATABASE_CALLS,
    **CONFIGURATION_CALLS,
    "builtins.zip": _zip,
    "builtins.enumerate": _enumerate,
    "builtins.map": _map,
    "builtins.filter": _filter,
    "builtins.dict": _dict,
    "builtins.print": _print,
    "builtins.str": _str,
    "IPython.display.display": _display,
    "builtins.id": _id,
    "numpy.shares_memory": _identity,
    "numpy.may_share_memory": _identity,
    "builtins.getattr": _getattr,
    "builtins.setattr": _setattr,
    "builtins.delattr": _delattr,
    "builtins.super": _super,
    "builtins.type": _type,
    "builtins.globals": _globals,
    "builtins.locals": _locals,
    "builtins.vars": _vars,
    "builtins.eval": _eval,
    "builtins.exec": _exec,
    "builtins.compile": _compile,
    "itertools.tee": _tee,
    "builtins.next": _next,
    "builtins.input": _input,
    "importlib.import_module": _import_module,
    "functools.partial": _partial,
    "dataclasses.field": _field,
    "collections.defaultdict": _defaultdict,
    "functools.lru_cache": _lru_cache,
    "functools.cache": _lru_cache,
    "itertools.groupby": _groupby,
    "matplotlib.pyplot.subplots": _subplots,
}
for _name in (
    "len",
    "repr",
    "hash",
    "bool",
    "isinstance",
    "issubclass",
    "callable",
    "hasattr",
):
    BUILTIN_CALLS[f"builtins.{_name}"] = _pure
