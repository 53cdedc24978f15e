"""Decides which stages keep their meaning as a function, and which must run as a
script.

A name of a cell is global, a name of a function is local: here are the programs that
can tell. Pure.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence

from jupyter_pipe.compiler.codegen.imports import is_import
from jupyter_pipe.compiler.codegen.shared_definitions import (
    FRAME_NAMES,
    ModuleLevel,
    looks_up_names,
)
from jupyter_pipe.compiler.codegen.source import Statement
from jupyter_pipe.compiler.codegen.stage_code import ProgramCode, ReplayCode, StageCode
from jupyter_pipe.model import EffectKind, ReplayKind

__all__ = ["find_scripts", "is_dropped_magic"]

_OUTPUT_HISTORY = re.compile(r"_i?\d+")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BINDS_SURELY = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef)
# Magics about how a front end shows things: a module has no use for them.
_SHOWING_MAGICS = frozenset({"matplotlib", "config", "autoreload", "precision"})
_EXTENSIONS = frozenset({"load_ext", "reload_ext"})


def find_scripts(program: ProgramCode, level: ModuleLevel) -> dict[str, str]:
    """The stages that must run as scripts, each with the reason as half a sentence."""
    reasons: dict[str, str] = {}
    for stage in program.stages:
        reason = _first_reason(stage, level)
        if reason:
            reasons[stage.name] = reason
    # Reasons spread from stage to stage, so until no stage is added.
    size = -1
    while len(reasons) != size:
        size = len(reasons)
        for stage in program.stages:
            for name in sorted(_carried_names(stage, level)):
                _spread(program, stage, name, reasons)
            _follow(program, stage, level, reasons)
    _unite(program, level, reasons)
    return reasons


def _first_reason(stage: StageCode, level: ModuleLevel) -> str:
    statements = [
        statement for statement in _running(stage) if not level.holds(statement)
    ]
    checks = (
        # The cheap and frequent ones first; the first that holds is the one that is
        # told.
        _frame_reason,
        _syntax_reason,
        _class_reason,
        _shadow_reason,
        _unbound_reason,
        _replay_reason,
        _text_reason,
    )
    return next(
        (reason for check in checks if (reason := check(stage, statements, level))), ""
    )


def _running(stage: StageCode) -> Iterator[Statement]:
    return (
        statement for statement in stage.statements() if not is_dropped_magic(statement)
    )


def _replayed(stage: StageCode) -> Iterator[Statement]:
    for code in stage.replays:
        yield from code.statements


def is_dropped_magic(statement: Statement) -> bool:
    """`%matplotlib inline` and its like, as IPython writes them in Python."""
    node = statement.node
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_line_magic"
        and _only_shows(
            [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        )
    )


def _only_shows(words: Sequence[object]) -> bool:
    """An extension may bring magics that compute (`%load_ext sql`), with settings of
    their own."""
    # `%config InlineBackend…` shows, `%config SqlMagic.…` sets how a magic computes.
    magic, line = [*map(str, words), "", ""][:2]
    if magic in _EXTENSIONS:
        return line.strip() == "autoreload"
    return magic in _SHOWING_MAGICS and not (
        magic == "config" and "Magic" in line.partition(".")[0]
    )


def _frame_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """IPython's own names (`In`, `_3`, `get_ipython`) and cells that may raise exist
    only in a namespace."""
    if any("raises-exception" in cell.cell.tags for cell in stage.cells):
        return "a cell of it may raise and is passed over then"
    bound: set[str] = set(stage.received())
    for statement in statements:
        for name in sorted(statement.reads - bound):
            # `!ls` and `%time` have become calls of it.
            if name == "get_ipython":
                return "it uses magics or the shell"
            if name in FRAME_NAMES or _OUTPUT_HISTORY.fullmatch(name):
                return f"it reads '{name}', which depends on the namespace"
        bound |= statement.binds
    return ""


def _syntax_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """Syntax that means something else, or nothing, inside a function: `await`,
    `global`, star imports."""
    # `sys.path.insert(0, "lib"); import helper`: a module's imports would come before
    # both.
    if stage.steers_imports() and any(
        is_import(statement) for statement in stage.statements()
    ):
        return "it changes what its imports find"
    if any(map(looks_up_names, [*statements, *_replayed(stage)])):
        return "a library looks up names in strings for a function of it"
    for statement in _with_words(
        statements, ("async", "await", "*", "global", "__future__")
    ):
        reason = _statement_reason(statement)
        if reason:
            return reason
    return ""


def _statement_reason(statement: Statement) -> str:
    """The syntax in one statement that a function cannot have, as the end of a
    sentence; empty if none."""
    for node in _own_scope(statement.nodes):
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return "it awaits at top level"
        # `from x import *` is a syntax error inside a function.
        if isinstance(node, ast.ImportFrom) and any(
            alias.name == "*" for alias in node.names
        ):
            return f"it imports everything from '{node.module}'"
    if any(isinstance(node, ast.Global) for node in _all_nodes(statement)):
        return "it declares a variable 'global'"
    if any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for node in statement.nodes
    ):
        return "it imports from __future__"
    return ""


def _all_nodes(statement: Statement) -> Iterator[ast.AST]:
    for part in statement.nodes:
        yield from ast.walk(part)


def _with_words(
    statements: Iterable[Statement], words: Sequence[str]
) -> Iterator[Statement]:
    """Statements that may have the syntax: looking at text is much cheaper than at
    trees."""
    return (
        statement
        for statement in statements
        if any(word in statement.text for word in words)
    )


def _own_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes outside of nested functions."""
    for node in nodes:
        yield node
        if not isinstance(node, _FUNCTIONS):
            yield from _own_scope(ast.iter_child_nodes(node))


def _class_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    for statement in _with_words(statements, ("class",)):
        # A class in a function has the qualified name `train.<locals>.Model`, which
        # pickle cannot find.
        for node in _own_scope(statement.nodes):
            if isinstance(node, ast.ClassDef):
                return f"class '{node.name}' needs the names of the namespace"
    return ""


def _shadow_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """A local variable hides the builtin or module-level name even before it is
    bound."""
    outer = frozenset(vars(builtins)) | level.names()
    received = stage.received()
    # `sum = sum(xs)`: in a function the right side would be an unbound local.
    for name in sorted(_bound_names(statements) & outer):
        bound = name in received or _is_bound_first(name, statements)
        if not bound or _is_deleted(name, statements):
            return f"it uses '{name}' while no variable of that name is bound"
    return ""


def _bound_names(statements: Iterable[Statement]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        names |= statement.binds
    return names


def _is_bound_first(name: str, statements: Iterable[Statement]) -> bool:
    """Whether the first statement that mentions the name binds it whatever happens."""
    first = next(s for s in statements if name in s.binds or name in s.reads)
    if name not in first.binds or name in first.reads:
        return False
    return all(isinstance(node, _BINDS_SURELY) for node in first.nodes)


def _is_deleted(name: str, statements: Iterable[Statement]) -> bool:
    deletes = (
        node
        for s in _with_words(statements, ("del",))
        for node in _own_scope(s.nodes)
        if isinstance(node, ast.Delete)
    )
    return any(
        isinstance(t, ast.Name) and t.id == name
        for node in deletes
        for t in node.targets
    )


def _unbound_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """An output that may be unbound at the end has nothing to return."""
    unbound = (
        name for name in stage.stage.outputs if _may_be_unbound(stage, name, level)
    )
    return next((f"it may leave '{name}' unbound" for name in unbound), "")


def _may_be_unbound(stage: StageCode, name: str, level: ModuleLevel) -> bool:
    kinds = {effect.kind for effect in stage.stage.effects if effect.name == name}
    # A name under `if` may be missing at the end; `return Outputs(x=x)` would fail.
    sure = EffectKind.binds in kinds and EffectKind.deletes not in kinds
    return not sure and name not in stage.received() and name not in level.names()


def _replay_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """Repeated code keeps its meaning in a module only if it is plain imports or single
    definitions."""
    for code in stage.replays:
        inner = [s for s in code.statements if s.nodes and not level.holds_names(s)]
        reason = _repeated_reason(stage, code, inner, level) if inner else ""
        if reason:
            return reason
    return ""


def _repeated_reason(
    stage: StageCode,
    code: ReplayCode,
    inner: Sequence[Statement],
    level: ModuleLevel,
) -> str:
    """What keeps one piece of repeated code out of a function; `inner` is what no
    module level holds."""
    names = code.replay.names
    match code.replay.kind:
        case ReplayKind.ambient:
            return ""
        case ReplayKind.import_:
            # import numpy as np here and `import np_like as np` in another cell: the
            # name has two meanings.
            if set(names) <= set(level.imports):
                return ""
            return f"what it imports as {_listed(names)} changes its meaning elsewhere"
        case ReplayKind.shared:
            return "it repeats a cell tagged 'shared' that does more than define"
        case ReplayKind.class_:
            return f"class {_listed(names)} needs the names of the namespace"
    if any(
        statement.reads & FRAME_NAMES or len(statement.binds) != 1
        for statement in inner
    ):
        return f"{_listed(names)} needs the names of the namespace"
    # def scale(x): … in one stage, and `scale = model.scale` in another that this one
    # receives.
    received = stage.received() & set(names)
    if received:
        return f"{_listed(sorted(received))} is code first and a value then"
    return ""


def _text_reason(
    stage: StageCode, statements: Sequence[Statement], level: ModuleLevel
) -> str:
    """Code that only a string names: `dmatrix("~ np.sqrt(x)")` finds it in the
    namespace."""
    # patsy and statsmodels evaluate formulas in the caller's namespace.
    for name in sorted(_unread_code(stage)):
        word = re.compile(rf"\b{re.escape(name)}\b")
        if any(
            word.search(text)
            for statement in statements
            for text in _strings(statement)
        ):
            return f"a library looks up '{name}', which a string of it names"
    return ""


def _unread_code(stage: StageCode) -> set[str]:
    """Imports and functions that the stage repeats although nothing in it reads their
    names."""
    names: set[str] = set()
    read = {name for statement in stage.statements() for name in statement.reads}
    for item in stage.replays:
        read.update(name for statement in item.statements for name in statement.reads)
        if item.replay.kind in {ReplayKind.import_, ReplayKind.function}:
            names.update(item.replay.names)
    return names - read


def _strings(statement: Statement) -> Iterator[str]:
    for node in _all_nodes(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)


def _carried_names(stage: StageCode, level: ModuleLevel) -> set[str]:
    """Variables that functions read which may leave the stage inside a value.

    A function that is only ever called by name is defined again where it is needed; a
    lambda, a method or a function that is passed on sees the variables of the place
    that made it.
    """
    statements = [s for s in _running(stage) if not level.holds(s)]
    statements += [s for s in _replayed(stage) if not level.holds_names(s)]
    functions = [statement for statement in statements if statement.later]
    defined = _bound_names(functions)
    values: set[str] = set()
    for statement in statements:
        if statement.reads & defined:
            values.update(_loaded_as_values(statement))
    names: set[str] = set()
    # `f` in `map(f, xs)` travels as a value: what it reads must be the same wherever it
    # is called.
    for statement in functions:
        passed_on = bool(statement.binds & values)
        if passed_on or not _is_plain_function(statement):
            names |= statement.later
    return names - level.names() - frozenset(vars(builtins)) - {"display"}


def _loaded_as_values(statement: Statement) -> Iterator[str]:
    """Names that are read other than to be called: `map(f, rows)` gives `f`, `f(rows)`
    does not."""
    called = set()
    for node in _all_nodes(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func)
    for node in _all_nodes(statement):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node not in called
        ):
            yield node.id


def _is_plain_function(statement: Statement) -> bool:
    return isinstance(statement.node, _FUNCTIONS) and not _has_inner_function(statement)


def _has_inner_function(statement: Statement) -> bool:
    node = statement.node
    return node is not None and any(
        isinstance(inner, (*_FUNCTIONS, ast.ClassDef))
        for inner in ast.walk(node)
        if inner is not node
    )


def _spread(
    program: ProgramCode, stage: StageCode, name: str, reasons: dict[str, str]
) -> None:
    """All stages that use `name` need one namespace, unless only this stage's own one
    matters."""
    binders = set(program.binders.get(name, ()))
    own = name in stage.received() or stage.name in binders
    foreign = binders - {stage.name}
    rebound = len(binders) > 1 or (bool(foreign) and name not in stage.received())
    # The stage itself is its only binder: a closure over the local variable will do.
    if own and not rebound and stage.name not in reasons:
        return
    for other in program.stages:
        if other is stage or name in other.touched():
            reasons.setdefault(
                other.name, f"functions that travel between stages read '{name}'"
            )


def _follow(
    program: ProgramCode, stage: StageCode, level: ModuleLevel, reasons: dict[str, str]
) -> None:
    """Only a script can receive a variable that may be unbound."""
    makers = {maker.name: maker for maker in program.stages}
    for item in stage.stage.inputs:
        maker = makers.get(item.from_)
        if maker and _may_be_unbound(maker, item.name, level):
            reasons.setdefault(
                stage.name, f"'{item.name}' may be unbound when it begins"
            )


def _unite(program: ProgramCode, level: ModuleLevel, reasons: dict[str, str]) -> None:
    """A class with several versions, or a function that keeps state, must be one in all
    stages."""
    single: set[str] = set()
    for stage in program.stages:
        for code in stage.replays:
            if _must_be_single(program, code, level):
                single.update(code.replay.names)
    for stage in program.stages:
        bound = _bound_names(stage.statements())
        for code in stage.replays:
            bound.update(code.replay.names)
        for name in sorted(single & bound):
            reasons.setdefault(stage.name, f"'{name}' must be one object in all stages")


def _must_be_single(program: ProgramCode, code: ReplayCode, level: ModuleLevel) -> bool:
    """Whether two stages that each repeat this code could tell that they hold different
    objects."""
    if code.replay.kind is ReplayKind.class_:
        return any(program.bindings[name] > 1 for name in code.replay.names)
    if code.replay.kind is ReplayKind.function:
        nested = [
            statement
            for statement in code.statements
            if not level.holds_names(statement)
        ]
        # Of a function without state nobody can tell two copies apart, unless by `is`.
        return any(map(_keeps_state, nested))
    return False


def _keeps_state(statement: Statement) -> bool:
    """A default argument or a decorator can hold what one call leaves for the next."""
    node = statement.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    defaults = [
        *node.args.defaults,
        *(default for default in node.args.kw_defaults if default),
    ]
    mutable = (
        ast.List,
        ast.Dict,
        ast.Set,
        ast.Call,
        ast.ListComp,
        ast.DictComp,
        ast.SetComp,
    )
    # def f(x, seen=[]): the list is shared by all calls of one function object.
    return bool(node.decorator_list) or any(
        isinstance(default, mutable) for default in defaults
    )
