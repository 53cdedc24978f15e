"""What stays behind in the kernel of the stage that made it: outputs, annotations,
caches, flags, folders.

A later stage that asks for it would get another answer than the notebook, so it is
refused.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.calls.files import FLEETING
from jupyter_pipe.analysis.dataflow.replays import SHELL
from jupyter_pipe.analysis.findings.report import cell_number, report
from jupyter_pipe.analysis.world.heap import Library
from jupyter_pipe.analysis.world.world import ANNOTATIONS, HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Read, Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.analysis.dataflow.replays import Definitions
    from jupyter_pipe.analysis.world.heap import Object
    from jupyter_pipe.analysis.world.world import World
    from jupyter_pipe.model import Diagnostic

__all__ = ["check_left_behind"]

NUMBERED = re.compile(r"_i?(\d+)$")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ELSEWHERE = re.compile(
    r"colab|kaggle|binder|sagemaker|databricks|deepnote|paperspace|spyder|vscode", re.I
)
"""Places in which a notebook may run, by what a condition asks for: `if IN_COLAB:`."""
MEMORY_MAP = "numpy.memmap"
FLAGS = "@decimal.flags"


def check_left_behind(
    stage: StageFacts, units: Sequence[Unit], world: World, definitions: Definitions
) -> Iterator[Diagnostic]:
    """Findings about what the stage asks of the process that other stages ran in."""
    yield from _check_shell(stage, units, definitions)
    yield from _check_memory_maps(stage, world)
    yield from _check_caches(stage, units)
    yield from _check_cache_looks(stage, units)
    yield from _check_flags(stage, units)
    yield from _check_folders(stage, units)
    yield from _check_history(stage, units)


def _check_shell(
    stage: StageFacts, units: Sequence[Unit], definitions: Definitions
) -> Iterator[Diagnostic]:
    """What an earlier stage told the shell, and cannot be told again."""
    for unit in units[: stage.last]:
        told = unit.facts.writes.keys() & SHELL
        # Told by a cell without a stage means that it is replayed, so all hear it.
        if not told or unit.stage in {None, stage.name} or _is_for_elsewhere(unit.node):
            continue
        if definitions.kind(unit.number) is None:
            message = (
                f"{cell_number(unit).capitalize()} tells the shell something that cannot be told again in "
                f"stage '{stage.name}': it needs a value that a stage makes, or does something else as well."
            )
            hint = "Write the value out, or give it a cell of its own that is tagged `shared`."
            yield report(
                "PIPE211", unit, unit.facts.writes[min(told)].place, message, hint
            )


def _is_for_elsewhere(node: ast.stmt) -> bool:
    """Whether the statement is for another place than this: under `if IN_COLAB:`
    nothing was told here."""
    return (
        isinstance(node, ast.If)
        and ELSEWHERE.search(ast.unparse(node.test)) is not None
    )


def _check_memory_maps(stage: StageFacts, world: World) -> Iterator[Diagnostic]:
    """A stage that writes to a memory map of another stage would write to a copy of
    it."""
    reported: set[str] = set()
    for unit in stage.units:
        # Writing to a view, `m[3:]`, writes to the map.
        for value, place in unit.facts.mutated.items():
            over = world.heap.affected((value,))
            names = {
                name for part in over for name in world.names.holders.get(part, ())
            } & stage.values
            if not names or names <= reported or not any(map(_writes_to_file, over)):
                continue
            reported |= names
            name = min(names)
            message = (
                f"{cell_number(unit).capitalize()} writes to '{name}', the memory map of a file that another "
                "stage opened; what is written to a copy of it never reaches the file."
            )
            hint = f"Open the file in stage '{stage.name}' as well, or put both cells in one stage."
            yield report("PIPE207", unit, place, message, hint)


def _writes_to_file(value: Object) -> bool:
    """Whether it is a memory map, and opened so that writing to it writes to the
    file."""
    call = value.maker
    if value.type != MEMORY_MAP or not isinstance(call, ast.Call):
        return False
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    mode = given.get("mode") or given.get("mmap_mode")
    # Mode "c" (copy on write) never writes to the file, and "r" never writes.
    return not (isinstance(mode, ast.Constant) and mode.value in {"r", "c"})


def _check_caches(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """A cached function that another stage called before a name that it reads was bound
    anew."""
    own = stage.numbers
    reported: set[str] = set()
    for unit in stage.units:
        for call in unit.facts.cached_calls:
            earlier = (
                (other, before)
                # Above the first cell of this stage, since its own calls fill a cache
                # of its own.
                for other in units[: min(own)]
                for before in other.facts.cached_calls
                if before.function == call.function and other.stage != stage.name
            )
            for other, before in earlier:
                changed = [
                    n
                    for n, sources in call.sources.items()
                    if before.sources.get(n) != sources
                    # The same sources give the same answers: such a cache is only empty,
                    # not wrong.
                ]
                if changed and call.function not in reported:
                    reported.add(call.function)
                    message = (
                        f"The cache of '{call.function}' was filled in {cell_number(other)}, before "
                        f"'{changed[0]}' was bound anew; it does not travel to stage '{stage.name}'."
                    )
                    hint = f"Pass '{changed[0]}' as an argument, or put both cells in one stage."
                    yield report("PIPE212", unit, call.place, message, hint)


def _check_cache_looks(
    stage: StageFacts, units: Sequence[Unit]
) -> Iterator[Diagnostic]:
    """`f.cache_info()` after other stages have called f."""
    for unit in stage.units:
        for function, place in unit.facts.cache_looks.items():
            callers = (
                other
                for other in units[: unit.number]
                if other.stage != stage.name
                and any(c.function == function for c in other.facts.cached_calls)
            )
            caller = next(callers, None)
            if caller is not None:
                message = (
                    f"The cache of '{function}', which {cell_number(unit)} looks at, was filled in "
                    f"{cell_number(caller)}; it does not travel to stage '{stage.name}'."
                )
                yield report(
                    "PIPE212", unit, place, message, "Put both cells in one stage."
                )


def _check_flags(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """Calculations with decimals raise flags in the context of their process."""
    for unit in stage.units:
        if FLAGS in unit.facts.reads:
            others = (
                other
                for other in units[: unit.number]
                if other.stage not in {None, stage.name}
            )
            # One is enough: any of them may have raised a flag.
            other = next((other for other in others if _calculates(other)), None)
            if other is not None:
                message = (
                    f"{cell_number(unit).capitalize()} looks at flags of the decimal context that "
                    f"{cell_number(other)}, in another stage, may have raised; they do not travel."
                )
                hint = "Put both cells in one stage."
                yield report(
                    "PIPE212", unit, unit.facts.reads[FLAGS].place, message, hint
                )


def _calculates(unit: Unit) -> bool:
    return any(_is_decimal(read) for read in unit.facts.reads.values())


def _is_decimal(read: Read) -> bool:
    names = (
        v.payload.qualified if isinstance(v.payload, Library) else v.type
        for v in read.values
    )
    return any(name.partition(".")[0] == "decimal" for name in names)


def _check_folders(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """A `TemporaryDirectory` is removed when the kernel of its stage ends."""
    for name, (unit, place) in stage.first.items():
        makers = [source for source in stage.needs[name] if source >= 0]
        # The path is a made-up one, which says that its folder ends with the process.
        if name.startswith("file:" + FLEETING) and makers:
            maker = units[min(makers)]
            message = (
                f"The temporary folder that {cell_number(maker)} makes is removed when its stage ends, and "
                f"stage '{stage.name}' uses it in {cell_number(unit)}."
            )
            hint = "Make the folder with `tempfile.mkdtemp()`, or put both cells in one stage."
            yield report("PIPE207", unit, place, message, hint)


def _check_history(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """`Out[3]` and `_` are empty in another kernel: reports units that read the outputs
    or annotations of cells in other stages."""
    # Outputs of the stage's own cells are in its kernel.
    cells = {unit.cell.cell.number for unit in stage.units}
    for unit in stage.units:
        for name, read in unit.facts.history.items():
            numbers = [
                n
                for n in dict.fromkeys(_history_cells(unit, name, units))
                if n not in cells
            ]
            if numbers:
                other = ", ".join(f"cell {number}" for number in numbers)
                what = (
                    "holds what stands in" if name == ANNOTATIONS else "is an output of"
                )
                message = (
                    f"`{name}` in {cell_number(unit)} {what} {other}, in another stage."
                )
                hint = "Give the value a name where it is made, and read that name."
                yield report("PIPE205", unit, read.place, message, hint)


def _history_cells(unit: Unit, name: str, units: Sequence[Unit]) -> list[int]:
    """The numbers of the cells whose output or source `name` stands for."""
    # `_`, `__` and `___` go back by one, two and three outputs.
    if name in HISTORY:
        return _shown_before(unit, name.count("_"), units)
    if name == ANNOTATIONS:
        return [
            n
            for n in (_annotates(other) for other in units[: unit.number])
            if n is not None
        ]
    found = NUMBERED.match(name)
    return [int(found.group(1))] if found else _indices(unit.node, name)


def _shown_before(unit: Unit, back: int, units: Sequence[Unit]) -> list[int]:
    """The cell whose output `_` is (`back` 1), or the one before it (`__`), and so
    on."""
    shown = [
        other.cell.cell.number
        for other in units
        if _shows(other) and _is_before(other, unit)
    ]
    # The slice ends before the next one, and is empty where there are not so many.
    return [
        number for number in shown[-back : len(shown) - back + 1] if number is not None
    ]


def _shows(unit: Unit) -> bool:
    return unit.displays and isinstance(unit.node, ast.Expr)


def _indices(node: ast.AST, name: str) -> list[int]:
    """The numbers in `Out[3]` and `In[4]`."""
    found = []
    for part in ast.walk(node):
        match part:
            case ast.Subscript(
                value=ast.Name(id=base), slice=ast.Constant(value=int(number))
            ) if base == name:
                found.append(number)
    return found


def _annotates(unit: Unit) -> int | None:
    """The number of the cell if the unit annotates a variable, and is not part of a
    skipped cell."""
    nodes = (
        ()
        if isinstance(unit.node, DEFINITIONS) or unit.role == "skip"
        else ast.walk(unit.node)
    )
    return (
        unit.cell.cell.number
        if any(isinstance(node, ast.AnnAssign) for node in nodes)
        else None
    )


def _is_before(other: Unit, unit: Unit) -> bool:
    return other.number < unit.number and other.cell.cell.id != unit.cell.cell.id
