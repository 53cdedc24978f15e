"""Groups the cells that need a stage, by the best cuts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_pipe.model import Cell
from jupyter_pipe.suggest.cells import Look
from jupyter_pipe.suggest.cuts import Piece, best_cuts
from jupyter_pipe.suggest.headings import Heading
from jupyter_pipe.suggest.survey import Survey

__all__ = ["group_rows"]

# For the largest headings of a notebook, those below, and all others.
_HEADING_PRICES = (12.0, 6.0, 2.0)
_HEAVY = 5.0
_GAIN_OF_DEAD_ENDS = 0.3


def group_rows(seen: Survey) -> list[list[tuple[Cell, ...]]]:
    """For each row of the survey its stages, each as its cells."""
    levels = sorted({heading.level for heading in seen.headings.values()})
    grouped = []
    for row in seen.rows:
        numbers = {cell.id: number for number, cell in enumerate(row)}
        pieces = [_piece(cell.id, numbers, seen, levels) for cell in row]
        grouped.append(
            [tuple(row[number] for number in cut) for cut in best_cuts(pieces)]
        )
    return grouped


def _piece(
    cell_id: str, numbers: Mapping[str, int], seen: Survey, levels: Sequence[int]
) -> Piece:
    look = seen.looks[cell_id]
    feeds = bool(seen.flow.given({cell_id}))
    return Piece(
        effort=look.effort,
        gain=_gain(look, feeds),
        needs=tuple(
            (name, numbers.get(source, -1))
            for name, source in seen.flow.needs.get(cell_id, ())
            if seen.tags.get(source) != "parameters"
        ),
        verb=""
        if look.verb.shows or not (feeds or look.verb.effort >= _HEAVY)
        else look.verb.name,
        heading=_heading_price(seen.headings.get(cell_id), levels),
    )


def _gain(look: Look, feeds: bool) -> float:
    """What nobody reads afterwards is looked at once: no reason for a core of its own,
    unless it is heavy."""
    worth = feeds or look.verb.effort >= _HEAVY
    return look.effort if worth else look.effort * _GAIN_OF_DEAD_ENDS


def _heading_price(heading: Heading | None, levels: Sequence[int]) -> float:
    if heading is None:
        return 0.0
    return _HEADING_PRICES[min(levels.index(heading.level), len(_HEADING_PRICES) - 1)]
