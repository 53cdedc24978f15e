"""What an artifact holds, in a few words for people: `DataFrame 4,318 x 9`, `list of
12`."""

from __future__ import annotations

from typing import Any

from ..checks import Mask, short

__all__ = ["summarize", "type_name"]


def type_name(value: Any) -> str:
    """The class as people write it."""
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def summarize(value: Any, mask: Mask = str) -> str:
    """Never raises: a value may lie about its length or shape. `mask` hides secrets."""
    try:
        return mask(_describe(value, mask))
    except Exception:
        return mask(type(value).__name__)


def _describe(value: Any, mask: Mask) -> str:
    """Plain values as they are, arrays and frames by their shape, containers by their
    length, everything else by the name of its type."""
    name = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return short(value, mask)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return f"{name} {' x '.join(f'{length:,}' for length in shape)}".strip()
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f"{name} of {len(value):,}"
    return name
