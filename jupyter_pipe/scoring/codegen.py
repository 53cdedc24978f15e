"""Writes a trace as a module with one function, `score(rows)`, one line for each
operation of the notebook.

The captured values are globals of the module, put there by whoever loads it (`scorer`).
Pure.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Mapping, Sequence

from jupyter_pipe.compiler.codegen.source import in_docstring
from jupyter_pipe.scoring.liveness import live_instructions
from jupyter_pipe.scoring.model import Constant, Instruction, Trace, copied_variable

__all__ = ["GeneratedModule", "generate"]

HEADER = '''"""Scores rows as {notebook} does. Compiled from the notebook: change that, and not this."""
'''


class GeneratedModule:
    """`source` is the module's text, `constants` the values that it needs, `lines` the
    live instructions of the file `notebook`."""

    def __init__(
        self,
        notebook: str,
        source: str,
        constants: dict[str, Constant],
        lines: list[Instruction],
    ) -> None:
        self.notebook = notebook
        self.source = source
        self.constants = constants
        self.lines = lines


def generate(trace: Trace, notebook: str) -> GeneratedModule:
    """The module of a trace, with what the predictions need alone."""
    lines = live_instructions(trace)
    constants = {
        name: trace.constants[name] for line in lines for name in line.constants
    }
    names = _readable_names(trace, lines, constants)
    renamer = _Renamer(names)
    body = [_line(line, renamer, names) for line in _without_spare_copies(lines)]
    imports = _imports(trace, lines)
    renamed = {names[name]: constant for name, constant in constants.items()}
    listed = "".join(
        f"# {name}: {_about(constant)}\n" for name, constant in renamed.items()
    )
    text = HEADER.format(notebook=in_docstring(notebook)) + "\n"
    text += "".join(imports) + ("\n" if imports else "") + listed
    text += f"\n\ndef score({names[trace.source]}):\n" + "".join(body)
    text += f"    return {names[trace.result]}\n"
    return GeneratedModule(notebook, text, renamed, lines)


def _imports(trace: Trace, lines: list[Instruction]) -> list[str]:
    """The imports that the lines need, as statements."""
    used = {
        each.id
        for line in lines
        for each in ast.walk(line.node)
        if isinstance(each, ast.Name)
    }
    needed = [
        (name, module) for name, module in sorted(trace.imports.items()) if name in used
    ]
    return [
        f"import {module} as {name}\n" if module != name else f"import {name}\n"
        for name, module in needed
    ]


def _about(constant: Constant) -> str:
    kind = "frozen" if constant.frozen else "captured"
    return f"{kind}, {type(constant.value).__name__}, {constant.place}"


def _readable_names(
    trace: Trace, lines: Sequence[Instruction], constants: Mapping[str, Constant]
) -> dict[str, str]:
    """Variable -> the notebook's name of it where that is free, with a number where it
    is not."""
    variables = [trace.source, *(line.target for line in lines if line.target)]
    plain = {
        each.id
        for line in lines
        for each in ast.walk(line.node)
        if isinstance(each, ast.Name)
    }
    taken = (
        plain - set(variables) - set(constants)
        | set(trace.imports)
        | set(keyword.kwlist)
    )
    names: dict[str, str] = {}
    for name in [*constants, *variables]:
        # Variables of the trace are called `frame_7`.
        stem = trace.names.get(name) or name.rpartition("_")[0] or name
        number = 2
        chosen = stem
        while chosen in taken:
            chosen = f"{stem}_{number}"
            number += 1
        taken.add(chosen)
        names[name] = chosen
    return names


def _without_spare_copies(lines: list[Instruction]) -> list[Instruction]:
    """A copy is spared where nobody looks at what it is a copy of afterwards, or nobody
    changes either."""
    changed = {name for line in lines for name in line.changes}
    group: dict[str, set[str]] = {}
    made = []
    for number, line in enumerate(lines):
        source = copied_variable(line)
        if source is None or line.target is None:
            made.append(line)
            continue
        one = group.setdefault(source, {source})
        later = {
            name
            for other in lines[number + 1 :]
            for name in (*other.reads, *other.changes)
        }
        if one & later and (one | _copies_of(line.target, lines)) & changed:
            made.append(line)
            continue
        one.add(line.target)
        group[line.target] = one
        made.append(Instruction(line.place, ast.Name(source, ast.Load()), line.target))
    return made


def _copies_of(name: str, lines: Sequence[Instruction]) -> set[str]:
    """The variable and those that may turn out to be the same object."""
    found = {name}
    for line in lines:
        if copied_variable(line) in found and line.target is not None:
            found.add(line.target)
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)


def _line(line: Instruction, renamer: _Renamer, names: Mapping[str, str]) -> str:
    import copy

    node = ast.fix_missing_locations(renamer.visit(copy.deepcopy(line.node)))
    text = ast.unparse(node)
    if line.target is not None:
        text = f"{names[line.target]} = {text}"
    # A line in a loop is written once for each turn.
    turn = f", turn {line.place.turn}" if line.place.turn else ""
    first, *rest = text.split("\n")
    return "".join(
        f"    {each}\n" for each in (f"{first}  # {line.place}{turn}", *rest)
    )
