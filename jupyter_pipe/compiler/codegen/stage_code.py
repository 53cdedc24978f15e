"""The program behind a pipeline as statements: each stage's cells and what it replays.

Pure: turns a notebook and its analysed pipeline into records that code generation
reads.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from jupyter_pipe.analysis.source.magics import transform
from jupyter_pipe.compiler.codegen.source import Statement, split_statements
from jupyter_pipe.model import (
    Cell,
    EffectKind,
    Notebook,
    Parameter,
    Pipeline,
    Replay,
    Stage,
)

__all__ = [
    "CellCode",
    "ProgramCode",
    "ReplayCode",
    "StageCode",
    "read_code",
    "steers_imports",
]

_IMPORT_COMPONENTS = frozenset({"@sys.path", "@os.cwd", "@os.environ", "@packages"})
_IMPORT_WORDS = ("sys.path", "sys.meta_path", "addsitedir")
_BINDS = frozenset({EffectKind.binds, EffectKind.may_bind})


class CellCode(Struct, frozen=True):
    """A cell of the user as Python. `shows` tells that IPython displays its last
    expression."""

    cell: Cell
    python: str
    statements: tuple[Statement, ...]
    shows: bool = False


class ReplayCode(Struct, frozen=True):
    """`index` is the position of the cell that it comes from."""

    replay: Replay
    index: int
    statements: tuple[Statement, ...]


class StageCode(Struct, frozen=True):
    """`parameters` are those that the stage takes: read by it, or set in a cell that it
    owns."""

    stage: Stage
    cells: tuple[CellCode, ...]
    replays: tuple[ReplayCode, ...]
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        return self.stage.name

    def statements(self) -> Iterator[Statement]:
        """All statements of the stage's own cells, in order."""
        for cell in self.cells:
            yield from cell.statements

    def observed(self) -> frozenset[str]:
        """Names that metrics and gates read."""
        gates = {name for gate in self.stage.gates for name in gate.names}
        return frozenset(gates | {metric.name for metric in self.stage.metrics})

    def steers_imports(self) -> bool:
        """Whether it changes what later imports find: `sys.path.insert(0, "lib")`,
        `%pip install x`."""
        # The analysis replays a setting and then names no effect: the text tells.
        return any(map(steers_imports, self.statements())) or any(
            effect.name in _IMPORT_COMPONENTS and effect.kind is not EffectKind.reads
            for effect in self.stage.effects
        )

    def received(self) -> frozenset[str]:
        """Names that have a value before the first cell: inputs and parameters."""
        names = {item.name for item in self.stage.inputs}
        names.update(item.name for item in self.parameters)
        return frozenset(names)

    def touched(self) -> frozenset[str]:
        """Names that the stage receives, reads, binds or changes."""
        return self.received() | {effect.name for effect in self.stage.effects}


class ProgramCode(Struct, frozen=True):
    """`bindings` counts the statements that bind a name, `binders` are the stages that
    do, `mutated` are names whose objects some stage changes in place, `written` the
    modules that the notebook itself writes (`%%writefile features.py`)."""

    stages: tuple[StageCode, ...]
    bindings: Mapping[str, int]
    binders: Mapping[str, tuple[str, ...]]
    mutated: frozenset[str]
    written: frozenset[str]


def steers_imports(statement: Statement) -> bool:
    """Whether it names what decides where imports are found."""
    return any(word in statement.text for word in _IMPORT_WORDS)


def read_code(notebook: Notebook, pipeline: Pipeline) -> ProgramCode:
    """The statements of every stage. The pipeline has compiled, so every cell
    parses."""
    cells = {cell.id: cell for cell in notebook.code_cells}
    replays: dict[tuple[str, str], ReplayCode] = {}
    stages = tuple(
        _stage_code(stage, pipeline.parameters, cells, replays)
        for stage in pipeline.stages
    )
    # Replays of leading cells and shared cells are of no stage: their bindings count
    # once.
    owned = {cell_id for stage in pipeline.stages for cell_id in stage.cells}
    loose = [code for code in replays.values() if code.replay.cell_id not in owned]
    bindings: Counter[str] = Counter()
    for stage in stages:
        bindings.update(_bindings(stage.statements()))
    for code in loose:
        bindings.update(_bindings(code.statements))
    bindings.update(
        item.name for item in pipeline.parameters if item.cell_id not in owned
    )
    return ProgramCode(
        stages=stages,
        bindings=bindings,
        binders=_binders(pipeline.stages),
        mutated=frozenset(_mutated_names(pipeline.stages)),
        written=frozenset(_written_modules(pipeline.stages)),
    )


def _bindings(statements: Iterable[Statement]) -> Iterator[str]:
    """Each name as often as a statement binds it."""
    for statement in statements:
        yield from statement.binds


def _mutated_names(stages: Iterable[Stage]) -> Iterator[str]:
    for stage in stages:
        for effect in stage.effects:
            if effect.kind in {EffectKind.mutates, EffectKind.deletes}:
                yield effect.name


def _written_modules(stages: Iterable[Stage]) -> Iterator[str]:
    for effect in (effect for stage in stages for effect in stage.effects):
        if effect.name.startswith("file:") and effect.kind not in {
            EffectKind.reads,
            EffectKind.pure,
        }:
            yield (
                effect.name.removeprefix("file:").partition("/")[0].removesuffix(".py")
            )


def _stage_code(
    stage: Stage,
    parameters: Sequence[Parameter],
    cells: Mapping[str, Cell],
    replays: dict[tuple[str, str], ReplayCode],
) -> StageCode:
    """One stage; `replays` holds what earlier stages parsed, so that equal code is
    parsed once."""
    inputs = {item.name for item in stage.inputs}
    own = tuple(
        item
        for item in parameters
        if item.cell_id in stage.cells
        # An input of the same name: the stage reads what another one made of the
        # parameter.
        or (item.name in stage.parameters and item.name not in inputs)
    )
    needed = []
    for replay in stage.replays:
        if replay.needed:
            key = replay.cell_id, replay.digest
            if key not in replays:
                replays[key] = _replay_code(replay, cells[replay.cell_id].index)
            needed.append(replays[key])
    code = tuple(
        _without_parameters(_cell_code(cells[cell_id]), own) for cell_id in stage.cells
    )
    return StageCode(stage, code, tuple(needed), own)


def _replay_code(replay: Replay, index: int) -> ReplayCode:
    return ReplayCode(replay, index, split_statements(transform(replay.source).python))


def _cell_code(cell: Cell) -> CellCode:
    made = transform(cell.source)
    # Each line becomes a comment, so that the file around it parses.
    if (
        made.problem is not None
    ):  # tagged `raises-exception`: it fails, and the notebook goes on
        python = "\n".join(
            f"# {line}".rstrip() for line in made.python.rstrip().split("\n")
        )
        return CellCode(cell, python, (Statement(python, ()),))
    python = made.python
    statements = split_statements(python)
    return CellCode(cell, python, statements, _shows_last(python, statements))


def _shows_last(python: str, statements: Sequence[Statement]) -> bool:
    """IPython shows the value of a last expression, unless a semicolon follows it."""
    nodes = [node for statement in statements for node in statement.nodes]
    if not nodes or not isinstance(nodes[-1], ast.Expr):
        return False
    lines = python.split("\n")
    last = nodes[-1]
    # Columns of the syntax tree count bytes of UTF-8.
    rest = lines[(last.end_lineno or 1) - 1].encode()[last.end_col_offset :].decode()
    return not rest.lstrip().startswith(";")


def _without_parameters(code: CellCode, parameters: Iterable[Parameter]) -> CellCode:
    """A parameter arrives as an argument, so the literal that sets it is not code of
    the stage."""
    names = {item.name for item in parameters if item.cell_id == code.cell.id}
    if not names:
        return code
    kept = []
    for statement in code.statements:
        nodes = tuple(
            node for node in statement.nodes if _assigned_name(node) not in names
        )
        if len(nodes) == len(statement.nodes):
            kept.append(statement)
        elif nodes:
            # a = 1; b = 2 where only `a` is a parameter.
            kept.append(split_statements("; ".join(map(ast.unparse, nodes)))[0])
    return msgspec.structs.replace(code, statements=tuple(kept))


def _assigned_name(node: ast.stmt) -> str | None:
    """NAME of `NAME = LITERAL` and `NAME: TYPE = LITERAL`."""
    target: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    return target.id if isinstance(target, ast.Name) else None


def _binders(stages: Iterable[Stage]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for stage in stages:
        for effect in stage.effects:
            if effect.kind in _BINDS:
                found.setdefault(effect.name, {})[stage.name] = None
    return {name: tuple(names) for name, names in found.items()}
