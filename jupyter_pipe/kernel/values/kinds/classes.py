"""Classes: of the notebook by name, of a module by import, others with cloudpickle."""

from __future__ import annotations

import builtins
import types
from typing import TYPE_CHECKING, Any

from ...errors import CannotTravelError
from ..decoder import Decoder, restores
from .definitions import Code, digest_definition, is_importable, refer_to

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Classes"]

# The type of functions says that it is `builtins.function`, which does not exist: pickle
# cannot find it, `types.FunctionType` is how it is called.
_BUILTIN_TYPES = {
    kind: name
    for name, kind in vars(types).items()
    if isinstance(kind, type)
    and kind.__module__ == "builtins"
    and not hasattr(builtins, kind.__qualname__)
}


class Classes(Code):
    """Classes, whatever their metaclass."""

    def encode(self, encoder: Encoder, value: type) -> Any:
        reference = refer_to(encoder, value)
        if reference is not None:
            return reference
        if is_importable(encoder.definitions, value):
            return NotImplemented
        if value in _BUILTIN_TYPES:
            return builtin, (_BUILTIN_TYPES[value],)
        if encoder.cloudpickle is None:
            raise CannotTravelError(
                f"the class {value.__qualname__} can only travel with cloudpickle installed"
            )
        return encoder.cloudpickle.Pickler.reducer_override(encoder, value)

    def digest(self, walk: Walk, value: type) -> None:
        if digest_definition(walk, value):
            return
        if value.__module__ != "builtins" and not is_importable(
            walk.definitions, value
        ):
            walk.give_up(f"{value!r} is defined nowhere")
        walk.tagged(b"class", value.__module__, value.__qualname__)


@restores
def builtin(decoder: Decoder, name: str) -> Any:
    return getattr(types, name)
