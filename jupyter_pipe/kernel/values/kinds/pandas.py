"""What is special about pandas in memory: blocks, copy-on-write references, indexes.

pandas is never imported before a value of it is restored; its modules are looked up
where a value of it has been met.
"""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...payloads.payload_file import ALIGNMENT
from ..decoder import Decoder, restores
from .kind import Kind, Pairs, package_of, pairs_of_items

if TYPE_CHECKING:
    from ..encoder import Encoder

__all__ = [
    "ArrowArrays",
    "Blocks",
    "Frames",
    "Indexes",
    "PandasInstances",
    "Reference",
    "SeriesManagers",
    "copies_on_write",
]


# For those who held the memory of a loaded block where it came from.
_HOLDERS: list[Any] = []


@dataclass
class _References:
    """Of one payload: what stands for each of pandas' records of shared memory."""

    by_record: dict[int, Reference] = field(default_factory=dict)


class PandasInstances(Kind):
    """Whatever pandas defines. It is pickled as pandas says, also where a class
    forwards attributes: pandas' own do not loop."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return NotImplemented

    def state(self, value: Any) -> dict[str, Any]:
        """Without what pandas remembers of its own: `array.dtype`, once asked for,
        would make another array of it. Classes of others may call a field `_cache`."""
        state: dict[str, Any] = value.__dict__
        if "_cache" not in state or package_of(type(value)) != "pandas":
            return state
        return {name: one for name, one in state.items() if name != "_cache"}


class Frames(PandasInstances):
    """Frames and series."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        # pandas pickles this list of the class with each instance: nobody's shared
        # object
        encoder.by_reference.add(id(type(value)._metadata))
        return NotImplemented

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        """Frames by columns, series by elements."""
        if hasattr(before, "columns"):
            yield f"{path}.columns", before.columns.tolist(), after.columns.tolist()
            yield f"{path}.index", before.index, after.index
            for place, name in enumerate(before.columns):
                yield f"{path}[{name!r}]", before.iloc[:, place], after.iloc[:, place]
            return
        yield from _pairs_of_labels(path, before, after)
        yield f"{path}.index", before.index, after.index
        yield from pairs_of_items(f"{path}.iloc", before.tolist(), after.tolist())


class Indexes(PandasInstances):
    """Indexes, which never change: one need not share memory with the column that it
    was made from, and must not once pandas' record of that is gone."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        reduced, arrays = _reduce_apart(value)
        encoder.apart.update({id(array): array for array in arrays})
        return reduced

    def pairs(self, path: str, before: Any, after: Any) -> Pairs:
        yield from _pairs_of_labels(path, before, after)
        yield from pairs_of_items(path, before.tolist(), after.tolist())


def _pairs_of_labels(path: str, before: Any, after: Any) -> Pairs:
    yield f"{path}.dtype", str(before.dtype), str(after.dtype)
    yield f"{path}.name", before.name, after.name


class Blocks(PandasInstances):
    """The pieces of memory of a frame, with who shares them."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        for array in _arrays_of(value.values):
            encoder.owners[id(array)] = id(value.refs)
        # whether another living block has the same memory
        made = Reference(bool(value.refs.has_reference()))
        known = encoder.kept(_References).by_record
        parts = (
            value.values,
            value.mgr_locs.indexer,
            value.ndim,
            known.setdefault(id(value.refs), made),
        )
        return block, parts


class SeriesManagers(PandasInstances):
    """The block of a series. The manager's own reduction pickles the array without the
    block, which knows who shares the memory."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return type(value), (value._block, value.axes[0])


class ArrowArrays(PandasInstances):
    """Arrays of Arrow, as they are where they lie in one piece of their own: pandas'
    reduction copies them each time."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return self.reduce(value)

    def reduce(self, value: Any) -> tuple[Any, ...]:
        held = value._pa_array
        is_small = held.get_total_buffer_size() <= 2 * held.nbytes + ALIGNMENT
        is_whole = is_small and _is_canonical(held)
        piece = held.chunk(0) if is_whole else held.combine_chunks()
        return copyreg.__newobj__, (type(value),), {**vars(value), "_pa_array": piece}  # type: ignore[attr-defined]


def copies_on_write() -> bool:
    """Whether two pandas objects that share memory are independent for the user."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    if int(pandas.__version__.split(".", 1)[0]) >= 3:
        return True
    return bool(getattr(pandas.options.mode, "copy_on_write", False))


def _arrays_of(values: Any) -> Iterator[Any]:
    """The numpy arrays under a block's values, an extension array or an index."""
    if type(values).__module__ == "numpy":
        yield values
        return
    for name in ("_ndarray", "_data", "_mask", "_left", "_right", "_codes"):
        inner = getattr(values, name, None)
        if inner is not None and inner is not values and hasattr(inner, "dtype"):
            yield from _arrays_of(inner)


def _reduce_apart(index: Any) -> tuple[Any, list[Any]]:
    """The index's own reduction over an array object of its own, and the numpy arrays
    under that."""
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
    return (function, (arguments[0], changed), *rest), list(_arrays_of(data))


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

    def __reduce__(self) -> Any:
        return reference, (self.is_shared,)

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


@restores
def block(
    decoder: Decoder, values: Any, places: Any, dimensions: int, reference: Reference
) -> Any:
    return reference.block(values, places, dimensions)


@restores
def reference(decoder: Decoder, is_shared: bool = False) -> Reference:
    return Reference(is_shared)
