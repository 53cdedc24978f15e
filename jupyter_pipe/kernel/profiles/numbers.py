"""Profiles of numbers: quantiles, a histogram, the values themselves where they are
few. Needs numpy."""

from __future__ import annotations

from typing import Any

__all__ = ["FEW", "PROBABILITIES", "number_text", "profile_numbers"]

# The same list as in artifacts/profile_record.py: a test compares them.
PROBABILITIES = (
    *(0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0),
)
BINS = 64
FEW = 64
# A quarter of the span between the 1st and the 99th percentile: typing errors do not
# flatten the picture.
_MARGIN = 0.25


def profile_numbers(numpy: Any, values: Any) -> dict[str, Any]:
    """Of a one-dimensional array of float64, in which NaN stands for a missing value;
    infinite values count as the largest finite one."""
    known = values[~numpy.isnan(values)]
    record: dict[str, Any] = {"nulls": len(values) - len(known), "filled": len(known)}
    if not len(known):
        return record
    ordered = numpy.sort(_finite(numpy, known))
    record["mean"], record["deviation"] = float(ordered.mean()), float(ordered.std())
    record["quantiles"] = [float(each) for each in _quantiles(numpy, ordered)]
    record.update(_histogram(numpy, ordered, record["quantiles"]))
    starts = numpy.flatnonzero(numpy.concatenate(([True], ordered[1:] != ordered[:-1])))
    record["distinct"] = len(starts)
    if len(starts) <= FEW:
        counts = numpy.diff(numpy.append(starts, len(ordered)))
        pairs = [
            (number_text(float(ordered[start])), int(count))
            for start, count in zip(starts, counts, strict=True)
        ]
        record["top"] = sorted(pairs, key=lambda pair: -pair[1])
    return record


def number_text(value: float) -> str:
    """`3` for 3.0, so that a column reads alike whether or not a missing value has made
    floats of it."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _finite(numpy: Any, values: Any) -> Any:
    if numpy.isfinite(values).all():
        return values
    # JSON has no infinity.
    largest = numpy.finfo("float64").max
    return numpy.clip(values, -largest, largest)


def _quantiles(numpy: Any, ordered: Any) -> Any:
    """Linear between neighbours, as numpy's own default."""
    places = numpy.asarray(PROBABILITIES) * (len(ordered) - 1)
    lower = places.astype("int64")
    upper = numpy.minimum(lower + 1, len(ordered) - 1)
    part = places - lower
    return ordered[lower] * (1 - part) + ordered[upper] * part


def _histogram(numpy: Any, ordered: Any, quantiles: list[float]) -> dict[str, Any]:
    """Counts between `low` and `high`; what lies beyond is in the first and the last
    bin."""
    first, last = (quantiles[PROBABILITIES.index(each)] for each in (0.01, 0.99))
    margin = _MARGIN * (last - first)
    low = max(first - margin, quantiles[0])
    high = min(last + margin, quantiles[-1])
    if not high > low:
        return {"low": low, "high": high, "histogram": [len(ordered)]}
    inner = numpy.linspace(low, high, BINS + 1)[1:-1]
    places = numpy.concatenate(
        ([0], numpy.searchsorted(ordered, inner), [len(ordered)])
    )
    return {
        "low": low,
        "high": high,
        "histogram": [int(each) for each in numpy.diff(places)],
    }
