"""What flows between single cells. Pure, given a compiler: it is asked about the
notebook with each cell as a stage of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from jupyter_pipe.model import SETUP_STAGE, Cell, EffectKind, Notebook, Pipeline

__all__ = ["Draft", "Flow", "find_settings", "follow", "with_tags"]

Draft = Callable[[Notebook], Pipeline]

_CELL = "cell_"
# Cells. Settings stand at the top, and each cell more is analysed once more.
_HEAD = 15


class Flow(Struct, frozen=True):
    """`needs` are by reader pairs of a value and the cell, or the stage, that it comes
    from; `defining` are cells that every stage can repeat."""

    needs: dict[str, tuple[tuple[str, str], ...]]
    defining: frozenset[str] = frozenset()

    def given(self, cells: Collection[str]) -> frozenset[str]:
        """The values that go from these cells to others."""
        return frozenset(
            name
            for reader, needs in self.needs.items()
            if reader not in cells
            for name, source in needs
            if source in cells
        )


def with_tags(notebook: Notebook, tags: Mapping[str, Sequence[str]]) -> Notebook:
    """The notebook with more tags on these cells."""
    cells = tuple(
        msgspec.structs.replace(cell, tags=(*cell.tags, *tags[cell.id]))
        if cell.id in tags
        else cell
        for cell in notebook.cells
    )
    return msgspec.structs.replace(notebook, cells=cells)


def follow(notebook: Notebook, cells: Sequence[Cell], draft: Draft) -> Flow:
    """The flow between these cells, which have no stage."""
    stages = {cell.id: f"{_CELL}{cell.index}" for cell in cells}
    pipeline = draft(
        with_tags(
            notebook, {cell_id: (f"stage:{name}",) for cell_id, name in stages.items()}
        )
    )
    cell_of = {name: cell_id for cell_id, name in stages.items()}
    needs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in pipeline.edges:
        reader = cell_of.get(edge.to, edge.to)
        needs[reader] += [
            (name, cell_of.get(edge.from_, edge.from_)) for name in edge.names
        ]
    defining = (
        stage.name
        for stage in pipeline.stages
        if {effect.kind for effect in stage.effects}
        <= {EffectKind.defines, EffectKind.reads}
    )
    return Flow(
        {reader: tuple(found) for reader, found in needs.items()},
        frozenset(cell_of[name] for name in defining if name in cell_of),
    )


def find_settings(
    notebook: Notebook, cells: Sequence[Cell], draft: Draft
) -> frozenset[str]:
    """Of these cells those at the top of which nothing remains when all that stages
    repeat is taken away: imports, definitions, options of libraries, seeds."""
    head = cells[:_HEAD]
    ends = head[-1].index + 1 if head else 0
    short = msgspec.structs.replace(notebook, cells=notebook.cells[:ends])
    pipeline = draft(with_tags(short, {cell.id: ("functions",) for cell in head}))
    doing = {
        cell
        for stage in pipeline.stages
        if stage.name == SETUP_STAGE
        for cell in stage.cells
    }
    return frozenset(cell.id for cell in head if cell.id not in doing)
