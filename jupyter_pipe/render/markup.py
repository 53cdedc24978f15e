"""HTML that is escaped by construction: a child or attribute is text unless it is
already `Markup`.

The reason why no template engine is loaded: a run in which nothing changed writes its
report too, and has 0.15 CPU-seconds for everything.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Child", "Markup", "escape", "joined", "tag"]

# The ampersand first: the others bring some.
_ENTITIES = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#x27;"),
)
# Elements that have no end tag in HTML.
_VOID = frozenset({"br", "col", "hr", "img", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def escape(text: str) -> str:
    """The text as HTML and XML show it. `html.escape` does the same and imports the
    names of all entities."""
    for character, written in _ENTITIES:
        text = text.replace(character, written)
    return text


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element. `class_` and `for_` lose their underscore, others become dashes; None
    is left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """The children one after another."""
    return Markup("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return escape(child) if isinstance(child, str) else joined(*child)
