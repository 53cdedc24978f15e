"""Tensors of torch: their memory travels as that of numpy's arrays does, so views stay
views; and with them the gradients that they hold, which torch's own pickling leaves out
without a word.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import TYPE_CHECKING, Any

from ...errors import CannotTravelError
from ..decoder import Decoder, restores
from .kind import Kind

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Tensors", "make_tensor", "parts_of_tensor", "travelling_parts"]


class Tensors(Kind):
    """Tensors, parameters of networks included."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return tensor, travelling_parts(value)

    def digest(self, walk: Walk, value: Any) -> None:
        walk.tagged(b"tensor", *parts_of_tensor(value))


@restores
def tensor(decoder: Decoder, *parts: Any) -> Any:
    return make_tensor(*parts)


def travelling_parts(tensor: Any) -> tuple[Any, ...]:
    """The arguments of `make_tensor`. Raises CannotTravelError for what only its
    process has."""
    if not tensor.is_leaf:
        raise CannotTravelError(
            "autograd keeps how it was computed in one process; pass on `.detach()` or `.item()`",
            type_name=type(tensor).__name__,
        )
    if tensor._backward_hooks:
        raise CannotTravelError(
            "its hooks belong to one process", type_name=type(tensor).__name__
        )
    return parts_of_tensor(tensor)


def parts_of_tensor(tensor: Any) -> tuple[Any, ...]:
    """What there is to a tensor: its memory as an array, or what torch makes of it, and
    its gradient."""
    gradient = tensor.grad if tensor.is_leaf else None
    array = _array_of(tensor)
    if array is None:
        function, arguments = tensor.__reduce_ex__(5)[:2]
        return function, arguments, None, gradient
    return type(tensor), array, bool(tensor.requires_grad), gradient


def _array_of(tensor: Any) -> Any:
    """An array over the memory of the tensor; None if it is on another device, sparse,
    of a type that numpy does not have, of a class of somebody's own, or has
    attributes."""
    torch = sys.modules["torch"]
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.__dict__:
        return None
    try:
        return tensor.detach().numpy()
    except (TypeError, RuntimeError):
        return None


def make_tensor(
    made_by: Any, content: Any, requires_grad: bool | None, gradient: Any
) -> Any:
    """The tensor again, over the memory of the array that it is given."""
    if requires_grad is None:
        tensor = made_by(*content)
    else:
        torch = importlib.import_module("torch")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the array of a read-only map: it is not to be written to
            tensor = torch.from_numpy(content)
        tensor = (
            tensor.requires_grad_(requires_grad)
            if made_by is torch.Tensor
            else made_by(tensor, requires_grad)
        )
    if gradient is not None:
        tensor.grad = gradient
    return tensor
