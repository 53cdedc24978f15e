"""What matplotlib's figures pickle besides their content.

Transforms keep their parents by `id`: in another process the ids are those of other
objects. A new transform could then take the place of a parent, which would hear of no
change any more, and a figure that travelled would be drawn wrong. Registries of
callbacks count on whenever they are pickled, and forget the callbacks of everybody but
matplotlib.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from ...plugins import is_installed
from ..decoder import Decoder, restores
from .kind import Kind
from .refused import refuse_callback

if TYPE_CHECKING:
    from ..encoder import Encoder

__all__ = ["Callbacks", "Transforms"]

_OF_PEOPLE = (
    *(
        "button_press_event",
        "button_release_event",
        "key_press_event",
        "key_release_event",
    ),
    *("motion_notify_event", "pick_event", "scroll_event"),
    *(
        "figure_enter_event",
        "figure_leave_event",
        "axes_enter_event",
        "axes_leave_event",
    ),
)
"""Signals of a mouse and a keyboard, which no pipeline has."""


class Transforms(Kind):
    """Nodes of the graphs of transforms."""

    def reduce(self, value: Any) -> tuple[Any, ...]:
        """Constructor, arguments and state, in which the parents have no ids."""
        make, arguments, state = value.__reduce_ex__(5)[:3]
        parents = [one for one in state["_parents"].values() if one is not None]
        return make, arguments, {**state, "_parents": parents}

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return *self.reduce(value), None, None, set_transform


class Callbacks(Kind):
    """Registries of the callbacks of a figure or of one of its parts."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        _refuse_callbacks(value)
        return NotImplemented

    def reduce(self, value: Any) -> tuple[Any, ...]:
        """Without the number that the next callback will get."""
        make, arguments, state = value.__reduce_ex__(5)[:3]
        return make, arguments, {**state, "_cid_gen": None}


@restores
def set_transform(decoder: Decoder, node: Any, state: dict[str, Any]) -> None:
    """Fills a bare node, with the ids of this process."""
    node.__setstate__(
        {**state, "_parents": {id(parent): parent for parent in state["_parents"]}}
    )


def _refuse_callbacks(registry: Any) -> None:
    """Raises CannotTravelError if code of the notebook is called when a part of the
    figure changes."""
    for signal, connected in registry.callbacks.items():
        for reference in connected.values() if signal not in _OF_PEOPLE else ():
            callback = reference()
            if callback is not None and not _is_a_librarys(callback):
                refuse_callback(registry, callback)


def _is_a_librarys(callback: Any) -> bool:
    """Whether it is a function that is installed, as matplotlib's own are, or a method
    of such a class."""
    while isinstance(callback, functools.partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    name = getattr(callback if owner is None else type(owner), "__module__", None) or ""
    if name == "__main__":
        return False  # the file of that module is the kernel's
    return is_installed(getattr(sys.modules.get(name), "__file__", None))
