"""Widgets of ipywidgets travel by what they show: the traits of the model, widgets in
them included.

A stage makes them anew, with a connection of its own to whoever displays them.
Callbacks are not taken along: they would run on another copy of what they change, so a
widget that has any is refused. The same goes for whatever else has traits that are
watched, since its pickle forgets who watches.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..decoder import Decoder, restores
from .kind import Kind
from .refused import refuse_callback

if TYPE_CHECKING:
    from ..digest import Walk
    from ..encoder import Encoder

__all__ = ["Watched", "Widgets"]

_OWN = frozenset({"comm", "keys", "log"})
"""Traits that belong to the connection, not to what is shown."""
_DISPATCHERS = (
    "_click_handlers",
    "_submission_callbacks",
    "_msg_callbacks",
    "_display_callbacks",
)


class Watched(Kind):
    """Whatever has traits: it travels if nothing but itself is told of its changes."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        for callback in _callbacks(value):
            refuse_callback(value, callback)
        return NotImplemented


class Widgets(Watched):
    """Widgets, as their class and the traits that differ from the default."""

    def encode(self, encoder: Encoder, value: Any) -> Any:
        return widget, self._content(value)

    def digest(self, walk: Walk, value: Any) -> None:
        walk.tagged(b"widget", *self._content(value))

    def _content(self, value: Any) -> tuple[type, dict[str, Any]]:
        """Raises CannotTravelError."""
        for callback in _callbacks(value):
            refuse_callback(value, callback)
        return type(value), {name: getattr(value, name) for name in _shown(value)}


@restores
def widget(decoder: Decoder, kind: type, state: dict[str, Any]) -> Any:
    """A widget of the class that shows the same."""
    return kind(**state)


def _shown(widget: Any) -> Iterator[str]:
    widgets = sys.modules["ipywidgets"].Widget
    for name, trait in sorted(widget.traits().items()):
        if name.startswith("_") or name in _OWN or trait.read_only:
            continue
        value = getattr(widget, name)
        if isinstance(value, widgets) or not _is_default(trait, value, widget):
            yield name


def _is_default(trait: Any, value: Any, widget: Any) -> bool:
    try:
        return bool(trait.default(widget) == value)
    except Exception:
        return False


def _callbacks(widget: Any) -> Iterator[Any]:
    """What others have connected to the widget; its own methods watch as well."""
    for kinds in widget._trait_notifiers.values():
        for callbacks in kinds.values():
            yield from (one for one in callbacks if not _is_its_own(one, widget))
    for name in _DISPATCHERS:
        callbacks = getattr(getattr(widget, name, None), "callbacks", ())
        yield from (one for one in callbacks if not _is_its_own(one, widget))


def _is_its_own(callback: Any, widget: Any) -> bool:
    if type(callback).__module__.startswith("traitlets"):
        return True
    return getattr(callback, "__self__", None) is widget
