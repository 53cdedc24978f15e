"""Attributes and items: what reading one gives, what storing one changes."""

from __future__ import annotations

import ast

from jupyter_pipe.analysis.calls.ambient import use_style
from jupyter_pipe.analysis.calls.libraries import escape
from jupyter_pipe.analysis.calls.paths import part_of_path
from jupyter_pipe.analysis.calls.shell_state import NAMESPACES, SHELL
from jupyter_pipe.analysis.knowledge import AttributeEffect, Returns
from jupyter_pipe.analysis.knowledge.result_types import type_of_selection
from jupyter_pipe.analysis.source.submodules import is_left_to_others
from jupyter_pipe.analysis.world.heap import (
    ANY,
    FIELD,
    NOTHING,
    Bound,
    Class,
    Function,
    Instance,
    Library,
    LocalModule,
    Object,
    Text,
    Values,
    find_in_class,
    in_order,
)
from jupyter_pipe.analysis.world.world import World, text_of

__all__ = [
    "ADDRESS",
    "item_label",
    "load_attribute",
    "load_item",
    "look_up_by_identity",
    "read_namespace",
    "store_attribute",
    "store_item",
]

ADDRESS = "builtins.memory address"
"""What `id(x)` gives."""
LISTS = frozenset({"builtins.list", "builtins.tuple"})
ATOMIC = frozenset(
    {
        "builtins.int",
        "builtins.float",
        "builtins.bool",
        "builtins.range",
        "builtins.bytes",
    }
)


def load_attribute(world: World, base: Values, name: str, node: ast.AST) -> Values:
    """What `base.name` may be; a property of the notebook runs."""
    found: set[Object] = set()
    for value in in_order(base):
        found |= _load_attribute(world, value, name, node)
    return frozenset(found)


def _load_attribute(world: World, value: Object, name: str, node: ast.AST) -> Values:
    """What `value.name` may be: for a module its global, for an instance its own
    attribute or that of its class, and for objects of libraries what is known of
    them."""
    payload = value.payload
    if isinstance(payload, Library):
        return frozenset((_library_attribute(world, payload.qualified, name, node),))
    # `config.rate` of config.py beside the notebook: the global in its frame.
    if isinstance(payload, LocalModule):
        slot = world.names.get(payload.frame.key(name))
        return slot.values if slot else NOTHING
    if value is world.namespace:
        return world.read_global(name, node)
    # vars(x) and x.__dict__ stand for x itself, whose labels are its attributes.
    if name == "__dict__":
        return frozenset((value,))
    if name == "__class__" and isinstance(payload, Instance):
        return world.heap.load(value, "class")
    # Both may be: an instance's own attribute hides that of its class only at times.
    own = world.heap.load(value, "." + name) if "." + name in value.fields else NOTHING
    if isinstance(payload, Instance):
        return own | _class_attribute(world, value, payload.class_, name, node)
    if isinstance(payload, Class):
        return own | _inherited(world, value, name)
    # A library's object: what the notebook stored in it, `model.history = []`, comes
    # first.
    return own or _foreign_attribute(world, value, name, node)


def _library_attribute(
    world: World, qualified: str, name: str, node: ast.AST
) -> Object:
    if qualified == SHELL and name in NAMESPACES:
        return world.namespace
    full = f"{qualified}.{name}"
    component = world.knowledge.component(full)
    if component is not None:
        world.touch("@" + component, node)
    # `scipy.stats` after `import scipy`: it works only if somebody imported the
    # submodule.
    if is_left_to_others(full):
        world.recorder.facts.submodules.add(full)
    return world.objects.library(full)


def _class_attribute(
    world: World, value: Object, class_: Object, name: str, node: ast.AST
) -> Values:
    """An attribute found in the instance's class: properties run, cached ones are kept
    (which changes the instance), functions become bound methods, and the rest is given
    as it is."""
    found: set[Object] = set()
    for member in find_in_class(class_, name):
        payload = member.payload
        # The default of a dataclass is not the class's attribute but made for each
        # instance.
        if member.type == FIELD:
            continue
        if not isinstance(payload, Function):
            found.add(member)
        elif "builtins.property" in payload.decorators:
            found |= world.call_function(member, (frozenset((value,)),), {}, node)
        elif "functools.cached_property" in payload.decorators:
            kept = world.call_function(member, (frozenset((value,)),), {}, node)
            world.mutate((value,), node)
            world.heap.store(value, "." + name, kept)
            found |= kept
        elif "builtins.staticmethod" in payload.decorators:
            found.add(member)
        else:
            found.add(_bound(world, value, name, member))
    return frozenset(found) or _foreign_attribute(world, value, name, node)


def _inherited(world: World, value: Object, name: str) -> Values:
    found: set[Object] = set()
    for member in find_in_class(value, name):
        # Model.load as an attribute of the class is bound, Model.predict is not.
        payload = member.payload
        bound = (
            isinstance(payload, Function)
            and "builtins.classmethod" in payload.decorators
        )
        found.add(_bound(world, value, name, member) if bound else member)
    return frozenset(found)


def _bound(
    world: World, receiver: Object, name: str, function: Object | None = None
) -> Object:
    # One for each receiver and name: the same method asked for twice is one object.
    bound = world.objects.allocate(
        (receiver, "." + name), "builtins.method", Bound(receiver, name, function)
    )
    effect = (
        world.knowledge.method(receiver.type, name)
        if function is None and receiver.type
        else None
    )
    if effect is not None and effect.changes_receiver:
        # Whoever calls `xs.append` changes `xs`, as code of the notebook could.
        bound.carries = True
    world.heap.store(bound, "receiver", (receiver,))
    return bound


def _foreign_attribute(world: World, value: Object, name: str, node: ast.AST) -> Values:
    """An attribute of an object whose class is not the notebook's."""
    use_style(world, f"{value.type}.{name}", node)
    effect = world.knowledge.attribute(value.type, name)
    known = (
        part_of_path(world, value, name) if isinstance(value.payload, Text) else None
    )
    if known is not None:
        return known
    if effect is None:
        # A method that the tables know is given to be called; of others any part may be
        # meant.
        if world.knowledge.method(value.type, name) is not None or isinstance(
            value.payload, Text
        ):
            return frozenset((_bound(world, value, name),))
        effect = AttributeEffect(Returns.element)
    if effect.returns is Returns.same:
        return frozenset((value,))
    if effect.returns is Returns.element:
        return world.heap.load(value, "." + name)
    # x.size, x.shape[0]: numbers cannot be changed, so no object stands for them.
    if effect.returns is Returns.fresh and effect.result_type in ATOMIC:
        return NOTHING
    result = world.objects.allocate((value, "." + name), effect.result_type, open_=True)
    _tie_attribute(world, effect.returns, value, name, result)
    return frozenset((result,))


def _tie_attribute(
    world: World, returns: Returns, value: Object, name: str, result: Object
) -> None:
    """Says how what an attribute gives hangs together with its object: `df.values` is a
    view of `df`."""
    if returns is Returns.view:
        world.heap.share(result, value)
    elif returns is Returns.holder:
        # s.str and df.plot: they hold the frame, and calls on them may reach it.
        world.heap.store(result, "receiver", (value,))
        world.heap.copy_parts(value, result)
    # `model.layers` is the same list at each look: one part, kept under its name.
    elif returns is Returns.part and result not in value.fields.get("." + name, ()):
        world.heap.store(value, "." + name, (result,))


def store_attribute(
    world: World, base: Values, name: str, values: Values, node: ast.AST
) -> None:
    """`base.name = values`; of a module it is ambient state or a change of the
    module."""
    for value in in_order(base):
        if isinstance(value.payload, Library):
            # np.random.seed = f and os.environ = {}: the component, or a patch of the
            # library.
            _store_in_library(world, f"{value.payload.qualified}.{name}", node)
            continue
        if value is world.namespace:
            _bind_global(world, name, values, node)
            continue
        world.mutate((value,), node)
        world.heap.store(value, "." + name, values)
        # config.rate = 3 must also be seen by functions inside config.py.
        if isinstance(value.payload, LocalModule):
            frame = value.payload.frame
            slot = world.names.get(frame.key(name))
            if slot is not None:
                world.names.set(
                    frame.key(name), slot._replace(values=slot.values | values)
                )


def _store_in_library(world: World, qualified: str, node: ast.AST) -> None:
    component = world.knowledge.component(qualified)
    if component is not None:
        world.set_component(component, node)
    else:
        world.patch(qualified, node)


def delete_part(
    world: World, base: Values, node: ast.Attribute | ast.Subscript
) -> None:
    """`del base.name` and `del base[key]`."""
    for value in in_order(base):
        if isinstance(value.payload, Library):
            # del os.environ["A"] changes the component, `del np.foo` patches the
            # library.
            suffix = f".{node.attr}" if isinstance(node, ast.Attribute) else ""
            _store_in_library(world, value.payload.qualified + suffix, node)
        else:
            world.mutate((value,), node)


def item_label(node: ast.AST) -> str:
    """The label of `[key]` for a constant key."""
    if isinstance(node, ast.Constant):
        # Labels use `repr`: `x[1]` and `x["1"]` are two.
        return f"[{node.value!r}]"
    return ANY


def look_up_by_identity(world: World, keys: Values, node: ast.AST) -> None:
    """Instances of the notebook's classes are found in containers by what they are, not
    by content."""
    for value in keys:
        if isinstance(value.payload, Instance):
            world.recorder.facts.identified.setdefault(value, world.place_of(node))


def load_item(world: World, base: Values, node: ast.Subscript) -> Values:
    """What `base[key]` may be: an element, a view, a copy, or what `__getitem__`
    returns."""
    # `__getitem__` of the notebook's class runs, whatever else the value may be.
    found = set(world.call_special(base, "__getitem__", (NOTHING,), node))
    sliced = any(isinstance(part, ast.Slice) for part in ast.walk(node.slice))
    for value in in_order(base):
        # Letters of a text are no objects that could be changed.
        if isinstance(value.payload, Text):
            continue
        if value is world.namespace:
            found |= read_namespace(world, node.slice, node)
        elif isinstance(value.payload, Library):
            found.add(_item_of_library(world, value, node))
        # `vars(box)[name]` with a computed name may be any attribute.
        elif _is_its_dict(value, "__getitem__"):
            for label in _attribute_labels(value, node.slice):
                found |= world.heap.load(value, label)
        elif not isinstance(value.payload, (Instance, Class)):
            found |= _load_item(world, value, node, sliced)
    return frozenset(found)


def _is_its_dict(value: Object, method: str) -> bool:
    """Whether an instance stands for its own `__dict__`, as in `vars(box)["items"]`: it
    has no items."""
    return isinstance(value.payload, Instance) and not find_in_class(
        value.payload.class_, method
    )


def _attribute_labels(value: Object, key: ast.expr) -> list[str]:
    """The attributes that a key of `__dict__` may name."""
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return ["." + key.value]
    return [label for label in value.fields if label[0] == "."]


def _item_of_library(world: World, value: Object, node: ast.Subscript) -> Object:
    """`list[int]` and `os.environ["x"]` are what they were; `sys.modules["__main__"]`
    is the notebook."""
    assert isinstance(value.payload, Library)
    is_modules = value.payload.qualified == "sys.modules"
    return (
        world.namespace if is_modules and _names_notebook(world, node.slice) else value
    )


def _names_notebook(world: World, key: ast.expr) -> bool:
    is_name = (
        isinstance(key, ast.Name)
        and key.id == "__name__"
        and world.names.frame.module() is world.names.globals
    )
    return is_name or text_of(world.evaluate(key)) == "__main__"


def _load_item(
    world: World, value: Object, node: ast.Subscript, sliced: bool
) -> Values:
    """What `value[key]` may be, by what is known of the type: a copy (`xs[1:]`), a view
    (`array[0]`), a holder (`df.groupby("k")["a"]`), or the part itself (`df["a"]`). A
    `defaultdict` is changed by it."""
    # xs[1:] copies a list; array[1:] is a view of it.
    if sliced and value.type in LISTS:
        copy = world.objects.allocate((node, value), value.type)
        world.heap.copy_parts(value, copy)
        return frozenset((copy,))
    label = item_label(node.slice)
    effect = world.knowledge.method(value.type, "__getitem__") if value.type else None
    if effect is None:
        parts = world.heap.load(value, label)
        return (
            # Of an unknown type a slice may be a view (arrays) or a copy (lists): both,
            # then.
            parts | {_view(world, value, node, "")} if sliced and value.open else parts
        )
    if effect.mutates:
        # `counts[key]` of a defaultdict makes what is missing, perhaps with code of the
        # notebook.
        world.mutate((value,), node)
        if value.carries:
            world.heap.store(value, label, escape(world, frozenset((value,)), node))
    if effect.returns is Returns.view:
        return frozenset((_view(world, value, node, effect.result_type or value.type),))
    if effect.returns is Returns.holder:
        result = world.objects.allocate((node, value), effect.result_type, open_=True)
        world.heap.store(result, "receiver", (value,))
        return frozenset((result,))
    parts = world.heap.load(value, label)
    _note_item_types(parts, effect.result_type, node)
    return parts


def _note_item_types(parts: Values, result_type: str, node: ast.Subscript) -> None:
    """Gives parts of which no type is known that of the items of their object."""
    for part in parts:
        if part.open and not part.type:
            part.type = _item_type(result_type, node)


def _item_type(type_: str, node: ast.Subscript) -> str:
    """By the form of the key: `df[cols]` with a name is read as one key, the more
    frequent; the guard sees the rest."""
    is_one = isinstance(node.slice, (ast.Constant, ast.Name, ast.Attribute))
    return type_ if is_one else type_of_selection(type_)


def _view(world: World, value: Object, node: ast.Subscript, type_: str) -> Object:
    view = world.objects.allocate((node, value), type_, open_=True)
    world.heap.share(view, value)
    return view


def store_item(world: World, base: Values, node: ast.Subscript, values: Values) -> None:
    """`base[key] = values`."""
    world.call_special(base, "__setitem__", (NOTHING, values), node)
    for value in in_order(base):
        if isinstance(value.payload, Library):
            _store_in_library(world, value.payload.qualified, node)
            continue
        if value is world.namespace:
            _bind_in_namespace(world, node, values)
            # Constants stand for all equal texts, and so are never changed.
            continue
        if not isinstance(value.payload, Text):
            world.mutate((value,), node)
        if _is_its_dict(value, "__setitem__"):
            for label in _attribute_labels(value, node.slice):
                world.heap.store(value, label, values)
        # array[0] = row copies the numbers of row; list[0] = row keeps it.
        elif _retains(world, value):
            world.heap.store(value, item_label(node.slice), values)


def _retains(world: World, value: Object) -> bool:
    """Whether `value[key] = x` keeps x itself: containers do, arrays copy."""
    effect = world.knowledge.method(value.type, "__setitem__") if value.type else None
    return (
        effect is None or bool(effect.retains) or value.type.startswith("collections.")
    )


def read_namespace(world: World, key: ast.expr, node: ast.AST) -> Values:
    """`globals()[key]`: a name, if the key is a constant."""
    name = text_of(world.evaluate(key))
    # globals()["x"] and globals()[name] with `name = "x"`.
    if name is not None:
        return world.read_global(name, node)
    world.note_namespace(node)
    return NOTHING


def _bind_in_namespace(world: World, node: ast.Subscript, values: Values) -> None:
    name = text_of(world.evaluate(node.slice))
    if name is None:
        read_namespace(world, node.slice, node)
        return
    _bind_global(world, name, values, node)


def _bind_global(world: World, name: str, values: Values, node: ast.AST) -> None:
    with world.names.inside(world.names.globals):
        world.bind(name, values, node)
