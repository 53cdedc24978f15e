"""The nouns of contracts: what a value must look like, and where it does not. Frozen
records."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_pipe.artifacts.profile_record import ColumnType

__all__ = [
    "POLICIES",
    "Breach",
    "ColumnRule",
    "Contract",
    "Guess",
    "Judgement",
    "Policy",
    "Reference",
]

Policy = Literal["stop", "quarantine", "warn"]
POLICIES: dict[Policy, str] = {
    "stop": "the stage fails, and the run starts nothing any more",
    "quarantine": "the stage fails and nothing that depends on it starts; the rest of the run goes on",
    "warn": "the run says so and goes on",
}


class Reference(Struct, frozen=True, omit_defaults=True):
    """What a column looked like in the runs that a contract was made from.

    A column of numbers has `quantiles` at 1 %, 10 %, 20 % … 90 %, 99 %. One with few
    values, or of texts, has `shares`: value -> share of the rows that are not null.
    """

    quantiles: tuple[float, ...] = ()
    shares: dict[str, float] = {}


class ColumnRule(Struct, frozen=True, omit_defaults=True):
    """What one column must look like. What is None is not asked.

    `nulls` is the largest share of rows without a value. `low` and `high` are the
    range, times in seconds since 1970; at most the share `outside` of the rows may lie
    beyond. `categories` are the texts that may stand in it, `unseen` the largest share
    of other ones. `shapes` are the patterns of its texts. `drift` is the largest
    population stability index against `reference`. A `trend` goes on by itself, as the
    number of a week does: that its values are other ones says nothing.
    """

    name: str
    type: ColumnType | None = None
    optional: bool = False
    nulls: float | None = None
    low: float | None = None
    high: float | None = None
    outside: float = 0.0
    categories: tuple[str, ...] = ()
    unseen: float = 0.0
    shapes: tuple[str, ...] = ()
    drift: float | None = None
    trend: bool = False
    reference: Reference | None = None


class Contract(Struct, frozen=True, omit_defaults=True):
    """What the value `name` must look like. `by` judges the rows of each value of that
    column apart, `rows` are the fewest and the most (of a batch, with `by`), `key` are
    the columns in which no two rows agree, `extra` says whether columns that are not
    listed may be there."""

    name: str
    policy: Policy = "stop"
    by: str = ""
    rows: tuple[int | None, int | None] = (None, None)
    key: tuple[str, ...] = ()
    extra: bool = True
    columns: tuple[ColumnRule, ...] = ()

    def column(self, name: str) -> ColumnRule | None:
        """The rule of the column called `name`."""
        return next((rule for rule in self.columns if rule.name == name), None)


class Guess(Struct, frozen=True, omit_defaults=True):
    """What probably happened: `text` is a sentence, `kind` a word for programs
    (`renamed`, `unit`)."""

    kind: str
    text: str


class Breach(Struct, frozen=True, omit_defaults=True):
    """One thing that is not as the contract says: of which column (empty for the value
    itself), of which batch, which rule, what was expected and what was found, as texts
    for people."""

    rule: str
    expected: str
    found: str
    column: str = ""
    batch: str = ""
    guess: Guess | None = None


class Judgement(Struct, frozen=True, omit_defaults=True):
    """What came of judging one value. `missing` says why it could not be judged: it has
    no contract file yet, or its profile lacks what the contract asks."""

    value: str
    policy: Policy = "stop"
    breaches: tuple[Breach, ...] = ()
    missing: str = ""
    batches: int = 0

    @property
    def passed(self) -> bool:
        return not self.breaches and not self.missing
