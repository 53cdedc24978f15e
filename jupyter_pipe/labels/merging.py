"""One label of several votes, and how far annotators agree. Pure; needs nothing but
Python.

Majority counts votes. Dawid and Skene (1979) also learn whom to believe: each annotator
has a table of how often a true label becomes which vote, and labels and tables are
estimated in turn until nothing changes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from jupyter_pipe.errors import PipeError
from jupyter_pipe.labels.answers import Vote
from jupyter_pipe.labels.tasks import Key

__all__ = ["Merged", "agreement", "dawid_skene", "majority"]

_ROUNDS = 200
_SETTLED = 1e-6
# So many votes of each kind are added: an annotator who was never wrong may be the next
# time.
_PRIOR = 0.1
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
    merged = []
    for key, given in _by_key(votes).items():
        counts = Counter(vote.label for vote in given)
        shares = {label: count / len(given) for label, count in counts.items()}
        merged.append(_decided(key, shares, len(given)))
    return merged


def dawid_skene(votes: Sequence[Vote]) -> list[Merged]:
    """The most probable label of each row; annotators are believed as far as the others
    bear them out. Raises PipeError for so many labels that the tables would take
    hours."""
    rows = _by_key(votes)
    labels = sorted({vote.label for vote in votes})
    annotators = {vote.annotator for vote in votes}
    if max(len(votes), len(annotators) * len(labels)) * len(labels) > _MOST_WEIGHED:
        raise PipeError(
            f"{len(votes):,} votes for {len(labels):,} labels are too many to be weighed.",
            code="labels_unusable",
            hint="Count them instead (--by majority), or see whether the column holds labels at all.",
        )
    beliefs = {key: _counted(given, labels) for key, given in rows.items()}
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


def _by_key(votes: Iterable[Vote]) -> dict[Key, list[Vote]]:
    rows: dict[Key, list[Vote]] = {}
    for vote in votes:
        rows.setdefault(vote.key, []).append(vote)
    return rows


def _decided(key: Key, shares: Mapping[str, float], votes: int) -> Merged:
    """The label with the largest share, if there is one."""
    ranked = sorted(shares, key=lambda label: -shares[label])
    best = ranked[0]
    if len(ranked) > 1 and shares[best] - shares[ranked[1]] < _EVEN:
        return Merged(key, "", shares[best], votes)
    return Merged(key, best, shares[best], votes)


def _counted(given: Sequence[Vote], labels: Sequence[str]) -> Beliefs:
    counts = Counter(vote.label for vote in given)
    return {label: counts[label] / len(given) for label in labels}


def _estimated(
    rows: Mapping[Key, Sequence[Vote]],
    beliefs: Mapping[Key, Beliefs],
    labels: Sequence[str],
) -> tuple[Beliefs, Tables]:
    """How frequent each label is; and of each annotator, for a true label, how frequent
    each vote. All are logarithms: of hundreds of votes the product would be zero."""
    prior = {
        label: sum(belief[label] for belief in beliefs.values()) / len(rows)
        for label in labels
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
        for counts in table.values():
            total = sum(counts.values())
            for label in labels:
                counts[label] = math.log(counts[label] / total)
    return {
        label: math.log(share) if share else -math.inf for label, share in prior.items()
    }, tables


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
    for given in _by_key(votes).values():
        number = len(given)
        if number < 2:
            continue
        counts = Counter(vote.label for vote in given)
        of_label += counts
        # Of all ordered pairs those that differ. Each row counts as many votes as it
        # has, however many pairs these make.
        observed += (number**2 - sum(each**2 for each in counts.values())) / (
            number - 1
        )
    total = sum(of_label.values())
    expected = total**2 - sum(each**2 for each in of_label.values())
    return 1 - (total - 1) * observed / expected if expected else None
