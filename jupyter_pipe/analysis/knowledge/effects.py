"""What the analyzer may ask about a library: records of answers and the protocol of the
questions.

Types are qualified names (`pandas.DataFrame`, `builtins.list`); an empty string is an
unknown type. Nothing here imports a library that it describes.
"""

from __future__ import annotations

import enum
from typing import Protocol

from msgspec import Struct

__all__ = [
    "RECEIVER",
    "Argument",
    "AttributeEffect",
    "CallEffect",
    "Knowledge",
    "Returns",
]


class Argument(Struct, frozen=True):
    """One argument of a call, by position, by keyword, or both. Position -1 is the
    receiver, `every` stands for all positional and keyword arguments from `position`
    on."""

    position: int | None = None
    keyword: str | None = None
    every: bool = False


RECEIVER = Argument(position=-1)


class Returns(enum.Enum):
    """How a result is related to the object in `CallEffect.of`.

    `fresh`: shares nothing. `same`: is that very object (`fit`). `view`: another object
    over the same memory (`a[:2]`, `df.values`). `element`: one of the objects it
    contains (`d.get`, `next`). `shallow`: a new container of the same elements
    (`list(xs)`, `d.copy()`). `holder`: a new object that keeps a reference to it
    (`iter(xs)`, `Pipeline(parts)`). `part`: an object that it keeps, the same each time
    (`df.index`, whose names can be set).
    """

    fresh = "fresh"
    same = "same"
    view = "view"
    element = "element"
    shallow = "shallow"
    holder = "holder"
    part = "part"


class CallEffect(Struct, frozen=True):
    """What one call does.

    `mutates`, `retains` (arguments that the receiver keeps: `xs.append(y)`), `calls`
    (arguments that are called: `map`, `df.apply`), `reads_files`, `writes_files`,
    `opens_files` (the next argument, `mode`, decides), `reads_folders` and
    `writes_folders` (anything below) name arguments. `draws` and `reads` are ambient
    components that are used (`numpy.random`, `pandas.options`), `sets` those that are
    written; `seeds` those that a call makes reproducible. `deep` says that a change
    also reaches what the changed object holds (`Pipeline.fit` fits its parts). With a
    keyword of `unless` given and not None (`random_state=0`), `draws` does not hold and
    the result is of `otherwise_type`, if there is one. Arguments of `of` that a call
    leaves out give a fresh result.
    """

    mutates: tuple[Argument, ...] = ()
    returns: Returns = Returns.fresh
    of: tuple[Argument, ...] = (RECEIVER,)
    result_type: str = ""
    retains: tuple[Argument, ...] = ()
    calls: tuple[Argument, ...] = ()
    draws: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    reads_files: tuple[Argument, ...] = ()
    writes_files: tuple[Argument, ...] = ()
    opens_files: tuple[Argument, ...] = ()
    reads_folders: tuple[Argument, ...] = ()
    writes_folders: tuple[Argument, ...] = ()
    untransportable: str = ""
    deep: bool = False
    again: bool = False
    unless: tuple[str, ...] = ()
    otherwise_type: str = ""

    @property
    def changes_receiver(self) -> bool:
        """Whether a method does: `xs.append`, but not `xs.index`."""
        return RECEIVER in self.mutates or bool(self.retains)


class AttributeEffect(Struct, frozen=True):
    """What reading an attribute gives: `df.values` is a view, `df.shape` fresh, `d.x`
    an element."""

    returns: Returns = Returns.fresh
    result_type: str = ""


class Knowledge(Protocol):
    """The questions. `None` means that nothing is known: then nothing is assumed to be
    mutated, and the guard is behind."""

    def function(self, qualified: str) -> CallEffect | None:
        """A function or a constructor: `numpy.random.shuffle`, `builtins.sorted`,
        `pandas.DataFrame`."""
        ...

    def method(self, type_: str, name: str) -> CallEffect | None:
        """A method of a value; with an unknown type the answer goes by the method's
        name alone."""
        ...

    def attribute(self, type_: str, name: str) -> AttributeEffect | None:
        """An attribute that is not a method."""
        ...

    def component(self, qualified: str) -> str | None:
        """The ambient component that a library's object is: `os.environ`,
        `matplotlib.rcParams`, `pandas.options.display` -> `pandas.options`."""
        ...

    def display_reads(self, type_: str) -> tuple[str, ...]:
        """Components that printing or showing a value of this type reads:
        `pandas.options`."""
        ...

    def untransportable(self, type_: str) -> str:
        """Why a value of this type cannot travel between stages, or an empty string."""
        ...
