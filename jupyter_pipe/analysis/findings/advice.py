"""Warnings and information about what two stages have in common besides values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.writers import feeds, reaches
from jupyter_pipe.analysis.findings.report import cell_number, report
from jupyter_pipe.model import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Place, Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.model import Diagnostic

__all__ = ["advise"]


def advise(stages: Sequence[StageFacts], units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """Generators that chain stages, and computed paths that may be one file."""
    flows = list(feeds(stages))
    drawn = {name for unit in units for name in unit.facts.draws}
    yield from _chained_by_generators(stages, flows, drawn)
    pairs = {(writer, reader) for writer, reader, _ in flows}
    yield from _clashing_paths(stages, pairs)


def _chained_by_generators(
    stages: Sequence[StageFacts], flows: Sequence[tuple[int, int, str]], drawn: set[str]
) -> Iterator[Diagnostic]:
    others = {(writer, reader) for writer, reader, name in flows if name not in drawn}
    for writer, reader, name in flows:
        draws = any(name in unit.facts.draws for unit in stages[writer].units)
        if name not in drawn or not draws or reaches(others, writer, reader):
            continue
        unit, place = stages[reader].first[name]
        message = (
            f"Stage '{stages[reader].name}' waits for stage '{stages[writer].name}' only because both draw "
            f"from {name[1:]}, which is seeded: so the pipeline gets the notebook's numbers."
        )
        hint = "To run them in parallel, give each stage a generator of its own: `rng = default_rng(seed)`."
        yield report("PIPE300", unit, place, message, hint)


def _clashing_paths(stages: Sequence[StageFacts], pairs: set[tuple[int, int]]) -> Iterator[Diagnostic]:
    for writer, one in enumerate(stages):
        written = _paths(one, write=True)
        if not written:
            continue
        for reader, other in enumerate(stages):
            if reader <= writer or reaches(pairs, writer, reader):
                continue
            for path, (unit, place) in _paths(other, write=False).items():
                match = next((known for known in written if _may_match(known, path)), None)
                if match is not None:
                    yield _clash(one, match, other, path, unit, place)


def _paths(stage: StageFacts, *, write: bool) -> dict[str, tuple[Unit, Place]]:
    found: dict[str, tuple[Unit, Place]] = {}
    for unit in stage.units:
        facts = unit.facts
        patterns = facts.patterns_written if write else facts.patterns_read
        found.update({path: (unit, place) for path, place in patterns.items()})
        if write:
            found.update({n: (unit, w.place) for n, w in facts.writes.items() if n.startswith("file:")})
        else:
            found.update({n: (unit, r.place) for n, r in facts.reads.items() if n.startswith("file:")})
    return found


def _may_match(one: str, other: str) -> bool:
    """Whether two paths, of which at least one has computed parts (`*`), may be the same."""
    if "*" not in one + other:
        return False
    (start, _, rest), (other_start, _, other_rest) = one.partition("*"), other.partition("*")
    end = rest.rpartition("*")[2] if "*" in one else one
    other_end = other_rest.rpartition("*")[2] if "*" in other else other
    starts = start.startswith(other_start) or other_start.startswith(start)
    return starts and (end.endswith(other_end) or other_end.endswith(end))


def _clash(
    writer: StageFacts, written: str, reader: StageFacts, path: str, unit: Unit, place: Place
) -> Diagnostic:
    message = (
        f"Stage '{reader.name}' reads {path.removeprefix('file:')!r} in {cell_number(unit)}, which may be "
        f"what stage '{writer.name}' writes ({written.removeprefix('file:')!r}); nothing orders the two."
    )
    tag = f"after:{writer.name}"
    fix = Fix(f"Add '{tag}'", unit.cell.cell.id, add_tags=(tag,))
    return report("PIPE302", unit, place, message, f"Tag the cell `{tag}` if it is.", fixes=(fix,))
