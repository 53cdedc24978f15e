"""Judges a profile by a contract: everything that is not as it should be, each with a
guess. Pure.

`judge` is the entry. A contract that says `by` is held against each batch: pooled, a
bad week of forty hides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jupyter_pipe.artifacts.profile_record import ColumnProfile, Profile
from jupyter_pipe.contracts.distributions import (
    chance_index,
    compared_shares,
    is_numeric,
    share_below,
    stability_index,
)
from jupyter_pipe.contracts.guesses import (
    guess_missing_column,
    guess_new_texts,
    guess_numbers,
    guess_type,
)
from jupyter_pipe.contracts.model import Breach, ColumnRule, Contract, Guess, Judgement
from jupyter_pipe.contracts.units import find_factor
from jupyter_pipe.contracts.wording import moment_text, number_text, share_text

__all__ = ["judge", "lacks"]

_SHOWN = 4
# Three times what two samples of one distribution differ by on average.
_CHANCE = 3.0


def judge(contract: Contract, profile: Profile | None) -> Judgement:
    """What of the value is not as the contract says."""
    missing = lacks(contract, profile)
    if missing or profile is None:
        return Judgement(contract.name, contract.policy, missing=missing)
    # Batches are judged one by one, a value without `by` as one nameless batch.
    parts = profile.batches if contract.by else {"": profile}
    breaches = [
        breach
        for batch, part in parts.items()
        for breach in _judge_part(contract, part, batch)
    ]
    return Judgement(
        contract.name, contract.policy, tuple(breaches), batches=len(profile.batches)
    )


def lacks(contract: Contract, profile: Profile | None) -> str:
    """What a profile does not tell that the contract asks, as a phrase; empty if it
    tells all."""
    if profile is None:
        return "it was not stored, so it has no profile"
    if not profile.columns:
        return (
            f"it is a {profile.type}, which has no columns" if contract.columns else ""
        )
    if contract.by and not profile.column(contract.by):
        return f"it has no column '{contract.by}'"
    if contract.by and not (profile.by == contract.by and profile.batches):
        return f"it was not profiled by {contract.by}"
    # The key was looked at only if the profile was asked for it.
    parts = list(profile.batches.values()) if contract.by else [profile]
    return (
        ""
        if all(_knows_key(contract, part) for part in parts)
        else "its key was not looked at"
    )


def _knows_key(contract: Contract, profile: Profile) -> bool:
    """A key of columns that are not there is not asked about: that they are missing is
    told."""
    if not contract.key or ",".join(contract.key) in profile.duplicates:
        return True
    return not all(profile.column(name) for name in contract.key)


def _judge_part(contract: Contract, profile: Profile, batch: str) -> Iterator[Breach]:
    """Yields every breach in one batch, or in the whole value: rows, key, each column
    that has a rule, and columns that nobody listed."""
    yield from _rows(contract, profile, batch)
    yield from _key(contract, profile, batch)
    for rule in contract.columns:
        column = profile.column(rule.name)
        if column is not None:
            yield from _judge_column(rule, column, contract, profile, batch)
        elif not rule.optional:
            guess = guess_missing_column(rule, contract, profile)
            expected = f"a column of {rule.type}" if rule.type else "a column"
            yield Breach("missing", expected, "no such column", rule.name, batch, guess)
    # `extra: refuse`: columns that nobody listed.
    if not contract.extra:
        for column in profile.columns:
            if contract.column(column.name) is None:
                found = f"a column of {column.type}"
                yield Breach(
                    "extra", "no column that is not listed", found, column.name, batch
                )


def _rows(contract: Contract, profile: Profile, batch: str) -> Iterator[Breach]:
    least, most = contract.rows
    rows = profile.rows or 0
    if least is not None and rows < least:
        guess = Guess("truncated", "rows are missing: was the file cut off?")
        yield Breach("rows", f"at least {least:,} rows", f"{rows:,}", "", batch, guess)
    if most is not None and rows > most:
        guess = Guess("repeated", "rows are there twice")
        yield Breach("rows", f"at most {most:,} rows", f"{rows:,}", "", batch, guess)


def _key(contract: Contract, profile: Profile, batch: str) -> Iterator[Breach]:
    repeated = profile.duplicates.get(",".join(contract.key), 0) if contract.key else 0
    if repeated:
        rows = (
            "1 row that repeats" if repeated == 1 else f"{repeated:,} rows that repeat"
        )
        names = ", ".join(contract.key)
        yield Breach(
            "key",
            "no two rows with the same key",
            f"{rows} an earlier one",
            names,
            batch,
        )


def _judge_column(
    rule: ColumnRule,
    column: ColumnProfile,
    contract: Contract,
    profile: Profile,
    batch: str,
) -> Iterator[Breach]:
    """What is wrong with the values is told once: by the first rule that they break."""
    nulls = _nulls(rule, column, batch)
    if nulls is not None:
        yield nulls
    # Empty: what its values are like cannot be asked.
    if not column.filled:
        return
    for check in _CHECKS:
        found = check(rule, column, contract, profile)
        if found is not None:
            name, expected, what, guess = found
            yield Breach(name, expected, what, rule.name, batch, guess)
            return


def _nulls(rule: ColumnRule, column: ColumnProfile, batch: str) -> Breach | None:
    total = column.nulls + column.filled
    share = column.nulls / total if total else 0.0
    if rule.nulls is None or share <= rule.nulls:
        # An empty batch has no share of missing values.
        return None
    guess = (
        Guess("empty", "the column is empty") if total and not column.filled else None
    )
    expected = (
        "no missing values"
        if rule.nulls == 0
        else f"at most {share_text(rule.nulls)} missing"
    )
    return Breach(
        "nulls", expected, f"{share_text(share)} missing", rule.name, batch, guess
    )


Finding = tuple[str, str, str, Guess | None]
Check = Callable[[ColumnRule, ColumnProfile, Contract, Profile], Finding | None]


def _type(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    if rule.type is None or _fits(rule, column):
        return None
    found = (
        f"{column.type} ({', '.join(column.parts)})" if column.parts else column.type
    )
    return "type", rule.type, found, guess_type(rule, column, contract)


def _fits(rule: ColumnRule, column: ColumnProfile) -> bool:
    """Whole numbers fit a column of floats; they become floats themselves where some
    are missing."""
    if rule.type == column.type:
        return True
    if rule.type == "float":
        return column.type == "int"
    # The first and the last quantile are the smallest and largest value.
    whole = is_numeric(column) and all(
        value.is_integer() for value in column.quantiles[:: len(column.quantiles) - 1]
    )
    return rule.type == "int" and column.type == "float" and whole


def _encoding(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    if not column.garbled or (
        rule.reference is None and not rule.shapes and not rule.categories
    ):
        return None
    return (
        "encoding",
        "readable texts",
        f"{share_text(column.garbled / column.filled)} with signs of another encoding",
        guess_new_texts((), rule, column, contract),
    )


def _range(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    if not is_numeric(column):
        return None
    beyond = _share_beyond(rule, column)
    if beyond <= rule.outside:
        return None
    show = moment_text if column.type == "datetime" else number_text
    allowed = f", but for {share_text(rule.outside)}" if rule.outside else ""
    # A range that is open on one side is shown with "any".
    low, high = (("any" if end is None else show(end)) for end in (rule.low, rule.high))
    found = f"{show(column.quantiles[0])} to {show(column.quantiles[-1])}, {share_text(beyond)} outside"
    return (
        "range",
        f"{low} to {high}{allowed}",
        found,
        guess_numbers(rule, column, contract, profile),
    )


def _share_beyond(rule: ColumnRule, column: ColumnProfile) -> float:
    """The share of values outside the range, at least that of one row if there is
    any."""
    one = 1 / column.filled
    beyond = 0.0
    if rule.low is not None and column.quantiles[0] < rule.low:
        beyond += max(share_below(column, rule.low), one)
    if rule.high is not None and column.quantiles[-1] > rule.high:
        beyond += max(1 - share_below(column, rule.high), one)
    return beyond


def _categories(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    """The breach if too many rows hold a text that is not among the categories. Texts
    beyond the most frequent ones are only counted, so the finding may say "many
    others"."""
    if not rule.categories:
        return None
    known = set(rule.categories)
    new = [(value, count) for value, count in column.top if value not in known]
    listed = sum(count for _, count in column.top)
    # Rows whose text is not among those that were listed count as new.
    share = (sum(count for _, count in new) + column.filled - listed) / column.filled
    if share <= rule.unseen:
        return None
    texts = [value for value, _ in new]
    shown = ", ".join(map(repr, texts[:_SHOWN])) + (" …" if len(texts) > _SHOWN else "")
    found = f"{shown or 'many others'} in {share_text(share)} of the rows"
    expected = "one of " + ", ".join(map(repr, rule.categories[:_SHOWN]))
    expected += (
        f" and {len(rule.categories) - _SHOWN} more"
        if len(rule.categories) > _SHOWN
        else ""
    )
    return "categories", expected, found, guess_new_texts(texts, rule, column, contract)


def _shapes(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    """The breach if too many texts have another shape than those that were seen, such
    as `9/9` where there was only `9-9`."""
    if not rule.shapes or not column.shapes:
        return None
    total = sum(count for _, count in column.shapes)
    new = [(shape, count) for shape, count in column.shapes if shape not in rule.shapes]
    share = sum(count for _, count in new) / total
    if share <= rule.outside:
        return None
    found = f"{', '.join(repr(shape) for shape, _ in new[:_SHOWN])} in {share_text(share)} of the rows"
    expected = f"texts such as {', '.join(map(repr, rule.shapes[:_SHOWN]))}"
    return "shapes", expected, found, guess_type(rule, column, contract)


def _unit(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    """A constant factor that is one between two units: within the range, and wrong all
    the same."""
    factor = (
        find_factor(rule.reference, column) if rule.type in ("int", "float") else None
        # An unnamed factor is left to drift: it may be inflation.
    )
    if factor is None or not factor.words:
        return None
    guess = guess_numbers(rule, column, contract, profile)
    return (
        "unit",
        "the same unit as before",
        f"values {factor.ratio:.3g} times as large",
        guess,
    )


def _drift(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Finding | None:
    if (
        rule.drift is None
        or rule.reference is None
        or (rule.reference.quantiles and not is_numeric(column))
    ):
        return None
    expected, found = compared_shares(rule.reference, column)
    index = stability_index(expected, found)
    limit = rule.drift + _CHANCE * chance_index(
        len(expected), column.filled, column.filled
    )
    if index <= limit:
        return None
    guess = guess_numbers(rule, column, contract, profile)
    return (
        "drift",
        f"a distribution as before (at most {rule.drift:g})",
        f"an index of {index:.2f}",
        guess,
    )


_CHECKS: tuple[Check, ...] = (
    _type,
    _encoding,
    _range,
    _categories,
    _shapes,
    _unit,
    _drift,
)
