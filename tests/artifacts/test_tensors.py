"""Tensors of torch, which is not installed here: what is asked of one stands in for
it."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from jupyter_pipe.kernel.errors import CannotTravelError
from jupyter_pipe.kernel.values.kinds.table import find_kind
from jupyter_pipe.kernel.values.kinds.torch import (
    Tensors,
    make_tensor,
    parts_of_tensor,
    travelling_parts,
)


class Tensor:
    """As much of a tensor as is looked at."""

    __slots__ = (
        "__dict__",
        "_backward_hooks",
        "array",
        "grad",
        "is_leaf",
        "requires_grad",
    )

    def __init__(self, array: Any, requires_grad: bool = False) -> None:
        self.array, self.requires_grad = array, requires_grad
        self.grad: Any = None
        self.is_leaf: bool = True
        self._backward_hooks: Any = None

    def detach(self) -> Tensor:
        return self

    def numpy(self) -> Any:
        if self.array is None:
            raise TypeError("no such type")
        return self.array

    def requires_grad_(self, requires_grad: bool) -> Tensor:
        self.requires_grad = requires_grad
        return self

    def __reduce_ex__(self, _: Any) -> Any:
        return _unpickled, ("bfloat16",)


class Parameter(Tensor):
    """A tensor that is one unless it is said otherwise."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(
            data.array if isinstance(data, Tensor) else data, requires_grad
        )


def _unpickled(name: str) -> Tensor:
    return Tensor(name)


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = types.ModuleType("torch")
    torch.Tensor, torch.from_numpy = Tensor, Tensor
    torch.nn = types.SimpleNamespace(Parameter=Parameter)
    monkeypatch.setitem(sys.modules, "torch", torch)


def test_a_tensor_arrives_over_the_memory_that_was_given() -> None:
    array = np.zeros(3)
    tensor = make_tensor(*travelling_parts(Tensor(array)))
    assert tensor.array is array
    assert not tensor.requires_grad


def test_a_parameter_arrives_with_its_gradient() -> None:
    parameter = Parameter(np.ones(2))
    parameter.grad = Tensor(np.full(2, 0.5))
    again = make_tensor(*travelling_parts(parameter))
    assert type(again) is Parameter
    assert again.requires_grad
    assert again.grad is parameter.grad


def test_what_numpy_cannot_hold_is_left_to_torch() -> None:
    tensor = Tensor(None)
    tensor.grad = Tensor(np.ones(1))
    again = make_tensor(*travelling_parts(tensor))
    assert again.array == "bfloat16"
    assert again.grad is tensor.grad


@pytest.mark.parametrize(
    ("name", "value"), [("is_leaf", False), ("_backward_hooks", {1: print})]
)
def test_what_autograd_keeps_is_refused(name: str, value: object) -> None:
    tensor = Tensor(np.ones(1))
    setattr(tensor, name, value)
    with pytest.raises(CannotTravelError):
        travelling_parts(tensor)
    assert parts_of_tensor(tensor)[3] is None


def test_only_tensors_are_tensors() -> None:
    assert isinstance(find_kind(Parameter), Tensors)
    assert not isinstance(find_kind(np.ndarray), Tensors)
    del sys.modules["torch"]
    assert not isinstance(find_kind(Parameter), Tensors)
