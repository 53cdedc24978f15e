"""Which code cells need a stage, and what becomes of the others. Pure, given a compiler.

The compiler itself tells which cells only import, define or set things up: it is asked about the
notebook with every free cell as leading code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from jupyter_pipe.model import SETUP_STAGE, Cell, Notebook, Pipeline
from jupyter_pipe.notebook import CellTags, parse_tags
from jupyter_pipe.suggest.cells import Look, look_at
from jupyter_pipe.suggest.headings import Heading, find_headings

__all__ = ["Draft", "Survey", "survey", "with_tags"]

Draft = Callable[[Notebook], Pipeline]


class Survey(Struct, frozen=True):
    """`rows` are runs of cells that need a stage, in notebook order, with nothing tagged between
    them, and `headings` what stands above those cells. `tags` are for cells that need none but a
    role. `stages` are those that cells name already.
    """

    rows: tuple[tuple[Cell, ...], ...]
    tags: dict[str, str]
    stages: tuple[str, ...]
    looks: dict[str, Look]
    headings: dict[str, Heading]


class _Facts(Struct, frozen=True):
    """What the role of a cell follows from: `doing` are cells that more than define, `staged` those
    that name a stage."""

    looks: dict[str, Look]
    doing: frozenset[str]
    staged: frozenset[str]
    has_parameters: bool

    def may_set(self, look: Look) -> bool:
        """Whether the settings of a cell can be parameters: nobody else binds them."""
        bound = [name for other in self.looks.values() for name in other.binds]
        return not self.has_parameters and all(bound.count(name) == 1 for name in look.settings)


def with_tags(notebook: Notebook, tags: Mapping[str, Sequence[str]]) -> Notebook:
    """The notebook with more tags on these cells."""
    cells = tuple(
        msgspec.structs.replace(cell, tags=(*cell.tags, *tags[cell.id])) if cell.id in tags else cell
        for cell in notebook.cells
    )
    return msgspec.structs.replace(notebook, cells=cells)


def survey(notebook: Notebook, draft: Draft) -> Survey:
    """Look at all code cells. Cells with a role or a stage stay as they are."""
    cells = [cell for cell in notebook.code_cells if cell.number is not None]
    tags = {each.cell_id: each for each in parse_tags(notebook).cells}
    headings = find_headings(notebook, {cell.id for cell in cells})
    free = list(_free_cells(cells, tags, headings))
    looks = look_at(cells)
    facts = _Facts(
        looks,
        doing=_cells_that_do(notebook, free, draft),
        staged=frozenset(cell.id for cell in cells if tags[cell.id].stage is not None),
        has_parameters=any(each.role == "parameters" for each in tags.values()),
    )
    roles = _roles(cells, free, facts)
    return Survey(
        rows=tuple(_rows(cells, roles, facts.staged)),
        tags={cell_id: role for cell_id, role in roles.items() if role not in {"work", "idle"}},
        stages=tuple(dict.fromkeys(each.stage for each in tags.values() if each.stage)),
        looks=looks,
        headings=find_headings(notebook, {cell_id for cell_id, role in roles.items() if role == "work"}),
    )


def _free_cells(
    cells: Sequence[Cell], tags: Mapping[str, CellTags], headings: Mapping[str, Heading]
) -> Iterator[Cell]:
    """Cells without a stage: none of their own, and none above under the same heading."""
    inherits = False
    for cell in cells:
        if tags[cell.id].stage is not None:
            inherits = True
        elif cell.id in headings:
            inherits = False
        if tags[cell.id].stage is None and tags[cell.id].role is None and not inherits:
            yield cell


def _cells_that_do(notebook: Notebook, free: Sequence[Cell], draft: Draft) -> frozenset[str]:
    """Cells of which something remains when all that can be replayed is taken away."""
    pipeline = draft(with_tags(notebook, {cell.id: ("functions",) for cell in free}))
    return frozenset(
        cell_id for stage in pipeline.stages if stage.name == SETUP_STAGE for cell_id in stage.cells
    )


def _roles(cells: Sequence[Cell], free: Sequence[Cell], of: _Facts) -> dict[str, str]:
    """`work`, `idle` (needs no tag), or the tag of a role, for each free cell."""
    roles: dict[str, str] = {}
    wanted = {cell.id for cell in free}
    begun = False
    for cell in cells:
        if cell.id in wanted:
            roles[cell.id] = _role(cell, begun, of)
        begun = begun or roles.get(cell.id) == "work" or cell.id in of.staged
    if not begun:  # nothing but settings: they are what the notebook does
        return {cell_id: "work" if role == "parameters" else role for cell_id, role in roles.items()}
    return roles


def _role(cell: Cell, begun: bool, of: _Facts) -> str:
    look = of.looks[cell.id]
    if look.only_installs:
        return "skip"
    if not look.readable:
        return "idle"
    if look.only_settings and not begun and of.may_set(look):
        return "parameters"
    if cell.id in of.doing:
        return "work"
    if begun and look.only_imports:
        return "imports"
    if begun and look.only_definitions:
        return "functions"
    return "work" if begun and look.effort else "idle"


def _rows(
    cells: Sequence[Cell], roles: Mapping[str, str], staged: frozenset[str]
) -> Iterator[tuple[Cell, ...]]:
    row: list[Cell] = []
    for cell in cells:
        if cell.id in staged and row:
            yield tuple(row)
            row = []
        elif roles.get(cell.id) == "work":
            row.append(cell)
    if row:
        yield tuple(row)
