"""What probably happened to data that breaks a contract: renamed, another unit,
swapped, badly encoded. Pure.

A guess is offered, never acted on. Each function returns None where the data does not
speak for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from jupyter_pipe.artifacts.profile_record import ColumnProfile, Profile
from jupyter_pipe.contracts.distributions import compared_shares, stability_index
from jupyter_pipe.contracts.model import ColumnRule, Contract, Guess
from jupyter_pipe.contracts.units import Factor, find_factor

__all__ = [
    "guess_missing_column",
    "guess_new_texts",
    "guess_numbers",
    "guess_type",
    "looks_like",
]

# A little above the 0.2 of a shift: here it is to be recognised, not to be accused.
_ALIKE = 0.25
_NUMERIC = ("int", "float")
# Letters and the signs of currencies around digits: `12 kg`, `€ 5`.
_UNIT_MARKS = "A%€$£ "
_NOTHING = {
    "",
    "-",
    "--",
    "?",
    "n/a",
    "na",
    "nan",
    "none",
    "null",
    "missing",
    "unknown",
    "nil",
    ".",
}


def looks_like(rule: ColumnRule, column: ColumnProfile) -> bool:
    """Whether the column's values are distributed as those of the rule's column
    were."""
    if rule.reference is None or not _same_family(rule, column):
        # Without a reference the shapes of texts must agree.
        return bool(rule.shapes) and {shape for shape, _ in column.shapes} == set(
            rule.shapes
        )
    if rule.reference.quantiles and not column.quantiles:
        return False
    expected, found = compared_shares(rule.reference, column)
    return stability_index(expected, found) < _ALIKE


def _same_family(rule: ColumnRule, column: ColumnProfile) -> bool:
    if rule.type in _NUMERIC:
        return column.type in _NUMERIC
    return rule.type == column.type


def guess_missing_column(
    rule: ColumnRule, contract: Contract, profile: Profile
) -> Guess | None:
    """Which of the columns that the contract does not know may be the missing one."""
    new = [column for column in profile.columns if contract.column(column.name) is None]
    # From sure to vague: the same letters, the same values in another unit, similar
    # values.
    return _same_letters(rule, new) or _in_another_unit(rule, new) or _alike(rule, new)


def _same_letters(rule: ColumnRule, new: Sequence[ColumnProfile]) -> Guess | None:
    for column in new:
        if _bare(column.name) == _bare(rule.name):
            # `repr` shows a byte order mark.
            return Guess("renamed", f"'{rule.name}' is called {column.name!r} now")
    return None


def _in_another_unit(rule: ColumnRule, new: Sequence[ColumnProfile]) -> Guess | None:
    for column in new:
        factor = find_factor(rule.reference, column)
        # Without words the factor is one that chance may give.
        if factor is not None and factor.words:
            text = f"'{rule.name}' is called '{column.name}' now, with values about {_factor_text(factor)}"
            return Guess("renamed_unit", text)
    return None


def _alike(rule: ColumnRule, new: Sequence[ColumnProfile]) -> Guess | None:
    """By the values, else by the name."""
    names = [column.name for column in new if looks_like(rule, column)]
    names += difflib.get_close_matches(rule.name, [column.name for column in new], n=1)
    return (
        Guess("renamed", f"'{rule.name}' is called '{names[0]}' now") if names else None
    )


def _bare(name: str) -> str:
    """Without a byte order mark, blanks, case and the marks that separate words."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _factor_text(factor: Factor) -> str:
    times = f"{factor.ratio:.3g} times as large"
    return f"{times}: {factor.words}?" if factor.words else times


def guess_numbers(
    rule: ColumnRule, column: ColumnProfile, contract: Contract, profile: Profile
) -> Guess | None:
    """Why numbers are not distributed as they were: another unit, or another column's
    values."""
    # Columns whose reference the found values fit.
    others = [
        each
        for each in contract.columns
        if each.name != rule.name and _has_values_of(each, column)
    ]
    for other in others:
        mirrored = profile.column(other.name)
        # Both ways: `height` holds what `width` held, and the reverse.
        if mirrored is not None and looks_like(rule, mirrored):
            return Guess("swapped", f"'{rule.name}' and '{other.name}' were swapped")
    factor = find_factor(rule.reference, column)
    if factor is not None and not factor.is_one:
        return Guess("unit", f"the values are about {_factor_text(factor)}")
    # Only one way: a column was left out before it, and all others moved by one.
    return _shifted(others[0]) if others else None


def _has_values_of(other: ColumnRule, column: ColumnProfile) -> bool:
    return other.reference is not None and looks_like(other, column)


def guess_type(
    rule: ColumnRule, column: ColumnProfile, contract: Contract
) -> Guess | None:
    """Why a column has another type than it should have."""
    if column.garbled:
        return _garbled()
    for other in contract.columns:
        if other.name != rule.name and looks_like(other, column):
            return _shifted(other)
    if rule.type in _NUMERIC and column.type in ("text", "mixed"):
        return _guess_texts_for_numbers(column)
    if rule.type == "datetime" and column.type != "datetime":
        # A CSV column that pandas was not told to parse holds texts.
        return Guess("unparsed", "the times were not read as times")
    if rule.type == "text" and column.type in _NUMERIC:
        return Guess(
            "unquoted", "texts of digits were read as numbers: leading zeros are lost"
        )
    return None


def _guess_texts_for_numbers(column: ColumnProfile) -> Guess:
    """Why numbers arrived as texts: a word for missing values (`n/a`), decimal commas
    (`1,5`), a unit (`12 kg`), or a reader that did not convert them."""
    for value, _ in column.top:
        if value.strip().casefold() in _NOTHING:
            # The shape of `1,5` is `9,9`, that of `12 kg` is `9 A`.
            return Guess("missing_word", f"{value!r} stands for a missing value")
    shapes = [shape for shape, _ in column.shapes]
    if any("9,9" in shape for shape in shapes):
        return Guess("decimal_comma", "the numbers are written with commas")
    if any("9" in shape.strip(_UNIT_MARKS) != shape for shape in shapes):
        return Guess("with_unit", "the numbers are written with a unit")
    return Guess("unparsed", "the numbers were read as texts")


def guess_new_texts(
    new: Sequence[str], rule: ColumnRule, column: ColumnProfile, contract: Contract
) -> Guess | None:
    """Why a column has texts that it never had."""
    if column.garbled:
        return _garbled()
    found = _spelling(new, rule)
    if found is not None:
        return found
    for other in contract.columns:
        if other.name != rule.name and _speaks_of(other, new):
            return _shifted(other)
    # `3` in the place of `Harbour`.
    if new and all(text.replace(".", "", 1).isdigit() for text in new):
        return Guess("codes", "codes stand in the place of names")
    return None


def _spelling(new: Sequence[str], rule: ColumnRule) -> Guess | None:
    plain = {_plain(each): each for each in rule.categories}
    for text in new:
        # "old  town" and "Old Town" are one category.
        if _plain(text) in plain:
            return Guess(
                "spelling", f"{text!r} is '{plain[_plain(text)]}', written differently"
            )
    for text in new:
        for close in difflib.get_close_matches(text, rule.categories, n=1, cutoff=0.8):
            return Guess("spelling", f"{text!r} is a misspelt '{close}'")
    return None


def _shifted(other: ColumnRule) -> Guess:
    return Guess("shifted", f"the column holds the values of '{other.name}'")


def _speaks_of(rule: ColumnRule, texts: Iterable[str]) -> bool:
    return bool(rule.categories) and set(texts) <= set(rule.categories)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _garbled() -> Guess:
    return Guess(
        "encoding", "the file was read in another encoding than it was written in"
    )
