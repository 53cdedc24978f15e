"""Calls: of the notebook's functions and classes, of methods, and of what libraries
provide."""

from __future__ import annotations

import ast
import re
import string
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.ambient import (
    STYLED_METHODS,
    use_current_figure,
    use_style,
)
from jupyter_pipe.analysis.calls.arguments import Arguments
from jupyter_pipe.analysis.calls.builtins import BUILTIN_CALLS, items
from jupyter_pipe.analysis.calls.folders import list_folder
from jupyter_pipe.analysis.calls.libraries import (
    apply_effect,
    call_unknown,
    keyword_effects,
)
from jupyter_pipe.analysis.calls.paths import call_method_of_text
from jupyter_pipe.analysis.calls.settings import (
    kept_for_later,
    note_registry_change,
    note_setting,
)
from jupyter_pipe.analysis.calls.shell_state import SHELL, runs_magic
from jupyter_pipe.analysis.interpreter.access import load_attribute, read_namespace
from jupyter_pipe.analysis.interpreter.classes import instantiate
from jupyter_pipe.analysis.interpreter.functions import call_function, note_cache_look
from jupyter_pipe.analysis.knowledge.same_modules import first_name
from jupyter_pipe.analysis.source.embedded_names import (
    read_embedded_names,
    read_expression,
    read_formulas,
)
from jupyter_pipe.analysis.source.shell_calls import is_magic, run_magic
from jupyter_pipe.analysis.world.heap import (
    CALL,
    FEW,
    NOTHING,
    Bound,
    Class,
    Function,
    Instance,
    Library,
    LocalModule,
    Object,
    Partial,
    Text,
    Values,
    find_in_class,
    in_order,
    one_by_one,
)
from jupyter_pipe.analysis.world.world import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_pipe.analysis.world.world import World

__all__ = ["call_special", "call_values", "evaluate_call"]

FIELD = re.compile(r"[A-Za-z_]\w*")
TOLD = frozenset({"items", "cache_info", *STYLED_METHODS})
"""Methods that mean something whatever they belong to."""
MAPPINGS = frozenset(
    {
        "",
        "builtins.dict",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
    }
)


def evaluate_call(world: World, node: ast.Call) -> Values:
    """The value of a call expression."""
    function = node.func
    if isinstance(function, ast.Attribute):
        # `get_ipython().system(command)` with a computed command is a call like any
        # other; with a literal it is what `!` was turned into.
        if is_magic(function.value) and runs_magic(function.attr) and _is_literal(node):
            return run_magic(world, node)
        base = world.evaluate(function.value)
        arguments = evaluate_arguments(world, node)
        # `df.query("age > @limit")` reads `limit`.
        read_embedded_names(world, function.attr, arguments)
        read_formulas(world, arguments)
        return _call_methods(world, base, function.attr, arguments)
    callee = world.evaluate(function)
    arguments = evaluate_arguments(world, node)
    read_formulas(world, arguments)
    return call_values(world, callee, arguments)


def _is_literal(node: ast.Call) -> bool:
    return all(isinstance(argument, ast.Constant) for argument in node.args)


def evaluate_arguments(world: World, node: ast.Call) -> Arguments:
    arguments = Arguments(node)
    for argument in node.args:
        values = world.evaluate(argument)
        if isinstance(argument, ast.Starred):
            arguments.rest |= values
        elif not arguments.rest:
            arguments.positional.append(values)
        # f(*xs, y): y is at no position that is known.
        else:
            arguments.rest |= values
    for keyword in node.keywords:
        values = world.evaluate(keyword.value)
        if keyword.arg is None:
            _spread(world, arguments, values)
        else:
            arguments.keywords[keyword.arg] = values
    return arguments


def _spread(world: World, arguments: Arguments, values: Values) -> None:
    for value in values:
        if value is world.namespace:
            _spread_namespace(world, arguments)
        for label, held in value.fields.items():
            # f(**{"axis": 0}): labels of constant keys are `['axis']`.
            if label.startswith("['"):
                arguments.keywords[label[2:-2]] = frozenset(held)
        arguments.rest |= world.heap.load(value, "*")


def _spread_namespace(world: World, arguments: Arguments) -> None:
    """`"{name}".format(**globals())` reads what the template names."""
    function = arguments.node.func
    template = function.value if isinstance(function, ast.Attribute) else None
    text = text_of(world.evaluate(template)) if template is not None else None
    if text is None:
        world.note_namespace(arguments.node)
        return
    for _, field, _, _ in string.Formatter().parse(text):
        name = FIELD.match(field or "")
        if name and world.names.get(name[0]) is not None:
            world.read_global(name[0], arguments.node)


def _call_methods(
    world: World, base: Values, name: str, arguments: Arguments
) -> Values:
    if not base:
        return call_unknown(world, arguments, NOTHING)
    # A name that may be dozens of objects, as in a recursive structure: each call would
    # interpret the same method again.
    if len(base) > FEW:
        return _call_methods_of_many(world, base, name, arguments)
    found: set[Object] = set()
    for value in in_order(base):
        found |= _call_method(world, value, name, arguments)
    return frozenset(found)


def _strangers(world: World, values: Values, name: str) -> Values:
    """Those of which nothing is known, unless the name of the method says what it
    does."""
    if name in TOLD or world.knowledge.method("", name) is not None:
        return NOTHING
    return frozenset(
        value for value in values if value.payload is None and not value.type
    )


def _call_methods_of_many(
    world: World, base: Values, name: str, arguments: Arguments
) -> Values:
    """As `_call_methods`, with one call for all receivers that have the method from the
    notebook, and one for those of which nothing is known."""
    found: set[Object] = set()
    own = frozenset(
        # A class as receiver: `Base.method(obj)` is told apart by _call_method.
        v
        for v in base
        if _is_own(v, name) and not isinstance(v.payload, Class)
    )
    if own:
        found |= call_values(
            world, load_attribute(world, own, name, arguments.node), arguments
        )
    strangers = _strangers(world, base - own, name)
    for value in in_order(base - own - strangers):
        found |= _call_method(world, value, name, arguments)
    for value in in_order(strangers):
        keyword_effects(world, value, arguments)
    if strangers:
        world.heap.spend(CALL)
        found |= call_unknown(world, arguments, strangers)
    return frozenset(found)


def _is_own(value: Object, name: str) -> bool:
    """Whether the notebook, or a module beside it, says what this attribute is."""
    if isinstance(value.payload, Library):
        return False
    return "." + name in value.fields or isinstance(
        value.payload, (LocalModule, Instance, Class)
    )


def _call_method(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values:
    payload = value.payload
    if isinstance(payload, Library):
        return _call_member(world, payload.qualified, name, arguments)
    if value is world.namespace:
        return _call_namespace(world, name, arguments)
    # collections.abc.Sequence.register(Mine)
    if name == "register" and isinstance(payload, Class):
        world.mutate(
            (value,), arguments.node
        )  # an abstract class keeps the classes that it is told of
    if _is_own(value, name):
        callees = load_attribute(world, frozenset((value,)), name, arguments.node)
        return call_values(world, callees, arguments)
    return call_foreign_method(world, value, name, arguments)


def _call_member(
    world: World, qualified: str, name: str, arguments: Arguments
) -> Values:
    """A function of a module, or a method of an ambient component
    (`os.environ.update`)."""
    if qualified == SHELL and runs_magic(name):
        known = BUILTIN_CALLS.get(f"{qualified}.{name}")
        is_magic_call = known is None or _is_literal(arguments.node)
        # ip.run_line_magic("time", …) is a magic; ip.register_magics(…) a method with
        # its table.
        return (
            run_magic(world, arguments.node)
            if is_magic_call or known is None
            else known(world, arguments)
        )
    component = world.knowledge.component(qualified)
    if component is not None:
        effect = world.knowledge.method("", name)
        # os.environ.update(…) writes the component, os.environ.get(…) only reads it.
        if effect is not None and effect.mutates:
            world.set_component(component, arguments.node)
        return call_library(world, f"{qualified}.{name}", arguments)
    changed = note_registry_change(world, qualified, name, arguments)
    with kept_for_later(world, is_kept=changed):
        return call_library(world, f"{qualified}.{name}", arguments)


def _call_namespace(world: World, name: str, arguments: Arguments) -> Values:
    """`globals().get("x")` reads x; other methods read nothing that we can name."""
    if name in {"get", "pop", "setdefault"} and arguments.node.args:
        return read_namespace(world, arguments.node.args[0], arguments.node)
    if name == "update":
        # globals().update(x=1) inside a function binds at the top level all the same.
        with world.names.inside(world.names.globals):
            for key, values in {
                **_named_items(arguments),
                **arguments.keywords,
            }.items():
                world.bind(key, values, arguments.node)
    return frozenset((world.objects.allocate(arguments.node, open_=True),))


def _named_items(arguments: Arguments) -> dict[str, Values]:
    """The items of dicts that are given, as far as their keys are constant names."""
    given = [value for values in arguments.positional for value in values]
    return {
        label[2:-2]: frozenset(held)
        for value in given
        for label, held in value.fields.items()
        if label.startswith("['")
    }


def call_foreign_method(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values:
    """A method of an object whose class is not the notebook's."""
    world.heap.spend(CALL)
    if value.type == "super":
        return _call_super(world, value, name, arguments)
    # Only plain mappings: `.items()` of a frame or of h5py gives no pairs that it
    # holds.
    if name == "items" and not arguments.node.args and value.type in MAPPINGS:
        return items(world, value, arguments)
    if isinstance(value.payload, Text):
        # An empty answer means that it lists no folder: ask the methods of texts next.
        known = list_folder(world, value, name, arguments) or call_method_of_text(
            world, value, name, arguments
        )
        if known is not None:
            return known
    use_style(world, f"{value.type}.{name}", arguments.node)
    if name == "cache_info":
        note_cache_look(world, value, arguments.node)
    effect = world.knowledge.method(value.type, name)
    keyword_effects(world, value, arguments)
    if effect is None:
        return call_unknown(world, arguments, frozenset((value,)))
    return apply_effect(world, effect, value, arguments)


def _call_super(world: World, value: Object, name: str, arguments: Arguments) -> Values:
    """`super().name(…)`: calls what the base classes define for each instance. If none
    of the notebook's classes has it, the instance keeps the arguments, as a library's
    `__init__` would."""
    found: set[Object] = set()
    for instance in value.fields.get("self", ()):
        class_ = (
            # In a classmethod `super()` is over the class itself.
            instance.payload.class_
            if isinstance(instance.payload, Instance)
            else instance
        )
        bases = class_.payload.bases if isinstance(class_.payload, Class) else ()
        members = [member for base in bases for member in find_in_class(base, name)]
        for member in members:
            receiver = Bound(instance, name, member)
            found |= _call_bound(world, receiver, arguments)
        if not members:
            # `super().__init__(units)` of keras.Layer: what it was given is found in
            # the instance.
            world.heap.store(instance, "*", arguments.every())
    return frozenset(found)


def call_values(world: World, callees: Values, arguments: Arguments) -> Values:
    """Calls whatever `callees` may be."""
    if not callees:
        return call_unknown(world, arguments, NOTHING)
    found: set[Object] = set()
    # Receivers of unknown kind are asked together: knowledge would say the same of
    # each.
    unknown = frozenset(callee for callee in callees if callee.payload is None)
    methods = _methods_of_many(callees - unknown)
    for method, receivers in methods.items():
        found |= _call_method_of(world, method, frozenset(receivers), arguments)
    for callee in in_order(callees - unknown):
        if (
            not isinstance(callee.payload, Bound)
            or callee.payload.function not in methods
        ):
            found |= _call_value(world, callee, arguments)
    for together in one_by_one(unknown):
        found |= _call_foreign(world, together, arguments)
    return frozenset(found)


def _call_foreign(world: World, callees: Values, arguments: Arguments) -> Values:
    """Objects of libraries that can be called, such as the layers of a network."""
    (callee, *others) = callees
    effect = (
        world.knowledge.method(callee.type, "__call__")
        if callee.type and not others
        else None
    )
    if effect is None:
        return call_unknown(world, arguments, callees)
    return apply_effect(world, effect, callee, arguments)


def _methods_of_many(callees: Values) -> dict[Object, set[Object]]:
    """Methods of the notebook that are called on many receivers, with these."""
    methods: dict[Object, set[Object]] = {}
    for callee in in_order(callees) if len(callees) > FEW else ():
        bound = callee.payload
        if isinstance(bound, Bound) and bound.function is not None:
            methods.setdefault(bound.function, set()).add(bound.receiver)
    return {
        method: receivers
        for method, receivers in methods.items()
        if len(receivers) > FEW
    }


def _call_value(world: World, callee: Object, arguments: Arguments) -> Values:
    """Calls one object by what it is; an instance through its `__call__`. An unknown
    one changes nothing, but may call the notebook's code that it holds or is given."""
    payload = callee.payload
    if isinstance(payload, Function):
        return call_function(world, callee, *_passed(arguments), arguments.node)
    if isinstance(payload, Class):
        return instantiate(world, callee, *_passed(arguments), arguments.node)
    if isinstance(payload, Bound):
        return _call_bound(world, payload, arguments)
    if isinstance(payload, Partial):
        return _call_partial(world, payload, arguments)
    if isinstance(payload, Library):
        return call_library(world, payload.qualified, arguments)
    if isinstance(payload, Instance):
        methods = find_in_class(payload.class_, "__call__")
        # Without one, `model(x)` of a torch.nn.Module runs the library's, which calls
        # `forward`.
        if methods:
            bound = [Bound(callee, "__call__", method) for method in methods]
            return frozenset().union(
                *(_call_bound(world, one, arguments) for one in bound)
            )
    return call_unknown(world, arguments, frozenset((callee,)))


def _passed(arguments: Arguments) -> tuple[list[Values], dict[str, Values]]:
    if not arguments.rest:
        return arguments.positional, arguments.keywords
    # Where `*args` end is not known: any later parameter may get any of their elements.
    # Eight is more than functions have parameters that are filled by `*args`; each
    # costs a value.
    return [*arguments.positional, *[arguments.rest] * 8], {
        **arguments.keywords,
        "**": arguments.rest,
    }


def _call_bound(world: World, bound: Bound, arguments: Arguments) -> Values:
    if bound.function is None:
        return call_foreign_method(world, bound.receiver, bound.name, arguments)
    return _call_method_of(
        world, bound.function, frozenset((bound.receiver,)), arguments
    )


def _call_method_of(
    world: World, method: Object, receivers: Values, arguments: Arguments
) -> Values:
    """Calls a method of a notebook class on something that may be any of
    `receivers`."""
    if not isinstance(method.payload, Function):
        return call_values(world, frozenset((method,)), arguments)
    positional, keywords = _passed(arguments)
    # `Model.load(path)` of a static method has no receiver to pass.
    if "builtins.staticmethod" in method.payload.decorators:
        return call_function(world, method, positional, keywords, arguments.node)
    return call_function(
        world, method, [receivers, *positional], keywords, arguments.node
    )


def _call_partial(world: World, partial: Partial, arguments: Arguments) -> Values:
    joined = Arguments(
        arguments.node,
        [*partial.positional, *arguments.positional],
        {**dict(partial.keywords), **arguments.keywords},
        arguments.rest,
    )
    return call_values(world, partial.callee, joined)


def call_library(world: World, qualified: str, arguments: Arguments) -> Values:
    """A function or class of a library or a builtin."""
    # `np.random.seed` of `import numpy as np` and numpy's own re-exports have one name.
    qualified = first_name(qualified)
    read_expression(world, qualified, arguments)
    use_current_figure(world, qualified, arguments)
    use_style(world, qualified, arguments.node)
    special = BUILTIN_CALLS.get(qualified)
    if special is not None:
        return special(world, arguments)
    component = world.knowledge.component(qualified)
    if component is not None:
        world.touch("@" + component, arguments.node)
    effect = world.knowledge.function(qualified)
    keyword_effects(world, None, arguments, qualified)
    # `locale.localeconv()`, `warnings.filters`: part of the component, not a copy of
    # it.
    if effect is None and component is not None:
        return frozenset((world.objects.library(qualified),))  # `decimal.getcontext()`
    if effect is None:
        is_set = note_setting(world, qualified, arguments)
        # `lib.Model()` of a library that has no table is at least an object of that
        # type.
        result = qualified if qualified.rpartition(".")[2][:1].isupper() else ""
        with kept_for_later(world, is_kept=is_set):
            return call_unknown(world, arguments, NOTHING, result_type=result)
    return apply_effect(world, effect, None, arguments, qualified)


def call_special(
    world: World, base: Values, name: str, positional: Sequence[Values], node: ast.AST
) -> Values:
    """Calls a dunder method that a notebook class among `base` defines; others are
    ignored."""
    classes: dict[Object, set[Object]] = {}
    for value in base:
        if isinstance(value.payload, Instance):
            classes.setdefault(value.payload.class_, set()).add(value)
    methods: dict[Object, set[Object]] = {}
    for class_, instances in classes.items():
        for method in find_in_class(class_, name):
            if isinstance(method.payload, Function):
                methods.setdefault(method, set()).update(instances)
    found: set[Object] = set()
    for method in in_order(methods):
        # Each instance on its own while they are few: `self` then stays exact.
        for itself in one_by_one(methods[method]):
            found |= call_function(world, method, [itself, *positional], {}, node)
    return frozenset(found)
