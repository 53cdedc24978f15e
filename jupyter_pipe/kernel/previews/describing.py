"""A value in JSON: what it is, its first rows or items, its picture, its text, its
profile.

Each part is asked for by itself: a value whose `repr` raises still has a shape.
"""

from __future__ import annotations

import base64
import contextlib
import io
import reprlib
import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

from ..checks import short
from ..payloads.summary import summarize, type_name
from ..profiles import make_profile
from ..secrets.masker import HIDDEN
from .pictures import picture_of
from .tables import head_of, shape_of

__all__ = ["describe"]

_ITEMS = 30
_LONGEST_TEXT = 4000
_LOOKED_AT = 4 * _LONGEST_TEXT
_LONGEST_ITEM = 80
# Of a container with millions of items, the first few: the text of all of them would
# take minutes.
_brief = reprlib.Repr()
_brief.maxlist = _brief.maxtuple = _brief.maxdict = _brief.maxset = (
    _brief.maxfrozenset
) = 100
_brief.maxdeque = _brief.maxarray = 100
_brief.maxstring = _brief.maxother = _brief.maxlong = _LOOKED_AT

Show = Callable[[str], str]
T = TypeVar("T")


def describe(value: Any, show: Show = str) -> dict[str, Any]:
    """A `LoadedValue` (`server/values/payloads.py`). `show` hides secrets. Never
    raises."""
    problems: list[str] = []
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        head = _attempt(
            lambda: head_of(value, show),
            "Its first rows cannot be shown",
            problems,
            show,
        )
        picture = _attempt(
            lambda: picture_of(value, show), "It cannot be drawn", problems, show
        )
        text = (
            ""
            if head
            else _attempt(
                lambda: _text_of(value, show), "It has no text", problems, show
            )
        )
        items = _attempt(
            lambda: _items_of(value, show),
            "What it holds cannot be shown",
            problems,
            show,
        )
        return {
            "type": show(type_name(value)),
            "summary": summarize(value, show),
            "shape": _attempt(
                lambda: shape_of(value), "It has no shape", problems, show
            )
            or [],
            "head": head._asdict() if head else None,
            "items": items or [],
            "picture": _encoded(picture),
            "text": text or "",
            "profile": make_profile(value, show=show),
            "problems": problems,
        }


def _attempt(
    ask: Callable[[], T], complaint: str, problems: list[str], show: Show
) -> T | None:
    """What a part of the description gives; None, and a sentence, where the value's own
    code fails."""
    try:
        return ask()
    except MemoryError:
        said = f"{complaint}: that needs more memory than a preview may take"
    except Exception as error:
        said = f"{complaint}: {type(error).__name__}: {error}"
    problems.append(show(said)[:300])
    return None


def _text_of(value: Any, show: Show) -> str:
    whole = _whole_text(value)
    # Secrets are hidden before the text is cut, which would leave half of one.
    text = show(whole[:_LOOKED_AT])
    if len(text) > _LONGEST_TEXT:
        return f"{text[: _LONGEST_TEXT - 1]}…"
    # So much was hidden that the end is seen, where half of another secret may stand.
    return (
        f"{text[: text.rfind(HIDDEN) + len(HIDDEN)]}…"
        if len(whole) > _LOOKED_AT
        else text
    )


def _whole_text(value: Any) -> str:
    """The text of a value, or of a container with many items a beginning."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, list, tuple, dict, set, frozenset)):
        return _brief.repr(value)
    return repr(value)


def _items_of(value: Any, show: Show) -> list[dict[str, str]]:
    """The first items of a container, each as what leads to it, its type or size, and
    its text."""
    if isinstance(value, dict):
        parts = list(islice(value.items(), _ITEMS))
    elif isinstance(value, (list, tuple)):
        parts = list(enumerate(value[:_ITEMS]))
    else:
        return []
    return [
        {
            "key": short(key, show),
            "summary": summarize(item, show),
            "text": _line(_brief.repr(item), show),
        }
        for key, item in parts
    ]


def _line(text: str, show: Show) -> str:
    line = " ".join(show(text).split())
    return line if len(line) <= _LONGEST_ITEM else f"{line[: _LONGEST_ITEM - 1]}…"


def _encoded(picture: tuple[str, bytes] | None) -> dict[str, str] | None:
    if picture is None:
        return None
    media_type, data = picture
    return {"media_type": media_type, "data": base64.b64encode(data).decode("ascii")}
