"""Whether two sets of predictions are the same: exactly, or to 1e-9 where numbers were
computed."""

from __future__ import annotations

import math
from typing import Any

from jupyter_pipe.scoring.tracing.shapes import is_estimator

__all__ = ["RELATIVE", "agree", "first_difference", "is_exact"]

RELATIVE = 1e-9
_TREES = ("sklearn.tree", "sklearn.ensemble", "xgboost", "lightgbm")


def is_exact(values: list[Any]) -> bool:
    """Whether these captured values are trees and encoders alone, whose predictions do
    not round."""
    models = [value for value in values if is_estimator(value)]
    last = [_last_step(model) for model in models if hasattr(model, "predict")]
    return bool(last) and all(
        type(model).__module__.startswith(_TREES) for model in last
    )


def _last_step(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    return _last_step(steps[-1][1]) if steps else model


def agree(one: Any, other: Any, exact: bool) -> bool:
    """Whether both hold the same entries."""
    return first_difference(one, other, exact) is None


def first_difference(one: Any, other: Any, exact: bool) -> str | None:
    """The first entry in which two sets of predictions differ, for people; None if
    there is none."""
    import numpy

    left, right = _array(one), _array(other)
    if left.shape != right.shape:
        return f"{_size(left)} instead of {_size(right)}"
    equal = _equal(left, right, exact)
    if equal.all():
        return None
    place = tuple(int(number) for number in numpy.argwhere(~equal)[0])
    return f"{left[place]} instead of {right[place]} for row {place[0] + 1}"


def _size(values: Any) -> str:
    return " by ".join(str(number) for number in values.shape)


def _array(values: Any) -> Any:
    import numpy

    if hasattr(values, "toarray"):
        return values.toarray()
    made = numpy.asarray(values)
    # Objects and texts, which have no distance.
    return made.astype(object) if made.dtype.kind in "OUST" else made


def _equal(left: Any, right: Any, exact: bool) -> Any:
    import numpy
    import pandas

    if object in (left.dtype, right.dtype):
        pairs = zip(left.ravel().tolist(), right.ravel().tolist(), strict=True)
        found = [_same(one, other, exact) for one, other in pairs]
        return numpy.array(found, dtype=bool).reshape(left.shape)
    if exact or {left.dtype.kind, right.dtype.kind} & set("mMb"):
        return (left == right) | (pandas.isna(left) & pandas.isna(right))
    return numpy.isclose(left, right, rtol=RELATIVE, atol=0.0, equal_nan=True) | (
        # Near zero a relative difference says nothing.
        abs(left - right) < 1e-15
    )


def _same(one: Any, other: Any, exact: bool) -> bool:
    """Whether two entries agree; two missing values do, and numbers may differ by
    rounding unless `exact`."""
    import pandas

    if _is_number(one) and _is_number(other):
        return one == other or (
            not exact and abs(one - other) <= RELATIVE * max(abs(one), abs(other))
        )
    gaps = [
        bool(pandas.isna(value))
        for value in (one, other)
        if pandas.api.types.is_scalar(value)
    ]
    # Records with gaps, as `to_dict("records")` gives them, equal nothing, not even
    # themselves.
    return (
        gaps == [True, True]
        or bool(numpy_all(one == other))
        or (not gaps and repr(one) == repr(other))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not math.isnan(value)


def numpy_all(value: Any) -> Any:
    """Whether all entries of a comparison hold."""
    import numpy

    return numpy.all(value)
