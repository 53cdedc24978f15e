"""In which order stages may stand so that each finds what its cells found in the
notebook.

Without gaps it is the order of first cells. A stage with a gap runs all its cells
together, so what other cells read and wrote in between decides, or forbids it. What a
stage is given (values, what it replays, parameters) is there before its first cell: no
cell may have used the name before it was made.
"""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from jupyter_pipe.analysis.calls.ambient import FELT_EVERYWHERE
from jupyter_pipe.analysis.dataflow.facts import place_of
from jupyter_pipe.analysis.findings.report import cell_number, report
from jupyter_pipe.analysis.world.heap import Library
from jupyter_pipe.analysis.world.world import BUILTINS, PATCHED
from jupyter_pipe.file_names import is_file, may_be_same
from jupyter_pipe.graphs import find_cycle, in_order, reachable
from jupyter_pipe.model import Fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.model import Diagnostic

__all__ = ["arrange"]


SHOWN = frozenset({"@ipython.config"})
"""What changes how the shell shows the results of cells."""


class Conflict(NamedTuple):
    """`later` is the unit of a stage with a gap that would have to run at another
    time."""

    name: str
    earlier: Unit
    later: Unit


class Use(NamedTuple):
    """A read of what other stages may change: `sources` are the units of those that
    changed it before."""

    name: str
    unit: Unit
    sources: tuple[Unit, ...]


def arrange(
    stages: Sequence[StageFacts], units: Sequence[Unit]
) -> tuple[list[StageFacts], list[Diagnostic]]:
    """The stages in a possible order, and why there is none."""
    # Cheap, and true whatever the order is: so it comes before the graph is made.
    untimely = [conflict for stage in stages for conflict in _untimely(stage, units)]
    if untimely:
        return list(stages), _all_reordered(untimely)
    if not _has_gaps(stages):
        return list(stages), []
    writers = _writers(stages)
    felt = [name for name in FELT_EVERYWHERE if name in writers]
    uses = [use for stage in stages for use in _uses(stage, units, felt)]
    before = _makers(uses)
    # Only what is read makes the first edges; demands of overwriting come after, and
    # are refused one by one.
    cycle = find_cycle(_sorted_before(stages, before))
    if cycle:
        return list(stages), [_cycle(cycle, uses)]
    conflicts = list(_conflicts(writers, uses, before))
    if conflicts:
        return list(stages), _all_reordered(conflicts)
    return _sorted(stages, before), []


def _makers(uses: Iterable[Use]) -> dict[str, set[str]]:
    """For each stage, those that make what it reads."""
    before: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        before[_stage(use.unit)].update(_stage(source) for source in use.sources)
    return before


def _all_reordered(conflicts: Iterable[Conflict]) -> list[Diagnostic]:
    """Each once, however many units show it."""
    return [_reordered(conflict) for conflict in dict.fromkeys(conflicts)]


def _has_gaps(stages: Sequence[StageFacts]) -> bool:
    spans = [sorted(stage.numbers) for stage in stages if stage.units]
    return any(one[-1] > other[0] for one, other in itertools.pairwise(spans))


def _stage(unit: Unit) -> str:
    return unit.stage or ""


def _untimely(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Conflict]:
    """A name that the stage gets from a cell which stands below one where it already
    uses the name."""
    first: dict[str, int] = {}
    read_outside: dict[str, int] = {}
    for unit in stage.units:
        for name, read in unit.facts.reads.items():
            # A stage whose own cell also binds the name may still get it from a skipped
            # branch.
            given = _last_outside(read.sources - stage.numbers, units)
            if first.setdefault(name, unit.number) < given or _means_builtin(
                name, stage, given
            ):
                yield Conflict(name, units[given], unit)
            # x = 1 in an own cell below does not count: there the name is the stage's.
            if not read.sources <= stage.numbers:
                read_outside.setdefault(name, unit.number)
        for name in unit.facts.writes:
            first.setdefault(name, unit.number)
    for number in sorted(stage.replays):
        for name in units[number].facts.writes:
            if read_outside.get(name, number) < number or _means_builtin(
                name, stage, number
            ):
                yield Conflict(name, units[number], stage.units[-1])
    yield from _untimely_settings(stage, units)


def _last_outside(sources: Iterable[int], units: Sequence[Unit]) -> int:
    """The last unit among the sources that runs at all, or -1."""
    return max(
        (number for number in sources if number >= 0 and units[number].role != "skip"),
        default=-1,
    )


def _untimely_settings(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Conflict]:
    """What is set between the cells of the stage is set again before the first of
    them."""
    for number in sorted(stage.replays):
        before = [unit for unit in stage.units if unit.number < number]
        for name in units[number].facts.writes:
            library = name.removeprefix(PATCHED)
            # `%config` between cells of a stage, or a library that cells above it used
            # already.
            if name in SHOWN or (
                name != library and any(_uses_library(unit, library) for unit in before)
            ):
                yield from (
                    Conflict(name, units[number], stage.units[-1]) for _ in before[:1]
                )


def _uses_library(unit: Unit, library: str) -> bool:
    values = (value for read in unit.facts.reads.values() for value in read.values)
    names = (
        v.payload.qualified if isinstance(v.payload, Library) else v.type
        for v in values
    )
    return any(name.partition(".")[0] == library for name in names)


def _means_builtin(name: str, stage: StageFacts, given: int) -> bool:
    """Whether a cell of the stage above unit `given`, which makes the name, uses the
    builtin."""
    # `list(x)` in a cell above, `list = [...]` in one between: replayed first, it would
    # shadow.
    if name not in BUILTINS:
        return False
    above = (
        unit.node
        for unit in stage.units
        if unit.number < given and name not in unit.facts.reads
    )
    return any(
        isinstance(part, ast.Name) and part.id == name
        for node in above
        for part in ast.walk(node)
    )


def _uses(
    stage: StageFacts, units: Sequence[Unit], felt: Sequence[str]
) -> Iterator[Use]:
    """What each unit of the stage reads from outside it, with the units of other stages
    that make it; `felt` are names that matter to every unit, whether it reads them or
    not."""
    own = stage.numbers
    for unit in stage.units:
        for name, read in unit.facts.reads.items():
            outside = sorted(read.sources - own)
            if outside and (name in stage.values or name.startswith(("@", "file:"))):
                staged = (units[n] for n in outside if n >= 0)
                yield Use(
                    name,
                    unit,
                    tuple(source for source in staged if source.stage is not None),
                )
        # Facts tell of these only once they have been written.
        yield from (
            Use(name, unit, ()) for name in felt if name not in unit.facts.reads
        )


def _writers(stages: Sequence[StageFacts]) -> dict[str, list[Unit]]:
    writers: dict[str, list[Unit]] = defaultdict(list)
    for stage in stages:
        for unit in stage.units:
            # A tag `mutates:x` is a writer although no statement shows it.
            for name in {**unit.facts.writes, **dict.fromkeys(unit.cell.mutates)}:
                writers[name].append(unit)
    return writers


def _writers_of(writers: dict[str, list[Unit]], name: str) -> list[Unit]:
    """Whoever writes the name, or files that it may stand for."""
    if not is_file(name):
        return writers[name]
    found = {
        unit
        for known, units in writers.items()
        if may_be_same(known, name)
        for unit in units
    }
    return sorted(found, key=lambda unit: unit.number)


def _conflicts(
    writers: dict[str, list[Unit]], uses: Sequence[Use], before: dict[str, set[str]]
) -> Iterator[Conflict]:
    """Adds to `before` what reads demand of other writers; yields what no order can
    give."""
    for use in uses:
        reader, last = _stage(use.unit), use.sources[-1] if use.sources else None
        for writer in _writers_of(writers, use.name):
            stage = _stage(writer)
            # The reader must see the old value: it runs before whoever writes the name
            # next.
            if stage != reader and writer.number > use.unit.number:
                if not _demand(before, reader, stage):
                    yield Conflict(use.name, use.unit, writer)
            elif last is not None and writer.number <= last.number:
                # The last writer before the read counts; earlier ones must not run
                # after it.
                yield from _before_last(use, writer, last, before)


def _before_last(
    use: Use, writer: Unit, last: Unit, before: dict[str, set[str]]
) -> Iterator[Conflict]:
    """What a writer above the last one before a read conflicts with: it must have run
    before that."""
    stage = _stage(writer)
    if stage == _stage(use.unit):
        if writer.number < use.unit.number:
            # The stage itself wrote the name above another writer, and reads it below:
            # both orders are wrong.
            yield Conflict(use.name, last, use.unit)
    elif stage != _stage(last) and not _demand(before, stage, _stage(last)):
        yield Conflict(use.name, writer, last)


def _demand(before: dict[str, set[str]], first: str, second: str) -> bool:
    """Notes that `first` must run before `second`. False if the reverse is already
    demanded."""
    if second in reachable([first], before.__getitem__):
        return False
    before[second].add(first)
    return True


def _sorted_before(
    stages: Sequence[StageFacts], before: dict[str, set[str]]
) -> dict[str, list[str]]:
    """The same in every process, whatever the order of sets is in it."""
    return {stage.name: sorted(before[stage.name]) for stage in stages}


def _sorted(
    stages: Sequence[StageFacts], before: dict[str, set[str]]
) -> list[StageFacts]:
    """Each stage after all that must come before it, by first cells where there is a
    choice."""
    by_name = {stage.name: stage for stage in stages}
    return [
        by_name[name]
        for name in in_order(list(by_name), _sorted_before(stages, before))
    ]


def _cycle(cycle: Sequence[str], uses: Sequence[Use]) -> Diagnostic:
    pairs = list(itertools.pairwise(cycle))
    hops = [
        # The cycle's own edges, or the message would speak of reads that have no part
        # in it.
        use
        for use in uses
        if any((_stage(s), _stage(use.unit)) in pairs for s in use.sources)
    ]
    last = max(hops, key=lambda use: use.unit.number)
    said = dict.fromkeys(
        f"'{_stage(use.unit)}' reads '{use.name}' of '{_stage(use.sources[-1])}' in {cell_number(use.unit)}"
        for use in hops
    )
    # Four are enough to see why; a cycle through ten names would fill the screen.
    details = "; ".join(itertools.islice(said, 4))
    message = f"Stages need each other, a cycle {' -> '.join(cycle)}: {details}."
    return report(
        "PIPE209",
        last.unit,
        last.unit.facts.reads[last.name].place,
        message,
        _split_hint(last.unit),
        fixes=_split(last.unit),
    )


def _reordered(conflict: Conflict) -> Diagnostic:
    name, earlier, later = conflict
    shown = name.removeprefix(PATCHED)
    if earlier.stage is None:
        message = (
            f"{cell_number(earlier).capitalize()} changes '{shown}' between the cells of stage "
            f"'{_stage(later)}'; but what it makes is there before the stage's first cell."
        )
    else:
        message = (
            f"{cell_number(earlier).capitalize()} of stage '{_stage(earlier)}' must run between the cells of "
            f"stage '{_stage(later)}', because of '{shown}'; but all cells of a stage run together."
        )
    fact = later.facts.writes.get(name) or later.facts.reads.get(name)
    place = fact.place if fact else place_of(later.node)
    return report(
        "PIPE208", later, place, message, _split_hint(later), fixes=_split(later)
    )


def _split_hint(unit: Unit) -> str:
    return (
        f"Split stage '{unit.stage}': give {cell_number(unit)} a stage name of its own."
    )


def _split(unit: Unit) -> tuple[Fix, ...]:
    tag = next(
        (tag for tag in unit.cell.cell.tags if tag.endswith(f":{unit.stage}")), None
    )
    if tag is None:
        return ()
    title = f"Give {cell_number(unit)} a stage of its own"
    return (
        Fix(
            title,
            unit.cell.cell.id,
            add_tags=(f"stage:{unit.stage}_2",),
            remove_tags=(tag,),
        ),
    )
