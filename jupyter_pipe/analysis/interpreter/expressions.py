"""What expressions evaluate to. Each rule returns the objects that the value may be."""

from __future__ import annotations

import ast
import posixpath

from jupyter_pipe.analysis.calls.dispatch import evaluate_call
from jupyter_pipe.analysis.calls.texts import PATH, are_texts, join_texts, percent
from jupyter_pipe.analysis.interpreter.access import (
    load_attribute,
    load_item,
    look_up_by_identity,
)
from jupyter_pipe.analysis.interpreter.functions import make_function
from jupyter_pipe.analysis.interpreter.iteration import elements_of
from jupyter_pipe.analysis.interpreter.targets import assign
from jupyter_pipe.analysis.knowledge.result_types import type_of_operation
from jupyter_pipe.analysis.source.scopes import Comprehension, Frame, scope_of
from jupyter_pipe.analysis.world.heap import (
    ANY,
    NOTHING,
    Instance,
    Library,
    Object,
    Text,
    Values,
)
from jupyter_pipe.analysis.world.rules import expression_rules, rule
from jupyter_pipe.analysis.world.world import World, text_of

__all__: list[str] = []

OPERATORS = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.BitOr: "or",
    ast.BitAnd: "and",
    ast.BitXor: "xor",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
}
COMPARISONS = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
SEQUENCES = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.set", "builtins.dict", ""}
)
CONTAINERS = {
    ast.ListComp: "builtins.list",
    ast.SetComp: "builtins.set",
    ast.DictComp: "builtins.dict",
    ast.GeneratorExp: "builtins.generator",
}


@rule(expression_rules, ast.Constant)
def _constant(world: World, node: ast.Constant) -> Values:
    # Numbers have no object, since nothing can change them; texts may be paths.
    return (
        frozenset((world.objects.text(node.value),))
        if isinstance(node.value, str)
        else NOTHING
    )


@rule(expression_rules, ast.Name)
def _name(world: World, node: ast.Name) -> Values:
    return world.read(node.id, node)


@rule(expression_rules, ast.Attribute)
def _attribute(world: World, node: ast.Attribute) -> Values:
    return load_attribute(world, world.evaluate(node.value), node.attr, node)


@rule(expression_rules, ast.Subscript)
def _subscript(world: World, node: ast.Subscript) -> Values:
    base = world.evaluate(node.value)
    # d[key] with an instance as key finds it by `__hash__`, mostly its identity.
    look_up_by_identity(world, world.evaluate(node.slice), node)
    return load_item(world, base, node)


@rule(expression_rules, ast.Call)
def _call(world: World, node: ast.Call) -> Values:
    return evaluate_call(world, node)


@rule(expression_rules, ast.NamedExpr)
def _walrus(world: World, node: ast.NamedExpr) -> Values:
    values = world.evaluate(node.value)
    # In a comprehension `:=` binds in the function around it (PEP 572).
    with world.names.inside(world.names.frame.home()):
        world.bind(node.target.id, values, node.target)
    return values


@rule(expression_rules, ast.BinOp)
def _binary(world: World, node: ast.BinOp) -> Values:
    left, right = world.evaluate(node.left), world.evaluate(node.right)
    return combine(world, node.op, left, right, node)


def combine(
    world: World, operator: ast.operator, left: Values, right: Values, node: ast.AST
) -> Values:
    """`left OP right`: a new object, a constant text, or nothing that can be
    changed."""
    if not left and not right:
        return NOTHING
    joined = _join_texts(world, operator, left, right)
    if joined is not None:
        return joined
    name = OPERATORS[type(operator)]
    # Python asks the left operand first, and the right one if that gives up: both may
    # run.
    special = world.call_special(left, f"__{name}__", (right,), node)
    special |= world.call_special(right, f"__r{name}__", (left,), node)
    plain = [
        value
        for value in left | right
        if not isinstance(value.payload, (Text, Instance))
    ]
    if not plain:
        return special
    types = {value.type for value in plain}
    # Joined lists are known in all their parts, joined arrays are not.
    result = world.objects.allocate(
        node, type_of_operation(types), open_=not types <= SEQUENCES or types == {""}
    )
    # [1] + [[2]] holds the inner list of the second.
    for value in plain:
        if value.type in SEQUENCES and value.fields:
            world.heap.copy_parts(value, result)
    return special | {result}


def _join_texts(
    world: World, operator: ast.operator, left: Values, right: Values
) -> Values | None:
    """`folder / "a.csv"`, `folder + "/a.csv"` and `"%s.csv" % name` are constants if
    their parts are."""
    if not are_texts(left) and not are_texts(right):
        return None
    if isinstance(operator, ast.Add):
        return join_texts(world, [left, right], "".join)
    if isinstance(operator, ast.Div):
        return join_texts(
            world, [left, right], lambda parts: posixpath.join(*parts), PATH
        )
    return percent(world, left, right) if isinstance(operator, ast.Mod) else None


@rule(expression_rules, ast.UnaryOp)
def _unary(world: World, node: ast.UnaryOp) -> Values:
    values = world.evaluate(node.operand)
    # `not x` is True or False, which nobody can change.
    if isinstance(node.op, ast.Not):
        world.call_special(values, "__bool__", (), node)
        return NOTHING
    if all(isinstance(value.payload, Text) for value in values):
        return NOTHING
    return frozenset(
        (
            world.objects.allocate(
                node, type_of_operation({value.type for value in values}), open_=True
            ),
        )
    )


@rule(expression_rules, ast.Compare)
def _compare(world: World, node: ast.Compare) -> Values:
    operands = [world.evaluate(operand) for operand in (node.left, *node.comparators)]
    plain = True
    # a < b < c compares pairs; each operand is evaluated once.
    for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
        if isinstance(operator, (ast.Is, ast.IsNot)):
            _identify(world, left, right, node)
        elif isinstance(operator, (ast.In, ast.NotIn)):
            world.call_special(right, "__contains__", (left,), node)
            look_up_by_identity(world, left, node)
            _look_up(world, left, right, node)
        else:
            world.call_special(
                left, f"__{COMPARISONS[type(operator)]}__", (right,), node
            )
            # Reflected: `a < b` may run b.__gt__; for == and != it is the same name.
            world.call_special(
                right, f"__{COMPARISONS[type(operator)]}__", (left,), node
            )
            plain = plain and not _array_like(left | right)
    return NOTHING if plain else frozenset((world.objects.allocate(node, open_=True),))


def _look_up(world: World, left: Values, right: Values, node: ast.AST) -> None:
    """`"x" in globals()` asks for x."""
    name = text_of(left)
    if (
        world.namespace in right
        and name is not None
        and world.names.get(name) is not None
    ):
        # if "x" in globals(): x need not be there.
        with world.recorder.under_a_condition():
            world.read_global(name, node)


def _identify(world: World, left: Values, right: Values, node: ast.AST) -> None:
    if left and right:
        for value in left | right:
            world.recorder.facts.identified.setdefault(value, world.place_of(node))


def _array_like(values: Values) -> bool:
    # df.a > 1 gives a new mask, 1 > 2 gives a bool.
    return any(
        not value.type.startswith("builtins.") and value.payload is None
        for value in values
    )


@rule(expression_rules, ast.BoolOp)
def _boolean(world: World, node: ast.BoolOp) -> Values:
    found = world.evaluate(node.values[0])
    # a or b: b may never run, so what it binds it only may bind.
    for operand in node.values[1:]:
        found |= _perhaps(world, operand)
    return found


@rule(expression_rules, ast.IfExp)
def _conditional(world: World, node: ast.IfExp) -> Values:
    world.evaluate(node.test)
    return _perhaps(world, node.body) | _perhaps(world, node.orelse)


def _perhaps(world: World, node: ast.expr) -> Values:
    """The value of a part that may not be evaluated."""
    found: list[Values] = []

    def arm() -> bool:
        found.append(world.evaluate(node))
        return True

    world.branches(arm, lambda: True)
    return found[0]


@rule(expression_rules, ast.List, ast.Tuple)
def _sequence(world: World, node: ast.List | ast.Tuple) -> Values:
    """A new list or tuple with its items by position; behind a starred item no position
    is known. A tuple of nothing but plain values needs no object."""
    values = [
        (position, item, world.evaluate(item))
        for position, item in enumerate(node.elts)
    ]
    # (1, "a") cannot be changed and holds nothing that can; most tuples are such.
    if isinstance(node, ast.Tuple) and not any(found for _, _, found in values):
        return NOTHING
    result = world.objects.allocate(
        node, "builtins.list" if isinstance(node, ast.List) else "builtins.tuple"
    )
    starred = False
    for position, item, found in values:
        starred = starred or isinstance(item, ast.Starred)
        world.heap.store(result, ANY if starred else f"[{position}]", found)
    return frozenset((result,))


@rule(expression_rules, ast.Starred)
def _starred(world: World, node: ast.Starred) -> Values:
    return world.heap.elements(world.evaluate(node.value))


@rule(expression_rules, ast.Set)
def _set(world: World, node: ast.Set) -> Values:
    result = world.objects.allocate(node, "builtins.set")
    for item in node.elts:
        world.heap.store(result, ANY, world.evaluate(item))
    return frozenset((result,))


@rule(expression_rules, ast.Dict)
def _dict(world: World, node: ast.Dict) -> Values:
    result = world.objects.allocate(node, "builtins.dict")
    for key, item in zip(node.keys, node.values, strict=True):
        # {**defaults, "a": 1}
        if key is None:
            for source in world.evaluate(item):
                world.heap.copy_parts(source, result)
            continue
        keys = world.evaluate(key)
        label = f"[{key.value!r}]" if isinstance(key, ast.Constant) else ANY
        world.heap.store(result, label, world.evaluate(item))
        # Constant keys are in the labels; others, such as instances, are objects that
        # it holds.
        world.heap.store(
            result,
            "keys",
            [value for value in keys if not isinstance(value.payload, Text)],
        )
    return frozenset((result,))


@rule(expression_rules, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
def _comprehension(world: World, node: Comprehension) -> Values:
    # Python evaluates the first iterable outside of the comprehension's own scope.
    first = world.evaluate(node.generators[0].iter)
    frame = Frame(scope_of(node), world.names.frame, kind="comprehension")
    result = world.objects.allocate(node, CONTAINERS[type(node)])

    def arm() -> bool:
        _run_generators(world, node, first, result)
        return True

    with world.names.inside(frame):
        # It may be empty: what its body does with `:=` or calls may not happen.
        world.branches(arm, lambda: True)
    return frozenset((result,))


def _run_generators(
    world: World, node: Comprehension, first: Values, result: Object
) -> None:
    for number, generator in enumerate(node.generators):
        source = first if number == 0 else world.evaluate(generator.iter)
        assign(world, generator.target, elements_of(world, source, generator.iter))
        for condition in generator.ifs:
            world.evaluate(condition)
    parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    for part in parts:
        world.heap.store(result, ANY, world.evaluate(part))


@rule(expression_rules, ast.Lambda)
def _lambda(world: World, node: ast.Lambda) -> Values:
    return frozenset((make_function(world, node),))


@rule(expression_rules, ast.JoinedStr)
def _joined(world: World, node: ast.JoinedStr) -> Values:
    joined = join_texts(world, [world.evaluate(part) for part in node.values], "".join)
    return frozenset() if joined is None else joined


@rule(expression_rules, ast.FormattedValue)
def _formatted(world: World, node: ast.FormattedValue) -> Values:
    values = world.evaluate(node.value)
    if node.format_spec is not None:
        world.evaluate(node.format_spec)
        world.call_special(values, "__format__", (), node)
        return NOTHING
    world.call_special(
        values, "__repr__" if node.conversion == ord("r") else "__str__", (), node
    )
    # f"{os.sep}": constants of libraries have texts as well.
    is_text = are_texts(values) or any(
        isinstance(value.payload, Library) for value in values
    )
    return values if is_text and node.conversion != ord("r") else NOTHING


@rule(expression_rules, ast.Await)
def _await(world: World, node: ast.Await) -> Values:
    values = world.evaluate(node.value)
    # `await f()` gives what f returned; of a library's coroutine nothing is known.
    results = [world.heap.load(value, "result") for value in values]
    return frozenset().union(*results) if results else NOTHING


@rule(expression_rules, ast.Yield)
def _yield(world: World, node: ast.Yield) -> Values:
    if node.value is not None:
        world.names.frame.home().yielded.update(world.evaluate(node.value))
    # What `send` passes in.
    return frozenset((world.objects.allocate(node, open_=True),))


@rule(expression_rules, ast.YieldFrom)
def _yield_from(world: World, node: ast.YieldFrom) -> Values:
    values = world.evaluate(node.value)
    world.names.frame.home().yielded.update(elements_of(world, values, node))
    return frozenset((world.objects.allocate(node, open_=True),))


@rule(expression_rules, ast.Slice)
def _slice(world: World, node: ast.Slice) -> Values:
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            world.evaluate(part)
    return NOTHING
