"""Tables without some of their values."""

from __future__ import annotations

from typing import Any

__all__ = ["is_table", "with_gaps"]

# One value of so many stays away, in each column at another place.
_EVERY = 3


def is_table(value: Any) -> bool:
    """Whether this is a frame of pandas or polars."""
    return (
        type(value).__name__ == "DataFrame"
        and hasattr(value, "columns")
        and hasattr(value, "head")
    )


def with_gaps(frame: Any) -> Any:
    """The frame with every third value of each column missing, in other rows for each
    column."""
    if hasattr(frame, "iloc"):
        import numpy

        rows = numpy.arange(len(frame))[:, None]
        columns = numpy.arange(len(frame.columns))[None, :]
        return frame.mask((rows + columns) % _EVERY == 0)
    import polars

    return frame.with_columns(
        polars.when(polars.int_range(polars.len()) % _EVERY != place % _EVERY)
        .then(polars.col(name))
        .alias(name)
        for place, name in enumerate(frame.columns)
    )
