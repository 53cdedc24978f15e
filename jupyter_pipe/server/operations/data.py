"""The page *Data*: what the values of the newest run looked like, and whether that is
as contracts say."""

from __future__ import annotations

from jupyter_pipe.artifacts.profile_record import ColumnProfile, Profile
from jupyter_pipe.contracts import (
    ColumnRule,
    Contract,
    Judgement,
    judge,
    judgement_lines,
    read_contract,
)
from jupyter_pipe.contracts.distributions import (
    compared_shares,
    is_numeric,
    quantile,
    stability_index,
)
from jupyter_pipe.contracts.wording import number_text, share_text
from jupyter_pipe.errors import PipeError
from jupyter_pipe.model import Pipeline
from jupyter_pipe.runs.data.profiles import ValueProfile, read_profiles
from jupyter_pipe.runs.model import Run
from jupyter_pipe.server.operations.payloads import (
    BatchShown,
    ColumnShown,
    ContractState,
    DataPage,
    ValueShown,
)
from jupyter_pipe.server.operations.places import Place

__all__ = ["column_shown", "data_page", "value_shown"]

# A page with thousands of columns would take the browser seconds.
_MOST_COLUMNS = 200
_MOST_TOP = 8
_MOST_FINDINGS = 50
_DISTRIBUTIONS_DIFFER = (ArithmeticError, LookupError, ValueError)


def data_page(place: Place) -> DataPage:
    """Of the newest run of the notebook that left values."""
    for run in place.runs():
        values = read_profiles(place.store.folder(run.run_id), run)
        if values and run.is_final:
            return _page(place, run, values)
    return DataPage("", None, ())


def _page(place: Place, run: Run, values: list[ValueProfile]) -> DataPage:
    problems: list[str] = []
    shown: list[ValueShown] = []
    for each, is_watched in _with_tags(place, run, values):
        contract: Contract | None = None
        try:
            contract = (
                read_contract(place.notebook, each.name)
                if is_watched and place.notebook
                else None
            )
        except PipeError as error:
            problems.append(place.sentence(error))
        shown.append(value_shown(each, contract, is_watched=is_watched))
    # What somebody watches comes first, and of that what is wrong.
    order = ("broken", "unjudged", "missing", "kept", "none")
    shown.sort(key=lambda value: order.index(value.contract))
    return DataPage(run.run_id, run.finished, tuple(shown), " ".join(problems))


def _with_tags(
    place: Place, run: Run, values: list[ValueProfile]
) -> list[tuple[ValueProfile, bool]]:
    """Each value, and whether a tag of its stage watches it. A name that a later stage
    leaves again is another value."""
    try:
        pipeline: Pipeline | None = place.store.read_pipeline(run.run_id)
    except PipeError:
        pipeline = None
    stages = pipeline.stages if pipeline else ()
    watched = {(stage.name, name) for stage in stages for name in stage.options.watched}
    return [(value, (value.stage, value.name) in watched) for value in values]


def value_shown(
    found: ValueProfile, contract: Contract | None, *, is_watched: bool
) -> ValueShown:
    """A value with its judgement. Pure."""
    profile = found.profile
    judgement = judge(contract, profile) if contract else None
    by = contract.by if contract else ""
    rules = {rule.name: rule for rule in contract.columns} if contract else {}
    broken: dict[str, list[str]] = {}
    for breach in judgement.breaches if judgement else ():
        where = f"{by} {breach.batch}: " if breach.batch else ""
        broken.setdefault(breach.column, []).append(
            f"{where}expected {breach.expected}; found {breach.found}"
        )
    lines = judgement_lines(judgement, by)[:_MOST_FINDINGS] if judgement else []
    return ValueShown(
        stage=found.stage,
        name=found.name,
        type=profile.type,
        rows=profile.rows,
        contract=_state(judgement, is_watched=is_watched),
        policy=contract.policy if contract else "",
        by=by,
        columns=tuple(
            column_shown(
                column, rules.get(column.name), tuple(broken.get(column.name, ()))
            )
            for column in profile.columns[:_MOST_COLUMNS]
        ),
        columns_left_out=profile.left_out
        + max(0, len(profile.columns) - _MOST_COLUMNS),
        findings=tuple(lines),
        batches=len(profile.batches),
        last=_last_batch(profile, judgement),
    )


def _state(judgement: Judgement | None, *, is_watched: bool) -> ContractState:
    if judgement is None:
        return "missing" if is_watched else "none"
    if judgement.missing:
        return "unjudged"
    return "kept" if judgement.passed else "broken"


def _last_batch(profile: Profile, judgement: Judgement | None) -> BatchShown | None:
    if not profile.batches:
        return None
    # Batches stand in the order in which they came.
    name, part = list(profile.batches.items())[-1]
    breaches = judgement.breaches if judgement else ()
    problems = [
        f"{each.column or 'rows'}: expected {each.expected}; found {each.found}"
        for each in breaches
        if each.batch == name
    ]
    return BatchShown(name, part.rows or 0, tuple(problems))


def column_shown(
    column: ColumnProfile, rule: ColumnRule | None, problems: tuple[str, ...]
) -> ColumnShown:
    """A column as its profile has it, and what its rule asks. Pure."""
    numeric = is_numeric(column)
    return ColumnShown(
        name=column.name,
        type=column.type,
        rows=column.filled + column.nulls,
        nulls=column.nulls,
        distinct=column.distinct,
        low=column.quantiles[0] if numeric else None,
        middle=quantile(column, 0.5) if numeric else None,
        high=column.quantiles[-1] if numeric else None,
        histogram=column.histogram,
        top=column.top[:_MOST_TOP],
        drift=_drift(column, rule),
        limit=rule.drift if rule else None,
        expected=_expected(rule) if rule else "",
        problems=problems,
    )


def _drift(column: ColumnProfile, rule: ColumnRule | None) -> float | None:
    """The stability index against the contract's reference; None where the two cannot
    be compared."""
    if rule is None or rule.reference is None or not column.filled:
        return None
    if rule.reference.quantiles and not is_numeric(column):
        return None
    try:
        return stability_index(*compared_shares(rule.reference, column))
    except _DISTRIBUTIONS_DIFFER:
        return None


def _expected(rule: ColumnRule) -> str:
    """What the contract says of a column, in phrases."""
    parts: list[str] = [rule.type or ""]
    if rule.low is not None or rule.high is not None:
        low, high = (
            "any" if end is None else number_text(end) for end in (rule.low, rule.high)
        )
        parts.append(f"{low} to {high}")
    if rule.categories:
        parts.append(f"one of {len(rule.categories)} values")
    if rule.nulls is not None:
        parts.append(
            "no missing values"
            if rule.nulls == 0
            else f"at most {share_text(rule.nulls)} missing"
        )
    if rule.optional:
        parts.append("may be absent")
    return ", ".join(filter(None, parts))
