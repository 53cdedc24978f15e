"""What `verify` finds: records, and who is told while it works."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

__all__ = [
    "Divergence",
    "JoinedVerification",
    "Refusal",
    "Silence",
    "Verdict",
    "Verification",
    "Watcher",
]


class Divergence(Struct, frozen=True):
    """Where pipeline and notebook part: a cell's outputs, or a variable at the end of a
    stage.

    `expected` is what the notebook has, `found` what the pipeline has, both shortened.
    `variable` is an expression: `prices['x'][3]`.
    """

    stage: str
    expected: str
    found: str
    cause: str
    cell_id: str | None = None
    cell: int | None = None
    variable: str | None = None


class Refusal(Struct, frozen=True):
    """The compiler does not accept the grouping, and says why."""

    codes: tuple[str, ...]
    message: str


class Verdict(Struct, frozen=True):
    """One grouping: equal if neither `divergence` nor `refusal`. `grouping` is 0 for
    the notebook's own stages. `edit` says what was edited before this run of the
    pipeline with its cache, in which `reran` stages ran."""

    grouping: int
    stages: int
    divergence: Divergence | None = None
    refusal: Refusal | None = None
    edit: str = ""
    reran: int = 0


class Verification(Struct, frozen=True):
    """`not_comparable` are numbers of cells whose outputs differ between runs of the
    notebook itself; `compared` is the number of cells whose outputs were compared."""

    notebook: str
    seed: int
    compared: int
    not_comparable: tuple[int, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def is_equal(self) -> bool:
        """Whether the pipeline computes what the notebook computes. A refused random
        grouping is no difference: the compiler said so."""
        return all(verdict.divergence is None for verdict in self.verdicts)


class JoinedVerification(Struct, frozen=True):
    """Several notebooks, run one after another, beside their one pipeline.
    `not_comparable` are cells such as `train.ipynb, cell 3`; `where` is that of the
    divergence."""

    notebooks: tuple[str, ...]
    stages: int
    compared: int
    not_comparable: tuple[str, ...] = ()
    divergence: Divergence | None = None
    where: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether the pipeline computes what the notebooks compute."""
        return self.divergence is None


class Watcher(Protocol):
    """Is told how far the work is, and of each verdict as soon as it stands."""

    def begins(self, what: str) -> None:
        """`what` starts: a run of the notebook or of a pipeline."""

    def advances(self, done: int, total: int, noun: str) -> None:
        """So many cells or stages of what began are done."""

    def decided(self, verdict: Verdict) -> None:
        """One grouping has been compared."""


class Silence:
    """A watcher that tells nobody."""

    def begins(self, what: str) -> None:
        pass

    def advances(self, done: int, total: int, noun: str) -> None:
        pass

    def decided(self, verdict: Verdict) -> None:
        pass
