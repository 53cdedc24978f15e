"""What a notebook takes from earlier notebooks of its pipeline, and what it leaves for
later ones. Pure.

`shares:NAME` leaves a variable as it is when the last cell has run; a later notebook
reads it as a name that it does not bind itself. The analysis sees both as code: a stage
before the first one binds what is taken, one after the last reads what is left. Neither
is a stage of the pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from jupyter_pipe.analysis.program import Analysis, Program, ProgramCell
from jupyter_pipe.model import (
    Cell,
    Diagnostic,
    Effect,
    EffectKind,
    Notebook,
    Severity,
    Stage,
    StageInput,
)
from jupyter_pipe.notebook import TagReading

__all__ = [
    "LEFT",
    "TAKEN",
    "find_shares",
    "keep_shared",
    "outer_stages",
    "relocated",
    "unshareable",
    "with_outer_cells",
]

# No stage of a user can be called so.
TAKEN = "(taken)"
LEFT = "(left)"


def find_shares(notebook: Notebook, reading: TagReading) -> dict[str, Cell]:
    """The variables that the notebook shares, each with the cell whose tag says so."""
    cells = {cell.id: cell for cell in notebook.code_cells}
    return {name: cells[tags.cell_id] for tags in reading.cells for name in tags.shares}


def with_outer_cells(
    program: Program, shares: Mapping[str, Cell], takes: Iterable[str]
) -> Program:
    """The program between a cell that binds what is taken and cells that read what is
    left."""
    # The result of a call is nothing that the analysis could know, and no part of the
    # module itself.
    bound = [f"{name} = earlier_notebook.{name}()" for name in sorted(takes)]
    before = (
        [_outer(TAKEN, TAKEN, "\n".join(["import earlier_notebook", *bound]))]
        if bound
        else []
    )
    after = [
        _outer(LEFT, f"{LEFT} {name}", name, cell.number)
        for name, cell in shares.items()
    ]
    return Program((*before, *program.cells, *after)) if before or after else program


def _outer(
    stage: str, cell_id: str, source: str, number: int | None = None
) -> ProgramCell:
    return ProgramCell(Cell(cell_id, -1, "code", source, number=number), stage=stage)


def relocated(
    found: Iterable[Diagnostic], shares: Mapping[str, Cell]
) -> list[Diagnostic]:
    """What was found where shared values are read is about the cells that share
    them."""
    places = {f"{LEFT} {name}": cell.id for name, cell in shares.items()}
    moved = []
    for each in found:
        if each.cell_id not in places:
            moved.append(each)
            continue
        place = places[each.cell_id]
        moved.append(
            replace(each, cell_id=place, line=None, column=None, stage=None, fixes=())
        )
    return moved


def unshareable(
    analysis: Analysis, shares: Mapping[str, Cell], left: Sequence[StageInput]
) -> Iterable[Diagnostic]:
    """PIPE114: what is shared is the value that a stage makes. `left` is what the
    wiring gives for LEFT."""
    values = {each.name for each in left}
    reported = {each.cell_id for each in analysis.diagnostics}
    parameters = {parameter.name for parameter in analysis.parameters}
    for name, cell in shares.items():
        if name in values or f"{LEFT} {name}" in reported:
            continue
        if name in parameters:
            message = f"'{name}' is a parameter, and 'shares:' takes values that a stage makes."
            hint = f"Make it a parameter of the later notebook as well: -p {name}=… is for both."
        else:
            message = f"'{name}' is code or a setting, and 'shares:' takes values that a stage makes."
            hint = "Put functions and classes that notebooks have in common into a module beside them."
        yield Diagnostic(
            "PIPE114", Severity.error, message, hint, cell_id=cell.id, cell=cell.number
        )


def keep_shared(
    stages: Sequence[Stage], left: Sequence[StageInput]
) -> tuple[Stage, ...]:
    """The notebook's own stages; those that make what is shared store it, whoever reads
    it."""
    kept: dict[str, set[str]] = {}
    for each in left:
        kept.setdefault(each.from_, set()).add(each.name)
    own = []
    for stage in stages:
        names = kept.get(stage.name, set()).union(stage.kept)
        if stage.name not in {TAKEN, LEFT}:
            own.append(replace(stage, kept=tuple(sorted(names))))
    return tuple(own)


def outer_stages(shares: Iterable[str], takes: Iterable[str]) -> tuple[Stage, Stage]:
    """The stages before and after those of one notebook, as far as the graph is
    concerned."""
    binds = tuple(Effect(name, EffectKind.binds) for name in takes)
    reads = tuple(Effect(name, EffectKind.reads) for name in shares)
    return Stage(TAKEN, (), "", "", effects=binds), Stage(
        LEFT, (), "", "", effects=reads
    )
