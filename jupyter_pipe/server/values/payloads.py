"""What the server says of values. Frozen records; no behaviour."""

from __future__ import annotations

from msgspec import Struct

from jupyter_pipe.server.operations.payloads import ValueShown

__all__ = [
    "KnownValue",
    "LoadedValue",
    "PreviewRequest",
    "ValueHead",
    "ValueItem",
    "ValuePicture",
    "ValuesAnswer",
]


class KnownValue(Struct, frozen=True):
    """What records say of a value that a stage left; nothing is loaded for it. `bytes`
    are those of its file, which holds the values `together` as well, since they share
    memory. `changed` says whether it is another one than in the run `earlier`, the last
    before that left it; None if there is none. `profile` has its columns."""

    stage: str
    name: str
    summary: str
    bytes: int
    together: tuple[str, ...] = ()
    earlier: str = ""
    changed: bool | None = None
    profile: ValueShown | None = None


class ValuesAnswer(Struct, frozen=True):
    """The values of a stage, in the order in which it stored them."""

    values: tuple[KnownValue, ...]


class PreviewRequest(Struct, frozen=True):
    """Which value of the stage to load."""

    name: str


class ValueHead(Struct, frozen=True):
    """The first rows as texts. `columns` are pairs of name and type, also of columns
    that `rows` leave out; `labels` name the rows, where those have names."""

    columns: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class ValueItem(Struct, frozen=True):
    """One item of a list or dict: what leads to it, its type or size, its text."""

    key: str
    summary: str
    text: str


class ValuePicture(Struct, frozen=True):
    """`data` is Base64."""

    media_type: str
    data: str


class ValueDescription(Struct, frozen=True):
    """What a value is; no record by itself. `problems` are sentences about what could
    not be shown of it."""

    type: str
    summary: str
    shape: tuple[int, ...]
    head: ValueHead | None
    items: tuple[ValueItem, ...]
    picture: ValuePicture | None
    text: str
    problems: tuple[str, ...]


class LoadedValue(ValueDescription, frozen=True):
    """A value that was loaded. `profile` has its columns."""

    profile: ValueShown
