"""What a stranger need not do."""

from __future__ import annotations

from tests.hostile.attacks import attack
from tests.hostile.repository import Repository


@attack(
    "nothing at all is done to the repository",
    runs="run run-stage verify resume debug promote rollback submit",
)
def nothing(repository: Repository) -> None:
    """Its store is signed by its author all the same."""
