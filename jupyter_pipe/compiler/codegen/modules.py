"""Writes the module of a stage: `def train(features, *, depth: int = 3) ->
TrainOutputs`.

A stage whose meaning a function keeps becomes one; any other keeps its signature and
runs a script. Pure: text out. Definitions stand at module level where `sharing` says
so, the rest in the function.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection, Iterable, Sequence

from jupyter_pipe.compiler.codegen.function_scope import is_dropped_magic
from jupyter_pipe.compiler.codegen.imports import (
    ImportedName,
    import_lines,
    imported_names,
    is_import,
)
from jupyter_pipe.compiler.codegen.shared_definitions import ModuleLevel
from jupyter_pipe.compiler.codegen.source import Statement, indented, quoted, wrap_call
from jupyter_pipe.compiler.codegen.stage_code import CellCode, ReplayCode, StageCode
from jupyter_pipe.model import Gate, Parameter, ReplayKind

__all__ = [
    "class_name",
    "definition_blocks",
    "function_module",
    "module_docstring",
    "module_imports",
    "outputs_class",
    "parameter_text",
    "signature",
    "trimmed",
]

_INDENT = "    "
_TYPES = {"none": "None", "any": "typing.Any"}
# A docstring alone is a valid body, and says why it is empty.
_EMPTY = '"""Nothing is left to do: what the stage defines stands at module level."""'
_SILENT = frozenset({"print", "display"})
_SILENT_METHODS = frozenset(
    {"append", "extend", "info", "savefig", "seed", "set_option", "show"}
)


def function_module(stage: StageCode, level: ModuleLevel) -> str:
    """The module of a stage that is a function."""
    nested = [
        s
        for code in stage.replays
        for s in code.statements
        if _is_nested(code.replay.kind, s, level)
    ]
    body = [statement for cell in stage.cells for statement in _body(cell, level)]
    own = _local_definitions(stage, level)
    used = [*own, *nested, *body]
    parts = [
        module_docstring(stage, ""),
        _imports(stage, level, used),
        *definition_blocks(own),
        outputs_class(stage),
        _function(stage, level, nested),
    ]
    return _joined(parts)


def module_docstring(stage: StageCode, reason: str) -> str:
    """What the module is; `reason` says why a stage is a script."""
    first = f'"""Stage `{stage.name}`'
    if not reason:
        return f'{first}."""'
    text = (
        f"It is the script `scripts/{stage.name}.py` and no function, because {reason}."
    )
    return f'{first}.\n\n{textwrap.fill(text, 88)}\n"""'


def _joined(parts: Iterable[str]) -> str:
    """Two blank lines between definitions, one below the docstring and the imports'
    header."""
    docstring, imports, *rest = parts
    head = "\n\n".join(part for part in (docstring, imports) if part)
    return "\n\n\n".join([head, *(part for part in rest if part)]) + "\n"


def definition_blocks(statements: Iterable[Statement]) -> list[str]:
    """The texts of definitions; constants that follow each other stay together."""
    blocks: list[str] = []
    joins = False
    for statement in statements:
        simple = isinstance(statement.node, (ast.Assign, ast.AnnAssign))
        # N = 3 and M = 4 in one block, as a person would write them.
        if simple and joins:
            blocks[-1] += "\n" + trimmed(statement.text)
        else:
            blocks.append(trimmed(statement.text))
        joins = simple
    return blocks


def trimmed(text: str) -> str:
    """The text without blank lines around it and without spaces behind it."""
    lines = text.rstrip().split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    return "\n".join(lines)


def _is_nested(kind: ReplayKind, statement: Statement, level: ModuleLevel) -> bool:
    """Replayed code that needs the stage's variables: it stands in the function."""
    kept = kind not in {ReplayKind.import_, ReplayKind.ambient} and bool(
        statement.nodes
    )
    return kept and not level.holds_names(statement)


def _body(cell: CellCode, level: ModuleLevel) -> list[Statement]:
    return [
        s for s in cell.statements if not level.holds(s) and not is_dropped_magic(s)
    ]


def _local_definitions(stage: StageCode, level: ModuleLevel) -> list[Statement]:
    """Definitions that only this stage uses."""
    return [
        statement
        for name, statement in level.definitions.items()
        if level.users[name] == (stage.name,)
    ]


def _imports(stage: StageCode, level: ModuleLevel, used: Sequence[Statement]) -> str:
    """The import block of a stage module: what its code, its record, its metrics and
    its gates need."""
    reads = {name for statement in used for name in statement.reads}
    reads |= stage.observed()
    found = _record_imports(stage) + module_imports(reads, level)
    for statement in filter(is_import, stage.statements()):
        found += _kept(statement, reads, level)
    for code in stage.replays:
        if code.replay.kind is ReplayKind.import_:
            found += _replayed_imports(code, reads, level)
    if "display" in reads and "display" not in level.imports:
        found.append(ImportedName("_notebook", "display", "display", 1))
    # A value at the end of a cell is shown by the notebook, so the function shows it,
    # too.
    if _shows(stage, level):
        found.append(ImportedName("_notebook", "display", _display_name(level), 1))
    if stage.stage.gates:
        found.append(ImportedName("_notebook", "check_gate", "check_gate", 1))
    return import_lines(found)


def _kept(
    statement: Statement, reads: Collection[str], level: ModuleLevel
) -> list[ImportedName]:
    """The names that this module reads. An import that nobody reads is there for what
    it does."""
    items = [item for item in imported_names(statement) if item.name in level.imports]
    # `import seaborn` above all cells, never named: it registers styles.
    if not any(item.name in level.reads for item in items):
        return items
    return [item for item in items if item.name in reads]


def _replayed_imports(
    code: ReplayCode, reads: Collection[str], level: ModuleLevel
) -> list[ImportedName]:
    """Repeated imports that are used; a longer statement (`try: import ujson …`) stays
    whole."""
    plain = [statement for statement in code.statements if statement.nodes]
    if all(map(is_import, plain)):
        return [item for statement in plain for item in _kept(statement, reads, level)]
    needs = {name for statement in plain for name in statement.reads} - set(
        code.replay.names
    )
    return [
        ImportedName("", "", "", text=code.replay.source.strip("\n")),
        *module_imports(needs, level),
    ]


def _display_name(level: ModuleLevel) -> str:
    """`display`, unless the notebook imports a function of that name."""
    return "display_value" if "display" in level.imports else "display"


def _record_imports(stage: StageCode) -> list[ImportedName]:
    """What the outputs' record and the signature need."""
    found = (
        [ImportedName("dataclasses", "", "dataclasses")] if stage.stage.outputs else []
    )
    if stage.stage.outputs or _needs_typing(stage):
        found.append(ImportedName("typing", "", "typing"))
    return found


def _needs_typing(stage: StageCode) -> bool:
    return any("any" in parameter.type_ for parameter in stage.parameters)


def module_imports(reads: Iterable[str], level: ModuleLevel) -> list[ImportedName]:
    """Imports of modules and of shared definitions for the names that a module
    reads."""
    found = []
    for name in sorted(reads):
        if name in level.shared:
            found.append(ImportedName("shared", name, name, 1))
        else:
            found += sorted(level.imports.get(name, ()))
    return found


def outputs_class(stage: StageCode, default: str = "") -> str:
    """The record that the stage returns; empty for a stage that returns nothing."""
    if not stage.stage.outputs:
        return ""
    fields = "\n".join(
        f"{_INDENT}{name}: typing.Any{default}" for name in stage.stage.outputs
    )
    return f"@dataclasses.dataclass(frozen=True)\nclass {class_name(stage)}:\n{fields}"


def class_name(stage: StageCode) -> str:
    """`TrainModelOutputs` of stage `train_model`."""
    words = stage.name.split("_")
    # The class and the function of a stage must not meet: `Train` would be one for
    # `train`.
    # Not `capitalize`, which would make the other letters small.
    capitals = [word[:1].upper() + word[1:] for word in words]
    return "".join(capitals) + "Outputs"


def signature(stage: StageCode) -> str:
    """`def train(features, *, depth: int = 3) -> TrainOutputs:` on one line or
    several."""
    arguments = [item.name for item in stage.stage.inputs]
    arguments += ["*"] if stage.parameters else []
    arguments += map(parameter_text, stage.parameters)
    returns = class_name(stage) if stage.stage.outputs else "None"
    return wrap_call(f"def {stage.name}(", arguments, f") -> {returns}:")


def parameter_text(parameter: Parameter) -> str:
    """`depth: int = 3`."""
    parts = [part.strip() for part in parameter.type_.split("|")]
    shown = " | ".join(_TYPES.get(part, part) for part in parts)
    return f"{parameter.name}: {shown} = {parameter.literal}"


def _function(stage: StageCode, level: ModuleLevel, nested: Sequence[Statement]) -> str:
    """The `def` of the stage: nested definitions, cells under numbered headings, gates,
    then the record."""
    lines = ["\n\n".join(trimmed(statement.text) for statement in nested)]
    cells = [
        (position, _cell_text(cell, level))
        for position, cell in enumerate(stage.cells, start=1)
    ]
    for position, text in cells:
        if text:
            # A stage of one cell needs no headings.
            heading = f"# Cell {position} of {len(cells)}\n" if len(cells) > 1 else ""
            lines.append(heading + text)
    lines += map(_gate_text, stage.stage.gates)
    if stage.stage.outputs:
        arguments = [f"{name}={name}" for name in stage.stage.outputs]
        lines.append(wrap_call(f"return {class_name(stage)}(", arguments, width=84))
    body = "\n\n".join(indented(line, _INDENT) for line in lines if line)
    return f"{signature(stage)}\n{body or _INDENT + _EMPTY}"


def _gate_text(gate: Gate) -> str:
    values = [
        f"{name}={name}" for name in gate.names if name not in {"passed", "expression"}
    ]
    text = quoted(gate.expression)
    return wrap_call("check_gate(", [gate.expression, text, *values], width=84)


def _cell_text(cell: CellCode, level: ModuleLevel) -> str:
    """The statements that stay in the function, at most one blank line between them."""
    pieces: list[str] = []
    body = _body(cell, level)
    last = (
        [statement for statement in body if statement.nodes][-1:] if cell.shows else []
    )
    for statement in body:
        text = (
            _shown_text(statement, _display_name(level))
            if last == [statement]
            else statement.text
        )
        gap = "\n" if pieces and text.startswith("\n") else ""
        # The semicolon that keeps IPython from showing a value says nothing here.
        pieces.append(gap + trimmed(text).removesuffix(";"))
    return "\n".join(pieces)


def _shows(stage: StageCode, level: ModuleLevel) -> bool:
    """Whether a cell ends in an expression that a notebook would display."""
    for cell in stage.cells:
        statements = [s for s in _body(cell, level) if s.nodes]
        if not cell.shows or not statements:
            continue
        last = statements[-1]
        if _shown_text(last, "display") != last.text:
            return True
    return False


def _shown_text(statement: Statement, display: str) -> str:
    """The statement with a call of `display` around the expression that it ends
    with."""
    node = statement.nodes[-1] if statement.nodes else None
    if not isinstance(node, ast.Expr) or _is_silent(node.value):
        return statement.text
    lines = statement.text.split("\n")
    first = len(lines) - 1 - ((node.end_lineno or 0) - node.lineno)
    # A tuple without parentheses would become several arguments.
    opening, closing = ("((", "))") if isinstance(node.value, ast.Tuple) else ("(", ")")
    lines[-1] = _inserted(lines[-1], node.end_col_offset or 0, closing)
    lines[first] = _inserted(lines[first], node.col_offset, display + opening)
    return "\n".join(lines)


def _inserted(line: str, column: int, text: str) -> str:
    """`text` put in at a column of the syntax tree, which counts bytes."""
    data = line.encode()
    return data[:column].decode() + text + data[column:].decode()


def _is_silent(value: ast.expr) -> bool:
    """A call that is known to return None shows nothing."""
    if not isinstance(value, ast.Call):
        return False
    if isinstance(value.func, ast.Attribute):
        return value.func.attr in _SILENT_METHODS
    return isinstance(value.func, ast.Name) and value.func.id in _SILENT
