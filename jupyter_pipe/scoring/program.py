"""Which statements of a notebook a scorer is about: backward from the predictions, on
the analyzer's facts.

Pure but for reading the modules beside the notebook. Raises ScoringRefusedError for
tags that are missing or contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_pipe.analysis.dataflow.facts import Unit
from jupyter_pipe.analysis.interpreter.execution import interpret, new_world
from jupyter_pipe.analysis.knowledge import read_knowledge
from jupyter_pipe.analysis.source.units import cut, observers
from jupyter_pipe.compiler.stages import group_cells
from jupyter_pipe.model import Notebook
from jupyter_pipe.notebook import TagReading, parse_tags
from jupyter_pipe.scoring.model import Place, Refusal, ScoringRefusedError

__all__ = ["ScoringProgram", "needed_units", "read_program"]

# Settings that decide what the code gives, and are made by statements of their own.
_AMBIENT = frozenset({"@numpy.random", "@random", "@os.environ", "@os.cwd"})
_HOW = "Tag the cell that makes the raw rows rows:NAME, and the one that makes the predictions score:NAME."


@dataclass
class ScoringProgram:
    """A notebook as scoring sees it. `file` is the user's: `homes.py` where jupytext
    keeps it as text.

    `rows_unit` and `score_unit` are the last units of the cells with these tags.
    `frozen` and `live` map the last unit of a cell to the variables that its tags name.
    """

    file: str
    folder: Path
    units: Sequence[Unit]
    rows: str
    rows_unit: int
    score: str
    score_unit: int
    targets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    frozen: dict[int, tuple[str, ...]] = field(default_factory=dict)
    live: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def place_of_score(self) -> Place:
        """Where the predictions are made."""
        return place_of_unit(self.units[self.score_unit])


def place_of_unit(unit: Unit) -> Place:
    """Where a statement stands."""
    lines = unit.source.python.split("\n")
    line = unit.node.lineno
    return Place(
        unit.cell.cell.number or 0,
        line,
        lines[line - 1].strip() if line <= len(lines) else "",
    )


def read_program(notebook: Notebook, folder: Path) -> ScoringProgram:
    """Find the tagged rows and predictions, and interpret the notebook abstractly."""
    reading = parse_tags(notebook)
    grouping = group_cells(notebook, reading)
    units, _ = cut(grouping.program)
    world = new_world(read_knowledge(folder), folder)
    interpret(world, units, observers(units))
    # The last unit of a cell wins: units are in order.
    last = {unit.cell.cell.id: unit.number for unit in units}
    rows, rows_unit = _tagged(reading, units, last, "rows")
    score, score_unit = _tagged(reading, units, last, "score")
    if score_unit < rows_unit:
        place = place_of_unit(units[score_unit])
        raise ScoringRefusedError(
            [Refusal(place, "The predictions stand above the rows", _HOW)]
        )
    return ScoringProgram(
        file=Path(notebook.path).name,
        folder=folder,
        units=units,
        rows=rows,
        rows_unit=rows_unit,
        score=score,
        score_unit=score_unit,
        targets=_columns(reading, "target"),
        keys=_columns(reading, "key"),
        frozen=_names_at(reading, last, "frozen"),
        live=_names_at(reading, last, "live"),
    )


def _tagged(
    reading: TagReading, units: Sequence[Unit], last: dict[str, int], prefix: str
) -> tuple[str, int]:
    """The name in the only tag such as `score:NAME` and the unit that makes it. Raises
    ScoringRefusedError if there is no such tag, more than one, or its cell does not
    make the name."""
    found = [
        (name, last[cell.cell_id])
        for cell in reading.cells
        for name in getattr(cell.scoring, prefix)
        if cell.cell_id in last
    ]
    if len(found) == 1:
        name, number = found[0]
        cell = units[number].cell.cell.id
        own = [unit for unit in units if unit.cell.cell.id == cell]
        if any(name in unit.facts.writes for unit in own):
            return name, number
        message = f"The cell is tagged {prefix}:{name} and does not make '{name}'"
        raise ScoringRefusedError(
            [Refusal(place_of_unit(units[number]), message, _HOW)]
        )
    if not found:
        raise ScoringRefusedError(
            [Refusal(Place(1, 1), f"No cell is tagged {prefix}:NAME", _HOW)]
        )
    message = f"More than one tag says {prefix}: {', '.join(name for name, _ in found)}"
    raise ScoringRefusedError(
        [Refusal(place_of_unit(units[found[1][1]]), message, "Keep one of them.")]
    )


def _columns(reading: TagReading, prefix: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            name for cell in reading.cells for name in getattr(cell.scoring, prefix)
        )
    )


def _names_at(
    reading: TagReading, last: dict[str, int], prefix: str
) -> dict[int, tuple[str, ...]]:
    return {
        last[cell.cell_id]: getattr(cell.scoring, prefix)
        for cell in reading.cells
        if getattr(cell.scoring, prefix) and cell.cell_id in last
    }


def needed_units(
    program: ScoringProgram,
    captured: Callable[[str, int], bool] = lambda name, unit: False,
) -> tuple[list[int], list[tuple[str, int]]]:
    """The units that must run for the predictions, in order, and what is captured
    instead of computed.

    `captured(name, unit)` tells whether the value that a unit gives a name is known
    from a run. The answer's second part are these names, with the unit.
    """
    needed: set[int] = set()
    taken: set[tuple[str, int]] = set()
    todo = list(_writers(program.units, program.score, program.score_unit))
    makers = _writers(program.units, program.rows, program.rows_unit)
    if makers and captured(program.rows, makers[0]):
        taken.add((program.rows, makers[0]))
        needed.update(makers)
    else:
        todo += makers
    while todo:
        number = todo.pop()
        if number in needed:
            continue
        needed.add(number)
        for name, source in _sources(program.units[number]):
            is_of_another_stage = (
                program.units[source].stage != program.units[number].stage
            )
            if source in needed:
                continue
            if is_of_another_stage and captured(name, source):
                taken.add((name, source))
            else:
                todo.append(source)
    known = {unit for name, unit in taken if name == program.rows}
    return sorted(
        needed - set(makers) if known.intersection(makers) else needed
    ), sorted(taken)


def _sources(unit: Unit) -> Iterator[tuple[str, int]]:
    """Each name that a unit reads, with the units that may have given it its value."""
    for name, read in unit.facts.reads.items():
        if not name.startswith("@") or name in _AMBIENT:
            yield from ((name, source) for source in read.sources if source >= 0)


def _writers(units: Iterable[Unit], name: str, until: int) -> list[int]:
    """The units whose work is in the value that a name has after a unit."""
    found = []
    for unit in reversed([each for each in units if each.number <= until]):
        write = unit.facts.writes.get(name)
        if write is not None:
            found.append(unit.number)
            # What stood in the name before is gone.
            if write.kind == "binds":
                break
    return found
