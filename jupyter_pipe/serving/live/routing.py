"""Which version answers a request. Pure: the same key always meets the same version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import msgspec

from jupyter_pipe.serving.live.models import Model
from jupyter_pipe.serving.settings import Mode

__all__ = ["Role", "Routing", "key_of_rows"]

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class Routing:
    """Everything that a request needs to know of what is live. Never changed: a swap
    puts another one in its place, and requests that have begun keep theirs."""

    champion: Model | None = None
    challenger: Model | None = None
    mode: Mode = ""
    share: float = 0.0

    def model(self, role: Role) -> Model | None:
        """The version in that role."""
        return self.champion if role == "champion" else self.challenger

    def choose(self, key: str) -> tuple[Model | None, Role]:
        """The version for rows with this key."""
        # A shadow answers nobody.
        divided = self.mode in ("canary", "ab") and self.challenger is not None
        if divided and _place(key) < self.share:
            return self.challenger, "challenger"
        return self.champion, "champion"

    @property
    def shadow(self) -> Model | None:
        """The version that scores after the answer, for comparison alone."""
        return self.challenger if self.mode == "shadow" else None


def _place(key: str) -> float:
    """A place between 0 and 1, spread evenly over keys."""
    return (
        int.from_bytes(
            # Python's own hash is another one in each worker.
            hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8],
            "big",
        )
        / 2**64
    )


def key_of_rows(rows: list[dict[str, object]], keys: tuple[str, ...]) -> str:
    """What divides requests: the key columns of the first row, or all of it if it has
    none of them. Rows that are sent together are answered together."""
    first = rows[0] if rows else {}
    found = {name: first[name] for name in keys if name in first}
    return msgspec.json.encode(found or first, order="sorted").decode(
        "utf-8", "replace"
    )
