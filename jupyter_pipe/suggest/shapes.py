"""What the name of a stage is made of: headings, comments, verbs, values. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from jupyter_pipe.model import Cell
from jupyter_pipe.suggest.cells import Look
from jupyter_pipe.suggest.names import Shape
from jupyter_pipe.suggest.survey import Survey

__all__ = ["shape_rows"]

# A plot says less of a stage than what the stage makes.
_SHOWN = 0.3


def shape_rows(
    rows: Sequence[Sequence[tuple[Cell, ...]]], seen: Survey
) -> Iterator[Shape]:
    """The shape of each stage, in notebook order."""
    for row in rows:
        sections = _sections(row, seen)
        mains = [_main(group, sections, seen) for group in row]
        for group, main in zip(row, mains, strict=True):
            sharing = [
                other
                for other in row
                if any(sections[cell.id] == main for cell in other)
            ]
            heading = seen.headings[main].text if main else ""
            yield _shape(group, heading, seen, divided=len(sharing) > 1)


def _shape(
    group: Sequence[Cell], heading: str, seen: Survey, *, divided: bool
) -> Shape:
    """The shape of one stage; `divided` says that its section has other stages as
    well."""
    looks = [seen.looks[cell.id] for cell in group]
    given = seen.flow.given({cell.id for cell in group})
    return Shape(
        heading=heading,
        title=looks[0].title,
        verb=_verb(looks, dead_end=not given),
        binds=tuple(name for look in looks for name in look.binds),
        given=given,
        maker=next((look.maker for look in looks if look.maker), ""),
        divided=divided,
    )


def _sections(row: Sequence[tuple[Cell, ...]], seen: Survey) -> dict[str, str]:
    """For each cell the one above it, or itself, that has the heading; empty above the
    first."""
    found: dict[str, str] = {}
    current = ""
    for cell in (cell for group in row for cell in group):
        current = cell.id if cell.id in seen.headings else current
        found[cell.id] = current
    return found


def _main(group: Sequence[Cell], sections: dict[str, str], seen: Survey) -> str:
    """Of the sections in a stage, the one with the largest heading; of equals, the
    heaviest."""
    effort: dict[str, float] = defaultdict(float)
    for cell in group:
        effort[sections[cell.id]] += seen.looks[cell.id].effort
    named = [section for section in effort if section]
    return min(
        named, key=lambda one: (seen.headings[one].level, -effort[one]), default=""
    )


def _verb(looks: Sequence[Look], *, dead_end: bool) -> str:
    """What most of the work in the cells is. What they show counts only where nothing
    else comes of them."""
    weight: dict[str, float] = defaultdict(float)
    for look in looks:
        if look.verb.name and (dead_end or not look.verb.shows):
            weight[look.verb.name] += look.effort * (_SHOWN if look.verb.shows else 1.0)
    return max(weight, key=lambda verb: weight[verb], default="")
