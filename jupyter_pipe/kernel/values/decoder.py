"""Turns a stream back into values: the counterpart of the encoder.

The stream names functions of kinds as methods of `Decoder`; `find_class` binds them to
the decoder at work, so that arrays become views of its mapping and references find the
stage's own definitions.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .nans import find_nan
from .ordered_sets import build

if TYPE_CHECKING:
    from ..definitions import Definitions
    from ..payloads.payload_file import PayloadFile

__all__ = ["Decoder", "restores"]

Restorer = TypeVar("Restorer", bound=Callable[..., Any])


class Decoder(pickle.Unpickler):
    """One payload's worth of unpickling into `namespace`. `arrays` says where in
    `mapping` each of them lies: offset, shape, strides, writable."""

    def __init__(
        self, payload: PayloadFile, definitions: Definitions, namespace: dict[str, Any]
    ) -> None:
        self.mapping = payload.mapping
        self.arrays, buffers = payload.layout
        view = memoryview(payload.mapping)
        super().__init__(
            io.BytesIO(payload.stream),
            buffers=[view[offset : offset + length] for offset, length in buffers],
        )
        self._sets: dict[int, tuple[set[Any], Any]] = {}
        self._nans: dict[str, Any] = {}
        self.definitions = definitions
        self.namespace = namespace

    def find_class(self, module: str, name: str) -> Any:
        if name.startswith("Decoder.") and module.endswith(".decoder"):
            return getattr(self, name.partition(".")[2])
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        """A NaN by its name, or a set by its recipe; one recipe object stands for one
        set."""
        if type(pid) is str:
            return find_nan(pid, self._nans)
        found = self._sets.get(id(pid))
        if found is None:
            found = self._sets[id(pid)] = (build(pid), pid)
        return found[0]


def restores(function: Restorer) -> Restorer:
    """Marks a function `(decoder, *parts)` that makes a value, or completes it, from
    what a reduction names beside it.

    Streams call it `Decoder.NAME`, wherever it is: a kind may move to another module
    without a new format, and payloads of earlier versions stay readable.
    """
    function.__module__ = Decoder.__module__
    function.__qualname__ = f"{Decoder.__name__}.{function.__name__}"
    setattr(Decoder, function.__name__, function)
    return function
