"""Calls of code that is not in the notebook: what knowledge says of them is done to the
world."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import (
    open_file,
    touch_files,
    touch_temporary_folders,
)
from jupyter_pipe.analysis.calls.settings import kept_for_later
from jupyter_pipe.analysis.interpreter.functions import call_function
from jupyter_pipe.analysis.interpreter.iteration import PAIRS, begin
from jupyter_pipe.analysis.knowledge import Returns
from jupyter_pipe.analysis.world.heap import (
    ANY,
    NOTHING,
    Bound,
    Class,
    Function,
    Instance,
    Object,
    Partial,
    Values,
    in_order,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.knowledge import Argument, CallEffect
    from jupyter_pipe.analysis.world.world import World

__all__ = ["apply_effect", "call_unknown", "escape", "keyword_effects", "show"]

ATOMS = frozenset(
    f"builtins.{name}"
    for name in (
        "int",
        "float",
        "str",
        "bool",
        "bytes",
        "complex",
        "NoneType",
        "range",
        "slice",
    )
)
RUNNERS = frozenset(
    {"threading", "multiprocessing", "concurrent", "asyncio", "joblib", "atexit"}
)
"""Libraries that call what they are given with the other arguments as they are."""
EXCEPTION = "builtins.BaseException"
GENERATORS = frozenset(
    {
        "numpy.random.Generator",
        "numpy.random.RandomState",
        "random.Random",
        "torch.Generator",
    }
)
GENERATOR = ".random_state"
"""Where an estimator keeps the generator that it was made with."""
MAKERS = frozenset(
    {
        ".__init__",
        ".__new__",
        ".__init_subclass__",
        ".__class_getitem__",
        ".__post_init__",
    }
)
LOOKED_UP = """
repr str format len bool hash eq ne lt le gt ge iter next contains getitem reversed length_hint add radd index
int float complex round abs instancecheck subclasscheck dir sizeof fspath
"""
SHOWN = re.compile(r"_repr_\w+_|_ipython_display_")
"""What the notebook calls besides `repr` to show a value."""
PRECISION = "@ipython.precision"
LOOKS = frozenset(f"__{name}__" for name in LOOKED_UP.split())
"""What builtins call on what they are given: they look, and change nothing unless these
do."""
ITERATING = frozenset(
    f"builtins.{name}"
    for name in ("iter", "list", "tuple", "set", "sorted", "sum", "max", "min")
)
"""Builtins that loop over what they are given, or begin to."""
CLOSED = frozenset(
    f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset", "dict")
)
"""Containers of which every element was seen going in."""


def apply_effect(
    world: World,
    effect: CallEffect,
    receiver: Object | None,
    arguments: Arguments,
    qualified: str = "",
) -> Values:
    """Does what `effect` says and returns the call's value."""
    node = arguments.node
    # `pd.DataFrame(globals())`: every name of the notebook may be read.
    if world.namespace in arguments.every():
        world.note_namespace(node)
    _change(world, effect, receiver, arguments)
    if effect.again:
        world.recorder.facts.again.add(node)
    # train_test_split(x, random_state=0) draws nothing from numpy's global generator.
    excepted = any(
        _is_set(arguments.keyword_node(keyword)) for keyword in effect.unless
    )
    _use_components(world, effect, node, draws=not excepted)
    touch_files(world, effect, arguments, receiver, qualified)
    _begin_loops(world, arguments, qualified)
    with kept_for_later(world, is_kept=bool(effect.sets)):
        called = _call_back(world, effect, receiver, arguments, qualified)
    type_ = (excepted and effect.otherwise_type) or effect.result_type
    result = _result(world, effect, receiver, arguments, type_)
    for value in result:
        # KMeans(random_state=rng) draws from `rng` in `fit`, so the estimator holds it.
        if _is_class(qualified):
            world.heap.store(value, GENERATOR, _generators(arguments))
            _keep_functions(world, value, arguments)
        if receiver is None:
            _retain(world, effect, value, arguments)
        # df.apply(f) gives what f returned, unless the call returns the receiver
        # itself.
        if called and effect.returns is not Returns.same:
            world.heap.store(value, ANY, called)
    return result


def _keep_functions(world: World, value: Object, arguments: Arguments) -> None:
    """What is made with a function of the notebook calls it some day:
    `NonlinearConstraint(limit, 0, 1)`."""
    world.heap.store(
        value, "receiver", [given for given in arguments.every() if given.carries]
    )


def _retain(
    world: World, effect: CallEffect, value: Object, arguments: Arguments
) -> None:
    """Keeps in the value those arguments that it holds on to: `DataLoader(data)` holds
    `data`."""
    for wanted in effect.retains:
        world.heap.store(value, ANY, arguments.pick(wanted))


def _begin_loops(world: World, arguments: Arguments, qualified: str) -> None:
    """`list(loader)` asks for an iterator as a loop does."""
    if qualified in ITERATING:
        for value in in_order(arguments.every()):
            begin(world, value, arguments.node)


def _change(
    world: World, effect: CallEffect, receiver: Object | None, arguments: Arguments
) -> None:
    for wanted in effect.mutates:
        changed = _pick(wanted, receiver, arguments)
        # `deep` is for libraries that change what is held: `model.train()` reaches
        # every layer.
        world.mutate(
            world.heap.reachable(changed) if effect.deep else changed, arguments.node
        )
        # kmeans.fit(x) moves on the generator that the estimator holds.
        for value in changed:
            world.mutate(value.fields.get(GENERATOR, ()), arguments.node)
    if receiver is not None:
        for wanted in effect.retains:
            world.heap.store(receiver, ANY, arguments.pick(wanted))


def _pick(wanted: Argument, receiver: Object | None, arguments: Arguments) -> Values:
    if wanted.position == -1:
        return frozenset((receiver,)) if receiver is not None else NOTHING
    return arguments.pick(wanted)


# `random_state=None` is the default said aloud: the draw happens.
def _is_set(node: ast.expr | None) -> bool:
    return node is not None and not (
        isinstance(node, ast.Constant) and node.value is None
    )


def _use_components(
    world: World, effect: CallEffect, node: ast.AST, *, draws: bool
) -> None:
    for component in effect.seeds:
        world.recorder.facts.seeds.add("@" + component)
        world.set_component(component, node, whole=True)
    for component in effect.sets:
        world.set_component(component, node)
    for component in effect.draws if draws else ():
        world.draw(component, node)
    for component in effect.reads:
        world.touch("@" + component, node)


# The order of drawing and reading is that of the tables, so a seed comes before a draw.
def _call_back(
    world: World,
    effect: CallEffect,
    receiver: Object | None,
    arguments: Arguments,
    qualified: str,
) -> Values:
    """Runs the notebook's code that the library may call; returns what that gives
    back."""
    found: set[Object] = set()
    for wanted in effect.calls:
        found |= escape(world, arguments.pick(wanted), arguments.node)
    own = receiver.type if receiver is not None else qualified
    carried = [value for value in arguments.every() if value.carries]
    # `len(x)` runs x.__len__, and never the other methods of x.
    if own.startswith("builtins."):
        if receiver is None:
            run_special_methods(world, carried, arguments.node)
        return frozenset(found)
    if receiver is not None and receiver.carries:
        carried.append(receiver)
    plain = frozenset(value for value in arguments.every() if not value.carries)
    # Thread(target=f, args=(x,)): f gets x. DataFrame.apply(f) does not get the frame's
    # neighbours.
    passes_on = own.partition(".")[0] in RUNNERS
    given = plain | world.heap.elements(plain) if passes_on else NOTHING
    return frozenset(found) | escape(world, frozenset(carried), arguments.node, given)


def _result(
    world: World,
    effect: CallEffect,
    receiver: Object | None,
    arguments: Arguments,
    type_: str,
) -> Values:
    """What a call returns, tied to the objects that its effect names: `df.values` is a
    view of `df`, `fit` is the estimator itself, `iter(xs)` holds `xs`."""
    sources = NOTHING.union(
        *(_pick(wanted, receiver, arguments) for wanted in effect.of)
    )
    if effect.returns is Returns.same and sources:
        return sources
    if effect.returns is Returns.element:
        return world.heap.elements(sources)
    # int(x) shares nothing with x: an object would only slow down what follows.
    if effect.returns is Returns.fresh and type_ in ATOMS:
        return NOTHING
    if effect.returns is Returns.holder:
        type_ = _narrowed(world, type_, sources)
    type_ = type_ or _type_of_part(effect, receiver)
    # `list(xs)` holds exactly what xs held; a frame's `.copy()` may hold more than was
    # seen.
    opened = effect.returns is not Returns.shallow or type_ not in CLOSED
    result = world.objects.allocate((arguments.node, receiver), type_, open_=opened)
    for source in sources:
        _relate(world, effect.returns, result, source)
    open_file(world, effect, result, arguments)
    return frozenset((result,))


def _type_of_part(effect: CallEffect, receiver: Object | None) -> str:
    """Views and shallow copies are of the type of what they were made of, as far as
    nothing else is known."""
    is_part = effect.returns is Returns.view or effect.returns is Returns.shallow
    return receiver.type if is_part and receiver is not None else ""


def _narrowed(world: World, type_: str, parts: Values) -> str:
    """A sequence of layers that holds one which draws, such as dropout, draws when it
    is called."""
    if not type_ or world.knowledge.method(type_, "__call__") is None:
        return type_
    called = {part.type for part in parts | world.heap.elements(parts) if part.type}
    drawing = sorted(
        one
        for one in called
        if (effect := world.knowledge.method(one, "__call__")) and effect.draws
    )
    return drawing[0] if drawing else type_


def _relate(world: World, returns: Returns, result: Object, source: Object) -> None:
    if returns is Returns.view:
        world.heap.share(result, source)
    elif returns is Returns.holder:
        _hold(world, result, source)
    # dict(d.items()) would copy the parts of a pair where the pairs themselves are
    # meant.
    elif returns is Returns.shallow and source.type in PAIRS:
        world.heap.store(result, ANY, (source,))
    elif returns is Returns.shallow:
        world.heap.copy_parts(source, result)


def _hold(world: World, result: Object, source: Object) -> None:
    """An iterator or wrapper holds its source, and gives out the source's elements."""
    world.heap.store(result, "receiver", (source,))
    # except ValueError as error: error.args holds what was given.
    if result.type == EXCEPTION:
        world.heap.store(result, ANY, (source,))
    elif source.fields:
        world.heap.store(result, ANY, world.heap.load(source, ANY))


def call_unknown(
    world: World, arguments: Arguments, receivers: Values, *, result_type: str = ""
) -> Values:
    """A call of which nothing is known, on something or one of several: it changes
    nothing that we can name, and gives a new object.

    Code of the notebook that is passed in, or held by the callee, may be called.
    """
    given = arguments.every()
    if world.namespace in given:
        world.note_namespace(arguments.node)
    touch_temporary_folders(world, given, arguments.node)
    receiver = next(iter(receivers)) if len(receivers) == 1 else None
    result = world.objects.allocate((arguments.node, receiver), result_type, open_=True)
    # `constraint.fun(x)`: the attribute is nobody knows what, perhaps the function that
    # was given.
    containers = [value.of for value in receivers if value.of is not None]
    carried = [value for value in (*given, *receivers, *containers) if value.carries]
    if carried:
        plain = frozenset(value for value in given if not value.carries)
        given = plain | world.heap.elements(plain)
        world.heap.store(
            result, ANY, escape(world, frozenset(carried), arguments.node, given)
        )
        world.heap.store(result, "receiver", carried)
    return frozenset((result,))


def _is_class(qualified: str) -> bool:
    return qualified.rpartition(".")[2][:1].isupper()


def _generators(arguments: Arguments) -> Values:
    return frozenset(value for value in arguments.every() if value.type in GENERATORS)


def keyword_effects(
    world: World, receiver: Object | None, arguments: Arguments, qualified: str = ""
) -> None:
    """`out=` and `inplace=` mean the same in every library. Who is given a generator
    draws from it; a class only keeps it."""
    # `RandomForest(random_state=rng)` has drawn nothing yet.
    if not _is_class(qualified):
        world.mutate(_generators(arguments), arguments.node)
    out = arguments.keywords.get("out")
    if out:
        world.mutate(out, arguments.node)
        for value in out:
            if value.type == "builtins.tuple":
                # numpy.divmod(a, b, out=(q, r))
                world.mutate(world.heap.load(value, ANY), arguments.node)
    inplace = arguments.keyword_node("inplace")
    # inplace=False changes nothing, inplace=flag may.
    constant = isinstance(inplace, ast.Constant) and not inplace.value
    if inplace is not None and not constant and receiver is not None:
        world.mutate((receiver,), arguments.node)


def escape(
    world: World, values: Values, node: ast.AST, given: Values = NOTHING
) -> Values:
    """Code that we cannot see may call any code of the notebook reachable from
    `values`, and pass it any of `given`."""
    found: set[Object] = set()
    for value in in_order(world.heap.unexplored(values, given)):
        with world.recorder.roughly():
            found |= _escape(world, value, node, given)
    return frozenset(found)


def _escape(world: World, value: Object, node: ast.AST, given: Values) -> Values:
    """Runs what unseen code may call on one value: a function, a method, or any method
    of an instance of the notebook's classes. Returns what functions give back."""
    payload = value.payload
    keywords = {"**": given} if given else {}
    if isinstance(payload, Function):
        return call_function(world, value, (), keywords, node)
    if isinstance(payload, Bound):
        method = payload.function
        if method is not None and isinstance(method.payload, Function):
            return call_function(
                world, method, [frozenset((payload.receiver,))], keywords, node
            )
        # A method of a library that is passed on: `map(xs.append, ys)` changes xs.
        if method is None:
            world.mutate((payload.receiver,), node)
            world.heap.store(payload.receiver, ANY, given)
    if isinstance(payload, Partial):
        return escape(world, payload.callee, node, given)
    if isinstance(payload, Instance):
        for name in _methods(payload.class_):
            world.call_special(frozenset((value,)), name, (), node)
    return NOTHING


def _methods(class_: Object, *, special: bool = False) -> list[str]:
    """The names of a class's methods and other attributes, inherited ones included,
    without those that only run when something is made; with `special`, only those that
    builtins look up, such as `__len__`."""
    if not isinstance(class_.payload, Class):
        return []
    own = [
        label[1:] for label in class_.fields if label[0] == "." and label not in MAKERS
    ]
    inherited = [name for base in class_.payload.bases for name in _methods(base)]
    return [
        name for name in dict.fromkeys(own + inherited) if name in LOOKS or not special
    ]


def show(world: World, values: Values, node: ast.AST, *, rich: bool = True) -> None:
    """Values are displayed, or printed if not `rich`: their `repr` runs, and options of
    libraries are read."""
    world.touch(PRECISION, node)
    for value in in_order(values):
        for component in world.knowledge.display_reads(value.type):
            world.touch("@" + component, node)
    run_special_methods(world, values, node)
    for value in in_order(values) if rich else ():
        if isinstance(value.payload, Instance):
            for name in filter(SHOWN.fullmatch, _methods(value.payload.class_)):
                world.call_special(frozenset((value,)), name, (), node)


def run_special_methods(world: World, values: Iterable[Object], node: ast.AST) -> None:
    """Builtins call the dunder methods of what they are given, and of what that
    holds."""
    classes: dict[Object, set[Object]] = {}
    for part in in_order(world.heap.unexplored(values)):
        if isinstance(part.payload, Instance):
            classes.setdefault(part.payload.class_, set()).add(part)
    for class_, instances in classes.items():
        for name in _methods(class_, special=True):
            world.call_special(frozenset(instances), name, (), node)
