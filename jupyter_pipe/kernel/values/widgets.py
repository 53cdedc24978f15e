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
from typing import Any, NoReturn

from ..errors import CannotTravelError

__all__ = [
    "has_traits",
    "is_widget",
    "make_widget",
    "refuse_callback",
    "refuse_if_watched",
    "widget_state",
]

_OWN = frozenset({"comm", "keys", "log"})
"""Traits that belong to the connection, not to what is shown."""
_DISPATCHERS = (
    "_click_handlers",
    "_submission_callbacks",
    "_msg_callbacks",
    "_display_callbacks",
)


def is_widget(kind: type) -> bool:
    """Whether instances of the class are widgets."""
    base = getattr(sys.modules.get("ipywidgets"), "Widget", None)
    return base is not None and issubclass(kind, base)


def has_traits(kind: type) -> bool:
    """Whether instances of the class have traits that can be watched."""
    base = getattr(sys.modules.get("traitlets"), "HasTraits", None)
    return base is not None and issubclass(kind, base)


def refuse_if_watched(value: Any) -> None:
    """Raises CannotTravelError if anything but the object itself is told of its
    changes."""
    for callback in _callbacks(value):
        refuse_callback(value, callback)


def refuse_callback(value: Any, callback: Any) -> NoReturn:
    """Raises CannotTravelError."""
    name = getattr(callback, "__name__", type(callback).__name__)
    raise CannotTravelError(
        f"it calls {name!r} when it changes; connect it in the stage that uses it",
        type_name=type(value).__name__,
    )


def widget_state(widget: Any) -> tuple[type, dict[str, Any]]:
    """Class and traits that differ from the default. Raises CannotTravelError."""
    refuse_if_watched(widget)
    state = {name: getattr(widget, name) for name in _shown(widget)}
    return type(widget), state


def make_widget(kind: type, state: dict[str, Any]) -> Any:
    """A widget of the class that shows the same."""
    return kind(**state)


def _shown(widget: Any) -> Iterator[str]:
    for name, trait in sorted(widget.traits().items()):
        if name.startswith("_") or name in _OWN or trait.read_only:
            continue
        value = getattr(widget, name)
        if is_widget(type(value)) or not _is_default(trait, value, widget):
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
