"""What statements do. A rule returns False if control never reaches what follows the
statement."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.arguments import Arguments
from jupyter_pipe.analysis.calls.libraries import escape
from jupyter_pipe.analysis.calls.settings import (
    calls_for_effect,
    note_setting_decorator,
)
from jupyter_pipe.analysis.calls.shell_state import is_part_of_shell
from jupyter_pipe.analysis.interpreter.access import load_attribute, load_item
from jupyter_pipe.analysis.interpreter.classes import make_class
from jupyter_pipe.analysis.interpreter.expressions import combine
from jupyter_pipe.analysis.interpreter.functions import make_function
from jupyter_pipe.analysis.interpreter.imports import import_from, import_module
from jupyter_pipe.analysis.interpreter.targets import assign, delete, match_pattern
from jupyter_pipe.analysis.knowledge import Returns
from jupyter_pipe.analysis.source.embedded_names import WORD
from jupyter_pipe.analysis.world.heap import (
    NOTHING,
    Function,
    Instance,
    Library,
    Text,
    Values,
    find_in_class,
    in_order,
)
from jupyter_pipe.analysis.world.rules import rule, statement_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_pipe.analysis.world.environment import Layer
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World

__all__ = ["decorate", "guarded", "truth"]

INTERACT = "ipywidgets.Interact"
"""What the tables say that `interact` is."""


@rule(statement_rules, ast.Expr)
def _expression(world: World, node: ast.Expr) -> bool:
    world.recorder.facts.unused.update(calls_for_effect(node.value))
    world.evaluate(node.value)
    return True


@rule(statement_rules, ast.Assign)
def _assign(world: World, node: ast.Assign) -> bool:
    values = world.evaluate(node.value)
    # ip = get_ipython(): made again where it is needed, as the shell is not a value.
    if is_part_of_shell(values):
        world.recorder.facts.again.add(node.value)
    for target in node.targets:
        assign(world, target, values)
    return True


@rule(statement_rules, ast.AnnAssign)
def _annotated(world: World, node: ast.AnnAssign) -> bool:
    # Annotations of local variables are never evaluated by Python.
    if world.names.frame.kind != "function":
        _annotation(world, node.annotation)
    if node.value is not None:
        assign(world, node.target, world.evaluate(node.value))
    return True


@rule(statement_rules, ast.AugAssign)
def _augmented(world: World, node: ast.AugAssign) -> bool:
    """`target += value`: what the target held may be changed in place, as a list is,
    and is bound again. A number or text only gets a new value."""
    target = node.target
    # `+=` reads its target before its value: `x += f()` sees the old x.
    before: Values
    if isinstance(target, ast.Name):
        before = world.read(target.id, target)
    else:
        base = world.evaluate(target.value)
        if isinstance(target, ast.Attribute):
            before = load_attribute(world, base, target.attr, target)
        else:
            world.evaluate(target.slice)
            before = load_item(world, base, target)
    right = world.evaluate(node.value)
    changed = frozenset(
        value for value in before if not isinstance(value.payload, (Text, Library))
    )
    world.mutate(changed, node)
    for value in changed:
        # xs += [ys]: xs now holds ys. An array's `+=` copies numbers.
        if value.type in {"builtins.list", "builtins.set", "builtins.dict", ""}:
            for source in right:
                world.heap.copy_parts(source, value)
    assign(world, target, changed | combine(world, node.op, before, right, node))
    return True


@rule(statement_rules, ast.Delete)
def _delete(world: World, node: ast.Delete) -> bool:
    for target in node.targets:
        delete(world, target)
    return True


@rule(statement_rules, ast.If)
def _if(world: World, node: ast.If) -> bool:
    world.evaluate(node.test)
    # `if TYPE_CHECKING:` never runs, `if __name__ == "__main__":` always does.
    known = truth(node.test)
    if known is not None:
        return world.execute(node.body if known else node.orelse)
    return world.branches(
        lambda: world.execute(node.body), lambda: world.execute(node.orelse)
    )


def truth(test: ast.expr) -> bool | None:
    """The value of a condition that is the same in every run."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Compare(
            left=ast.Name(id="__name__"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value="__main__")],
        ):
            return True
    return None


@rule(statement_rules, ast.Match)
def _match(world: World, node: ast.Match) -> bool:
    subject = world.evaluate(node.subject)

    def arm(case: ast.match_case) -> bool:
        match_pattern(world, case.pattern, subject)
        if case.guard is not None:
            world.evaluate(case.guard)
        return world.execute(case.body)

    arms = [lambda case=case: arm(case) for case in node.cases]
    last = node.cases[-1]
    # `case _:` and `case name:` match everything, so one of the arms is taken.
    total = (
        isinstance(last.pattern, ast.MatchAs)
        and last.pattern.pattern is None
        and last.guard is None
    )
    return world.branches(*arms, *([] if total else [lambda: True]))


@rule(statement_rules, ast.With, ast.AsyncWith)
def _with(world: World, node: ast.With | ast.AsyncWith) -> bool:
    contexts = [_enter(world, item) for item in node.items]
    suppresses = any(_may_suppress(world, context) for context in contexts)

    def body() -> bool:
        return world.execute(node.body)

    # with suppress(Error): the body may stop anywhere, and the program goes on.
    alive = guarded(world, body) if suppresses else body()
    # Contexts are left in the reverse of the order in which they were entered.
    for context in reversed(contexts):
        for name in ("__exit__", "__aexit__"):
            world.call_special(context, name, (), node)
    return alive


def _enter(world: World, item: ast.withitem) -> Values:
    context = world.evaluate(item.context_expr)
    entered = world.call_special(context, "__enter__", (), item.context_expr)
    entered |= world.call_special(context, "__aenter__", (), item.context_expr)
    for value in in_order(context):
        own = isinstance(value.payload, Instance) and find_in_class(
            value.payload.class_, "__enter__"
        )
        # Where the notebook's class has an `__enter__`, that has said what `as` binds.
        if not own:
            entered |= _entered(world, value)
    if item.optional_vars is not None:
        assign(world, item.optional_vars, entered)
    return context


def _entered(world: World, value: Object) -> Values:
    """What `with value as x` binds where the class is not the notebook's: itself or
    what it gives out."""
    effect = world.knowledge.method(value.type, "__enter__") if value.type else None
    # A generator with @contextmanager gives what it yields.
    if value.type == "builtins.generator" or (
        effect is not None and effect.returns is Returns.element
    ):
        return world.heap.elements(frozenset((value,)))
    return frozenset((value,))


def _may_suppress(world: World, context: Values) -> bool:
    """`contextlib.suppress`, and classes of the notebook whose `__exit__` may return
    something true."""
    for value in context:
        if value.type == "contextlib.suppress":
            return True
        if isinstance(value.payload, Instance):
            for method in find_in_class(value.payload.class_, "__exit__"):
                # def __exit__(self, *error): return True
                if isinstance(method.payload, Function) and _returns_truth(
                    method.payload.node
                ):
                    return True
    return False


def _returns_truth(node: ast.AST) -> bool:
    returned = [
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Return) and part.value
    ]
    return any(
        not (isinstance(value, ast.Constant) and not value.value) for value in returned
    )


def guarded(world: World, body: Callable[[], bool]) -> bool:
    """A body that may end anywhere, after which the program goes on."""
    with world.names.watched() as watched:
        whole = world.branch(body)
    return world.join([whole, world.branch(lambda: _end_anywhere(world, watched))])


def _end_anywhere(world: World, watched: Layer) -> bool:
    """The state after a body that was left somewhere: each variable is what it was, or
    what it was made."""
    world.names.merge([{}, watched])
    return True


@rule(statement_rules, ast.Try, *([ast.TryStar] if hasattr(ast, "TryStar") else []))
def _try(world: World, node: ast.Try) -> bool:
    raised: set[Object] = set()

    def body() -> bool:
        with world.calls.catching(raised):
            alive = world.execute(node.body)
        # `else:` runs only if the body got to its end.
        return alive and world.execute(node.orelse)

    def handler(clause: ast.ExceptHandler) -> bool:
        # Each variable is what it was, or any of what the body made of it.
        _end_anywhere(world, watched)
        return _handle(world, clause, frozenset(raised))

    with world.names.watched() as watched:
        whole = world.branch(body)
    handled = [world.branch(partial(handler, clause)) for clause in node.handlers]
    alive = world.join([whole, *handled])
    # `finally:` runs in every case, also where no branch goes on.
    return world.execute(node.finalbody) and alive


def _handle(world: World, clause: ast.ExceptHandler, raised: Values) -> bool:
    if clause.type is not None:
        world.evaluate(clause.type)
    if clause.name is not None:
        # except Error as error: what the notebook raised, or some exception of a
        # library.
        caught = raised | {world.objects.allocate(clause, open_=True)}
        world.bind(clause.name, caught, clause)
    alive = world.execute(clause.body)
    # Python deletes the name at the end of the handler.
    if clause.name is not None:
        world.unbind(clause.name, clause)
    return alive


@rule(statement_rules, ast.FunctionDef, ast.AsyncFunctionDef)
def _function(world: World, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = _decorators(world, node)
    if world.names.frame.kind != "function":
        _annotations(world, node)
    result = make_function(world, node)
    world.bind(node.name, decorate(world, result, decorators, node), node)
    return True


def _annotations(world: World, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    arguments = node.args
    # Defaults were evaluated by make_function; here only what stands behind the colons.
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg) and argument.annotation is not None:
            _annotation(world, argument.annotation)
    if node.returns is not None:
        _annotation(world, node.returns)


def _annotation(world: World, node: ast.expr) -> None:
    """Names in an annotation that is a string, or becomes one by `from __future__
    import annotations`, are looked up only if somebody asks for the type."""
    text = node.value if isinstance(node, ast.Constant) else None
    if isinstance(text, str):
        names = WORD.findall(text)
    elif world.names.postponed_annotations:
        names = WORD.findall(ast.unparse(node))
    else:
        world.evaluate(node)
        return
    for name in names:
        # A name that is missing does no harm: nobody may ever look it up.
        if world.names.get(name) is not None:
            world.read(name, node)


def _decorators(
    world: World, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
) -> list[Values]:
    """What the decorators are. A registering one, `@api.register("geo")`, is there for
    its effect."""
    world.recorder.facts.unused.update(node.decorator_list)
    return [world.evaluate(decorator) for decorator in node.decorator_list]


def decorate(
    world: World, value: Object, decorators: Sequence[Values], node: ast.AST
) -> Values:
    """Applies decorators, the innermost first. Those of libraries are taken to wrap:
    calling what they return calls the function."""
    values: Values = frozenset((value,))
    for decorator in reversed(decorators):
        found: set[Object] = set()
        for one in in_order(decorator):
            # @functools.wraps(f), @app.route("/"): what they return calls the function.
            if isinstance(one.payload, Library) or one.payload is None:
                _mark(world, values, one, node)
                _run_at_once(world, values, one, node)
                found |= values
            else:
                found |= world.call_values(frozenset((one,)), _single(values, node))
        values = frozenset(found) or values
    return values


def _run_at_once(
    world: World, values: Values, decorator: Object, node: ast.AST
) -> None:
    """`@interact(x=5)` calls the function that it is given, and shows what comes
    out."""
    if isinstance(decorator.payload, Library):
        effect = world.knowledge.function(decorator.payload.qualified)
        type_ = effect.result_type if effect is not None else ""
    else:
        type_ = decorator.type
    if type_ == INTERACT:
        escape(world, values, node)
        world.recorder.facts.prints = True


def _mark(world: World, values: Values, decorator: Object, node: ast.AST) -> None:
    if isinstance(decorator.payload, Library):
        note_setting_decorator(world, decorator.payload.qualified, node)
        for value in values:
            if isinstance(value.payload, Function):
                value.payload.decorators |= {decorator.payload.qualified}


def _single(values: Values, node: ast.AST) -> Arguments:
    call = ast.copy_location(ast.Call(ast.Name("decorator", ast.Load()), [], []), node)
    return Arguments(call, [values])


@rule(statement_rules, ast.ClassDef)
def _class(world: World, node: ast.ClassDef) -> bool:
    decorators = _decorators(world, node)
    result = make_class(world, node)
    world.bind(node.name, decorate(world, result, decorators, node), node)
    return True


@rule(statement_rules, ast.Return)
def _return(world: World, node: ast.Return) -> bool:
    frame = world.names.frame
    if node.value is not None:
        frame.returned |= world.evaluate(node.value)
    # The state at each `return`; the end of the body adds its own.
    frame.exits.append(world.names.flatten(frame.depth))
    return False


@rule(statement_rules, ast.Raise)
def _raise(world: World, node: ast.Raise) -> bool:
    for part in (node.exc, node.cause):
        if part is not None:
            # `except … as error` in the notebook may catch it, and then hold what it
            # holds.
            world.calls.raised |= world.evaluate(part)
    return False


@rule(statement_rules, ast.Assert)
def _assert(world: World, node: ast.Assert) -> bool:
    world.evaluate(node.test)
    if node.msg is not None:
        world.evaluate(node.msg)
    return True


@rule(statement_rules, ast.Break)
def _break(world: World, _: ast.Break) -> bool:
    # A `break` outside of a loop is a syntax error; in an exec'd text we do not know.
    if world.calls.loops:
        loop = world.calls.loops[-1]
        loop.breaks.append(world.names.flatten(loop.depth))
    return False


@rule(statement_rules, ast.Continue)
def _continue(world: World, _: ast.Continue) -> bool:
    if world.calls.loops:
        loop = world.calls.loops[-1]
        loop.continues.append(world.names.flatten(loop.depth))
    return False


@rule(statement_rules, ast.Pass, ast.Global, ast.Nonlocal)
def _nothing(_world: World, _node: ast.stmt) -> bool:
    return True


@rule(statement_rules, ast.Import)
def _import(world: World, node: ast.Import) -> bool:
    for alias in node.names:
        import_module(world, alias, node)
    return True


@rule(statement_rules, ast.ImportFrom)
def _import_from(world: World, node: ast.ImportFrom) -> bool:
    import_from(world, node)
    return True


# `type X = int` exists since Python 3.12.
if hasattr(ast, "TypeAlias"):

    @rule(statement_rules, ast.TypeAlias)
    def _type_alias(world: World, node: ast.stmt) -> bool:
        name = getattr(node, "name", None)
        if isinstance(name, ast.Name):
            world.bind(name.id, NOTHING, node)
        return True
