"""Turns tagged cells into stages: which cell belongs to which, what the tags say of
each.

Pure; never raises: mistakes become diagnostics PIPE105-PIPE113.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from jupyter_pipe.analysis.program import Program, ProgramCell
from jupyter_pipe.compiler.names import stage_name
from jupyter_pipe.model import (
    SETUP_STAGE,
    Cell,
    Diagnostic,
    Fix,
    Gate,
    Metric,
    Notebook,
    Severity,
    StageOptions,
)
from jupyter_pipe.notebook import (
    COLLECTED,
    CellTags,
    ScoringTags,
    StageOption,
    TagReading,
    parse_default_options,
)

__all__ = ["Grouping", "TaggedStage", "group_cells"]

# Roles whose cells belong to no stage of their own.
_OUTSIDE = frozenset({"shared", "skip"})


class TaggedStage(Struct, frozen=True):
    """What the tags of its cells say of one stage. Leading cells speak for `setup`."""

    name: str
    cells: tuple[str, ...]
    after: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    gates: tuple[Gate, ...] = ()
    options: StageOptions = StageOptions()
    kept: tuple[str, ...] = ()


class Grouping(Struct, frozen=True):
    """`stages` are in notebook order (by first cell); `setup` is there if there are
    leading cells."""

    program: Program
    stages: tuple[TaggedStage, ...]
    diagnostics: tuple[Diagnostic, ...]

    def stage(self, name: str) -> TaggedStage:
        """What the tags say of stage `name`; nothing, if no tag does."""
        return next(
            (stage for stage in self.stages if stage.name == name),
            TaggedStage(name, ()),
        )


class _Placed(Struct, frozen=True):
    cell: Cell
    tags: CellTags
    stage: str | None
    role: str


def group_cells(notebook: Notebook, reading: TagReading) -> Grouping:
    """Assign every code cell to its stage and merge what the cells of a stage say."""
    placed = _place(notebook, reading)
    defaults, found = parse_default_options(notebook.settings.default_options)
    names = _stage_names(placed)
    diagnostics = [
        *reading.diagnostics,
        *found,
        *_check_names(names, placed),
        *_check_after(names, placed),
    ]
    diagnostics += _check_outsiders(placed)
    if not names and not any(item.role == "leading" for item in placed):
        message = "No cell belongs to a stage: all are tagged 'skip', 'shared' or 'parameters'."
        diagnostics.append(
            Diagnostic("PIPE113", Severity.error, message, "Tag a cell stage:NAME.")
        )
    cells: dict[str, list[_Placed]] = {}
    for item in placed:
        if item.role not in _OUTSIDE:
            cells.setdefault(item.stage or SETUP_STAGE, []).append(item)
    stages = []
    for name in (SETUP_STAGE, *(name for name in names if name != SETUP_STAGE)):
        stage, conflicts = _merge(name, names, cells.get(name, ()), defaults)
        stages.append(stage)
        diagnostics += conflicts
    return Grouping(_program(notebook, placed), tuple(stages), tuple(diagnostics))


def _counts(cell: Cell) -> bool:
    """An empty cell counts only if somebody tagged it."""
    return bool(cell.source.strip() or cell.tags)


def _place(notebook: Notebook, reading: TagReading) -> list[_Placed]:
    """Every cell with its stage and role; an untagged cell continues the stage above
    it."""
    by_id = {tags.cell_id: tags for tags in reading.cells}
    cells = [cell for cell in notebook.code_cells if _counts(cell)]
    tagged = any(by_id[cell.id].stage for cell in cells)
    current = None if tagged else stage_name(notebook.name)
    placed = []
    for cell in cells:
        tags = by_id[cell.id]
        current = tags.stage or current
        if tags.role in _OUTSIDE or tags.role == "leading":
            placed.append(_Placed(cell, tags, None, tags.role))
        else:
            role = tags.role or ("stage" if current else "leading")
            placed.append(_Placed(cell, tags, current, role))
    return placed


def _stage_names(placed: Sequence[_Placed]) -> tuple[str, ...]:
    """Stages with a cell that is more than parameters, by first cell."""
    return tuple(
        dict.fromkeys(
            item.stage for item in placed if item.stage and _makes_stage(item)
        )
    )


def _makes_stage(item: _Placed) -> bool:
    return item.role == "stage" or item.tags.stage is not None


def _program(notebook: Notebook, placed: Sequence[_Placed]) -> Program:
    return Program(
        cells=tuple(
            ProgramCell(
                cell=item.cell,
                stage=item.stage,
                role=item.role,
                mutates=item.tags.mutates,
                pure=item.tags.pure,
                metrics=item.tags.metrics,
                gates=tuple(gate.expression for gate in item.tags.gates),
                contracts=_judgements(item.tags),
            )
            for item in placed
        )
    )


def _judgements(tags: CellTags) -> tuple[str, ...]:
    """What is evaluated when the stage ends, as code: the kernel asks a schema about a
    copy of the value."""
    said = [
        each
        for option in tags.options
        if option.key == "contracts"
        for each in option.value
    ]
    pairs = [each.partition("=") for each in said]
    return tuple(
        f"{schema}.validate({name}.copy())" if schema else name
        for name, _, schema in pairs
    )


def _check_names(
    names: Sequence[str], placed: Sequence[_Placed]
) -> Iterable[Diagnostic]:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            # Modules and notebooks are files, and not every file system tells them
            # apart.
            message = f"The stages '{other}' and '{name}' differ only in case."
            yield _report(
                "PIPE105",
                _first_cell(placed, name),
                message,
                "Rename one of them.",
                name,
            )


def _first_cell(placed: Sequence[_Placed], stage: str) -> Cell:
    return next(item.cell for item in placed if item.stage == stage)


def _check_after(
    names: Sequence[str], placed: Sequence[_Placed]
) -> Iterable[Diagnostic]:
    """PIPE108 and PIPE109, and unknown names: `after:` may only point to a stage that
    begins earlier."""
    known = {SETUP_STAGE: -1, **{name: place for place, name in enumerate(names)}}
    for item in placed:
        for name in item.tags.after:
            owner = item.stage or SETUP_STAGE
            if name not in known:
                yield _unknown_after(item, name, names)
            elif name == owner:
                message = f"Stage '{name}' cannot come after itself."
                yield _report(
                    "PIPE109",
                    item.cell,
                    message,
                    f"Remove the tag 'after:{name}'.",
                    owner,
                )
            elif known[name] > known.get(owner, -1):
                message = f"Stage '{owner}' cannot come after '{name}', which begins later in the notebook."
                hint = f"Move the cells of '{name}' above, or remove 'after:{name}'."
                yield _report("PIPE108", item.cell, message, hint, owner)


def _unknown_after(item: _Placed, name: str, names: Sequence[str]) -> Diagnostic:
    close = difflib.get_close_matches(name, names, n=1)
    hint = (
        f"The stages are {', '.join(names)}."
        if names
        else "No cell is tagged stage:NAME."
    )
    fixes: tuple[Fix, ...] = ()
    if close:
        hint = f"Did you mean 'after:{close[0]}'?"
        old = next(
            (tag for tag in item.cell.tags if tag.partition(":")[2].strip() == name),
            None,
        )
        if old:
            new = (f"after:{close[0]}",)
            fixes = (
                Fix(
                    f"Replace it by '{new[0]}'",
                    item.cell.id,
                    add_tags=new,
                    remove_tags=(old,),
                ),
            )
    diagnostic = _report(
        "PIPE107",
        item.cell,
        f"The tag 'after:{name}' names no stage of the notebook.",
        hint,
        item.stage,
    )
    return msgspec.structs.replace(diagnostic, fixes=fixes)


def _check_outsiders(placed: Sequence[_Placed]) -> Iterable[Diagnostic]:
    """PIPE111, a warning: stage tags on a cell that belongs to no stage have no
    effect."""
    for item in placed:
        tags = item.tags
        speaks = (
            tags.after
            or tags.metrics
            or tags.gates
            or tags.options
            or tags.scoring != ScoringTags()
        )
        if item.role in _OUTSIDE and speaks:
            message = f"The cell is tagged '{item.role}' and belongs to no stage, so its other tags do nothing."
            hint = "Move them to a cell of the stage that they are about."
            found = _report("PIPE111", item.cell, message, hint, None)
            yield msgspec.structs.replace(found, severity=Severity.warning)


def _merge(
    name: str,
    names: Sequence[str],
    own: Sequence[_Placed],
    defaults: Sequence[StageOption],
) -> tuple[TaggedStage, list[Diagnostic]]:
    """One stage from the tags of all its cells, and what they contradict each other
    in."""
    options, conflicts = _merge_options(name, own, defaults)
    after: set[str] = set()
    metrics = {}
    gates = {}
    kept: set[str] = set()
    for item in own:
        after.update(item.tags.after)
        for metric in item.tags.metrics:
            metrics[metric] = Metric(metric, item.cell.id)
        for gate in item.tags.gates:
            gates[gate.expression] = gate
        kept.update(item.tags.scoring.rows)
        kept.update(item.tags.scoring.score)
    kept.update(options.labels)
    stage = TaggedStage(
        name=name,
        cells=tuple(item.cell.id for item in own),
        after=tuple(sorted(after.intersection(names), key=names.index)),
        metrics=tuple(metrics.values()),
        gates=tuple(gates.values()),
        options=options,
        kept=tuple(sorted(kept)),
    )
    return stage, conflicts


def _merge_options(
    name: str, own: Sequence[_Placed], defaults: Sequence[StageOption]
) -> tuple[StageOptions, list[Diagnostic]]:
    """Options of a stage: its own tags win over defaults, lists add up, two different
    values conflict."""
    chosen: dict[str, Any] = {}
    origin: dict[str, tuple[StageOption, Cell]] = {}
    collected: dict[str, list[str]] = {key: [] for key in COLLECTED}
    limits: dict[str, Any] = {}
    for option in defaults:
        if option.key in collected:
            collected[option.key] += option.value
        elif option.key == "limits":
            limits[option.value[0]] = option.value[1]
        else:
            chosen[option.key] = option.value
    conflicts = []
    for item in own:
        for option in item.tags.options:
            key = f"limit {option.value[0]}" if option.key == "limits" else option.key
            first, cell = origin.setdefault(key, (option, item.cell))
            if option.key in collected:
                collected[option.key] += option.value
            elif first.value != option.value:
                conflicts.append(_conflict(name, option, item.cell, first, cell))
            elif option.key == "limits":
                limits[option.value[0]] = option.value[1]
            else:
                chosen[option.key] = option.value
    chosen.update(
        (key, tuple(dict.fromkeys(values))) for key, values in collected.items()
    )
    return StageOptions(**chosen, limits=limits), conflicts


def _conflict(
    stage: str, option: StageOption, cell: Cell, first: StageOption, where: Cell
) -> Diagnostic:
    other = "the same cell" if where.id == cell.id else f"cell {where.number}"
    message = (
        f"Stage '{stage}' is tagged '{option.tag}' here and '{first.tag}' in {other}."
    )
    return _report("PIPE106", cell, message, "Keep one of the two.", stage)


def _report(
    code: str, cell: Cell, message: str, hint: str, stage: str | None
) -> Diagnostic:
    return Diagnostic(
        code,
        Severity.error,
        message,
        hint,
        cell_id=cell.id,
        cell=cell.number,
        stage=stage,
    )
