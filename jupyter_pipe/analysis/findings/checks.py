"""What cannot keep the promise, found in facts and stages: each check yields
diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_pipe.analysis.findings.kernel_leftovers import check_left_behind
from jupyter_pipe.analysis.findings.report import cell_number, did_you_mean, report
from jupyter_pipe.analysis.world.environment import UNBOUND
from jupyter_pipe.analysis.world.heap import Library, LocalModule
from jupyter_pipe.analysis.world.world import BUILTINS, PATCHED
from jupyter_pipe.model import PACKAGES, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_pipe.analysis.dataflow.facts import Read, Unit
    from jupyter_pipe.analysis.dataflow.flows import StageFacts
    from jupyter_pipe.analysis.dataflow.replays import Definitions
    from jupyter_pipe.analysis.world.world import World
    from jupyter_pipe.model import Diagnostic

__all__ = ["check_stage", "check_units"]

LOST_GENERATORS = frozenset({"@keras.random"})
"""Generators that their library lets nobody read."""

UNSEEN = ("PIPE221", "PIPE223")
"""Reads of names that cannot be seen: no matter where there is nobody to receive them
from."""


def check_units(
    units: Sequence[Unit], definitions: Definitions
) -> Iterator[Diagnostic]:
    """Findings about single statements, whatever stage they are in."""
    defined = _first_definitions(units)
    execs = [
        unit for unit in units if any(f.code == "PIPE220" for f in unit.facts.findings)
    ]
    for unit in units:
        # Nothing in a skipped cell runs, but its draws are missing from the sequence.
        if unit.role == "skip":
            yield from _check_skipped_draws(unit, units)
            continue
        yield from _report_findings(unit, units)
        yield from _check_undefined(unit, defined, execs)
        for name, read in unit.facts.reads.items():
            yield from _check_read(unit, name, read, units, definitions)


def _first_definitions(units: Sequence[Unit]) -> dict[str, Unit]:
    """The first statement that binds each name."""
    defined: dict[str, Unit] = {}
    for unit in units:
        for name in unit.facts.bound:
            defined.setdefault(name, unit)
    return defined


def _report_findings(unit: Unit, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """What the interpreter found in the statement, but for what says nothing there."""
    # PIPE220 is told at the name that is missing, where it matters, not at each `exec`.
    silent = {"PIPE220"} if _comes_later(unit, units) else {"PIPE220", *UNSEEN}
    for found in unit.facts.findings:
        if found.code not in silent:
            yield report(found.code, unit, found.place, found.message, found.hint)


def _check_undefined(
    unit: Unit, defined: dict[str, Unit], execs: Sequence[Unit]
) -> Iterator[Diagnostic]:
    """Names that nothing above defines, unless an `exec` above in the same stage may
    have done it."""
    before = next((other for other in execs if other.number < unit.number), None)
    # In the stage of the `exec` itself the name may well be there when it runs.
    if before is None or before.stage != unit.stage:
        for name, read in unit.facts.undefined.items():
            yield _undefined(unit, name, read, defined, before)


def _comes_later(unit: Unit, units: Sequence[Unit]) -> bool:
    """Whether an earlier stage could have made what the unit reads unseen."""
    return any(other.stage not in {None, unit.stage} for other in units[: unit.number])


def _undefined(
    unit: Unit, name: str, read: Read, defined: dict[str, Unit], before: Unit | None
) -> Diagnostic:
    """The diagnostic for a name that nothing above defines: it may come from an `exec`,
    be defined further down, or be misspelled. A read that may never happen is reported
    as PIPE202."""
    message = (
        f"'{name}' is read in {cell_number(unit)}, but no earlier cell defines it."
    )
    hint = "Define it in a cell above, or fix the spelling."
    later = defined.get(name)
    code = "PIPE201"
    if before is not None:
        found = next(
            found for found in before.facts.findings if found.code == "PIPE220"
        )
        what = "`%run`" if "%run" in found.message else "`exec`"
        code = "PIPE220"
        message = f"'{name}' may come from {what} in {cell_number(before)}, which cannot be followed."
        hint = f"Write the code that {what} runs in the cell itself."
    # The name is defined further down: the notebook was run out of order.
    elif later is not None and later.number > unit.number:
        message = f"'{name}' is read in {cell_number(unit)}, but first defined below, in {cell_number(later)}."
        hint = f"Move {cell_number(later)} up: a pipeline runs the cells from top to bottom."
    else:
        message += did_you_mean(name, [*defined, *BUILTINS])
    # if debug: print(state): whoever never sets `debug` never needs `state`.
    if not read.certain and code == "PIPE201":
        code = "PIPE202"
    return report(code, unit, read.place, message, hint)


def _check_read(
    unit: Unit, name: str, read: Read, units: Sequence[Unit], definitions: Definitions
) -> Iterator[Diagnostic]:
    """Checks one read: of a name that was deleted, from a shared cell, of hidden state,
    or of what a skipped cell made."""
    # `certain`: under a condition the notebook's author may know that it is there.
    if read.sources == {UNBOUND} and read.certain:
        message = f"'{name}' is read in {cell_number(unit)}, but was deleted before."
        yield report(
            "PIPE203", unit, read.place, message, "Bind it again, or remove the `del`."
        )
    if unit.role == "shared" and not name.startswith("@"):
        yield from _check_shared_read(unit, name, read, units, definitions)
    yield from _check_hidden(unit, name, read, units, definitions)
    for source in sorted(read.sources):
        # `skip` is what an installation should have where the packages are there
        # already
        if source >= 0 and units[source].role == "skip" and name != PACKAGES:
            guessed = name.startswith(PATCHED)
            yield (_skipped_setting if guessed else _skipped)(
                unit, name, read, units[source]
            )
            return


def _check_hidden(
    unit: Unit, name: str, read: Read, units: Sequence[Unit], definitions: Definitions
) -> Iterator[Diagnostic]:
    """A star import of unknown names between a binding and its use may have hidden
    it."""
    makers = [source for source in read.sources if source >= 0]
    # A definition that is replayed is found by its own name, whatever a star import
    # brings.
    if not makers or any(definitions.kind(source) is not None for source in makers):
        return
    for star in definitions.unknown_stars:
        if max(makers) < star < unit.number:
            message = (
                f"'{name}' is read in {cell_number(unit)}, but the star import in {cell_number(units[star])} "
                "may have hidden it."
            )
            yield report(
                "PIPE224", unit, read.place, message, "Import the names that you use."
            )


def _check_shared_read(
    unit: Unit, name: str, read: Read, units: Sequence[Unit], definitions: Definitions
) -> Iterator[Diagnostic]:
    for source in read.sources:
        if (
            source < 0
            or units[source].role in {"parameter", "shared"}
            or definitions.available(source)
        ):
            continue
        maker = units[source].stage or "another stage"
        message = f"The shared {cell_number(unit)} reads '{name}', which stage '{maker}' makes."
        hint = "Shared cells run before any value arrives: make it a parameter, or untag the cell."
        yield report("PIPE206", unit, read.place, message, hint)


def _skipped(unit: Unit, name: str, read: Read, skipped: Unit) -> Diagnostic:
    kind = skipped.facts.writes[name].kind if name in skipped.facts.writes else "binds"
    verb = {"mutates": "changes", "deletes": "deletes"}.get(kind, "binds")
    # A file or a component has no write of that name in the skipped cell itself.
    message = (
        f"'{name}' is read in {cell_number(unit)}, but {cell_number(skipped)}, which {verb} it, "
        "is tagged 'skip'."
    )
    fix = Fix(
        f"Remove 'skip' from {cell_number(skipped)}",
        skipped.cell.cell.id,
        remove_tags=("skip",),
    )
    hint = (
        "Remove the `skip` tag, or read a value that the skipped cell does not touch."
    )
    return report("PIPE204", unit, read.place, message, hint, fixes=(fix,))


def _skipped_setting(unit: Unit, name: str, read: Read, skipped: Unit) -> Diagnostic:
    """What a skipped cell sets in a library is known by the names of functions only: a
    warning will do."""
    message = (
        f"{cell_number(unit).capitalize()} uses {name.removeprefix(PATCHED)}, which the skipped "
        f"{cell_number(skipped)} seems to set up; the pipeline does without that."
    )
    hint = f"Remove 'skip' from {cell_number(skipped)} if the setting matters."
    return report("PIPE303", unit, read.place, message, hint)


def _check_skipped_draws(unit: Unit, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    for component, place in unit.facts.draws.items():
        # Unseeded draws differ on each run anyway.
        seeded = any(component in other.facts.seeds for other in units[: unit.number])
        used = any(
            component in other.facts.draws
            for other in units[unit.number :]
            if other.role != "skip"
        )
        if seeded and used:
            message = (
                f"The skipped {cell_number(unit)} draws from {component[1:]}, so later cells draw other "
                "numbers in the notebook than in the pipeline."
            )
            yield report(
                "PIPE303",
                unit,
                place,
                message,
                "Seed again below it, or use a generator of its own.",
            )


def check_stage(
    stage: StageFacts, units: Sequence[Unit], world: World, definitions: Definitions
) -> Iterator[Diagnostic]:
    """Findings about what one stage needs from others."""
    for name in sorted(stage.values):
        if name in stage.first and not name.startswith(("@", "file:")):
            yield from _check_module(stage, name, units, world)
            yield from _check_transport(stage, name, units, world)
        if name.startswith("@process."):
            yield _changed_process(stage, name, units)
        if name in LOST_GENERATORS:
            yield _drawn_elsewhere(stage, name, units, definitions)
    yield from _check_replays(stage, units)
    yield from _check_sets(stage, world)
    yield from check_left_behind(stage, units, world, definitions)


def _check_module(
    stage: StageFacts, name: str, units: Sequence[Unit], world: World
) -> Iterator[Diagnostic]:
    """State of a module that a stage changed and another uses, by whatever name it has
    it."""
    unit, _ = stage.first[name]
    read = unit.facts.reads[name]
    makers = [source for source in sorted(read.sources - stage.numbers) if source >= 0]
    changers = [
        units[source]
        for source in makers
        # Importing is no change; only an assignment into the module, `config.N = 2`,
        # is.
        if units[source].facts.writes[name].kind == "mutates"
    ]
    if changers and any(world.is_of_module(value) for value in read.values):
        is_module = any(
            isinstance(value.payload, (Library, LocalModule)) for value in read.values
        )
        what = (
            f"the module '{name}'" if is_module else f"the module that '{name}' is of"
        )
        yield from (_changed_module(stage, name, changer, what) for changer in changers)


def _changed_module(stage: StageFacts, name: str, unit: Unit, what: str) -> Diagnostic:
    message = (
        f"{cell_number(unit).capitalize()} changes {what}, and stage '{stage.name}' uses it; "
        "modules do not travel between stages."
    )
    hint = "Keep the value in a variable, or tag the cell that changes the module `shared`."
    return report("PIPE211", unit, unit.facts.writes[name].place, message, hint)


def _changed_process(stage: StageFacts, name: str, units: Sequence[Unit]) -> Diagnostic:
    """State of a library that no kernel can hand to the next."""
    unit, _ = stage.first[name]
    # The last one: earlier changes may have been undone by it.
    source = max(
        source
        for source in unit.facts.reads[name].sources - stage.numbers
        if source >= 0
    )
    return _changed_module(
        stage, name, units[source], f"the module '{name.removeprefix('@process.')}'"
    )


def _drawn_elsewhere(
    stage: StageFacts, name: str, units: Sequence[Unit], definitions: Definitions
) -> Diagnostic:
    """A generator that nobody can read: only the first stage that draws after the seed
    gets its numbers."""
    unit, place = stage.first[name]
    sources = sorted(unit.facts.reads[name].sources - stage.numbers)
    drawer = next(
        units[n] for n in reversed(sources) if n >= 0 and definitions.kind(n) is None
    )
    message = (
        f"{cell_number(unit).capitalize()} draws from the generator of {name[1:].partition('.')[0]}, which "
        f"{cell_number(drawer)}, in another stage, has used since it was seeded; it does not travel."
    )
    hint = f"Seed again at the top of stage '{stage.name}', or put both cells in one stage."
    return report("PIPE211", unit, place, message, hint)


def _check_replays(stage: StageFacts, units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """Definitions of other stages run first of all, before the stage's own cells that
    they need."""
    cells = set(stage.cells)
    for number in sorted(stage.replays):
        unit = units[number]
        for name, read in unit.facts.reads.items():
            makers = [units[source] for source in sorted(read.sources) if source >= 0]
            own = [
                # Leading code is replayed in its order; a tagged cell of the stage runs
                # after all of it.
                maker
                for maker in makers
                if maker.cell.cell.id in cells and maker.role == "stage"
            ]
            if own and unit.stage is not None and unit.stage != stage.name:
                message = (
                    f"{cell_number(unit).capitalize()} of stage '{unit.stage}' must run between the cells of "
                    f"stage '{stage.name}', because of '{name}'; but all cells of a stage run together."
                )
                hint = f"Give the cells of stage '{stage.name}' below {cell_number(unit)} a stage of their own."
                yield report("PIPE208", unit, read.place, message, hint)


def _check_transport(
    stage: StageFacts, name: str, units: Sequence[Unit], world: World
) -> Iterator[Diagnostic]:
    """Reports an input that is, or directly holds, an object that cannot be stored,
    such as a database connection, at the cell that makes it."""
    unit, _ = stage.first[name]
    read = unit.facts.reads[name]
    bad = _untransportable(read, world)
    makers = [
        units[source] for source in sorted(read.sources - stage.numbers) if source >= 0
    ]
    # A read under a condition may never ask for the value: the kernel tells when it
    # does.
    if bad is None or not makers or not read.certain:
        return
    type_, reason = bad
    maker = makers[0]
    message = (
        f"'{name}' cannot travel from stage '{maker.stage}' to stage '{stage.name}', which reads it in "
        f"{cell_number(unit)}: it is a {type_.rpartition('.')[2]}, and {reason}."
    )
    hint = f"Build '{name}' in stage '{stage.name}', or put both cells in one stage."
    place = maker.facts.bound.get(name) or maker.facts.writes[name].place
    yield report("PIPE207", maker, place, message, hint)


def _untransportable(read: Read, world: World) -> tuple[str, str] | None:
    """The first type that cannot be stored, of the values read, their parts and keys,
    with the reason."""
    parts = {part for value in read.values for part in world.heap.load(value, "*")}
    held = (
        # `{conn: 1}`: keys are held as well as values.
        set(read.values)
        | parts
        | {key for value in read.values for key in value.fields.get("keys", ())}
    )
    for type_ in sorted({value.type for value in held if value.type}):
        reason = world.knowledge.untransportable(type_)
        if reason:
            return type_, reason
    return None


def _check_sets(stage: StageFacts, world: World) -> Iterator[Diagnostic]:
    reported: set[str] = set()
    for unit in stage.units:
        for value, place in unit.facts.iterated_sets.items():
            # Whatever the name is: the set is what loops see, also through `for x in
            # self.seen`.
            for name in sorted(world.names.holders.get(value, ())):
                if name in stage.values and name not in reported:
                    reported.add(name)
                    message = (
                        f"{cell_number(unit).capitalize()} iterates over the set '{name}' of another stage; "
                        "its order may not survive the trip."
                    )
                    yield report(
                        "PIPE301", unit, place, message, f"Use `sorted({name})`."
                    )
