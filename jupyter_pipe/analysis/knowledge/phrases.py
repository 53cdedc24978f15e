"""The small language of the tables: a phrase says what a call does.

    mutates self, retains 0:X, same        fit(X): changes the receiver, keeps X, returns itself
    mutates 2:out, same 2:out, -> ndarray  numpy.add(a, b, out)
    draws numpy.random unless random_state
    reads-file 0:path, -> DataFrame

Clauses are separated by commas. An argument is `self`, a position from 0, a keyword,
both (`0:path`), or all positional ones from a position on (`1+`). Docs:
docs/knowledge.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_pipe.analysis.knowledge.effects import (
    RECEIVER,
    Argument,
    CallEffect,
    Returns,
)

__all__ = ["PhraseError", "parse_phrase", "qualified"]


class PhraseError(ValueError):
    """The phrase is not in the language; the message says which clause and what is
    expected."""


def parse_phrase(phrase: str, library: str = "") -> CallEffect:
    """The effect that a phrase describes. A type without a dot belongs to `library`."""
    found: dict[str, Any] = {}
    for clause in filter(None, (part.strip() for part in phrase.split(","))):
        word, _, rest = clause.partition(" ")
        parse = CLAUSES.get(word)
        if parse is None:
            raise PhraseError(
                f"{word!r} in {phrase!r} is not a clause; known are: {', '.join(CLAUSES)}"
            )
        found.update(parse(rest.strip(), library, clause))
    return CallEffect(**found)


Parse = Callable[[str, str, str], dict[str, Any]]


def _arguments(field: str) -> Parse:
    def parse(rest: str, _library: str, clause: str) -> dict[str, Any]:
        words = rest.split()
        found: dict[str, Any] = {"deep": True} if words[:1] == ["deep"] else {}
        found[field] = tuple(
            _argument(word, clause) for word in words if word != "deep"
        )
        if not found[field]:
            raise PhraseError(
                f"{clause!r} names no argument: self, a position, a keyword or both (0:path)"
            )
        return found

    return parse


def _argument(word: str, clause: str) -> Argument:
    if word == "self":
        return RECEIVER
    position, colon, keyword = word.partition(":")
    every = position.endswith("+")
    digits = position.removesuffix("+")
    if digits.isdigit() and (not colon or keyword.isidentifier()):
        return Argument(int(digits), keyword or None, every)
    if word.isidentifier():
        return Argument(keyword=word)
    raise PhraseError(
        f"{word!r} in {clause!r} is not an argument: self, a position, a keyword or both (0:path)"
    )


def _returns(kind: Returns) -> Parse:
    def parse(rest: str, _library: str, clause: str) -> dict[str, Any]:
        given = tuple(_argument(word, clause) for word in rest.split())
        return {"returns": kind, **({"of": given} if given else {})}

    return parse


def _components(field: str) -> Parse:
    def parse(rest: str, _library: str, clause: str) -> dict[str, Any]:
        names, _, unless = rest.partition(" unless ")
        if not names.split():
            raise PhraseError(f"{clause!r} names no component, such as numpy.random")
        found: dict[str, Any] = {field: tuple(names.split())}
        return {**found, "unless": tuple(unless.split())} if unless else found

    return parse


def _type(rest: str, library: str, clause: str) -> dict[str, Any]:
    result, _, condition = rest.partition(" unless ")
    found: dict[str, Any] = {"result_type": qualified(result, library)}
    if not condition:
        return found
    keywords, arrow, other = condition.partition(" -> ")
    if not arrow:
        raise PhraseError(
            f"{clause!r} lacks the other type: -> TYPE unless KEYWORD -> TYPE"
        )
    return {
        **found,
        "unless": tuple(keywords.split()),
        "otherwise_type": qualified(other, library),
    }


def qualified(name: str, library: str) -> str:
    """`DataFrame` of pandas -> `pandas.DataFrame`; a name with a dot is taken as it
    is."""
    return name.strip() if "." in name else f"{library}.{name.strip()}"


CLAUSES: dict[str, Parse] = {
    "pure": lambda _rest, _library, _clause: {},
    "again": lambda _rest, _library, _clause: {"again": True},
    **{kind.value: _returns(kind) for kind in Returns},
    "mutates": _arguments("mutates"),
    "retains": _arguments("retains"),
    "calls": _arguments("calls"),
    "reads-file": _arguments("reads_files"),
    "writes-file": _arguments("writes_files"),
    "opens-file": _arguments("opens_files"),
    "reads-folder": _arguments("reads_folders"),
    "writes-folder": _arguments("writes_folders"),
    "draws": _components("draws"),
    "reads": _components("reads"),
    "sets": _components("sets"),
    "seeds": _components("seeds"),
    "->": _type,
    "cannot-travel": lambda rest, _library, _clause: {"untransportable": rest},
}
