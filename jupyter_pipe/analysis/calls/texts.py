"""Constant texts and paths: what joining them, formatting them and taking them apart
gives.

A value may be one of several texts, as in a loop over literal names, and a text may
have parts that are computed (`out/*.csv`). What would be more than `MOST` texts becomes
one with a `*`.
"""

from __future__ import annotations

import itertools
import math
import re
import string
from typing import TYPE_CHECKING

from jupyter_pipe.analysis.world.heap import NOTHING, Library, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_pipe.analysis.calls.arguments import Arguments
    from jupyter_pipe.analysis.world.heap import Object, Values
    from jupyter_pipe.analysis.world.world import World

__all__ = [
    "CONSTANTS",
    "PATH",
    "STR",
    "UNKNOWN",
    "are_texts",
    "call_text_method",
    "change_texts",
    "join_texts",
    "percent",
]

STR = "builtins.str"
PATH = "pathlib.Path"
MOST = 16
UNKNOWN = Text("*", exact=False)
CONSTANTS = {"sys.executable": "python", "os.sep": "/", "os.curdir": "."}
"""Of the interpreter it matters only that it is one."""
UNSEEN_TYPES = frozenset({"", STR, PATH})
CONVERSION = re.compile(r"%(?:\((\w+)\))?([-#0 +\d.*]*)([a-zA-Z%])")
CHANGES = """
lower upper title capitalize casefold swapcase strip lstrip rstrip replace removeprefix removesuffix
"""
SAME_FOR_PATTERNS = frozenset(CHANGES.split())
"""Methods that give of a text with computed parts one that stands for all that they may
give."""


def are_texts(values: Values) -> bool:
    """Whether all that the value may be are texts, and there is one."""
    return bool(values) and all(isinstance(value.payload, Text) for value in values)


def _choices(values: Values) -> list[Text] | None:
    """The texts that a part may be; None if it may be no text at all, such as a
    list."""
    found: dict[Text, None] = {}
    for value in sorted(values, key=lambda value: value.serial):
        # By serial, since sets have no order and names must be the same on each run.
        if isinstance(value.payload, Text):
            found[value.payload] = None
        elif isinstance(value.payload, Library):
            found[
                Text(CONSTANTS[name])
                if (name := value.payload.qualified) in CONSTANTS
                else UNKNOWN
            ] = None
        # An object of unknown type may well be a text: `open(config.path)`.
        elif value.payload is None and value.type in UNSEEN_TYPES:
            found[UNKNOWN] = None
        else:
            return None
    return list(found) or [UNKNOWN]


def join_texts(
    world: World,
    parts: Sequence[Values],
    build: Callable[[Sequence[str]], str],
    type_: str = STR,
) -> Values | None:
    """What `build` makes of each choice of parts; None if a part may be something else
    than a text."""
    options = [_choices(part) for part in parts]
    known = [option for option in options if option is not None]
    if len(known) < len(options):
        return None
    if math.prod(map(len, known)) > MOST:
        # Sixteen names from nested loops over literals; beyond, one pattern stands for
        # all.
        known = [[_common(option)] for option in known]
    return frozenset(
        world.objects.text(
            build([text.value for text in texts]),
            type_,
            exact=all(text.exact for text in texts),
        )
        for texts in itertools.product(*known)
    )


def _common(texts: Sequence[Text]) -> Text:
    """One pattern for all of the texts."""
    if len(texts) == 1:
        return texts[0]
    values = [text.value for text in texts]
    start = _common_start(values)
    # The ends are compared from behind: "a-1.csv" and "b-1.csv" share "-1.csv".
    rests = [value[len(start) :][::-1] for value in values]
    return Text(f"{start}*{_common_start(rests)[::-1]}", exact=False)


def _common_start(texts: Sequence[str]) -> str:
    """What all texts begin with: that of the first and the last in order is that of
    all."""
    first, last = min(texts), max(texts)
    length = next(
        (place for place, letter in enumerate(first) if last[place] != letter),
        len(first),
    )
    return first[:length]


def change_texts(
    world: World, values: Values, change: Callable[[str], str], type_: str = STR
) -> Values | None:
    """Each text as `change` makes it. ValueError of `change`: nothing is known."""
    try:
        return (
            join_texts(world, [values], lambda parts: change(parts[0]), type_)
            if values
            else None
        )
    except ValueError:
        return None


def percent(world: World, left: Values, right: Values) -> Values | None:
    """`"%s.csv" % name`, with a tuple or a dictionary as well."""
    template = _one_text(left)
    if template is None:
        return None
    found = list(CONVERSION.finditer(template))
    # "%5.2f" changes how the text looks, so what it gives is not known.
    pieces = [
        NOTHING if one[2] else _operand(right, number, one[1])
        for number, one in enumerate(found)
    ]

    def build(parts: Sequence[str]) -> str:
        given = iter(parts)
        return CONVERSION.sub(
            lambda one: "%" if one[3] == "%" else next(given), template
        )

    used = [piece for piece, one in zip(pieces, found, strict=True) if one[3] != "%"]
    return join_texts(world, used, build)


def _one_text(values: Values) -> str | None:
    found = [
        value.payload
        for value in values
        if isinstance(value.payload, Text) and value.payload.exact
    ]
    return found[0].value if len(found) == len(values) == 1 else None


def _operand(right: Values, number: int, key: str | None) -> Values:
    label = f"[{key!r}]" if key else f"[{number}]"
    if are_texts(right):
        return right
    return frozenset(part for value in right for part in value.fields.get(label, ()))


def call_text_method(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values | None:
    """A method of a constant text; None if it gives nothing that is known."""
    itself = frozenset((value,))
    if name == "format":
        return _format(world, itself, arguments.positional, arguments.keywords)
    if name == "join":
        return _join(world, itself, arguments)
    if name in {"split", "splitlines"}:
        return _split(world, value, name, arguments)
    if name not in SAME_FOR_PATTERNS or arguments.rest or arguments.keywords:
        return None
    given = [_one_text(values) for values in arguments.positional]
    texts = [text for text in given if text is not None]
    if len(texts) < len(given):
        return None
    return change_texts(
        world, itself, lambda text: str(getattr(str, name)(text, *texts))
    )


def _format(
    world: World,
    template: Values,
    positional: Sequence[Values],
    keywords: dict[str, Values],
) -> Values | None:
    """`"{}.csv".format(name)`: the texts that it may give; None if the template is not
    one constant text or is not valid."""
    text = _one_text(template)
    if text is None:
        return None
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return None
    automatic = itertools.count()
    pieces = [
        _field(field, spec or conversion or "", positional, keywords, automatic)
        for _, field, spec, conversion in fields
        if field is not None
    ]

    def build(parts: Sequence[str]) -> str:
        given = iter(parts)
        return "".join(
            before + (next(given) if field is not None else "")
            for before, field, *_ in fields
        )

    return join_texts(world, pieces, build)


def _field(
    field: str,
    spec: str,
    positional: Sequence[Values],
    keywords: dict[str, Values],
    automatic: Iterator[int],
) -> Values:
    place = field or str(next(automatic))
    # "{:03d}" and "{!r}" give other letters than the value has.
    if spec:
        return NOTHING
    if place.isdigit():
        return positional[int(place)] if int(place) < len(positional) else NOTHING
    return keywords.get(place, NOTHING)


def _join(world: World, separator: Values, arguments: Arguments) -> Values | None:
    """`"/".join([folder, name])` of a literal list."""
    between = _one_text(separator)
    lists = list(arguments.positional[0]) if len(arguments.positional) == 1 else []
    if between is None or len(lists) != 1:
        return None
    fields = lists[0].fields
    parts = [
        frozenset(fields[label])
        for place in range(len(fields))
        if (label := f"[{place}]") in fields
    ]
    # A list that was also appended to has a part without a position.
    if not parts or len(parts) < len(fields):
        return None
    return join_texts(world, parts, between.join)


def _split(
    world: World, value: Object, name: str, arguments: Arguments
) -> Values | None:
    """`"train test".split()`: a list whose elements are known."""
    given = [_one_text(values) for values in arguments.positional]
    text = value.payload
    if (
        not isinstance(text, Text)
        or not text.exact
        or None in given
        or len(given) > 1
        or arguments.keywords
    ):
        return None
    parts = (
        text.value.split(given[0] if given else None)
        if name == "split"
        else text.value.splitlines()
    )
    if len(parts) > MOST:
        return None
    result = world.objects.allocate((arguments.node, value), "builtins.list")
    for place, part in enumerate(parts):
        world.heap.store(result, f"[{place}]", (world.objects.text(part),))
    return frozenset((result,))
