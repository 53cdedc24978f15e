"""The proofs that a scorer gives what the notebook gives. Takes values, gives verdicts;
a bundle needs them all.

Every proof gives the rows an index that the notebook has never seen: with the
notebook's own index, rows that were memorised would be found again by their label, and
a wrong scorer would pass.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from jupyter_pipe.scoring.columns import RowsForm, to_records
from jupyter_pipe.scoring.model import Instruction, Place
from jupyter_pipe.scoring.proving.comparison import agree, first_difference
from jupyter_pipe.scoring.scorer import Scorer, count_rows
from jupyter_pipe.scoring.tracing.shapes import is_instance

__all__ = [
    "Proof",
    "ProofSubject",
    "optional_columns",
    "prove",
    "take",
    "with_fresh_index",
]

# Each is scored by itself, which may take as long as a batch.
MOST_SINGLE_ROWS = 60
MOST_ROWS = 5000
MOST_STEPPED_ROWS = 100
# Far above the labels that notebooks count to.
_FRESH = 2_000_000_011
_UNSEEDED = (
    "run again, the notebook gives other predictions ({}), since it draws without a seed: give one "
    "(random_state=0), or fit the model in a stage of its own, whose result is kept"
)


class Proof(Struct, frozen=True):
    """One proof: what it shows, whether it holds, and where it does not, the cause and
    the place."""

    name: str
    passed: bool
    detail: str = ""
    place: Place | None = None


class ProofSubject(Struct, frozen=True):
    """What is proved: a scorer against one run of the notebook.

    `rows` are all raw rows, `positions` those that the notebook scored, in its order,
    `score` the predictions when the scorer was recorded, `truth` the notebook's own.
    `absent` are the target and key columns. `exact` asks for equal bits, otherwise
    numbers agree to 1e-9. `lines` are those of the module, for places; `chance` is
    where the notebook draws without a seed.
    """

    scorer: Scorer
    rows: Any
    positions: Any
    score: Any
    truth: Any
    absent: tuple[str, ...] = ()
    exact: bool = False
    lines: tuple[Instruction, ...] = ()
    chance: Place | None = None


def prove(subject: ProofSubject) -> tuple[Proof, ...]:
    """All proofs that need one process. They stop at the first that fails: the others
    would fail as well."""
    found: list[Proof] = []
    for name, proof in _PROOFS:
        try:
            verdict = proof(subject)
        except Exception as error:
            verdict = Proof(name, False, f"{type(error).__name__}: {error}")
        found.append(Proof(name, verdict.passed, verdict.detail, verdict.place))
        if not verdict.passed:
            break
    return tuple(found)


# Rows


def take(rows: Any, positions: Iterable[int]) -> Any:
    """These rows, in this order."""
    chosen = [int(position) for position in positions]
    if hasattr(rows, "iloc"):
        return rows.iloc[chosen]
    if hasattr(rows, "tocsr"):
        return rows.tocsr()[chosen]
    return (
        [rows[position] for position in chosen]
        if isinstance(rows, list)
        else rows[chosen]
    )


def with_fresh_index(rows: Any, start: int = _FRESH) -> Any:
    """The rows under labels that nobody has seen, in falling order."""
    if not is_instance(rows, "pandas", "DataFrame", "Series"):
        return copy.deepcopy(rows)
    made = rows.copy()
    made.index = range(start, start - len(rows), -1)
    return made


def _sample(subject: ProofSubject, most: int = MOST_ROWS) -> Any:
    """Places among the scored rows, spread evenly."""
    import numpy

    size = len(subject.positions)
    return numpy.unique(numpy.linspace(0, size - 1, min(size, most)).astype(int))


def _scored(subject: ProofSubject, places: Any) -> Any:
    return with_fresh_index(take(subject.rows, subject.positions[places]))


# Proofs


def _record(subject: ProofSubject) -> Proof:
    difference = first_difference(subject.score, subject.truth, subject.exact)
    if difference is None:
        return Proof("", True)
    if subject.chance is None:
        return Proof(
            "",
            False,
            f"followed step by step, the notebook gives other predictions: {difference}",
        )
    return Proof("", False, _UNSEEDED.format(difference), subject.chance)


def _replay(subject: ProofSubject) -> Proof:
    places = _sample(subject)
    found = subject.scorer.score(_scored(subject, places))
    return _compared(subject, found, take(subject.score, places), places)


def _order(subject: ProofSubject) -> Proof:
    import numpy

    # A fixed seed: a proof that fails fails again.
    places = numpy.random.default_rng(7).permutation(_sample(subject))
    found = subject.scorer.score(_scored(subject, places))
    return _compared(subject, found, take(subject.score, places), places)


def _single(subject: ProofSubject) -> Proof:
    for place in _sample(subject, MOST_SINGLE_ROWS):
        rows = with_fresh_index(
            take(subject.rows, [subject.positions[place]]), _FRESH + 7 * int(place)
        )
        found = subject.scorer.score(rows)
        if not agree(found, take(subject.score, [place]), subject.exact):
            return _parted(subject, rows, int(place))
    return Proof("", True)


def _steps(subject: ProofSubject) -> Proof:
    """Each line by itself: predictions can agree by chance, as a tree asks few of the
    values it is given."""
    places = _sample(subject, MOST_STEPPED_ROWS)
    batch = _scored(subject, places)
    together = [value for _, value in subject.scorer.steps(batch)]
    for place in range(0, len(places), max(len(places) // 6, 1)):
        for number, alone in subject.scorer.steps(take(batch, [place])):
            if not _is_same_step(alone, together[number], place, len(places)):
                detail = "a row alone has another value here than in the batch"
                return Proof(
                    "",
                    False,
                    detail,
                    subject.lines[number].place if subject.lines else None,
                )
    return Proof("", True)


def _is_same_step(alone: Any, together: Any, place: int, size: int) -> bool:
    # Labels may differ: rows are counted anew where the notebook does so.
    comparable = (
        count_rows(alone) == 1
        and count_rows(together) == size
        and not isinstance(alone, tuple)
    )
    if not comparable or is_instance(alone, "pandas", "Index"):
        return True
    return agree(alone, take(together, [place]), exact=False)


def _others(subject: ProofSubject) -> Proof:
    """Rows that the notebook did not score, and rows with gaps: alone they get what
    they get in a batch."""
    for rows in _unscored(subject):
        alone: list[Any] = []
        fit: list[int] = []
        for number in range(count_rows(rows)):
            with contextlib.suppress(Exception):
                alone.append(
                    subject.scorer.score(with_fresh_index(take(rows, [number])))
                )
                fit.append(number)
        if not fit:
            continue
        together = subject.scorer.score(with_fresh_index(take(rows, fit)))
        for number, one in enumerate(alone):
            if not agree(take(together, [number]), one, subject.exact):
                return Proof(
                    "",
                    False,
                    "a row that the notebook did not score gets another prediction alone",
                )
    return Proof("", True)


def _unscored(subject: ProofSubject, most: int = 12) -> Iterable[Any]:
    import numpy

    # Such as the rows that the notebook fitted on.
    left = numpy.setdiff1d(numpy.arange(count_rows(subject.rows)), subject.positions)
    if len(left):
        yield take(subject.rows, left[:: max(len(left) // most, 1)][:most])
    if is_instance(subject.rows, "pandas", "DataFrame"):
        some = subject.positions[_sample(subject, 6)]
        for column in subject.rows.columns:
            rows = take(subject.rows, some).copy()
            rows[column] = (
                None if subject.rows[column].dtype.kind not in "iub" else rows[column]
            )
            with contextlib.suppress(TypeError, ValueError):
                rows[column] = rows[column].astype(subject.rows[column].dtype)
            yield rows


def _absent(subject: ProofSubject) -> Proof:
    if not hasattr(subject.rows, "columns"):
        return Proof("", True)
    places = _sample(subject)
    rows = _scored(subject, places)
    names = [name for name in subject.absent if name in rows.columns]
    left = (
        rows.drop(names)
        if is_instance(rows, "polars", "DataFrame")
        else rows.drop(columns=names)
    )
    try:
        found = subject.scorer.score(left)
    except Exception:
        detail = (
            f"the predictions need {' or '.join(names)}, not known when a row is scored"
        )
        return Proof("", False, detail, _line_of_failure(subject, left))
    verdict = _compared(subject, found, take(subject.score, places), places)
    detail = f"without {', '.join(names)} the predictions are others"
    return verdict if verdict.passed else Proof("", False, detail)


def _json(subject: ProofSubject) -> Proof:
    places = _sample(subject, 500)
    text = json.dumps(to_records(_scored(subject, places), subject.scorer.form))
    found = subject.scorer.score_records(json.loads(text))
    return _compared(subject, found, take(subject.score, places), places)


def _twice(subject: ProofSubject) -> Proof:
    places = _sample(subject, 500)
    rows = _scored(subject, places)
    before = copy.deepcopy(rows)
    first = subject.scorer.score(rows)
    again = subject.scorer.score(rows)
    if not agree(first, again, exact=True):
        return Proof(
            "",
            False,
            "the same rows get other predictions the second time",
            _drifting(subject, rows, rows),
        )
    same = to_records(rows, subject.scorer.form) == to_records(
        before, subject.scorer.form
    )
    return Proof("", same, "" if same else "scoring changes the rows that it is given")


_PROOFS: Sequence[tuple[str, Callable[[ProofSubject], Proof]]] = (
    ("the code, followed step by step, gives the notebook's predictions", _record),
    ("the scorer repeats the notebook's predictions", _replay),
    ("the order of the rows does not matter", _order),
    ("the same rows get the same predictions twice", _twice),
    ("one row at a time equals the batch", _single),
    ("so does each step of it", _steps),
    ("other rows, also with gaps, get alone what they get in a batch", _others),
    ("target and key may be absent", _absent),
    ("rows may come as JSON", _json),
)


# Where it fails


def _compared(subject: ProofSubject, found: Any, wanted: Any, places: Any) -> Proof:
    difference = first_difference(found, wanted, subject.exact)
    if difference is None:
        return Proof("", True)
    return Proof("", False, difference, _place_of(subject, places))


def _place_of(subject: ProofSubject, places: Any) -> Place | None:
    """The first line that gives other values alone, the second time, or under another
    index."""
    rows = take(subject.rows, [subject.positions[places[0]]])
    place = _parted(subject, with_fresh_index(rows), int(places[0])).place
    known = take(subject.rows, subject.positions[places])
    return (
        place
        or _drifting(subject, known, known)
        or _drifting(subject, known, with_fresh_index(known))
    )


def _parted(subject: ProofSubject, rows: Any, place: int) -> Proof:
    detail = "a row alone gets another prediction than in the batch"
    batch = with_fresh_index(take(subject.rows, subject.positions))
    with contextlib.suppress(Exception):
        for (number, alone), (_, together) in zip(
            subject.scorer.steps(rows), subject.scorer.steps(batch), strict=True
        ):
            comparable = count_rows(alone) == 1 and count_rows(together) == len(
                subject.positions
            )
            if comparable and not agree(alone, take(together, [place]), exact=False):
                return Proof("", False, detail, subject.lines[number].place)
    return Proof("", False, detail)


def _line_of_failure(subject: ProofSubject, rows: Any) -> Place | None:
    done = 0
    with contextlib.suppress(Exception):
        for _ in subject.scorer.steps(rows):
            done += 1
    return subject.lines[done].place if done < len(subject.lines) else None


def _drifting(subject: ProofSubject, rows: Any, others: Any) -> Place | None:
    """The first line that gives other values for two sets of rows that should get the
    same."""
    with contextlib.suppress(Exception):
        for (number, one), (_, other) in zip(
            subject.scorer.steps(rows), subject.scorer.steps(others), strict=True
        ):
            if count_rows(one) and not agree(one, other, exact=True):
                return subject.lines[number].place
    return None


def optional_columns(subject: ProofSubject, form: RowsForm) -> tuple[str, ...]:
    """The columns whose absence changes no prediction of the notebook's rows."""
    if not hasattr(subject.rows, "columns"):
        return ()
    places = _sample(subject, 300)
    rows = _scored(subject, places)
    wanted = take(subject.score, places)
    names = []
    for column in form.columns:
        left = (
            rows.drop(column.name)
            if form.form == "polars"
            else rows.drop(columns=column.name)
        )
        with contextlib.suppress(Exception):
            if agree(subject.scorer.score(left), wanted, subject.exact):
                names.append(column.name)
    return tuple(names)
