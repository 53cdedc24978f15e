"""Writes a stage that is not a function: its script, and the module that runs it behind
a signature.

Pure: text out. The script's parts are marked `# %% [cell 7]`, which editors fold and
`runtime/_namespace.py` runs one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_pipe.compiler.codegen.imports import ImportedName, import_lines
from jupyter_pipe.compiler.codegen.modules import (
    class_name,
    module_docstring,
    outputs_class,
    signature,
    trimmed,
)
from jupyter_pipe.compiler.codegen.shared_definitions import ModuleLevel
from jupyter_pipe.compiler.codegen.source import Statement, wrap_call
from jupyter_pipe.compiler.codegen.stage_code import (
    CellCode,
    ProgramCode,
    ReplayCode,
    StageCode,
)
from jupyter_pipe.model import ReplayKind

__all__ = ["script_module", "stage_script"]


def script_module(stage: StageCode, reason: str) -> str:
    """The module of a stage that runs as a script because of `reason`."""
    imports = [ImportedName("", "_namespace", "_namespace", 1)]
    if stage.stage.outputs:
        imports.append(ImportedName("dataclasses", "", "dataclasses"))
        imports.append(ImportedName("typing", "", "typing"))
    # An output that the script leaves unbound has this default, and stays unbound for
    # the next stage.
    record = outputs_class(stage, " = _namespace.UNBOUND")
    parts = [record, _function(stage)] if record else [_function(stage)]
    head = f"{module_docstring(stage, reason)}\n\n{import_lines(imports)}"
    return "\n\n\n".join([head, *parts]) + "\n"


def _function(stage: StageCode) -> str:
    names = sorted(stage.received())
    values = wrap_call("    values = {", [f'"{name}": {name}' for name in names], "}")
    outputs = ", ".join(f'"{name}"' for name in stage.stage.outputs)
    call = f'_namespace.run_script("{stage.name}", values, [{outputs}])'
    if stage.stage.outputs:
        call = f"outputs = {call}\n    return {class_name(stage)}(**outputs)"
    return f"{signature(stage)}\n{values}\n    {call}"


def stage_script(
    stage: StageCode, program: ProgramCode, level: ModuleLevel, package: str
) -> str:
    """The cells of the stage, after the definitions that it repeats."""
    parts = [_shared_part(stage, level, package), _constants_part(stage, level)]
    # In the order of the notebook: what stands in several stages, then their own.
    parts += [_replay_part(code, program, level) for code in stage.replays]
    parts += [_cell_part(cell, level) for cell in stage.cells]
    # As comments with the gate's text: an editor's outline shows them beside the cells.
    parts += [
        f"# %% [gate {gate.expression}]\n{gate.expression}"
        for gate in stage.stage.gates
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _shared_part(stage: StageCode, level: ModuleLevel, package: str) -> str:
    names = set(stage.observed())
    for statement in stage.statements():
        names |= statement.binds | statement.reads
    for code in stage.replays:
        names.update(code.replay.names)
        for statement in code.statements:
            names |= statement.reads
    used = sorted(names & level.shared)
    if not used:
        return ""
    lines = import_lines(ImportedName(f"{package}.shared", name, name) for name in used)
    # "once": the part is not run again in a process where another stage has run it.
    return f"# %% [once {' '.join(used)}]\n{lines}"


def _constants_part(stage: StageCode, level: ModuleLevel) -> str:
    """Definitions that only this stage uses and that stand in no cell or replay of
    it."""
    near = {name for code in stage.replays for name in code.replay.names}
    near |= {name for statement in stage.statements() for name in statement.binds}
    far = [
        name
        for name, users in level.users.items()
        if users == (stage.name,) and name not in near
    ]
    return (
        f"# %% [once {' '.join(far)}]\n{_texts(level.definitions[name] for name in far)}"
        if far
        else ""
    )


def _replay_part(code: ReplayCode, program: ProgramCode, level: ModuleLevel) -> str:
    """Definitions run once in a process, so that a class stays one class; of a function
    with several versions each stage makes its own."""
    kind, names = code.replay.kind, code.replay.names
    if kind is ReplayKind.ambient:
        return ""
    text = _texts(
        statement for statement in code.statements if not _is_shared(statement, level)
    )
    several = kind is ReplayKind.function and any(
        program.bindings[name] > 1 for name in names
    )
    return (
        f"# %% [{'again' if several else 'once'} {' '.join(names)}]\n{text}"
        if text
        else ""
    )


def _cell_part(cell: CellCode, level: ModuleLevel) -> str:
    text = _texts(
        statement for statement in cell.statements if not _is_shared(statement, level)
    )
    guarded = " may raise" if "raises-exception" in cell.cell.tags else ""
    return f"# %% [cell {cell.cell.number}{guarded}]\n{text}" if text else ""


def _is_shared(statement: Statement, level: ModuleLevel) -> bool:
    return bool(statement.binds) and statement.binds <= level.shared


def _texts(statements: Iterable[Statement]) -> str:
    return trimmed("\n".join(statement.text for statement in statements))
