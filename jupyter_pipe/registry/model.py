"""What a registry knows: versions of models, and the aliases that point to them. Frozen
records, no I/O."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "PREVIOUS",
    "TAGS",
    "ModelVersion",
    "Record",
    "Reference",
    "parse_reference",
]

CHAMPION = "champion"
"""The version that answers."""
CHALLENGER = "challenger"
"""The newest version that has not been decided upon."""
PREVIOUS = "previous"
"""The version that answered before: where `rollback` goes."""


class TagNames(Struct, frozen=True):
    """The tags of ours on MLflow's versions and models."""

    digest: str = "jupyter_pipe.digest"
    run: str = "jupyter_pipe.run"
    notebook: str = "jupyter_pipe.notebook"
    rejected: str = "jupyter_pipe.rejected"
    verdict: str = "jupyter_pipe.verdict"
    move: str = "jupyter_pipe.move"


TAGS = TagNames()


class ModelVersion(Struct, frozen=True):
    """One version of a model.

    `digest` is the SHA-256 of the bundle's signed description, which holds the digests
    of its files. `bundle` is the folder of the bundle on this machine; None where it
    has not been fetched yet. `registered` is in UTC seconds since the epoch. `rejected`
    says why the version was not promoted, empty for others; `verdict` what the last
    comparison showed.
    """

    name: str
    number: int
    aliases: tuple[str, ...]
    digest: str
    run_id: str
    registered: float
    bundle: Path | None = None
    notebook: str = ""
    rejected: str = ""
    verdict: str = ""

    @property
    def label(self) -> str:
        """`home_value@4`, as commands take it."""
        return f"{self.name}@{self.number}"


class Record(Struct, frozen=True):
    """A version as its store has it. `storage` is where its files are: a path or a
    URI."""

    number: int
    registered: float
    storage: str
    tags: dict[str, str]


class Reference(Struct, frozen=True):
    """`NAME@4`, `NAME@champion` or `NAME`: a model and which of its versions, `which`
    empty for none."""

    name: str
    which: str = ""


def parse_reference(text: str) -> Reference:
    """`home_value@champion` in its parts; `v4` is 4."""
    name, _, which = text.strip().partition("@")
    if which[:1] in {"v", "V"} and which[1:].isdigit():
        which = which[1:]
    return Reference(name, which)
