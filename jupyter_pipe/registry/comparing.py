"""Whether one set of predictions is better than another, for the same rows: a paired
bootstrap.

Both models answer for the same rows, so the rows are drawn together: a row that is hard
for both then tells nothing about which one is better. Pure, and the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from jupyter_pipe.errors import RegistryError

__all__ = ["LEAST_ROWS", "METRICS", "Comparison", "compare", "default_metric"]

LEAST_ROWS = 30
"""Fewer rows decide nothing: the difference of two good models is chance then."""
_DRAWS = 1000
# Per cent on either side: one-sided, 95 of 100 draws are above `low`.
_SHARE = 5.0
# Fixed, so that asking twice gives the same verdict.
_SEED = 20_260_101


class Comparison(Struct, frozen=True):
    """`champion` and `challenger` are the metric of each over `rows` rows. `gain` is
    how much better the challenger is, whichever way the metric counts; in 90 of 100
    draws it lies between `low` and `high`."""

    metric: str
    rows: int
    champion: float
    challenger: float
    gain: float
    low: float
    high: float

    @property
    def outcome(self) -> Literal["better", "worse", "no better", "too few rows"]:
        """`better` if 95 of 100 draws say so."""
        if self.rows < LEAST_ROWS:
            return "too few rows"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no better"


class Metric(Struct, frozen=True):
    """`value(truth, predicted)` is the metric of arrays of one entry a row; `sign` is 1
    if more is better, else -1. `numbers` says that both must be numbers."""

    value: Callable[[Any, Any], float]
    sign: int
    numbers: bool = True


def compare(
    metric: str,
    truth: Sequence[Any],
    champion: Sequence[Any],
    challenger: Sequence[Any],
) -> Comparison:
    """Compare two sets of predictions with what came out. Raises RegistryError if the
    metric cannot be computed of such values."""
    import numpy

    chosen = METRICS[metric]
    actual, old, new = (
        _array(values, chosen, metric) for values in (truth, champion, challenger)
    )
    before, now = chosen.value(actual, old), chosen.value(actual, new)
    draw = numpy.random.default_rng(_SEED)
    gains = [
        chosen.sign
        * (
            chosen.value(actual[rows], new[rows])
            - chosen.value(actual[rows], old[rows])
        )
        # With replacement, as many rows as there are: a bootstrap.
        for rows in (draw.integers(0, len(actual), len(actual)) for _ in range(_DRAWS))
    ]
    # A draw of which the metric has no value does not count.
    low, high = numpy.nanpercentile(gains, [_SHARE, 100 - _SHARE])
    gain = chosen.sign * (now - before)
    return Comparison(
        metric, len(actual), before, now, float(gain), float(low), float(high)
    )


def default_metric(truth: Sequence[Any]) -> str:
    """The metric of a notebook that names none: how far numbers are off, or how many
    labels are right."""
    numbers = all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in truth
    )
    # Numbers with two values, such as 0 and 1, are labels.
    return "mae" if numbers and len(set(truth)) > 2 else "accuracy"


def _array(values: Sequence[Any], metric: Metric, name: str) -> Any:
    import numpy

    if not metric.numbers:
        return numpy.array([str(_whole(each)) for each in values])
    try:
        return numpy.array([float(each) for each in values])
    except (TypeError, ValueError):
        raise RegistryError(
            f"The metric '{name}' compares numbers, and the predictions or targets are none.",
            code="bad_request",
            hint="For labels: promote:accuracy or promote:f1",
        ) from None


def _whole(value: Any) -> Any:
    # A column of labels with gaps is read as floats: 1.0 is the label 1.
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The metrics


def _mae(truth: Any, found: Any) -> float:
    return float(abs(truth - found).mean())


def _mse(truth: Any, found: Any) -> float:
    return float(((truth - found) ** 2).mean())


def _rmse(truth: Any, found: Any) -> float:
    return float(_mse(truth, found) ** 0.5)


def _mape(truth: Any, found: Any) -> float:
    # A share of nothing has no value.
    kept = truth != 0
    return (
        float((abs(truth - found)[kept] / abs(truth)[kept]).mean())
        if kept.any()
        else 0.0
    )


def _r2(truth: Any, found: Any) -> float:
    spread = float(((truth - truth.mean()) ** 2).mean())
    return 1 - _mse(truth, found) / spread if spread else 0.0


def _accuracy(truth: Any, found: Any) -> float:
    return float((truth == found).mean())


def _f1(truth: Any, found: Any) -> float:
    """Of each label, averaged over the labels that occur."""
    scores = []
    for label in {*truth.tolist(), *found.tolist()}:
        hits = ((truth == label) & (found == label)).sum()
        scores.append(2 * hits / ((truth == label).sum() + (found == label).sum()))
    return float(sum(scores) / len(scores))


def _auc(truth: Any, found: Any) -> float:
    """How often a row that is positive gets more than one that is not; equal ones count
    half."""
    import numpy

    positive = truth > 0
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return 0.5
    _, place, counts = numpy.unique(found, return_inverse=True, return_counts=True)
    # Equal predictions share the mean of their ranks, which counts them half.
    ranks = (numpy.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))


def _log_loss(truth: Any, found: Any) -> float:
    import numpy

    # The logarithm of 0 would make one row that is surely wrong outweigh all others.
    sure = numpy.clip(found, 1e-15, 1 - 1e-15)
    return float(-(truth * numpy.log(sure) + (1 - truth) * numpy.log(1 - sure)).mean())


METRICS = {
    "mae": Metric(_mae, -1),
    "mse": Metric(_mse, -1),
    "rmse": Metric(_rmse, -1),
    "mape": Metric(_mape, -1),
    "r2": Metric(_r2, 1),
    "accuracy": Metric(_accuracy, 1, numbers=False),
    "f1": Metric(_f1, 1, numbers=False),
    "auc": Metric(_auc, 1),
    "log_loss": Metric(_log_loss, -1),
    "brier": Metric(_mse, -1),
}
"""What `promote:` can name (`notebook.grammar.PROMOTION_METRICS`)."""
