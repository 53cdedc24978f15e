"""What a value looked like, as data: the record that a stage's kernel writes beside a
payload.

A frame has one `ColumnProfile` a column, an array or a series one or several,
everything else only its type and size. `jupyter_pipe/kernel/profiles/` makes these
records, `jupyter_pipe.contracts` judges and compares them: two runs are compared
without loading their data. Counts are rows of the sample (`looked` of `rows`).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = [
    "BINS",
    "PROBABILITIES",
    "ColumnProfile",
    "ColumnType",
    "Profile",
    "SchemaResult",
]

BINS = 64
PROBABILITIES = (
    *(0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0),
)
"""Where `ColumnProfile.quantiles` are taken; the kernel side has the same list."""

ColumnType = Literal[
    "int", "float", "bool", "text", "datetime", "duration", "mixed", "other"
]
"""What a column holds, whichever library holds it. `mixed` has values of several types
in one column."""

Count = Annotated[int, Meta(ge=0)]
"""A number of rows or values. A record with one below zero is damaged, and is not
read."""


class ColumnProfile(Struct, frozen=True, omit_defaults=True):
    """One column, or an array without columns.

    `dtype` is the library's own name of the type, `filled` the number of rows with a
    value. Numbers, times (seconds since 1970) and durations (seconds) have `quantiles`
    at `PROBABILITIES`, and a `histogram` of `BINS` bins between `low` and `high`, whose
    first and last bin hold what lies beyond. `top` are the most frequent values with
    their counts, at most 64; if `distinct` is no larger, they are all of them. It is
    empty for columns in which nearly every value is another one. `shapes` are patterns
    of texts with counts: `A9` for letters and digits. `blank` counts texts of nothing
    but white space, `garbled` those that were read in the wrong encoding. `parts` are
    the types in a `mixed` column.
    """

    name: str
    type: ColumnType = "other"
    dtype: str = ""
    nulls: Count = 0
    filled: Count = 0
    distinct: Count = 0
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    histogram: tuple[Count, ...] = ()
    top: tuple[tuple[str, Count], ...] = ()
    shapes: tuple[tuple[str, Count], ...] = ()
    blank: Count = 0
    garbled: Count = 0
    parts: tuple[str, ...] = ()


class Profile(Struct, frozen=True, omit_defaults=True):
    """One value.

    `rows` are all that it has, `looked` those that were looked at: a sample that is
    always the same for the same number of rows. `left_out` is the number of columns
    without a profile. `duplicates` are, for each key that a contract asks for
    (`sale_id` or `year,month`), the rows that repeat an earlier one, of all rows. With
    a contract that says `by`, `batches` are the profiles of the rows of each value of
    that column.
    """

    type: str
    rows: Count | None = None
    looked: Count = 0
    bytes: Count = 0
    columns: tuple[ColumnProfile, ...] = ()
    left_out: Count = 0
    duplicates: dict[str, Count] = {}
    by: str = ""
    batches: "dict[str, Profile]" = {}

    def column(self, name: str) -> ColumnProfile | None:
        """The profile of the column called `name`."""
        return next((column for column in self.columns if column.name == name), None)


class SchemaResult(Struct, frozen=True, omit_defaults=True):
    """What a schema of the notebook's own (`contract:sales=schema`) says of a value:
    `problems` are the rows and rules that it refuses, at most 20, `error` that it could
    not be asked."""

    value: str
    schema: str
    problems: tuple[str, ...] = ()
    error: str = ""
