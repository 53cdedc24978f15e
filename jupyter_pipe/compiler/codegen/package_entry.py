"""Writes what holds the stage modules together: `shared.py` and `__init__.py` with
`run()`.

Pure: text out. `run()` calls the stages in notebook order, in one process.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jupyter_pipe.compiler.codegen.function_scope import is_dropped_magic
from jupyter_pipe.compiler.codegen.imports import ImportedName, import_lines
from jupyter_pipe.compiler.codegen.modules import (
    definition_blocks,
    module_imports,
    parameter_text,
    trimmed,
)
from jupyter_pipe.compiler.codegen.shared_definitions import ModuleLevel
from jupyter_pipe.compiler.codegen.source import Statement, indented, wrap_call
from jupyter_pipe.compiler.codegen.stage_code import (
    ProgramCode,
    ReplayCode,
    StageCode,
    steers_imports,
)
from jupyter_pipe.model import Pipeline, ReplayKind

__all__ = ["init_module", "one_line", "shared_module"]

_INDENT = "    "


def shared_module(level: ModuleLevel) -> str:
    """Definitions of several stages; empty if there are none."""
    shared = [
        statement
        for name, statement in level.definitions.items()
        if name in level.shared
    ]
    if not shared:
        return ""
    # What shared definitions read of each other is in the same file.
    reads = {name for statement in shared for name in statement.reads} - level.shared
    docstring = '"""What several stages share: functions, classes and constants."""'
    imports = import_lines([*_future(level), *module_imports(reads, level)])
    if "display" in reads and "display" not in level.imports:
        imports = f"{imports}\n\nfrom ._notebook import display".lstrip()
    parts = [docstring, imports] if imports else [docstring]
    return "\n\n\n".join(["\n\n".join(parts), *definition_blocks(shared)]) + "\n"


def _future(level: ModuleLevel) -> list[ImportedName]:
    """Nobody reads these imports; they hold for the code beside them."""
    # `from __future__ import annotations` in the notebook holds for functions moved
    # here, too.
    items = [item for found in level.imports.values() for item in found]
    return sorted(item for item in items if item.module == "__future__")


def init_module(pipeline: Pipeline, program: ProgramCode, level: ModuleLevel) -> str:
    """`run(**parameters)`: the pipeline as plain Python."""
    title = pipeline.description or f"The pipeline {pipeline.name} as plain Python."
    prepare = _prepare_function(_ambient(program), _star_imports(program), level)
    docstring = f'"""{one_line(title)}\n\n{_PROMISE}\n"""\n\n'
    parts = [
        docstring + _RESULTS,
        _run_function(pipeline, program, prepares=bool(prepare)),
        prepare,
    ]
    return "\n\n\n".join(part for part in parts if part) + "\n"


_PROMISE = "`run()` runs all stages in this process, in the order of the notebook."

_RESULTS = '''from __future__ import annotations

import dataclasses
import typing

__all__ = ["Results", "run"]


@dataclasses.dataclass(frozen=True)
class Results:
    """`metrics` by name, and for each stage the record that it returned."""

    metrics: dict[str, typing.Any]
    outputs: dict[str, typing.Any]'''


def one_line(text: str) -> str:
    """Prose of the user's that can stand in a docstring."""
    words = " ".join(text.split())
    printable = "".join(
        letter if letter.isprintable() else "\ufffd" for letter in words
    )
    # A description with three quotes would end the docstring.
    return printable.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def _run_function(pipeline: Pipeline, program: ProgramCode, *, prepares: bool) -> str:
    """`run()`: one call a stage in notebook order, under names that no parameter has
    taken."""
    arguments = (
        ["*", *map(parameter_text, pipeline.parameters)] if pipeline.parameters else []
    )
    # Results and calls are local variables of run(), next to its parameters.
    taken = {parameter.name for parameter in pipeline.parameters}
    names = {
        stage.name: _free(f"{stage.name}_outputs", taken) for stage in program.stages
    }
    calls = {stage.name: _free(f"run_{stage.name}", taken) for stage in program.stages}
    lines = ["_prepare()"] if prepares else []
    lines += _copies(sorted(taken & program.mutated))
    lines += _stage_calls(program.stages, names, calls)
    metrics = [f'"{key}": {value}' for key, value in _metrics(program.stages, names)]
    outputs = [f'"{stage.name}": {names[stage.name]}' for stage in program.stages]
    lines.append(wrap_call("metrics = {", metrics, "}", width=84))
    lines.append(wrap_call("outputs = {", outputs, "}", width=84))
    lines.append("return Results(metrics, outputs)")
    docstring = (
        '"""Run every stage and return what they made; GateError if a gate fails."""'
    )
    head = wrap_call("def run(", arguments, ") -> Results:")
    return f"{head}\n{indented(chr(10).join([docstring, *lines]), _INDENT)}"


def _copies(names: Sequence[str]) -> list[str]:
    """A stage changes its parameter, and a default value is made once for all calls."""
    if not names:
        return []
    return ["import copy", *(f"{name} = copy.deepcopy({name})" for name in names)]


def _stage_calls(
    stages: Sequence[StageCode],
    names: Mapping[str, str],
    calls: Mapping[str, str],
) -> list[str]:
    """The imports and calls of all stages; `names` are their results', `calls` their
    functions' names."""
    imports = []
    called = []
    for stage in stages:
        imports.append(f"from .{stage.name} import {stage.name} as {calls[stage.name]}")
        opening = f"{names[stage.name]} = {calls[stage.name]}("
        called.append(wrap_call(opening, _call_arguments(stage, names), width=84))
    # What a stage imports may depend on what an earlier one does to the search path.
    if not any(stage.steers_imports() for stage in stages):
        return [*imports, "", *called]
    lines = []
    for line, call in zip(imports, called, strict=True):
        lines += ["", line, call]
    return lines


def _free(name: str, taken: set[str]) -> str:
    return f"{name}_" if name in taken else name


def _call_arguments(stage: StageCode, names: Mapping[str, str]) -> list[str]:
    inputs = [
        f"{item.name}={names[item.from_]}.{item.name}" for item in stage.stage.inputs
    ]
    return inputs + [f"{item.name}={item.name}" for item in stage.parameters]


def _metrics(
    stages: Sequence[StageCode], names: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """A metric goes by its name; by `stage.name` where two stages have one of that
    name."""
    counts = Counter(metric.name for stage in stages for metric in stage.stage.metrics)
    for stage in stages:
        for metric in stage.stage.metrics:
            key = (
                metric.name
                if counts[metric.name] == 1
                else f"{stage.name}.{metric.name}"
            )
            if metric.name in stage.stage.outputs:
                yield key, f"{names[stage.name]}.{metric.name}"


def _ambient(program: ProgramCode) -> list[ReplayCode]:
    """Settings that the notebook makes before its first stage, unless a stage makes
    them itself."""
    owned = {cell_id for stage in program.stages for cell_id in stage.stage.cells}
    # By place and content, since several stages replay the same setting.
    found = {
        (code.index, code.replay.line, code.replay.digest): code
        for stage in program.stages
        for code in stage.replays
        if code.replay.kind is ReplayKind.ambient and code.replay.cell_id not in owned
    }
    return [found[key] for key in sorted(found)]


def _star_imports(program: ProgramCode) -> str:
    """`from pylab import *` and its like, which stages repeat, in the notebook's
    order."""
    replayed = {
        (code.index, code.replay.line): code.replay.source.strip()
        for stage in program.stages
        for code in stage.replays
        if code.replay.kind is ReplayKind.import_ and "*" in code.replay.names
    }
    return "\n".join(dict.fromkeys(replayed[place] for place in sorted(replayed)))


def _prepare_function(
    ambient: Sequence[ReplayCode], stars: str, level: ModuleLevel
) -> str:
    """`_prepare()`: the settings, once for the process instead of once a stage. `stars`
    are the imports that may give what no other does."""
    statements = [
        s
        for code in ambient
        for s in code.statements
        # `%matplotlib inline` has no meaning in a module.
        if s.nodes and not is_dropped_magic(s)
    ]
    if not statements:
        return ""
    docstring = '"""What the notebook sets before its first stage."""'
    parts = [
        part
        for block in _blocks(statements)
        for part in _with_imports(block, stars, level)
    ]
    body = "\n\n".join([f"{docstring}\n{parts[0]}", *parts[1:]])
    return f"def _prepare() -> None:\n{indented(body, _INDENT)}"


def _blocks(statements: Sequence[Statement]) -> list[list[Statement]]:
    """A block ends with a statement that changes what the imports below it find."""
    blocks: list[list[Statement]] = [[]]
    for statement in statements:
        blocks[-1].append(statement)
        if steers_imports(statement):
            blocks.append([])
    return [block for block in blocks if block]


def _with_imports(
    statements: Sequence[Statement], stars: str, level: ModuleLevel
) -> list[str]:
    reads = {name for statement in statements for name in statement.reads}
    imports = module_imports(reads, level)
    if "get_ipython" in reads:
        imports.append(ImportedName("_namespace", "get_ipython", "get_ipython", 1))
    texts = "\n".join(trimmed(statement.text) for statement in statements)
    return [
        part
        for part in (
            import_lines(imports),
            _from_stars(statements, stars, level),
            texts,
        )
        if part
    ]


def _from_stars(statements: Sequence[Statement], stars: str, level: ModuleLevel) -> str:
    """Names that only an import of everything can have given; a function can import
    none so."""
    if not stars:
        return ""
    bound = {name for statement in statements for name in statement.binds}
    # Names that are known otherwise are not taken from the star: it may have another
    # `sum`.
    known = bound | {"get_ipython", *level.imports, *level.definitions, *dir(builtins)}
    names = sorted(
        {name for statement in statements for name in statement.reads} - known
    )
    if not names:
        return ""
    return "\n".join(
        [
            "names = {}",
            f"exec({stars!r}, names)",
            *(f'{one} = names["{one}"]' for one in names),
        ]
    )
