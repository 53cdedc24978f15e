"""Turns a payload back into values: the counterpart of the encoder.

The stream names the methods of `Decoder`; `find_class` binds them to the decoder at
work, so that arrays become views of its mapping and references find the stage's own
definitions.
"""

from __future__ import annotations

import functools
import importlib
import io
import marshal
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

from .. import definition_state as portrait
from ..errors import PayloadError
from . import figure_pickles as plots
from . import functions
from .formats import find_format
from .memory.frames import Reference
from .memory.repeated_atoms import spread
from .nans import find_nan
from .ordered_sets import build
from .tensors import make_tensor
from .widgets import make_widget

if TYPE_CHECKING:
    from ..definitions import Definitions
    from ..payloads.payload_file import PayloadFile

__all__ = ["Decoder", "decode"]


class Decoder(pickle.Unpickler):
    """One payload's worth of unpickling into `namespace`."""

    def __init__(
        self, payload: PayloadFile, definitions: Definitions, namespace: dict[str, Any]
    ) -> None:
        self._mapping = payload.mapping
        self._arrays, buffers = payload.layout
        view = memoryview(payload.mapping)
        super().__init__(
            io.BytesIO(payload.stream),
            buffers=[view[offset : offset + length] for offset, length in buffers],
        )
        self._sets: dict[int, tuple[set[Any], Any]] = {}
        self._nans: dict[str, Any] = {}
        self._definitions = definitions
        self._namespace = namespace

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

    def array(self, number: int, dtype: Any, kind: type | None) -> Any:
        import numpy

        offset, shape, strides, writable = self._arrays[number]
        if 0 in shape:
            array = numpy.empty(shape, dtype)
        else:
            array = numpy.ndarray(
                shape, dtype, buffer=self._mapping, offset=offset, strides=strides
            )
        if not writable:
            array.flags.writeable = False
        return array if kind is None else array.view(kind)

    def masked(self, data: Any, mask: Any, fill: Any, hard: bool) -> Any:
        import numpy

        shown = numpy.ma.nomask if mask is None else mask
        array: Any = numpy.ma.MaskedArray(
            data, mask=shown, copy=False, keep_mask=False, hard_mask=hard
        )
        array._fill_value = fill
        return array

    def set_attributes(self, value: Any, attributes: dict[str, Any]) -> None:
        value.__dict__.update(attributes)

    def set_state(self, value: Any, state: Any) -> None:
        """As pickle does it, but without asking the instance for anything."""
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        if attributes:
            object.__getattribute__(value, "__dict__").update(attributes)
        for name, part in (slots or {}).items():
            object.__setattr__(value, name, part)

    def set_transform(self, node: Any, state: dict[str, Any]) -> None:
        plots.restore_transform(node, state)

    def dict_view(self, viewed: dict[Any, Any], kind: str) -> Any:
        return getattr(viewed, kind)()

    def object_view(
        self, root: Any, start: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> Any:
        from numpy.lib.stride_tricks import as_strided

        return as_strided(root.ravel(order="K")[start:], shape, strides)

    def widget(self, kind: type, state: dict[str, Any]) -> Any:
        return make_widget(kind, state)

    def tensor(self, *parts: Any) -> Any:
        return make_tensor(*parts)

    def repeated(self, *parts: Any) -> Any:
        importlib.import_module("numpy")
        return spread(*parts)

    def block(self, values: Any, places: Any, dimensions: int, reference: Any) -> Any:
        return reference.block(values, places, dimensions)

    def reference(self, is_shared: bool = False) -> Reference:
        return Reference(is_shared)

    def definition(self, name: str) -> Any:
        return self._definitions.find(name)

    def code(self, data: bytes) -> types.CodeType:
        found: types.CodeType = marshal.loads(data)  # noqa: S302
        return found

    def builtin(self, name: str) -> Any:
        return getattr(types, name)

    def formatted(self, kind: str, stored: Any) -> Any:
        found = find_format(kind)
        if found is None:
            raise PayloadError(
                f"The stored {kind} needs a format that is not installed in this kernel."
            )
        return found.load(stored)

    def module(self, name: str) -> types.ModuleType:
        return importlib.import_module(name)

    def global_generator(self) -> Any:
        return importlib.import_module("numpy.random.mtrand")._rand

    def cached(self, function: Any, size: int | None, typed: bool) -> Any:
        return functools.lru_cache(maxsize=size, typed=typed)(function)

    def function(
        self,
        code: types.CodeType,
        owner: str | dict[str, Any] | None,
        name: str,
        cells: tuple[types.CellType, ...] | None,
        imports: dict[str, str],
    ) -> types.FunctionType:
        scope = (
            importlib.import_module(owner).__dict__ if isinstance(owner, str) else owner
        )
        scope = self._namespace if scope is None else scope
        for variable, module in imports.items():
            if variable not in scope:
                scope[variable] = importlib.import_module(module)
        return types.FunctionType(code, scope, name, None, cells)

    def change_definition(self, value: Any, changed: dict[portrait.Path, Any]) -> None:
        portrait.apply_changes(value, changed)

    def set_function(self, function: types.FunctionType, state: dict[str, Any]) -> None:
        functions.set_function_state(function, state)


def decode(
    payload: PayloadFile, definitions: Definitions, namespace: dict[str, Any]
) -> dict[str, Any]:
    """All members of the payload, by name. Raises PayloadError, DefinitionError or what
    the classes of the values raise."""
    written_by = payload.manifest.get("python", "")
    if written_by != f"{sys.version_info[0]}.{sys.version_info[1]}":
        raise PayloadError(
            f"The stored value {payload.path} was written by Python {written_by}, "
            f"this kernel runs {sys.version_info[0]}.{sys.version_info[1]}."
        )
    for name, digest in sorted(payload.manifest.get("definitions", {}).items()):
        definitions.require(name, digest, ", ".join(payload.manifest["names"]))
    members: dict[str, Any] = Decoder(payload, definitions, namespace).load()
    return members
