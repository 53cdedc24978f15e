"""Warnings and information about what two stages have in common besides values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.dataflow.writers import feeds, reaches
from jupyter_pipe.analysis.findings.report import cell_number, report
from jupyter_pipe.file_names import FILE, WHOLE_FOLDER, is_file, is_pattern, may_be_same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.model import Diagnostic

__all__ = ["advise"]


def advise(stages: Sequence[StageFacts], units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """Generators that chain stages, and computed paths that do."""
    flows = list(feeds(stages))
    drawn = {name for unit in units for name in unit.facts.draws}
    yield from _chained_by_generators(stages, flows, drawn)
    yield from _computed_paths(stages, flows)


def _chained_by_generators(
    stages: Sequence[StageFacts], flows: Sequence[tuple[int, int, str]], drawn: set[str]
) -> Iterator[Diagnostic]:
    """Says where two stages run one after the other for the sake of a seeded generator
    alone."""
    # A wait that a value demands as well would not go away with another generator.
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


def _computed_paths(
    stages: Sequence[StageFacts], flows: Sequence[tuple[int, int, str]]
) -> Iterator[Diagnostic]:
    """Stages that wait for others only because a computed name may be that of a file
    that these write."""
    others = {(writer, reader) for writer, reader, name in flows if not is_file(name)}
    for reader, stage in enumerate(stages):
        for writer, earlier in enumerate(stages[:reader]):
            match = _computed_match(earlier, stage)
            if match is not None and not reaches(others, writer, reader):
                yield _waits(earlier, stage, *match)


def _computed_match(writer: StageFacts, reader: StageFacts) -> tuple[str, str] | None:
    """What one writes and the other reads, if the first name is computed."""
    written = {
        name for unit in writer.units for name in unit.facts.writes if is_pattern(name)
    }
    # A program that may write anything, `!make`, is no name that could be written out.
    for known in sorted(written - {WHOLE_FOLDER}):
        found = (name for name in reader.first if is_file(name) and name not in written)
        name = next(
            (
                name
                for name in (known, *found)
                if name in reader.first and may_be_same(known, name)
            ),
            None,
        )
        if name is not None:
            return known, name
    return None


def _waits(
    writer: StageFacts, reader: StageFacts, written: str, read: str
) -> Diagnostic:
    unit, place = reader.first[read]
    message = (
        f"Stage '{reader.name}' waits for stage '{writer.name}' only because it reads "
        f"{read.removeprefix(FILE)!r} in {cell_number(unit)}, which may be what that stage writes "
        f"({written.removeprefix(FILE)!r})."
    )
    hint = "To run them in parallel, write the names out, or give each stage a folder of its own."
    return report("PIPE302", unit, place, message, hint)
