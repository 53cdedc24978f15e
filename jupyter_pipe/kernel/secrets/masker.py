"""Hides the values of secrets in text. The one place for it: the host has it from
`artifacts.masking`.

Standard library only, like the whole kernel side. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

__all__ = ["HIDDEN", "SHORTEST", "Masker", "StreamMasker"]

HIDDEN = "***"
# Hiding each `1` or `on` would leave nothing of any output.
SHORTEST = 4
_SEQUENCE = r"\x1b\[[0-?]*[ -/]*[@-~]"


class Masker:
    """`secrets` maps names to values. Values of fewer than `SHORTEST` characters are
    left alone; their names are in `too_short`. False if there is nothing to hide."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        """Leaves out empty values and those too short to hide, and keeps every form in
        which the others may appear in text."""
        given = {
            name: value for name, value in (secrets or {}).items() if value.strip()
        }
        self.too_short = tuple(
            name for name, value in given.items() if len(value.strip()) < SHORTEST
        )
        long = {
            name: value for name, value in given.items() if name not in self.too_short
        }
        self._forms = _forms_of_each(long) if long else {}
        self._all = tuple(
            dict.fromkeys(form for forms in self._forms.values() for form in forms)
        )
        self.longest = max(map(len, self._all), default=0)

    def __bool__(self) -> bool:
        return bool(self._all)

    def text(self, text: str) -> str:
        """`text` with `***` for each secret, also for one that colours interrupt."""
        return _replaced(text, self._spans(text)) if self._all else text

    def value(self, value: Any, *, numbers: bool = True) -> Any:
        """A JSON value with all texts in it masked, keys too; a number that holds a
        secret becomes `***`, unless `numbers` are to stay."""
        if not self._all or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.value(item, numbers=numbers)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return type(value)(self.value(item, numbers=numbers) for item in value)
        return HIDDEN if numbers and self.names_in(repr(value)) else value

    def pieces(self, texts: Sequence[str]) -> list[str]:
        """Neighbouring texts, masked as one: a secret may begin in one and end in
        another."""
        spans = self._spans("".join(texts)) if self._all else []
        made, begin = [], 0
        for text in texts:
            end = begin + len(text)
            inside = [
                (max(low, begin) - begin, min(high, end) - begin)
                for low, high in spans
                if low < end and high > begin
            ]
            made.append(_replaced(text, inside))
            begin = end
        return made

    def names_in(self, text: str) -> list[str]:
        """The names of the secrets that the text holds."""
        return [
            name
            for name, forms in self._forms.items()
            if any(form in text for form in forms)
        ]

    def names_in_memory(self, memory: bytes) -> list[str]:
        """The same for bytes: of files, arrays, buffers."""
        return [
            name
            for name, forms in self._memory_forms.items()
            if any(form in memory for form in forms)
        ]

    @property
    def longest_in_memory(self) -> int:
        """The length in bytes of the longest form."""
        return max(map(len, self.byte_needles()), default=0)

    def byte_needles(self) -> tuple[bytes, ...]:
        """Everything to look for in bytes."""
        return tuple(
            dict.fromkeys(
                form for forms in self._memory_forms.values() for form in forms
            )
        )

    @cached_property
    def _memory_forms(self) -> dict[str, tuple[bytes, ...]]:
        from .forms import byte_forms

        return {name: byte_forms(forms) for name, forms in self._forms.items()}

    def _spans(self, text: str) -> list[tuple[int, int]]:
        found = list(_found(text, self._all))
        if "\x1b" in text:
            found += self._spans_between_colours(text)
        return _merged(found)

    def _spans_between_colours(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets stand that escape sequences interrupt."""
        parts, begins, places = [], [], []
        length = end = 0
        for match in [*re.finditer(_SEQUENCE, text), None]:
            upto = match.start() if match else len(text)
            if upto > end:
                parts.append(text[end:upto])
                begins.append(length)
                places.append(end)
            length += upto - end
            end = match.end() if match else upto

        def origin(place: int) -> int:
            part = bisect_right(begins, place) - 1
            return places[part] + place - begins[part]

        for low, high in _found("".join(parts), self._all):
            yield origin(low), origin(high - 1) + 1


class StreamMasker:
    """Masks bytes that come piece by piece: what may be the beginning of a secret waits
    for the rest."""

    def __init__(self, masker: Masker) -> None:
        self._needles = masker.byte_needles()
        self._beginnings = {
            needle[:length]
            for needle in self._needles
            for length in range(1, len(needle))
        }
        self._longest = max(map(len, self._needles), default=0)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be written now."""
        data = self._held + data
        spans = _merged(list(_found(data, self._needles)))
        cut = self._first_beginning(data)
        for low, high in spans:
            if low < cut < high:
                cut = low
        self._held = data[cut:]
        shown: bytes = _replaced(data[:cut], [span for span in spans if span[1] <= cut])
        return shown

    def end(self) -> bytes:
        """What was still waiting."""
        data, self._held = self._held, b""
        shown: bytes = _replaced(data, _merged(list(_found(data, self._needles))))
        return shown

    def _first_beginning(self, data: bytes) -> int:
        first = max(len(data) - self._longest + 1, 0)
        places = range(first, len(data))
        return next(
            (place for place in places if data[place:] in self._beginnings), len(data)
        )


def _forms_of_each(secrets: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    # Most runs have no secrets, and need none of what knows encodings.
    from .forms import forms_of

    return {name: forms_of(value) for name, value in secrets.items()}


def _found(text: Any, needles: Iterable[Any]) -> Iterator[tuple[int, int]]:
    for needle in needles:
        place = text.find(needle)
        while place >= 0:
            yield place, place + len(needle)
            place = text.find(needle, place + 1)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    made: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if made and low < made[-1][1]:
            made[-1] = made[-1][0], max(high, made[-1][1])
        else:
            made.append((low, high))
    return made


def _replaced(text: Any, spans: Iterable[tuple[int, int]]) -> Any:
    """Text or bytes with the spans hidden."""
    hidden: Any = HIDDEN if isinstance(text, str) else HIDDEN.encode()
    parts, end = [], 0
    for low, high in spans:
        parts += [text[end:low], hidden]
        end = high
    return type(hidden)().join([*parts, text[end:]]) if parts else text
