"""One label of several votes, and how far annotators agree. Pure; needs nothing but
Python.

Majority counts votes. Dawid and Skene (1979) also learn whom to believe: each annotator
has a table of how often a true label becomes which vote, and labels and tables are
estimated in turn until nothing changes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels.answers import Vote, votes_by_key
from jupyter_pipe.labels.tasks import Key

__all__ = ["Merged", "agreement", "dawid_skene", "majority"]

# Far more than votes of people take; a limit for those that never settle.
_ROUNDS = 200
_SETTLED = 1e-6
# So many votes of each kind are added: an annotator who was never wrong may be the next
# time.
_PRIOR = 0.1
# Shares that differ by less do so by rounding alone.
_EVEN = 1e-9
_MOST_WEIGHED = 5_000_000


class Merged(Struct, frozen=True):
    """The label of a row; empty if votes are even. `share` is the part of the votes, or
    the probability, that speaks for it."""

    key: Key
    label: str
    share: float
    votes: int


def majority(votes: Sequence[Vote]) -> list[Merged]:
    """The label that most annotators gave to each row."""
    return [
        _decided(key, _shares(given), len(given))
        for key, given in votes_by_key(votes).items()
    ]


def dawid_skene(votes: Sequence[Vote]) -> list[Merged]:
    """The most probable label of each row; annotators are believed as far as the others
    bear them out. Raises PipeError for so many labels that the tables would take
    hours."""
    rows = votes_by_key(votes)
    labels = sorted({vote.label for vote in votes})
    annotators = {vote.annotator for vote in votes}
    if max(len(votes), len(annotators) * len(labels)) * len(labels) > _MOST_WEIGHED:
        raise PipeError(
            f"{len(votes):,} votes for {len(labels):,} labels are too many to be weighed.",
            code="labels_unusable",
            hint="Count them instead (--by majority), or see whether the column holds labels at all.",
        )
    # Labels that nobody gave to a row are there, too, with nothing to speak for them.
    unbelieved = dict.fromkeys(labels, 0.0)
    beliefs = {key: unbelieved | _shares(given) for key, given in rows.items()}
    for _ in range(_ROUNDS):
        prior, tables = _estimated(rows, beliefs, labels)
        found = {
            key: _believed(given, prior, tables, labels) for key, given in rows.items()
        }
        moved = max(
            (
                abs(found[key][each] - beliefs[key][each])
                for key in rows
                for each in labels
            ),
            default=0.0,
        )
        beliefs = found
        if moved < _SETTLED:
            break
    return [_decided(key, beliefs[key], len(given)) for key, given in rows.items()]


Beliefs = dict[str, float]
Tables = dict[str, dict[str, Beliefs]]


def _decided(key: Key, shares: Mapping[str, float], votes: int) -> Merged:
    """The label with the largest share, if there is one."""
    best = max(shares, key=shares.__getitem__)
    # With nothing to compare it with, a single label is the first by far.
    first, second, *_ = [*sorted(shares.values(), reverse=True), -math.inf]
    return Merged(key, "" if first - second < _EVEN else best, first, votes)


def _shares(given: Sequence[Vote]) -> Beliefs:
    """The part of the votes for each label that was given."""
    counts = Counter(vote.label for vote in given)
    return {label: count / len(given) for label, count in counts.items()}


def _estimated(
    rows: Mapping[Key, Sequence[Vote]],
    beliefs: Mapping[Key, Beliefs],
    labels: Sequence[str],
) -> tuple[Beliefs, Tables]:
    """How frequent each label is; and of each annotator, for a true label, how frequent
    each vote. All are logarithms: of hundreds of votes the product would be zero."""
    expected = {
        label: sum(belief[label] for belief in beliefs.values()) for label in labels
    }
    tables: Tables = {}
    for key, given in rows.items():
        for vote in given:
            table = tables.setdefault(
                vote.annotator, {true: dict.fromkeys(labels, _PRIOR) for true in labels}
            )
            for true in labels:
                table[true][vote.label] += beliefs[key][true]
    for table in tables.values():
        for true, counts in table.items():
            table[true] = _logarithms(counts, sum(counts.values()))
    return _logarithms(expected, len(rows)), tables


def _logarithms(counts: Beliefs, total: float) -> Beliefs:
    """Of the shares of a total. What was never seen is impossible, not an error."""
    return {
        label: math.log(count / total) if count else -math.inf
        for label, count in counts.items()
    }


def _believed(
    given: Sequence[Vote], prior: Beliefs, tables: Tables, labels: Sequence[str]
) -> Beliefs:
    """How probable each label is, given these votes."""
    weights = {}
    for label in labels:
        weight = prior[label]
        for vote in given:
            weight += tables[vote.annotator][label][vote.label]
        weights[label] = weight
    # Taken off before `exp`, which would be 0 for each of them.
    largest = max(weights.values())
    shares = {label: math.exp(weight - largest) for label, weight in weights.items()}
    total = sum(shares.values())
    return {label: share / total for label, share in shares.items()}


def agreement(votes: Sequence[Vote]) -> float | None:
    """Krippendorff's alpha for labels without an order: 1 if all agree, 0 if they agree
    as chance would.

    None if no row has two votes, or all votes are the same label: then nothing can be
    said.
    """
    of_label: Counter[str] = Counter()
    observed = 0.0
    for given in votes_by_key(votes).values():
        number = len(given)
        if number < 2:
            continue
        counts = Counter(vote.label for vote in given)
        of_label += counts
        # Each row counts as many votes as it has, however many pairs these make.
        observed += _unlike_pairs(counts) / (number - 1)
    expected = _unlike_pairs(of_label)
    return 1 - (of_label.total() - 1) * observed / expected if expected else None


def _unlike_pairs(counts: Counter[str]) -> int:
    """How many ordered pairs of votes are for two labels: of `a a b` four of the six
    pairs, since only `a a` and its reverse agree."""
    return counts.total() ** 2 - sum(count**2 for count in counts.values())
