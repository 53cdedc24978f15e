"""Functions of the notebook: making them and running their bodies at each call.

A body is interpreted with the bindings of the moment, so a free variable has the value
that it would have in the notebook. Recursion is cut. Depth and the whole have a limit:
past it calls are no longer followed one by one, and each function that they reach is
interpreted with all that it is given anywhere, as code that may run.
"""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.facts import CachedCall
from jupyter_pipe.analysis.source.scopes import SCOPES, Frame, parameters_of, scope_of
from jupyter_pipe.analysis.world.heap import (
    ANY,
    Bound,
    ExhaustedError,
    Function,
    Object,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_pipe.analysis.world.deferred_calls import Postponed
    from jupyter_pipe.analysis.world.environment import Layer
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "call_function",
    "make_function",
    "note_cache_look",
    "touch_free_names",
]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
CACHES = frozenset({"functools.lru_cache", "functools.cache"})


def make_function(world: World, node: FunctionNode) -> Object:
    """Evaluates defaults and makes the function's object; decorators are the
    caller's."""
    defaults = _defaults(world, node.args)
    result = world.objects.allocate(node, "builtins.function")
    # The same `def` interpreted again, as in a loop, is the same object with new
    # defaults.
    if result.payload is None:
        result.payload = Function(
            node,
            world.names.frame,
            scope_of(node),
            _captures(node),
            sum(1 for _ in ast.walk(node)),
        )
        # Only for cells of the notebook: functions of modules beside it have no cell.
        if world.names.frame.module() is world.names.globals:
            result.payload.cell = world.recorder.cell
        result.carries = True
    payload = result.payload
    assert isinstance(payload, Function)
    payload.frame = world.names.frame
    payload.defaults = defaults
    for values in defaults.values():
        world.heap.store(result, "defaults", values)
    # What it may see of the frames around it: changing the function's closure changes
    # it.
    frame: Frame | None = world.names.frame
    while frame is not None and frame.parent is not None:
        if frame.holder is not None:
            world.heap.store(result, "closure", (frame.holder,))
        frame = frame.parent
    return result


def _defaults(world: World, arguments: ast.arguments) -> dict[str, Values]:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(
        zip(
            positional[len(positional) - len(arguments.defaults) :],
            arguments.defaults,
            strict=True,
        )
    )
    pairs += [
        (a, d)
        for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if d
    ]
    return {argument.arg: world.evaluate(default) for argument, default in pairs}


def call_function(
    world: World,
    callee: Object,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
    node: ast.AST,
) -> Values:
    """Interprets the body of a notebook function. Its value is what it may return."""
    function = callee.payload
    assert isinstance(function, Function)
    # We are in the rough pass: nothing is followed, everything is collected.
    if world.calls.postponed.open:
        return _postpone(world, callee, positional, keywords, node)
    if world.calls.is_hopeless(callee):
        raise ExhaustedError
    # The inner call gives what the function has been found to return until now.
    if world.calls.is_recursion(callee):
        return function.returned
    if world.calls.is_too_much(callee):
        returned = _postpone(world, callee, positional, keywords, node)
        _run_postponed(world, node)
        return returned
    # Frozen sets as keys: the same call with the same arguments in the same world.
    key = (callee, tuple(positional), tuple(keywords.items()))
    before = world.version
    known = world.calls.results.get(key)
    if known is not None and known[0] == before:
        return known[1]
    if function.decorators & CACHES:
        _note_cached_call(world, callee, node)
    world.calls.spend(function)
    result = _interpret(
        world, callee, positional, keywords, node, (*world.calls.sites, node)
    )
    # Only a call that changed nothing and made nothing: a new object must be another
    # one for each call.
    if world.version == before and result <= frozenset().union(
        *positional, *keywords.values()
    ):
        world.calls.results[key] = before, result
    return result


def _interpret(
    world: World,
    callee: Object,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
    site: ast.AST,
    sites: tuple[ast.AST, ...],
) -> Values:
    """`site` tells apart what different calls make, `sites` are the calls that led
    here."""
    function = callee.payload
    assert isinstance(function, Function)
    frame = Frame(function.scope, function.frame)
    if function.captures:
        # Variables that inner functions may keep live on after the call, as parts of a
        # frame.
        frame.holder = world.objects.allocate((site, function.node, "frame"))
    with world.names.inside(frame), world.calls.entering(callee, sites):
        # A layer of its own: locals disappear with it, whatever branch left the
        # function.
        world.names.push()
        frame.depth = len(world.names.layers) - 1
        _bind_parameters(world, function, positional, keywords)
        _run_body(world, function, frame)
    function.returned |= frame.returned
    return _result(world, callee, frame, site)


def _postpone(
    world: World,
    callee: Object,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
    node: ast.AST,
) -> Values:
    """What the function has been found to return until now, or anything else."""
    function = callee.payload
    assert isinstance(function, Function)
    world.calls.postponed.add(callee, positional, keywords)
    return function.returned | {world.objects.allocate(node, open_=True)}


def _run_postponed(world: World, node: ast.AST) -> None:
    """Interprets every function that was postponed, and those that they call, as code
    that may run."""
    # Others that are called while these run are added to the same list.
    postponed, sites = world.calls.postponed, (*world.calls.sites, node)
    postponed.open = True
    while (call := postponed.take()) is not None:
        world.branches(partial(_may_run, world, call, sites), lambda: True)
    postponed.open = False


def _may_run(world: World, call: Postponed, sites: tuple[ast.AST, ...]) -> bool:
    world.heap.spend(call.function.weight)
    _interpret(
        world, call.callee, call.positional, call.keywords, call.function.node, sites
    )
    return True


def _note_cached_call(world: World, callee: Object, node: ast.AST) -> None:
    """A cache is right in another stage only if what the function reads is still the
    same."""
    function = callee.payload
    assert isinstance(function, Function)
    # Every name in the body, also those of inner functions: too many is safe here.
    names = {part.id for part in ast.walk(function.node) if isinstance(part, ast.Name)}
    slots = {
        name: world.names.get(name)
        for name in sorted(names - function.scope.names - {function.name})
    }
    sources = {name: slot.sources for name, slot in slots.items() if slot is not None}
    world.recorder.facts.cached_calls.append(
        CachedCall(function.name, world.place_of(node), sources)
    )


def note_cache_look(world: World, value: Object, node: ast.AST) -> None:
    """`f.cache_info()` tells how often earlier code called the function."""
    function = value.payload.function if isinstance(value.payload, Bound) else value
    if function is not None and isinstance(function.payload, Function):
        world.recorder.facts.cache_looks.setdefault(
            function.payload.name, world.place_of(node)
        )


def _run_body(world: World, function: Function, frame: Frame) -> None:
    node = function.node
    if isinstance(node, ast.Lambda):
        frame.returned |= world.evaluate(node.body)
        alive = True
    else:
        alive = world.execute(node.body)
    # Without a value at the end (`return` in each branch) only the exits count.
    outcomes = (
        [world.names.pop(), *frame.exits]
        if alive
        else (world.names.pop(), frame.exits)[1]
    )
    if outcomes:
        keep = frame.holder is not None
        world.names.merge(
            [_without_locals(layer, frame.number, keep) for layer in outcomes]
        )


def _without_locals(layer: Layer, number: int, keep: bool) -> Layer:
    if keep:
        # Locals that a closure may still see are kept for it.
        return layer
    return {
        key: slot
        for key, slot in layer.items()
        if isinstance(key, str) or key[0] != number
    }


def _captures(node: FunctionNode) -> bool:
    """Whether inner functions may capture its variables."""
    inner = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.Lambda,
        ast.ClassDef,
        ast.GeneratorExp,
    )
    return any(isinstance(part, inner) for part in ast.walk(node) if part is not node)


def _names_bound_inside(node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a function and the scopes within it bind, and those that they
    declare global."""
    inner = [scope_of(part) for part in ast.walk(node) if isinstance(part, SCOPES)]
    bound = frozenset[str]().union(*(scope.names for scope in inner))
    declared = frozenset[str]().union(*(scope.global_ for scope in inner))
    return bound, declared


def touch_free_names(world: World, callee: Object, seen: set[Object]) -> None:
    """What a function may do that is not interpreted: it and the functions that it
    names read their free names, change what these stand for, and bind what they declare
    global."""
    # Each function once, since they may name each other.
    if callee in seen or not isinstance(callee.payload, Function):
        return
    seen.add(callee)
    function = callee.payload
    bound, declared = _names_bound_inside(function.node)
    with world.names.inside(function.frame):
        for part in ast.walk(function.node):
            if not isinstance(part, ast.Name):
                continue
            # `global n; n = 1` in the body.
            if part.id in declared and not isinstance(part.ctx, ast.Load):
                _may_bind(world, part)
            elif part.id not in bound or part.id in declared:
                for value in world.read(part.id, part):
                    touch_free_names(world, value, seen)
                    world.mutate((value,), part)


def _may_bind(world: World, node: ast.Name) -> None:
    def bind() -> bool:
        world.bind(
            node.id, frozenset((world.objects.allocate(node, open_=True),)), node
        )
        return True

    with world.names.inside(world.names.frame.module()):
        world.branches(bind, lambda: True)


def _bind_parameters(
    world: World,
    function: Function,
    positional: Sequence[Values],
    keywords: Mapping[str, Values],
) -> None:
    """Binds each parameter to what the call passes, else to its default, else to what
    unseen code passed by any name (`**`), else to an unknown object."""
    arguments = function.node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    given: dict[str, Values] = dict(zip(names, positional, strict=False))
    if arguments.vararg:
        given[arguments.vararg.arg] = _pack(
            world, arguments.vararg, list(positional[len(names) :])
        )
    known = {*names, *(argument.arg for argument in arguments.kwonlyargs)}
    given.update({name: values for name, values in keywords.items() if name in known})
    if arguments.kwarg:
        # def f(a, **options): names that are no parameters are its items.
        extra = world.objects.allocate(arguments.kwarg, "builtins.dict")
        for name, values in keywords.items():
            if name not in known:
                world.heap.store(extra, f"[{name!r}]", values)
        given[arguments.kwarg.arg] = frozenset((extra,))
    for argument in parameters_of(arguments):
        found = given.get(argument.arg, function.defaults.get(argument.arg))
        if found is None:
            found = keywords.get("**") or frozenset(
                (world.objects.allocate(argument, open_=True),)
            )
        world.bind(argument.arg, found, argument)


def _pack(world: World, node: ast.arg, values: list[Values]) -> Values:
    result = world.objects.allocate(node, "builtins.tuple")
    for position, value in enumerate(values):
        world.heap.store(result, f"[{position}]", value)
    return frozenset((result,))


def _result(world: World, callee: Object, frame: Frame, node: ast.AST) -> Values:
    function = callee.payload
    assert isinstance(function, Function)
    # Calling a generator function runs nothing yet: we take it to have run to its end.
    if frame.scope.generator:
        result = world.objects.allocate(
            (node, callee, "generator"), "builtins.generator"
        )
        world.heap.store(result, ANY, frame.yielded)
        return frozenset((result,))
    if isinstance(function.node, ast.AsyncFunctionDef):
        result = world.objects.allocate(
            (node, callee, "coroutine"), "builtins.coroutine"
        )
        world.heap.store(result, "result", frame.returned)
        return frozenset((result,))
    return frozenset(frame.returned)
