"""Finds what may live at module level, and which of it several stages share.

A function, class or constant may if nothing but imports, builtins and other such
definitions stand behind it, if it is bound once in the whole notebook, and if nothing
changes it. Pure.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec
from msgspec import Struct

from jupyter_pipe.compiler.codegen.imports import (
    ImportedName,
    imported_names,
    is_import,
)
from jupyter_pipe.compiler.codegen.source import Statement
from jupyter_pipe.compiler.codegen.stage_code import CellCode, ProgramCode, StageCode
from jupyter_pipe.graphs import reachable
from jupyter_pipe.model import ReplayKind

__all__ = [
    "FRAME_NAMES",
    "ModuleLevel",
    "find_module_level",
    "looks_up_names",
    "without_constants",
]

# Names whose meaning depends on the namespace in which the code runs.
_CALLS = {
    "eval",
    "exec",
    "locals",
    "globals",
    "vars",
    "dir",
    "get_ipython",
    "get_type_hints",
}
_VARIABLES = {"__name__", "__file__", "__annotations__", "__builtins__", "__doc__"}
_HISTORY = {"In", "Out", "_ih", "_oh", "_dh", "_", "__", "___", "_i", "_ii", "_iii"}
FRAME_NAMES = frozenset(_CALLS | _VARIABLES | _HISTORY)
# IPython gives every notebook `display`, as generated modules do.
_BUILTINS = (frozenset(vars(builtins)) | {"display"}) - _VARIABLES
# pandas and duckdb find variables by name in the frames above a call.
_LOOKUPS = frozenset({"query", "eval", "sql"})
_PLAIN_EXPRESSIONS = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.UnaryOp,
    ast.BinOp,
    ast.Tuple,
)
_LITERAL_PARTS = (ast.Tuple, ast.UnaryOp, ast.unaryop, ast.expr_context)
_PLAIN = (*_PLAIN_EXPRESSIONS, ast.expr_context, ast.operator, ast.unaryop)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CLASS_BODY = (*_DEFINITIONS, ast.Assign, ast.AnnAssign, ast.Pass, ast.Expr)


class ModuleLevel(Struct, frozen=True):
    """`imports` are names that stand for one imported thing everywhere, `definitions`
    those that module level can hold, in notebook order, and `users` the stages that use
    each of these; `reads` are the names that anything in the program reads."""

    imports: Mapping[str, frozenset[ImportedName]]
    definitions: Mapping[str, Statement]
    users: Mapping[str, tuple[str, ...]]
    reads: frozenset[str]

    @property
    def shared(self) -> frozenset[str]:
        """The definitions of several stages."""
        return frozenset(name for name, stages in self.users.items() if len(stages) > 1)

    def names(self) -> frozenset[str]:
        """Everything that a module may hold outside of functions."""
        return frozenset(self.imports) | frozenset(self.definitions)

    def holds(self, statement: Statement) -> bool:
        """Whether the statement binds only such names."""
        if is_import(statement):
            return all(item.name in self.imports for item in imported_names(statement))
        # Nothing else binds a definition's name, so a statement that does is the
        # definition.
        return bool(statement.binds) and statement.binds <= frozenset(self.definitions)

    def holds_names(self, statement: Statement) -> bool:
        """Whether all that a replayed statement binds is there already."""
        return bool(statement.binds) and statement.binds <= self.names()


def find_module_level(program: ProgramCode) -> ModuleLevel:
    """What module level can hold, over all stages."""
    imports = _stable_imports(program)
    candidates = _without_side_effects(
        _candidates(program), frozenset(program.bindings) - set(imports)
    )
    # A constant that is read as `@limit` in a query must stay a variable of the stage.
    for name in _hidden_reads(program) & {
        n for n, s in candidates.items() if _is_constant(s)
    }:
        del candidates[name]
    allowed = _BUILTINS - frozenset(program.bindings)
    allowed |= frozenset(imports) - _steered_imports(program)
    # What is dropped takes along what reads it: until nothing changes.
    changed = True
    while changed:
        known = allowed | frozenset(candidates)
        kept = {
            name: statement
            for name, statement in candidates.items()
            if statement.reads <= known
        }
        changed = len(kept) < len(candidates)
        candidates = kept
    reads = frozenset(
        name for statement in _distinct_statements(program) for name in statement.reads
    )
    # In the order of the notebook, as definitions may read those above them.
    return ModuleLevel(imports, candidates, _users(program, candidates), reads)


def without_constants(program: ProgramCode, level: ModuleLevel) -> ProgramCode:
    """The program with constants out of the stages' inputs and outputs: modules import
    those."""
    constants = {
        name for name, statement in level.definitions.items() if _is_constant(statement)
    }
    return msgspec.structs.replace(
        program, stages=tuple(_without(stage, constants) for stage in program.stages)
    )


def _without(stage: StageCode, constants: Collection[str]) -> StageCode:
    observed = stage.observed()
    inputs = tuple(item for item in stage.stage.inputs if item.name not in constants)
    outputs = tuple(
        name
        for name in stage.stage.outputs
        if name in observed or name not in constants
    )
    return msgspec.structs.replace(
        stage,
        stage=msgspec.structs.replace(stage.stage, inputs=inputs, outputs=outputs),
    )


def _stable_imports(program: ProgramCode) -> dict[str, frozenset[ImportedName]]:
    """Names that only imports bind, and always to the same thing."""
    found: dict[str, set[ImportedName]] = {}
    bound: Counter[str] = Counter()
    for statement in _distinct_statements(program):
        for item in imported_names(statement) if is_import(statement) else ():
            found.setdefault(item.name, set()).add(item)
            bound[item.name] += 1
    # Names of `try: import ujson as json` count like those of a plain import.
    for text, names in _long_imports(program):
        for name in names:
            found.setdefault(name, set()).add(ImportedName("", "", name, text=text))
            bound[name] += 1
    changing = program.mutated | _failing_imports(program)
    stable = {}
    for name, items in found.items():
        # `np = fake` somewhere in the notebook: then it is not the import alone that
        # binds it.
        only_imported = program.bindings[name] <= bound[name]
        if only_imported and name not in changing and _mean_one(items, program.written):
            stable[name] = frozenset(items)
    return stable


def _mean_one(items: Collection[ImportedName], written: Collection[str]) -> bool:
    """Whether the imports of a name find the same thing, and in no module that the
    notebook writes."""
    targets = {item.target for item in items}
    packages = {item.module.partition(".")[0] for item in items}
    return len(targets) == 1 and packages.isdisjoint(written)


def _steered_imports(program: ProgramCode) -> set[str]:
    """Names that a stage imports which changes what imports find. A definition that
    reads one cannot be made before that stage has run: `os.system("pip install demo")`,
    then `import demo`."""
    return {
        item.name
        for stage in program.stages
        # The standard library is found whatever sys.path says.
        if stage.steers_imports()
        for statement in stage.statements()
        for item in imported_names(statement)
        if item.module.partition(".")[0] not in sys.stdlib_module_names
    }


def _failing_imports(program: ProgramCode) -> set[str]:
    """Names that an import binds whose cell may raise: no module can begin with it."""
    return {
        item.name
        for stage in program.stages
        for cell in stage.cells
        if "raises-exception" in cell.cell.tags
        for statement in cell.statements
        for item in imported_names(statement)
    }


def _long_imports(program: ProgramCode) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Replayed imports that are more than an import statement: `try: import ujson
    …`."""
    seen = set()
    for stage in program.stages:
        for code in stage.replays:
            plain = all(
                is_import(statement) for statement in code.statements if statement.nodes
            )
            if (
                code.replay.kind is ReplayKind.import_
                and not plain
                and code.replay.source not in seen
            ):
                seen.add(code.replay.source)
                yield code.replay.source.strip("\n"), code.replay.names


def _distinct_statements(program: ProgramCode) -> Iterable[Statement]:
    """Statements of cells and replays; a replayed one of a stage's own cell may come
    twice."""
    for stage in program.stages:
        yield from stage.statements()
        for code in stage.replays:
            yield from code.statements


def _candidates(program: ProgramCode) -> dict[str, Statement]:
    """Definitions in notebook order, as their own cell has them where a stage owns
    it."""
    found: dict[str, tuple[tuple[int, int], Statement]] = {}
    for stage in program.stages:
        for code in stage.replays:
            if code.replay.kind in {ReplayKind.import_, ReplayKind.ambient}:
                continue
            for line, name, statement in _bound_once(
                program,
                code.statements,
                assigned=True,
                # A replay may be of a cell that no stage owns; a stage's own cell replaces
                # it below.
            ):
                found.setdefault(
                    name, ((code.index, code.replay.line + line), statement)
                )
    for stage in program.stages:
        for cell in stage.cells:
            for line, name, statement in _defined_in(program, cell, set(found)):
                found[name] = ((cell.cell.index, line), statement)
    ordered = sorted(found, key=lambda name: found[name][0])
    return {name: found[name][1] for name in ordered}


def _defined_in(
    program: ProgramCode,
    cell: CellCode,
    known: Collection[str],
) -> Iterable[tuple[int, str, Statement]]:
    """Definitions of a cell, then its constants and what other stages repeat
    (`known`)."""
    yield from _bound_once(program, cell.statements, assigned=False)
    replayed = [
        s for s in cell.statements if not s.binds.isdisjoint(known) or _is_constant(s)
    ]
    yield from _bound_once(program, replayed, assigned=True)


def _without_side_effects(
    candidates: Mapping[str, Statement], own: frozenset[str]
) -> dict[str, Statement]:
    """Definitions that can be made earlier than the notebook makes them: nothing of the
    notebook's `own` names runs for them, no decorator, no metaclass and no hook of a
    base."""
    # class Base: def __init_subclass__: deriving runs it, so when a class is made
    # matters.
    hooks = {name for name, s in candidates.items() if "__init_subclass__" in s.text}
    kept = {}
    for name, statement in candidates.items():
        node = statement.node
        heads: list[ast.expr] = []
        if isinstance(node, _DEFINITIONS):
            heads += node.decorator_list
        if isinstance(node, ast.ClassDef):
            heads += [keyword.value for keyword in node.keywords]
        called = {
            part.id
            for head in heads
            for part in ast.walk(head)
            if isinstance(part, ast.Name)
        }
        if not called & own and not statement.now & hooks:
            kept[name] = statement
    return kept


def _hidden_reads(program: ProgramCode) -> set[str]:
    """Names that a stage receives and looks up in another way: `df.query("a >
    @limit")`, `globals()`."""
    hidden: set[str] = set()
    for stage in program.stages:
        replayed = [
            statement for code in stage.replays for statement in code.statements
        ]
        statements = [*stage.statements(), *replayed]
        seen = {name for statement in statements for name in statement.reads}
        words = set(
            re.findall(r"\w+", " ".join(statement.text for statement in statements))
        )
        # With globals() or eval any received name may be read; else only those whose
        # word occurs.
        received = {item.name for item in stage.stage.inputs} - seen
        hidden |= received if seen & _CALLS else received & words
    return hidden


def _bound_once(
    program: ProgramCode, statements: Iterable[Statement], *, assigned: bool
) -> Iterable[tuple[int, str, Statement]]:
    """Line, name and statement of what could be a definition at module level; with
    `assigned`, `NAME = value` too, which analysis has found to be a constant or a class
    (`namedtuple(…)`)."""
    for statement in statements:
        if len(statement.binds) != 1:
            continue
        (name,) = statement.binds
        movable = _is_definition(statement) or (assigned and _is_assignment(statement))
        # Bound once and never changed: else it would matter when it is made.
        fixed = program.bindings[name] == 1 and name not in program.mutated
        bare = not statement.reads & FRAME_NAMES and not looks_up_names(statement)
        if movable and fixed and name not in _BUILTINS and bare:
            yield statement.nodes[0].lineno, name, statement


def looks_up_names(statement: Statement) -> bool:
    """Whether functions in it pass text in which a library looks up variables of the
    caller."""
    # Text before trees: nearly no statement has such a call.
    if not any(f".{method}(" in statement.text for method in _LOOKUPS):
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inner = (
        node
        for part in statement.nodes
        for node in ast.walk(part)
        if isinstance(node, functions)
    )
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _LOOKUPS
        for function in inner
        for node in ast.walk(function)
    )


def _is_definition(statement: Statement) -> bool:
    """A function or class whose head and class body do nothing but define."""
    node = statement.node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        # def f(x=N) may move with N; def f(x=compute()) runs something where it stands.
        defaults = [
            *node.args.defaults,
            *(default for default in node.args.kw_defaults if default),
        ]
        return all(map(_is_plain, defaults)) and all(
            map(_is_decorator, node.decorator_list)
        )
    return (
        isinstance(node, ast.ClassDef)
        and all(map(_is_decorator, node.decorator_list))
        and all(
            isinstance(item, _CLASS_BODY) and not _reads_itself(item)
            for item in node.body
        )
    )


def _reads_itself(item: ast.stmt) -> bool:
    """An expression in a class body that is more than a docstring acts when the class
    is made."""
    return isinstance(item, ast.Expr) and not isinstance(item.value, ast.Constant)


def _is_plain(expression: ast.expr) -> bool:
    return all(isinstance(node, _PLAIN) for node in ast.walk(expression))


def _is_decorator(expression: ast.expr) -> bool:
    if isinstance(expression, ast.Call):
        arguments = [*expression.args, *(item.value for item in expression.keywords)]
        return _is_plain(expression.func) and all(map(_is_plain, arguments))
    return _is_plain(expression)


def _is_constant(statement: Statement) -> bool:
    """`NAME = LITERAL` of a value that nothing can change."""
    node = statement.node
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    parts = (
        part for part in ast.walk(node.value) if not isinstance(part, _LITERAL_PARTS)
    )
    return all(isinstance(part, ast.Constant) for part in parts)


def _is_assignment(statement: Statement) -> bool:
    node = statement.node
    return isinstance(node, (ast.Assign, ast.AnnAssign)) and not statement.later


def _users(
    program: ProgramCode, definitions: Mapping[str, Statement]
) -> dict[str, tuple[str, ...]]:
    """The stages that use each definition; one that nobody uses stays where it is
    written."""
    users: dict[str, dict[str, None]] = {name: {} for name in definitions}
    for stage in program.stages:
        # First who uses each; then definitions that nobody uses, which stay with their
        # stage.
        for name in _with_reads(_used(stage, definitions), definitions):
            users[name][stage.name] = None
    for stage in program.stages:
        for name in _with_reads(_unused(stage, users), definitions):
            users[name][stage.name] = None
    # What a shared definition reads is shared with it.
    several = {name for name, stages in users.items() if len(stages) > 1}
    for name in _with_reads(several, definitions) - several:
        users[name] = dict.fromkeys(stage.name for stage in program.stages)
    return {name: tuple(stages) for name, stages in users.items()}


def _unused(stage: StageCode, users: Mapping[str, Collection[str]]) -> set[str]:
    """Definitions of the stage that nobody uses so far."""
    names: set[str] = set()
    for statement in stage.statements():
        for name in statement.binds:
            if name in users and not users[name]:
                names.add(name)
    return names


def _used(stage: StageCode, definitions: Mapping[str, Statement]) -> set[str]:
    """Definitions that the stage repeats, names in a metric or gate, or reads outside
    other definitions."""
    names = {
        name for code in stage.replays for name in code.replay.names
    } | stage.observed()
    replayed = (statement for code in stage.replays for statement in code.statements)
    for statement in (*stage.statements(), *replayed):
        if not statement.binds or not statement.binds <= set(definitions):
            names |= statement.reads
    return names & set(definitions)


def _with_reads(names: Iterable[str], definitions: Mapping[str, Statement]) -> set[str]:
    known = set(definitions)
    return reachable(names, lambda name: definitions[name].reads & known)
