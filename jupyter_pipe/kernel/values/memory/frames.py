"""pandas' own ways of holding memory: blocks, copy-on-write references, indexes.

pandas is never imported here; its modules are looked up where a value of it has been
met.
"""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Iterator
from typing import Any

from ...payloads.payload_file import ALIGNMENT

__all__ = [
    "Reference",
    "arrays_of",
    "copies_on_write",
    "is_arrow",
    "is_block",
    "is_frame",
    "is_index",
    "is_series_manager",
    "is_shared",
    "reduce_apart",
    "reduce_arrow",
]


# For those who held the memory of a loaded block where it came from.
_HOLDERS: list[Any] = []


def is_block(kind: type) -> bool:
    """Whether the class is one of pandas' blocks."""
    module = sys.modules.get("pandas.core.internals.blocks")
    return module is not None and issubclass(kind, module.Block)


def is_series_manager(kind: type) -> bool:
    """Whether the class holds the block of a series."""
    module = sys.modules.get("pandas.core.internals.managers")
    return module is not None and issubclass(kind, module.SingleBlockManager)


def is_frame(kind: type) -> bool:
    """Whether the class is a frame or a series."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and issubclass(kind, (pandas.DataFrame, pandas.Series))


def is_index(kind: type) -> bool:
    """Whether the class is a pandas index."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and issubclass(kind, pandas.Index)


def copies_on_write() -> bool:
    """Whether two pandas objects that share memory are independent for the user."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    if int(pandas.__version__.split(".", 1)[0]) >= 3:
        return True
    return bool(getattr(pandas.options.mode, "copy_on_write", False))


def arrays_of(values: Any) -> Iterator[Any]:
    """The numpy arrays under a block's values, an extension array or an index."""
    if type(values).__module__ == "numpy":
        yield values
        return
    for name in ("_ndarray", "_data", "_mask", "_left", "_right", "_codes"):
        inner = getattr(values, name, None)
        if inner is not None and inner is not values and hasattr(inner, "dtype"):
            yield from arrays_of(inner)


def reduce_apart(index: Any) -> tuple[Any, list[Any]]:
    """The index's own reduction over an array object of its own, and the numpy arrays
    under that.

    An index never changes, so it need not share memory with the column that it was made
    from, and must not once pandas' record of that is gone.
    """
    function, arguments, *rest = index.__reduce__()
    if (
        len(arguments) != 2
        or not isinstance(arguments[1], dict)
        or "data" not in arguments[1]
    ):
        return (function, arguments, *rest), []
    original = arguments[1]["data"]
    data = original[:]
    if "_readonly" not in getattr(original, "__dict__", {}):
        # slicing leaves this mark behind, which pickle would carry along
        getattr(data, "__dict__", {}).pop("_readonly", None)
    changed = {**arguments[1], "data": data}
    return (function, (arguments[0], changed), *rest), list(arrays_of(data))


def without_caches(state: dict[str, Any], kind: type) -> dict[str, Any]:
    """The state of an instance of pandas without what it remembers of its own:
    `array.dtype`, once asked for, would make another array of it."""
    if "_cache" not in state or kind.__module__.partition(".")[0] != "pandas":
        return state
    return {name: value for name, value in state.items() if name != "_cache"}


def is_arrow(kind: type) -> bool:
    """Whether the class holds an Arrow array."""
    module = sys.modules.get("pandas.core.arrays.arrow.array")
    return module is not None and issubclass(kind, module.ArrowExtensionArray)


def reduce_arrow(array: Any) -> tuple[Any, ...]:
    """The array as it is where it lies in one piece of its own: pandas' reduction
    copies it each time."""
    held = array._pa_array
    is_small = held.get_total_buffer_size() <= 2 * held.nbytes + ALIGNMENT
    piece = held.chunk(0) if is_small and _is_canonical(held) else held.combine_chunks()
    return copyreg.__newobj__, (type(array),), {**vars(array), "_pa_array": piece}  # type: ignore[attr-defined]


def _is_canonical(held: Any) -> bool:
    """One chunk from its start on, with a map of nulls only if there are nulls."""
    if held.num_chunks != 1:
        return False
    chunk = held.chunk(0)
    return chunk.offset == 0 and (chunk.null_count > 0 or chunk.buffers()[0] is None)


class Reference:
    """Stands for pandas' record of which blocks share memory, so that blocks which
    shared it before the trip know it afterwards and copy on write.

    `is_shared` if somebody held the memory, in the payload or not: pandas then splits a
    block that is written to, and sums over the parts may differ in the last digit from
    sums over the whole.
    """

    def __init__(self, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self._refs: Any = None

    def block(self, values: Any, places: Any, dimensions: int) -> Any:
        from pandas._libs.internals import BlockPlacement
        from pandas.core.internals.blocks import new_block

        made = new_block(
            values, placement=BlockPlacement(places), ndim=dimensions, refs=self._refs
        )
        if self._refs is None and self.is_shared:
            _HOLDERS.append(
                new_block(
                    values, placement=made.mgr_locs, ndim=dimensions, refs=made.refs
                )
            )
        self._refs = made.refs
        return made


def is_shared(block: Any) -> bool:
    """Whether another living block has the same memory."""
    return bool(block.refs.has_reference())
