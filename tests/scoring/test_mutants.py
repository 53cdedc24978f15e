"""Rules of the slicer, the tape and the proofs, switched off one at a time: the corpus
notices each."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas
import pytest

from jupyter_pipe.scoring import liveness, recording
from jupyter_pipe.scoring.liveness import Demand
from jupyter_pipe.scoring.model import Constant, ScoringRefusedError
from jupyter_pipe.scoring.proving import proofs
from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.scoring.tracing import frames, methods, recorder, selections
from jupyter_pipe.scoring.tracing.functions import FunctionTable
from jupyter_pipe.scoring.tracing.recorder import Recorder
from tests.scoring.harness import build
from tests.scoring.idioms import IDIOMS, ROWS, notebook_text
from tests.scoring.traps import TRAPS

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mutant:
    """`switch_off` breaks a rule; `cases` are names of idioms and traps of which at
    least one must notice."""

    name: str
    switch_off: Callable[[Patch], None]
    cases: tuple[str, ...]


def outcome(name: str) -> str:
    """What becomes of a case: `right`, `wrong` (accepted, other predictions than by
    hand), or `refused`."""
    for trap in TRAPS:
        if trap.name == name:
            return _verdict(notebook_text(trap.code, trap.model))[0]
    idiom = next(each for each in IDIOMS if each.name == name)
    verdict, built, names = _verdict(notebook_text(idiom.code, idiom.model))
    if verdict != "accepted":
        return verdict
    for row in ROWS:
        features = pandas.DataFrame([idiom.truth(row, names)])
        wanted = (
            idiom.answer(features, names)
            if idiom.answer
            else names["model"].predict(features)
        )
        try:
            found = built.scorer.score_records([row])
        except Exception:
            return "wrong"
        if not agree(found, list(wanted), exact=False):
            return "wrong"
    return "right"


def _verdict(text: str) -> tuple[str, Any, dict[str, Any]]:
    try:
        built, names = build(text)
    except (ScoringRefusedError, Exception):
        return "refused", None, {}
    return ("accepted" if built.passed else "refused"), built, names


# Switches


def unfrozen(patch: Patch) -> None:
    """Medians and means are computed anew of the rows that are scored."""
    note = Recorder.note

    def noted(
        self: Recorder,
        result: Any,
        build: Any,
        operands: Any,
        where: ast.AST,
        **rest: Any,
    ) -> Any:
        plain = isinstance(result, float) and self.known.of(result) is None
        if (
            rest.get("class_") == "aggregates"
            and plain
            and list(self.known.within(operands))
        ):
            operation = recorder._Operation(build, operands, where)
            return self._define(result, operation, None, "live")
        return note(self, result, build, operands, where, **rest)

    patch.setattr(Recorder, "note", noted)


def frozen_by_index(patch: Patch) -> None:
    """What has an entry for each row may be remembered, and proofs use the notebook's
    own index."""
    patch.setattr(recording, "_has_entry_for_each_row", lambda *_: False)
    patch.setattr(proofs, "with_fresh_index", lambda rows, start=0: rows.copy())


def selected_again(patch: Patch) -> None:
    """A selection is a selection in the scorer as well."""

    def some_rows(interpreter: Any, ref: Any, indexer: str, other: Any) -> ast.expr:
        return ast.parse(f"{ref.var}.iloc[::2]", mode="eval").body

    patch.setattr(selections, "_all_rows", some_rows)


def fitted_again(patch: Patch) -> None:
    """`fit_transform` stays what it is."""
    patch.setattr(methods, "_SUCCESSORS", {"fits-and-transforms": "fit_transform"})


def one_for_all_turns(patch: Patch) -> None:
    """What was frozen at a place is the same in every turn of a loop."""
    constant = Recorder.constant
    places: dict[str, Constant] = {}

    def first(self: Recorder, value: Any, name: str = "") -> Constant:
        kind = type(value).__name__
        made: Constant = places.setdefault(kind, constant(self, value, name))
        self.trace.constants.setdefault(made.name, made)
        return made

    patch.setattr(Recorder, "constant", first)


def not_protected(patch: Patch) -> None:
    """A fitted object is kept as the last fit left it."""
    patch.setattr(Recorder, "protect", lambda self, value: None)


def other_selections(patch: Patch) -> None:
    """Entries of different selections may meet."""
    patch.setattr(recorder, "_same_rows", lambda one, other: True)


def reading_functions(patch: Patch) -> None:
    """A function may look at all rows behind the scorer's back."""
    patch.setattr(FunctionTable, "find_rows_read", lambda *_, **__: None)


def no_clock(patch: Patch) -> None:
    """Today's date may be anything."""
    patch.setattr(recording, "find_clock", lambda *_: None)


def everything_lives(patch: Patch) -> None:
    """Nothing is left out of the scorer."""
    patch.setattr(
        "jupyter_pipe.scoring.codegen.live_instructions",
        lambda trace: trace.instructions,
    )


def changes_are_dead(patch: Patch) -> None:
    """What changes rows in place is left out."""
    patch.setattr(liveness, "_change", lambda *_: False)


def columns_are_dead(patch: Patch) -> None:
    """A column that is set is not needed before, even if it is made of itself."""
    patch.setattr(Demand, "__or__", lambda self, other: other)


def dropped_must_be_there(patch: Patch) -> None:
    """`drop` asks for the columns that it takes away."""
    drop = frames._drop

    def strict(interpreter: Any, *rest: Any) -> Any:
        result = drop(interpreter, *rest)
        for keyword in getattr(
            interpreter.recorder.trace.instructions[-1].node, "keywords", []
        ):
            if keyword.arg == "errors":
                keyword.value = ast.Constant("raise")
        return result

    patch.setitem(frames.CLASSES, "drops", strict)


def mixing_is_row_wise(patch: Patch) -> None:
    """The tables do not know what mixes rows, and no proof looks at single rows."""
    patch.setattr(Recorder, "_refusal_of", lambda *_: None)
    without("_single", "_others", "_order")(patch)


def without(*names: str) -> Callable[[Patch], None]:
    """These proofs are not asked for."""
    left = [each for each in proofs._PROOFS if each[1].__name__ not in names]
    assert len(left) == len(proofs._PROOFS) - len(names)
    return lambda patch: patch.setattr(proofs, "_PROOFS", left)


def no_proofs(patch: Patch) -> None:
    """A scorer is believed."""
    patch.setattr(proofs, "_PROOFS", proofs._PROOFS[:1])


def order_ignored(patch: Patch) -> None:
    """The positions of rows are counted from the beginning of a selection."""
    patch.setattr(
        selections,
        "_positions",
        lambda base, indexer, key, size: _count_up(base, indexer, key),
    )


def _count_up(base: Any, indexer: str, key: Any) -> Any:
    import numpy

    selected = getattr(base, indexer)[key] if indexer else base[key]
    return numpy.arange(len(selected)) if hasattr(selected, "__len__") else None


def aggregates_along_rows(patch: Patch) -> None:
    """A decision of the notebook is not frozen: the other branch is taken."""
    from jupyter_pipe.scoring.tracing.statements import Statements

    def other(self: Statements, node: ast.If, scope: Any) -> None:
        taken = bool(self.interpreter.value(node.test, scope))
        self.run(node.orelse if taken else node.body, scope)

    patch.setattr(Statements, "_if", other)


STEP = "gaps filled with the median"
MUTANTS = [
    Mutant("medians unfrozen", unfrozen, (STEP,)),
    Mutant("frozen by index", frozen_by_index, ("values remembered by index",)),
    Mutant(
        "a selection is not a copy",
        selected_again,
        ("outliers masked out, rows without area dropped",),
    ),
    Mutant(
        "fit_transform stays",
        fitted_again,
        ("StandardScaler, fitted and applied at once",),
    ),
    Mutant("one value for all turns", one_for_all_turns, ("apply down each column",)),
    Mutant(
        "fitted objects not protected",
        not_protected,
        ("one LabelEncoder for several columns",),
    ),
    Mutant(
        "selections mixed",
        other_selections,
        ("values of a selection, scored within it",),
    ),
    Mutant(
        "functions that read rows",
        reading_functions,
        ("a function that looks at all rows",),
    ),
    Mutant("the clock", no_clock, ("days until today",)),
    Mutant("no liveness", everything_lives, ("columns renamed, moved and dropped",)),
    Mutant("changes left out", changes_are_dead, (STEP,)),
    Mutant("demands forgotten", columns_are_dead, ("ratios and logarithms", STEP)),
    Mutant(
        "dropped columns asked for",
        dropped_must_be_there,
        ("columns renamed, moved and dropped",),
    ),
    Mutant(
        "mixing taken for row-wise",
        mixing_is_row_wise,
        ("ranks in the batch", "what stands twice"),
    ),
    Mutant("no proofs", no_proofs, ("a feature made of the target",)),
    Mutant("order ignored", order_ignored, ("train and test in one loop",)),
    Mutant("decisions not frozen", aggregates_along_rows, ("a decision on all rows",)),
    Mutant(
        "the target may be there",
        without("_absent"),
        ("the target under another name",),
    ),
    Mutant(
        "no row is tried alone",
        without("_single", "_steps", "_others"),
        ("an unknown function that looks at the batch",),
    ),
    Mutant(
        "one order of rows",
        without("_order", "_single", "_steps", "_others"),
        ("numbers of rows",),
    ),
]


@pytest.mark.thorough
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_rule_that_is_switched_off_is_noticed(
    mutant: Mutant, monkeypatch: Patch
) -> None:
    """With all rules idioms are right and traps refused; without one of them a case
    turns out otherwise."""
    traps = {trap.name for trap in TRAPS}
    mutant.switch_off(monkeypatch)
    noticed = [
        name
        for name in mutant.cases
        if outcome(name) != ("refused" if name in traps else "right")
    ]
    assert noticed
