"""Groups the cells that need a stage: their data is followed cell by cell, then the best cuts are looked
for. Pure, given a compiler.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from jupyter_pipe.model import Cell, Notebook, Pipeline
from jupyter_pipe.suggest.cells import Look
from jupyter_pipe.suggest.cuts import Piece, best_cuts
from jupyter_pipe.suggest.headings import Heading
from jupyter_pipe.suggest.survey import Draft, Survey, with_tags

__all__ = ["Flow", "follow", "group_rows"]

_CELL = "cell_"
_HEADING_PRICES = (8.0, 4.0, 2.0)
_HEAVY = 5.0
_GAIN_OF_DEAD_ENDS = 0.3


def group_rows(seen: Survey, flow: Flow) -> list[list[tuple[Cell, ...]]]:
    """For each row of the survey its stages, each as its cells."""
    levels = sorted({heading.level for heading in seen.headings.values()})
    grouped = []
    for row in seen.rows:
        numbers = {cell.id: number for number, cell in enumerate(row)}
        pieces = [_piece(cell.id, numbers, seen, flow, levels) for cell in row]
        grouped.append([tuple(row[number] for number in cut) for cut in best_cuts(pieces)])
    return grouped


class Flow:
    """What flows between cells: `needs` by reader, pairs of a value and the cell that it comes from;
    `given` by cell, the values that others read."""

    def __init__(self, pipeline: Pipeline, cell_of: Mapping[str, str]) -> None:
        self.needs: dict[str, list[tuple[str, str]]] = {cell: [] for cell in cell_of.values()}
        self.given: dict[str, set[str]] = defaultdict(set)
        for edge in pipeline.edges:
            source, reader = cell_of.get(edge.from_, edge.from_), cell_of.get(edge.to)
            self.given[source].update(edge.names)
            if reader is not None:
                self.needs[reader] += [(name, source) for name in edge.names]


def follow(notebook: Notebook, seen: Survey, draft: Draft) -> Flow:
    """The data flow of the notebook if each cell were a stage."""
    cell_of = {f"{_CELL}{cell.index}": cell.id for row in seen.rows for cell in row}
    tags = {cell_id: (role,) for cell_id, role in seen.tags.items()}
    tags |= {cell_id: (f"stage:{stage}",) for stage, cell_id in cell_of.items()}
    return Flow(draft(with_tags(notebook, tags)), cell_of)


def _piece(
    cell_id: str, numbers: Mapping[str, int], seen: Survey, flow: Flow, levels: Sequence[int]
) -> Piece:
    look = seen.looks[cell_id]
    feeds = bool(flow.given[cell_id])
    return Piece(
        effort=look.effort,
        gain=_gain(look, feeds),
        needs=tuple((name, numbers.get(source, -1)) for name, source in flow.needs[cell_id]),
        verb=look.verb.name if feeds or look.verb.effort >= _HEAVY else "",
        heading=_heading_price(seen.headings.get(cell_id), levels),
    )


def _gain(look: Look, feeds: bool) -> float:
    """What nobody reads afterwards is looked at once: no reason for a core of its own, unless it is
    heavy."""
    worth = feeds or look.verb.effort >= _HEAVY
    return look.effort if worth else look.effort * _GAIN_OF_DEAD_ENDS


def _heading_price(heading: Heading | None, levels: Sequence[int]) -> float:
    if heading is None:
        return 0.0
    return _HEADING_PRICES[min(levels.index(heading.level), len(_HEADING_PRICES) - 1)]
