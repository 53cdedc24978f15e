"""Which code cells need a stage, and what becomes of the others. Pure, given a
compiler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from jupyter_pipe.model import Cell, Notebook
from jupyter_pipe.notebook import CellTags, parse_tags
from jupyter_pipe.suggest.cells import Look, look_at
from jupyter_pipe.suggest.flow import Draft, Flow, find_settings, follow
from jupyter_pipe.suggest.headings import Heading, find_headings

__all__ = ["Survey", "survey"]


_TAGGED = 2
"""A notebook with so many stages has them all: its cells without a tag belong to the
stage above them. With one stage somebody has begun."""


_WITHOUT_A_TAG = frozenset({"work", "idle"})
"""Roles that are no tags: cells that get a stage, and cells that belong to whatever is
around them."""


class Survey(Struct, frozen=True):
    """`rows` are runs of cells that need a stage, in notebook order, with nothing
    tagged between them, and `headings` what stands above those cells. `tags` are for
    cells that need none but a role. `stages` are those that cells name already.
    """

    rows: tuple[tuple[Cell, ...], ...]
    tags: dict[str, str]
    stages: tuple[str, ...]
    looks: dict[str, Look]
    headings: dict[str, Heading]
    flow: Flow


class _Facts(Struct, frozen=True):
    """What the role of a cell follows from: `settings` are cells at the top that only
    import, define and set things up, `staged` those that name a stage."""

    looks: dict[str, Look]
    flow: Flow
    settings: frozenset[str]
    staged: frozenset[str]
    has_parameters: bool

    def may_set(self, look: Look) -> bool:
        """Whether the settings of a cell can be parameters: nobody else binds them."""
        bound = [name for other in self.looks.values() for name in other.binds]
        return not self.has_parameters and all(
            bound.count(name) == 1 for name in look.settings
        )


def survey(notebook: Notebook, draft: Draft) -> Survey:
    """Look at all code cells. Cells with a role or a stage stay as they are."""
    cells = [cell for cell in notebook.code_cells if cell.number is not None]
    tags = {each.cell_id: each for each in parse_tags(notebook).cells}
    headings = find_headings(notebook, {cell.id for cell in cells})
    stages = _stages(tags.values())
    # Only cells without a role: what somebody has tagged is not touched.
    free = [] if len(stages) >= _TAGGED else list(_free_cells(cells, tags, headings))
    staged = _staged(tags.values())
    facts = _Facts(
        look_at(cells),
        follow(notebook, free, draft),
        settings=find_settings(notebook, free, draft),
        staged=staged,
        has_parameters=any(each.role == "parameters" for each in tags.values()),
    )
    roles = _roles(cells, free, facts)
    working = {cell_id for cell_id, role in roles.items() if role == "work"}
    return Survey(
        rows=tuple(_rows(cells, working, staged)),
        tags={
            cell_id: role
            for cell_id, role in roles.items()
            if role not in _WITHOUT_A_TAG
        },
        stages=stages,
        looks=facts.looks,
        headings=find_headings(notebook, working),
        flow=facts.flow,
    )


def _stages(tags: Iterable[CellTags]) -> tuple[str, ...]:
    """Those that cells name, in the order of the notebook."""
    return tuple(dict.fromkeys(each.stage for each in tags if each.stage))


def _staged(tags: Iterable[CellTags]) -> frozenset[str]:
    return frozenset(each.cell_id for each in tags if each.stage is not None)


def _free_cells(
    cells: Sequence[Cell], tags: Mapping[str, CellTags], headings: Mapping[str, Heading]
) -> Iterator[Cell]:
    """Cells without a stage: none of their own, and none above under the same
    heading."""
    inherits = False
    for cell in cells:
        if tags[cell.id].stage is not None:
            inherits = True
        elif cell.id in headings:
            inherits = False
        if tags[cell.id].stage is None and tags[cell.id].role is None and not inherits:
            yield cell


def _roles(
    cells: Sequence[Cell], free: Sequence[Cell], facts: _Facts
) -> dict[str, str]:
    """`work`, `idle` (needs no tag), or the tag of a role, for each free cell."""
    roles: dict[str, str] = {}
    wanted = {cell.id for cell in free}
    begun = False
    for cell in cells:
        if cell.id in wanted:
            roles[cell.id] = _role(cell.id, begun, facts)
        begun = begun or roles.get(cell.id) == "work" or cell.id in facts.staged
    if not begun:  # nothing but settings: they are what the notebook does
        instead = {"parameters": "work", "skip": "idle"}
        return {cell_id: instead.get(role, role) for cell_id, role in roles.items()}
    return roles


def _role(cell_id: str, begun: bool, facts: _Facts) -> str:
    """`begun` says that a cell above does something: from there on nothing is a setting
    any more."""
    look = facts.looks[cell_id]
    if look.only_installs:
        return "skip"
    if not look.readable:
        return "idle"
    above = None if begun else _role_at_the_top(cell_id, look, facts)
    if above is not None:
        return above
    if begun and cell_id in facts.flow.defining and look.only_definitions:
        return "imports" if look.only_imports else "functions"
    return "work" if look.effort or look.only_definitions else "idle"


def _role_at_the_top(cell_id: str, look: Look, facts: _Facts) -> str | None:
    if look.only_settings and facts.may_set(look):
        return "parameters"
    return "idle" if cell_id in facts.settings else None


def _rows(
    cells: Sequence[Cell], working: Set[str], staged: Set[str]
) -> Iterator[tuple[Cell, ...]]:
    """Runs of cells that need a stage; one that has a stage already ends a run."""
    row: list[Cell] = []
    for cell in cells:
        if cell.id in staged and row:
            yield tuple(row)
            row = []
        elif cell.id in working:
            row.append(cell)
    if row:
        yield tuple(row)
